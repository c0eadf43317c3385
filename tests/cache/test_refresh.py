"""A refresh ends with exactly what HQ has, in few requests, wherever an earlier one broke off."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import pyarrow.compute as pc
import pytest
import small
from small import connected, on_disk, read, refresh, request, truth

import commcare_frames as ccf
from commcare_frames.cache.disk import DiskStore
from commcare_frames.cache.refresh import is_fresh
from commcare_frames.errors import CacheError, CommCareError, DataWarning, LoginError, RateLimitError, ServerFailedError
from commcare_frames.sandbox import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from commcare_frames.cache.store import Store
    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.index import CaseIndex

STORES = pytest.mark.parametrize("cache", [True, False], ids=["disk", "memory"])


@pytest.fixture
def index(fresh_sandbox: Sandbox) -> CaseIndex:
    return fresh_sandbox.domain("maternal-health")


def store_of(asked: Any, *, cache: bool) -> Store:
    return on_disk(asked) if cache else asked.in_memory()


def changed(index: CaseIndex, how_many: int) -> None:
    for one in index.case_ids("patient")[:how_many]:
        index.update(one, weight="99.5")


def once(act: Callable[[], object]) -> Callable[[], object]:
    acts = [act]
    return lambda: acts.pop()() if acts else None


def shown(index: CaseIndex) -> set[str]:
    return set(index.case_ids("patient"))


class Requests:
    """Counts the requests of a block."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def __enter__(self) -> Self:
        self.before = self.domain.requests_made
        return self

    def __exit__(self, *_: object) -> None:
        self.made = self.domain.requests_made - self.before


# How many requests


@pytest.mark.parametrize("page", [7, 20, 25, 30, 60, 5000])
def test_requests_are_few(page: int, fresh_domain: Domain, index: CaseIndex) -> None:
    asked = request(fresh_domain, page)
    with Requests(fresh_domain) as first:
        read(asked)
    with Requests(fresh_domain) as second:
        read(asked)
    changed(index, 8)
    with Requests(fresh_domain) as third:
        table = read(asked)

    assert first.made <= math.ceil(60 / page) + 2
    assert second.made <= 2
    assert third.made <= math.ceil(8 / page) + 2
    assert table.equals(truth(asked))


def test_a_table_that_fits_on_one_page_takes_one_request(fresh_domain: Domain) -> None:
    with Requests(fresh_domain) as first:
        read(request(fresh_domain, 5000))
    assert first.made == 1


def test_offline_and_max_age_ask_nothing(fresh_domain: Domain) -> None:
    asked = request(fresh_domain)
    table = read(asked)
    with Requests(fresh_domain) as none:
        assert read(asked, cache="offline").equals(table)
        assert read(asked, max_age="1h").equals(table)
    assert none.made == 0
    with Requests(fresh_domain) as some:
        read(asked, max_age="0s")
    assert some.made == 2


def test_a_clock_that_went_back_makes_no_table_fresh(fresh_domain: Domain) -> None:
    asked = request(fresh_domain)
    read(asked)
    store = on_disk(asked)
    with store.locked():
        store.finish(store.manifest.complete_until, "2999-01-01T00:00:00.000Z")

    assert not is_fresh(store, timedelta(hours=1))


# What HQ does meanwhile


@STORES
@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("shrinking", [False, True])
def test_what_changes_during_a_pull_is_in_the_table(
    cache: bool, connections: int, shrinking: bool, fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex
) -> None:
    fresh_sandbox.faults.shrinking_total = shrinking
    asked = request(fresh_domain, 10)
    ids = index.case_ids("patient")
    pages = 0

    def change() -> None:
        nonlocal pages
        pages += 1
        if pages == 3:
            index.update(ids[2], weight="1")
            index.update(ids[-1], weight="2")
            index.reindex(ids[5:15])
            index.delete([ids[0], ids[-2]])
            index.retype(ids[1], "child")
            index.add({"case_id": "new", "case_type": "patient"})

    table = refresh(asked, store_of(asked, cache=cache), change, connections)

    assert table.equals(truth(asked))
    assert set(table["case_id"].to_pylist()) == shown(index)


