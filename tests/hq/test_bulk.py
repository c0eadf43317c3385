"""Cases by id: in chunks, each found once or named as missing, also when the server cannot give many at once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from listener import Listener, Said

from commcare_frames.errors import ServerFailedError
from commcare_frames.hq import bulk
from commcare_frames.hq.auth import ApiKeyAuth
from commcare_frames.hq.bulk import fetch_cases
from commcare_frames.hq.client import Client, Patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox


@pytest.fixture
def hq(sandbox: Sandbox) -> Iterator[Sandbox]:
    yield sandbox
    sandbox.faults.clear()


def ids_of(records: bytes, key: str = "case_id") -> list[str]:
    return [record[key] for record in json.loads(records)]


def test_ids_are_asked_in_chunks_and_come_in_their_order(
    domain: Domain, hq: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CASE_V2_BULK", replace(bulk.CASE_V2_BULK, largest_page=20))
    ids = hq.domain("maternal-health").case_ids("patient")[:50][::-1]
    fetched = list(fetch_cases(domain.client, [*ids, ids[0], ids[7]]))

    assert [len(json.loads(each.records)) for each in fetched] == [20, 20, 10]
    assert [one for each in fetched for one in ids_of(each.records)] == ids
    assert not any(each.missing for each in fetched)


def test_nothing_is_asked_for_no_ids(domain: Domain) -> None:
    before = domain.requests_made
    assert list(fetch_cases(domain.client, [])) == []
    assert domain.requests_made == before


def test_ids_that_do_not_exist_are_named(domain: Domain, hq: Sandbox) -> None:
    known = hq.domain("maternal-health").case_ids("patient")[:2]
    [fetched] = fetch_cases(domain.client, ["nope", known[0], "none", known[1]])

    assert ids_of(fetched.records) == known
    assert fetched.missing == ("nope", "none")


def test_external_ids_are_found_and_missed_alike(domain: Domain, hq: Sandbox) -> None:
    index = hq.domain("maternal-health")
    external = next(filter(None, (index.get(one).v2_object()["external_id"] for one in index.case_ids("patient"))))
    [fetched] = fetch_cases(domain.client, ["nobody", external], kind="external_ids")

    assert ids_of(fetched.records, "external_id") == [external]
    assert fetched.missing == ("nobody",)


def test_a_chunk_that_keeps_failing_is_asked_for_in_halves(domain: Domain, hq: Sandbox) -> None:
    ids = hq.domain("maternal-health").case_ids("patient")[:200]
    hq.faults.status(504, path="bulk-fetch", times=4)
    fetched = list(fetch_cases(domain.client, ids))

    assert [len(json.loads(each.records)) for each in fetched] == [50, 50, 50, 50]
    assert [one for each in fetched for one in ids_of(each.records)] == ids


def test_a_server_that_fails_at_any_size_is_given_up(domain: Domain, hq: Sandbox) -> None:
    hq.faults.status(504, path="bulk-fetch")
    with pytest.raises(ServerFailedError):
        list(fetch_cases(domain.client, hq.domain("maternal-health").case_ids("patient")[:200]))


def fetched_from(body: bytes, ids: list[str]) -> bulk.Fetched:
    with Listener(lambda _: Said(body=body)) as server:
        client = Client(ApiKeyAuth(server.url, "a@example.org", "k"), "d", Patience(2, 0.01, 1))
        [fetched] = fetch_cases(client, ids)
    return fetched


def test_ids_that_the_server_passes_over_in_silence_are_missing_too() -> None:
    fetched = fetched_from(b'{"cases": [{"case_id": "a"}]}', ["a", "b"])

    assert fetched.missing == ("b",)


def test_what_is_found_stays_as_it_was_sent_also_where_another_id_is_missing() -> None:
    values = '{"long": 123456789012345678901234567890, "half": "\\ud83d", "name": "\\u0905"}'
    body = f'{{"cases": [{{"case_id": "b", "error": "not found"}}, {{"case_id": "a", "properties": {values}}}]}}'
    fetched = fetched_from(body.encode(), ["b", "a"])

    assert fetched.missing == ("b",)
    assert json.loads(fetched.records) == [{"case_id": "a", "properties": json.loads(values)}]


def test_a_list_that_is_damaged_inside_is_a_broken_answer() -> None:
    with pytest.raises(ServerFailedError, match="damaged"):
        fetched_from(b'{"cases": [{"case_id": "a",,}]}', ["a"])
