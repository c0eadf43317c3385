"""A pull gives every record, in its newest version, whatever the data and the server do meanwhile."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from commcare_frames.errors import ServerFailedError
from commcare_frames.hq.client import Patience
from commcare_frames.hq.pull import Question, Segment, pull
from commcare_frames.hq.resources import CASE_V1, CASE_V2
from commcare_frames.hq.windows import side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commcare_frames.connection import Domain
    from commcare_frames.hq.client import Client
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.index import CaseIndex

V2 = Question(replace(CASE_V2, largest_page=10), (("case_type", "patient"),))
V1 = Question(replace(CASE_V1, largest_page=10), (("type.exact", "patient"),))
BOTH = pytest.mark.parametrize("question", [V2, V1], ids=["v2", "v1"])


@pytest.fixture
def client(fresh_domain: Domain) -> Client:
    return fresh_domain.client


@pytest.fixture
def index(fresh_sandbox: Sandbox) -> CaseIndex:
    return fresh_sandbox.domain("maternal-health")


def newest(client: Client, question: Question, segments: Sequence[Segment] = (Segment(),)) -> dict[str, str]:
    """Return id and last stamp of everything that a pull gives."""
    found: dict[str, str] = {}
    for piece in pull(client, question, segments, json.loads):
        for record in piece.value:
            found[record["case_id"]] = max(record["indexed_on"], found.get(record["case_id"], ""))
    return found


def shown(index: CaseIndex) -> dict[str, str]:
    """Return id and stamp of the patients that the server has now."""
    return {one: index.get(one).v2_object()["indexed_on"] for one in index.case_ids("patient")}


@BOTH
def test_every_record_comes_also_when_the_last_page_is_full(
    question: Question, client: Client, index: CaseIndex
) -> None:
    assert len(shown(index)) == 60
    assert newest(client, question) == shown(index)


@BOTH
@pytest.mark.parametrize("ties", [5, 25, 60])
def test_ties_of_more_than_a_page_on_one_stamp_come_whole(
    ties: int, question: Question, client: Client, index: CaseIndex
) -> None:
    index.reindex(index.case_ids("patient")[:ties])

    assert newest(client, question) == shown(index)


@BOTH
def test_records_that_move_to_the_end_meanwhile_come_in_their_newest_version(
    question: Question, client: Client, index: CaseIndex, fresh_sandbox: Sandbox
) -> None:
    fresh_sandbox.faults.reindexed_per_page = 3
    found = newest(client, question)
    fresh_sandbox.faults.clear()

    assert found.keys() == shown(index).keys()


@BOTH
def test_records_deleted_meanwhile_make_no_other_record_miss(
    question: Question, client: Client, index: CaseIndex, fresh_sandbox: Sandbox
) -> None:
    fresh_sandbox.faults.deleted_per_page = 2
    found = newest(client, question)
    fresh_sandbox.faults.clear()

    assert found.keys() >= shown(index).keys()


@pytest.mark.parametrize("fault", ["next_as_cursor", "shrinking_total", "old_scheme_only"])
def test_servers_that_answer_otherwise_give_the_same(
    fault: str, client: Client, index: CaseIndex, fresh_sandbox: Sandbox
) -> None:
    setattr(fresh_sandbox.faults, fault, True)

    assert newest(client, V2) == shown(index)


@BOTH
@pytest.mark.parametrize("connections", [1, 2, 5])
def test_many_connections_give_the_same(connections: int, question: Question, client: Client, index: CaseIndex) -> None:
    segments = side_by_side(client, question, connections)

    assert len(segments) == (1 if question is V1 else min(connections, 3))
    assert newest(client, question, segments) == shown(index)


def test_a_stretch_holds_what_changed_after_its_beginning_up_to_its_end(client: Client, index: CaseIndex) -> None:
    stamps = sorted(shown(index).values())
    whole = newest(client, V2)
    for question in (V2, V1):
        middle = newest(client, question, [Segment(after=stamps[20], until=stamps[40])])
        inside = {one for one, stamp in whole.items() if stamps[20] < stamp <= stamps[40]}
        assert inside <= middle.keys() <= {one for one, stamp in whole.items() if stamps[20] <= stamp <= stamps[40]}


@BOTH
@pytest.mark.parametrize("done", [1, 3, 6])
def test_a_pull_goes_on_where_it_broke_off_and_asks_only_for_the_rest(
    done: int, question: Question, client: Client, index: CaseIndex
) -> None:
    first = pull(client, question, [Segment()], json.loads)
    pieces = [next(first) for _ in range(done)]
    first.close()
    kept = Segment.from_json(json.loads(json.dumps(asdict(pieces[-1].segment))))
    before = client.requests_made
    rest = newest(client, question, [kept])

    pages = 7 if question is V2 else 6
    assert client.requests_made - before <= pages - done + (question is V1)
    assert {record["case_id"] for piece in pieces for record in piece.value} | rest.keys() == shown(index).keys()


def test_what_is_done_is_not_asked_for(client: Client) -> None:
    before = client.requests_made
    assert list(pull(client, V2, [Segment(done=True)], json.loads)) == []
    assert client.requests_made == before


def fails_in_the_middle(times: int) -> Any:
    """Decode pages, the third of which is damaged a few times."""
    left = times

    def decode(records: bytes) -> list[dict[str, Any]]:
        nonlocal left
        page: list[dict[str, Any]] = json.loads(records)
        seen.append(len(page))
        if len(seen) >= 3 and left:
            left -= 1
            raise ValueError("a damaged record")
        return page

    seen: list[int] = []
    return decode


@BOTH
def test_a_page_damaged_in_its_middle_is_fetched_again(question: Question, client: Client, index: CaseIndex) -> None:
    ids = [record["case_id"] for piece in pull(client, question, [Segment()], fails_in_the_middle(1))
           for record in piece.value]  # fmt: skip

    assert set(ids) == shown(index).keys()
    assert len(ids) <= len(set(ids)) + 10


def test_a_page_that_stays_damaged_is_an_error_and_what_came_before_was_given(client: Client) -> None:
    pieces = pull(client, V2, [Segment()], fails_in_the_middle(10**6))
    assert [len(next(pieces).value) for _ in range(2)] == [10, 10]
    with pytest.raises(ServerFailedError, match="sent a damaged page of the Case API v2 3 times: a damaged record"):
        next(pieces)


@BOTH
def test_a_page_that_keeps_failing_is_asked_for_in_halves(
    question: Question, client: Client, index: CaseIndex, fresh_sandbox: Sandbox
) -> None:
    index.reindex(index.case_ids("patient")[:40])
    large = replace(question, resource=replace(question.resource, largest_page=200))
    fresh_sandbox.faults.status(504, above_limit=50)

    assert newest(client, large) == shown(index)
    limits = [query["limit"] for query in map(dict, (asked.query for asked in fresh_sandbox.log)) if "limit" in query]
    assert limits[:6] == ["1", "200", "200", "100", "100", "50"]


@BOTH
def test_a_page_that_fails_in_the_middle_of_a_pull_goes_on_from_the_last_stamp(
    question: Question, client: Client, index: CaseIndex, fresh_sandbox: Sandbox
) -> None:
    large = replace(question, resource=replace(question.resource, largest_page=51))
    fresh_sandbox.faults.status(500, skip=1, above_limit=50)
    sizes = []
    found: set[str] = set()
    for piece in pull(client, large, [Segment()], json.loads):
        sizes.append(len(piece.value))
        found |= {record["case_id"] for record in piece.value}

    assert found == shown(index).keys()
    assert sizes[0] == 51
    assert sum(sizes) < 80


def test_giving_up_at_the_smallest_page_is_an_error(client: Client, fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.faults.status(504)
    with pytest.raises(ServerFailedError, match="failed 3 times in a row at the Case API v2, last with status 504"):
        newest(client, Question(CASE_V2))


def test_a_server_that_fails_now_and_then_in_every_way_gives_the_same(
    client: Client, index: CaseIndex, fresh_sandbox: Sandbox
) -> None:
    client.patience = Patience(attempts=8, first_wait=0.001, longest_wait=1)
    faults = fresh_sandbox.faults
    for strike in (faults.reset, faults.cut_short, faults.invalid_json, faults.web_page):
        strike(probability=0.08)
    faults.cut_short(chunked=True, probability=0.08)
    faults.status(502, probability=0.08)
    faults.status(429, probability=0.08, retry_after="0.01")

    for question in (V2, V1):
        assert newest(client, question) == shown(index)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "gather" in repr(getattr(thread, "_target", ""))
            or "_Feed.run" in repr(getattr(thread, "_target", ""))]  # fmt: skip


def wait_until(is_true: Any) -> None:
    deadline = time.monotonic() + 5
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("connections", [1, 3])
def test_a_pull_that_is_given_up_stops_its_threads_and_asks_nothing_more(
    connections: int, client: Client, fresh_sandbox: Sandbox
) -> None:
    fresh_sandbox.faults.latency_per_request = 0.02
    pieces = pull(client, V2, side_by_side(client, V2, connections), json.loads)
    next(pieces)
    assert readers()
    pieces.close()
    wait_until(lambda: not readers())
    made = client.requests_made

    time.sleep(0.1)
    assert client.requests_made == made


def test_a_pull_that_is_given_up_while_the_server_makes_it_wait_stops_at_once(
    client: Client, fresh_sandbox: Sandbox
) -> None:
    pieces = pull(client, V2, [Segment()], json.loads)
    next(pieces)
    fresh_sandbox.faults.status(429, retry_after="4")
    wait_until(lambda: fresh_sandbox.log[-1].status == 429)
    begun = time.monotonic()
    pieces.close()
    wait_until(lambda: not readers())

    assert time.monotonic() - begun < 1


def test_an_error_in_one_stretch_stops_the_others(client: Client, fresh_sandbox: Sandbox) -> None:
    segments = side_by_side(client, V2, 3)
    fresh_sandbox.faults.status(403, skip=4)
    with pytest.raises(Exception, match="403"):
        newest(client, V2, segments)
    wait_until(lambda: not readers())


def test_the_next_page_is_fetched_while_one_is_used_but_no_more_than_needed(client: Client) -> None:
    pieces = pull(client, V2, [Segment()], json.loads)
    before = client.requests_made
    next(pieces)
    time.sleep(0.2)
    assert 2 <= client.requests_made - before <= 3
    pieces.close()


def test_one_page_is_decoded_while_one_is_used_in_order_and_in_one_thread(client: Client) -> None:
    decoded: list[int] = []
    threads: set[str] = set()

    def decode(records: bytes) -> int:
        threads.add(threading.current_thread().name)
        decoded.append(len(decoded))
        return decoded[-1]

    pieces = pull(client, V2, [Segment()], decode)
    assert next(pieces).value == 0
    wait_until(lambda: len(decoded) == len(("taken", "next")))
    time.sleep(0.2)
    assert len(decoded) == len(("taken", "next"))

    assert [piece.value for piece in pieces] == decoded[1:]
    assert len(threads) == 1
    assert threading.current_thread().name not in threads


def test_an_error_of_ours_while_decoding_is_raised_once_what_came_before_was_given(client: Client) -> None:
    pages = itertools.count()

    def decode(records: bytes) -> int:
        if (page := next(pages)) == 2:
            raise KeyError("a mistake")
        return page

    pieces = pull(client, V2, [Segment()], decode)
    assert [next(pieces).value, next(pieces).value] == [0, 1]
    with pytest.raises(KeyError, match="a mistake"):
        next(pieces)
    wait_until(lambda: not readers())