@STORES
@pytest.mark.parametrize("read_already", [True, False])
@pytest.mark.parametrize("page", [7, 10])
def test_a_record_deleted_during_a_first_pull_is_not_in_the_table(
    page: int, read_already: bool, cache: bool, fresh_domain: Domain, index: CaseIndex
) -> None:
    asked = request(fresh_domain, page)
    victims = iter([index.case_ids("patient")[0 if read_already else -1]])
    table = refresh(
        asked, store_of(asked, cache=cache), lambda: index.delete([one for one in [next(victims, None)] if one])
    )

    assert set(table["case_id"].to_pylist()) == shown(index)


@pytest.mark.parametrize("fault", ["reindexed_per_page", "deleted_per_page"])
def test_a_pull_from_an_index_that_never_rests_ends_and_the_next_call_is_exact(
    fault: str, fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 10)
    setattr(fresh_sandbox.faults, fault, 1)
    try:
        read(asked)
    except DataWarning as told:
        assert "Records are changing" in str(told)  # noqa: PT017  warnings are errors here
    fresh_sandbox.faults.clear()

    assert set(read(asked)["case_id"].to_pylist()) == shown(index)
    assert read(asked).equals(truth(asked))


@STORES
def test_a_change_that_the_index_shows_late_is_found_by_the_next_refresh(
    cache: bool, fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 20)
    store = store_of(asked, cache=cache)
    fresh_sandbox.faults.pillow_lag = 0.4
    index.update(index.case_ids("patient")[3], weight="1")
    index.delete(index.case_ids("patient")[:1])
    index.add({"case_id": "new", "case_type": "patient"})
    refresh(asked, store)
    fresh_sandbox.faults.pillow_lag = 0.0

    assert refresh(asked, store).equals(truth(asked))


@pytest.mark.parametrize("cancel_out", [True, False])
def test_what_was_deleted_or_changed_its_type_is_dropped(
    cancel_out: bool, fresh_domain: Domain, index: CaseIndex
) -> None:
    asked = request(fresh_domain)
    read(asked)
    ids = index.case_ids("patient")
    index.delete(ids[4:6])
    index.retype(ids[10], "child")
    if cancel_out:
        for number in range(3):
            index.add({"case_id": f"new {number}", "case_type": "patient"})

    table = read(asked)
    assert set(table["case_id"].to_pylist()) == shown(index)
    assert table.equals(truth(asked))


def test_many_rows_gone_are_warned_of(fresh_domain: Domain, index: CaseIndex) -> None:
    asked = request(fresh_domain)
    read(asked)
    index.delete(index.case_ids("patient")[:20])

    with pytest.warns(DataWarning, match="20 of 60 rows .* are no longer on HQ"):
        table = read(asked)
    assert set(table["case_id"].to_pylist()) == shown(index)


def test_rows_that_a_table_lost_are_fetched_by_their_ids(fresh_domain: Domain) -> None:
    asked = request(fresh_domain)
    whole = read(asked)
    store = on_disk(asked)
    with store.locked():
        store.fold(drop=whole["case_id"].to_pylist()[7:12])

    assert read(asked).equals(whole)


def test_the_first_version_of_the_api_drops_what_was_deleted_and_nothing_else(
    fresh_domain: Domain, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 10, v1=True)
    ids = index.case_ids("patient")
    table = refresh(asked, asked.in_memory(), once(lambda: index.delete([ids[0], ids[30]])))

    assert set(table["case_id"].to_pylist()) == shown(index)
    assert table.equals(truth(asked))
    assert table["opened_by"].null_count == 0


def test_the_first_version_of_the_api_finds_what_moved_inside_a_tie(fresh_domain: Domain, index: CaseIndex) -> None:
    asked = request(fresh_domain, 10, v1=True)
    index.reindex(index.case_ids("patient"))
    tie = sorted(index.case_ids("patient"))
    table = refresh(asked, asked.in_memory(), once(lambda: index.reindex(tie[:10])))

    assert table.equals(truth(asked))
    assert table["opened_by"].null_count == 0


@pytest.mark.parametrize("connections", [2, 4])
def test_many_connections_give_the_same_table(connections: int, fresh_domain: Domain) -> None:
    asked = request(fresh_domain, 7)
    assert read(asked, connections=connections).equals(truth(asked))


# Breaking off and going on


class CrashError(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def crash_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """Make the process end at the n-th file that is written: before, or just after it is in its place."""
    write = DiskStore._write
    state = {"left": -1}

    def crashing(store: DiskStore, name: str, *how: Any) -> int:
        state["left"] -= 1
        if state["left"] == 0:
            raise CrashError
        size = write(store, name, *how)
        state["left"] -= 1
        if state["left"] == 0:
            raise CrashError
        return size

    monkeypatch.setattr(DiskStore, "_write", crashing)
    return lambda moment: state.update(left=moment)


def interrupted(asked: Any, crash_at: Callable[[int], Any], moment: int) -> bool:
    crash_at(moment)
    try:
        refresh(asked, on_disk(asked))
    except CrashError:
        return True
    finally:
        crash_at(-1)
    return False


def put_wrong(sandbox: Sandbox, clock: str) -> None:
    if clock == "wrong":  # so that the server's time is in doubt
        sandbox._hq.clock._ahead += 3 * 86_400


@pytest.mark.parametrize("clock", ["right", "wrong"])
def test_after_a_pull_crashed_at_any_write_the_next_call_is_exact_and_asks_only_for_the_rest(
    clock: str, crash_at: Callable[[int], Any]
) -> None:
    moment = 0
    was_interrupted = True
    while was_interrupted:
        moment += 1
        with start(patients=60, case_types=["patient"]) as sandbox:
            put_wrong(sandbox, clock)
            domain = connected(sandbox.url, sandbox.admin.username, sandbox.admin.api_key)
            asked = request(domain, 13)
            on_disk(asked).clear()
            was_interrupted = interrupted(asked, crash_at, moment)
            changed(sandbox.domain("maternal-health"), 2)
            kept = len(on_disk(asked).manifest.parts)
            with Requests(domain) as rest:
                table = read(asked)

            assert table.equals(truth(asked)), moment
            assert rest.made <= math.ceil(60 / 13) - kept + 5, (moment, kept)
    assert moment > 15


@pytest.mark.parametrize("clock", ["right", "wrong"])
def test_after_a_refresh_crashed_at_any_write_the_next_call_is_exact(
    clock: str, fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex, crash_at: Callable[[int], Any]
) -> None:
    put_wrong(fresh_sandbox, clock)
    moment = 0
    was_interrupted = True
    while was_interrupted:
        moment += 1
        asked = request(fresh_domain, 25)
        on_disk(asked).clear()
        read(asked)
        changed(index, 45)
        index.delete(index.case_ids("patient")[:1])
        was_interrupted = interrupted(asked, crash_at, moment)
        changed(index, 2)

        assert read(asked).equals(truth(asked)), moment
    assert moment > 15


@pytest.mark.parametrize("connections", [1, 3])
def test_a_pull_that_the_server_ends_goes_on_from_there(
    connections: int, fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 5)
    pages = 0

    def limit() -> None:
        nonlocal pages
        pages += 1
        if pages == 6:
            fresh_sandbox.faults.status(429, retry_after="3600")

    with pytest.raises(RateLimitError, match=r"60 minutes.* goes on from there.* rows had arrived by then") as caught:
        refresh(asked, on_disk(asked), limit, connections)
    assert caught.value.retryable
    arrived = sum(part.rows for part in on_disk(asked).manifest.parts)
    assert f"{arrived} of " in str(caught.value)
    assert 30 <= arrived < 60
    fresh_sandbox.faults.clear()
    index.update(index.case_ids("patient")[0], weight="7")
    with Requests(fresh_domain) as rest:
        table = read(asked)

    assert table.equals(truth(asked))
    assert rest.made <= (60 - arrived) / 5 + 2 * connections + 2


@pytest.mark.parametrize(
    ("strike", "kind"),
    [
        (lambda faults: faults.status(502), ServerFailedError),
        (lambda faults: faults.reset(), ServerFailedError),
        (lambda faults: faults.cut_short(), ServerFailedError),
        (lambda faults: faults.invalid_json(), ServerFailedError),
        (lambda faults: faults.web_page(), ServerFailedError),
        (lambda faults: faults.status(401), LoginError),
        (lambda faults: faults.login_page(), LoginError),
    ],
)
@pytest.mark.parametrize("skip", [0, 2, 4, 5])
def test_every_fault_at_any_time_is_a_named_error_and_never_a_short_table(
    skip: int,
    strike: Callable[[Any], None],
    kind: type[CommCareError],
    fresh_domain: Domain,
    fresh_sandbox: Sandbox,
) -> None:
    asked = request(fresh_domain, 15)  # four pages, an empty one, the catch-up
    strike(fresh_sandbox.faults)
    fresh_sandbox.faults._spoils[-1][0].skip = skip

    with pytest.raises(kind):
        read(asked)
    with pytest.raises(CacheError, match="Nothing is cached"):
        read(asked, cache="offline")
    fresh_sandbox.faults.clear()
    assert read(asked, max_age="1h").equals(truth(asked))


def test_a_refresh_that_fails_leaves_the_old_table_to_be_read_offline(
    fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 20)
    before = read(asked)
    changed(index, 50)
    fresh_sandbox.faults.status(502, skip=1)
    with pytest.raises(ServerFailedError):
        read(asked)

    assert set(read(asked, cache="offline")["case_id"].to_pylist()) == set(before["case_id"].to_pylist())
    fresh_sandbox.faults.clear()
    assert read(asked).equals(truth(asked))


def test_a_pull_by_key_that_breaks_off_is_no_reason_to_read_all_again_when_a_large_page_fails(
    fresh_domain: Domain, fresh_sandbox: Sandbox
) -> None:
    asked = request(fresh_domain, 20)
    fresh_sandbox.faults.status(502, skip=2)
    with pytest.raises(ServerFailedError, match="40 of 60 rows had arrived by then"):
        read(asked)
    fresh_sandbox.faults.clear()
    with Requests(fresh_domain) as rest:
        read(asked)

    assert rest.made <= 4


# Filtered reads: pulls of their own


CLOSED = (("closed", "false"),)


def test_a_filtered_read_that_broke_off_is_never_served(
    fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 10, where=CLOSED)
    read(asked, max_age="1h")
    changed(index, 5)
    fresh_sandbox.faults.status(502, skip=2)
    with pytest.raises(ServerFailedError):
        read(asked, max_age="0s")
    with pytest.raises(CacheError, match="Nothing is cached"):
        read(asked, cache="offline")
    fresh_sandbox.faults.clear()
    with Requests(fresh_domain) as rest:
        table = read(asked, max_age="1 day")

    assert table.equals(truth(asked))
    assert rest.made <= 6, "it goes on where it broke off"


def test_a_filtered_read_forgets_what_no_longer_matches(fresh_domain: Domain, index: CaseIndex) -> None:
    asked = request(fresh_domain, 10, where=(("properties.weight", "99.5"),))
    changed(index, 5)
    assert read(asked, max_age="1h").num_rows == 5
    index.update(index.case_ids("patient")[-1], weight="70")

    assert read(asked, max_age="1h").num_rows == 5
    assert read(asked, max_age="0s").num_rows == 4


def test_filtered_reads_of_both_versions_of_the_api_are_kept_apart(fresh_domain: Domain) -> None:
    first, second = request(fresh_domain, v1=True), request(fresh_domain, where=(("type.exact", "patient"),))
    alike = type(second)(
        **{**vars(second), "question": type(second.question)(second.question.resource, first.question.params)}
    )

    assert first.folder != alike.folder


def test_a_filtered_read_emptied_by_another_process_is_read_again_not_served_empty(
    fresh_domain: Domain,
) -> None:
    asked = request(fresh_domain, 20, where=CLOSED)
    whole = truth(asked)
    how = {"cache": True, "max_age": "1h", "progress": False, "connections": 1}
    reading = small.Reading.of(asked, **how)
    other = on_disk(asked)
    with other.locked():
        other.empty()
    assert reading.table().equals(whole)

    reading = small.Reading.of(asked, **how)
    other.clear()
    assert reading.table().equals(whole)
    other.clear()
    assert reading.dataset().count_rows() == whole.num_rows


def test_filtered_reads_at_once_all_get_everything(fresh_domain: Domain) -> None:
    asked = request(fresh_domain, 20, where=CLOSED)
    expected = truth(asked).num_rows
    found: list[int] = []

    def often() -> None:
        found.extend(read(asked, max_age="0s").num_rows for _ in range(4))

    threads = [threading.Thread(target=often) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 12


# Other processes


def program(sandbox: Sandbox, page: int) -> subprocess.Popen[str]:
    login = sandbox.admin
    command = [sys.executable, small.__file__, sandbox.url, login.username, login.api_key, str(page)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed_after(sandbox: Sandbox, pages: int, *, page: int = 10) -> None:
    start = len(sandbox.log)
    process = program(sandbox, page)
    while len(sandbox.log) - start < pages + 1:  # `connect` makes one too
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_pull_killed_time_and_again_ends_with_the_table_of_an_uninterrupted_one(
    fresh_domain: Domain, fresh_sandbox: Sandbox
) -> None:
    asked = request(fresh_domain, 10)
    expected = truth(asked)
    fresh_sandbox.faults.latency_per_request = 0.15  # longer than a busy computer takes for a page
    start = len(fresh_sandbox.log)
    for _ in range(3):
        killed_after(fresh_sandbox, 3)
    fresh_sandbox.faults.clear()
    table = read(asked)

    assert table.equals(expected)
    cases = [each for each in fresh_sandbox.log[start:] if each.path.endswith("/case/v2/")]
    assert len(cases) <= 7 + 3 * 2 + 3, "each kill costs at most the pages that were under way"


def test_a_refresh_killed_in_the_middle_is_finished_by_the_next_one(
    fresh_domain: Domain, fresh_sandbox: Sandbox, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 10)
    read(asked)
    changed(index, 40)
    index.delete(index.case_ids("patient")[:2])
    fresh_sandbox.faults.latency_per_request = 0.03
    for pages in (2, 3):
        killed_after(fresh_sandbox, pages)
    fresh_sandbox.faults.clear()

    assert set(read(asked, cache="offline")["case_id"].to_pylist()) >= shown(index)
    assert read(asked).equals(truth(asked))


def test_two_processes_that_refresh_one_table_at_once_take_turns(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    asked = request(fresh_domain, 10)
    fresh_sandbox.faults.latency_per_request = 0.02
    start = len(fresh_sandbox.log)
    processes = [program(fresh_sandbox, 10) for _ in range(2)]
    told = [process.communicate() for process in processes]
    pages = [each for each in fresh_sandbox.log[start:] if each.path.endswith("/case/v2/")]

    assert [out for out, _ in told] == ["60\n", "60\n"], told
    assert len(pages) <= (7 + 2) + 2, "the second one only tops up"
    assert read(asked, cache="offline").equals(truth(asked))


def test_a_reader_during_appends_and_folds_sees_each_row_once(fresh_domain: Domain, index: CaseIndex) -> None:
    asked = request(fresh_domain, 10)
    expected = set(read(asked)["case_id"].to_pylist())
    done = threading.Event()
    seen: list[bool] = []

    def look() -> Iterator[list[str]]:
        while not done.is_set():
            yield read(asked, cache="offline")["case_id"].to_pylist()

    def reader() -> None:
        seen.extend(len(ids) == len(set(ids)) and set(ids) == expected for ids in look())

    thread = threading.Thread(target=reader)
    thread.start()
    for _ in range(6):
        changed(index, 15)
        read(asked)
        store = on_disk(asked)
        with store.locked():
            store.fold()
    done.set()
    thread.join()
    assert len(seen) > 3
    assert all(seen)


# Damage


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped in the middle": flipped,
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "emptied": lambda file: file.write_bytes(b""),
    "deleted": lambda file: file.unlink(),
}


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("how", [{}, {"max_age": "1h"}])
def test_a_damaged_part_is_set_aside_and_fetched_again(
    name: str, how: dict[str, str], fresh_domain: Domain, index: CaseIndex
) -> None:
    asked = request(fresh_domain, 10)
    expected = read(asked)
    parts = on_disk(asked).manifest.parts
    DAMAGES[name](asked.folder / parts[2].file)
    with pytest.raises(CacheError, match="damaged"):
        read(asked, cache="offline")
    with Requests(fresh_domain) as repair, pytest.warns(DataWarning, match="set aside, and its 10 rows"):
        table = read(asked, **how)

    assert table.equals(expected)
    assert repair.made <= 8
    assert on_disk(asked).damaged() == []
    assert (asked.folder / f"{parts[2].file}.damaged").exists() is (name != "deleted")
    assert read(asked, cache="offline").equals(expected)


def test_a_part_flipped_anywhere_is_noticed(fresh_domain: Domain) -> None:
    asked = request(fresh_domain, 60)
    read(asked)
    [part, *_] = on_disk(asked).manifest.parts
    file = asked.folder / part.file
    sound = file.read_bytes()
    step = max(1, len(sound) // 150)
    for place in [*range(0, len(sound), step), *range(len(sound) - 60, len(sound))]:
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 4]) + sound[place + 1 :])
        with pytest.raises(CacheError, match="damaged"):
            read(asked, cache="offline")


def test_damage_that_cannot_be_repaired_now_is_never_a_short_table(
    fresh_domain: Domain, fresh_sandbox: Sandbox, quiet: None
) -> None:
    asked = request(fresh_domain, 10)
    expected = read(asked)
    flipped(asked.folder / on_disk(asked).manifest.parts[1].file)
    fresh_sandbox.faults.status(502)
    for how in ({"max_age": "1h"}, {}, {"max_age": "1h"}):
        with pytest.raises(ServerFailedError):
            read(asked, **how)
    with pytest.raises(CacheError, match="Nothing is cached .* as a whole"):
        read(asked, cache="offline")
    fresh_sandbox.faults.clear()

    assert read(asked, max_age="1h").equals(expected)


def test_all_parts_lost_are_fetched_again(fresh_domain: Domain, quiet: None) -> None:
    asked = request(fresh_domain, 10)
    expected = read(asked)
    for part in on_disk(asked).manifest.parts:
        (asked.folder / part.file).unlink()

    assert read(asked, max_age="1h").equals(expected)


def test_damage_found_in_the_middle_of_a_pull_that_broke_off(
    fresh_domain: Domain, fresh_sandbox: Sandbox, quiet: None
) -> None:
    asked = request(fresh_domain, 10)
    fresh_sandbox.faults.status(502, skip=3)
    with pytest.raises(ServerFailedError):
        read(asked)
    flipped(asked.folder / on_disk(asked).manifest.parts[0].file)
    fresh_sandbox.faults.clear()

    assert read(asked).equals(truth(asked))


def test_a_scan_of_a_damaged_table_repairs_it_first(fresh_domain: Domain, quiet: None) -> None:
    asked = request(fresh_domain, 10)
    expected = read(asked)
    how = {"max_age": "1h", "progress": False, "connections": 1}
    for damage in DAMAGES.values():
        damage(asked.folder / on_disk(asked).manifest.parts[-1].file)
        with pytest.raises(CacheError, match="damaged"):
            small.Reading.of(asked, cache="offline", **how).dataset()
        scanned = small.Reading.of(asked, cache=True, **how).dataset().to_table()
        assert pc.sum(pc.is_in(scanned["case_id"], expected["case_id"])).as_py() == expected.num_rows


def test_two_processes_that_find_the_same_damage_both_get_the_table(fresh_domain: Domain, quiet: None) -> None:
    asked = request(fresh_domain, 10)
    expected = read(asked)
    how = {"cache": True, "max_age": "1h", "progress": False, "connections": 1}
    one, two = (small.Reading.of(asked, **how) for _ in range(2))
    flipped(asked.folder / on_disk(asked).manifest.parts[1].file)

    assert one.table().equals(expected)
    with Requests(fresh_domain) as none:
        assert two.table().equals(expected)
    assert none.made == 0


def test_read_cases_itself_repairs_a_damaged_table(fresh_domain: Domain, quiet: None) -> None:
    before = ccf.read_cases("patient")
    asked = request(fresh_domain)
    flipped(asked.folder / on_disk(asked).manifest.parts[0].file)

    after = ccf.read_cases("patient", max_age="1h")
    assert after.equals(before)
