"""A store holds the last version of every row, whatever is appended, folded and dropped, on disk as in memory."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from commcare_frames.cache import store as store_module
from commcare_frames.cache.disk import DiskStore
from commcare_frames.cache.latest import latest_rows
from commcare_frames.cache.manifest import Manifest, Running, UnreadableManifestError
from commcare_frames.cache.memory import MemoryStore
from commcare_frames.hq.pull import Segment
from commcare_frames.tables.flatten import CASE_V2, Flattener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commcare_frames.cache.store import Store

ASKED = {"server": "https://hq.example.org", "domain": "d", "kind": "cases", "case_type": "patient"}
Version = tuple[str, int, str]

ids = st.sampled_from([f"case {number}" for number in range(12)])
versions = st.tuples(ids, st.integers(0, 5000), st.sampled_from(["age", "weight", "मरीज़", "indices.x"]))


def record(version: Version) -> dict[str, Any]:
    """Return a case whose content follows from its id and stamp, as one version of a case has one content."""
    case_id, millisecond, name = version
    stamp = f"2026-01-01T00:00:{millisecond // 1000:02d}.{millisecond % 1000:03d}000Z"
    return {"case_id": case_id, "indexed_on": stamp, "properties": {name: f"{case_id} at {millisecond}"}}


def table_of(page: Sequence[Version]) -> pa.Table:
    return Flattener(CASE_V2).table(json.dumps(list(map(record, page))).encode())


def rows_of(table: pa.Table) -> list[tuple[str, str, dict[str, str]]]:
    known = {column.name for column in CASE_V2.metadata}
    return [
        (row["case_id"], row["indexed_on"].isoformat(), {k: v for k, v in row.items() if k not in known and v})
        for row in table.to_pylist()
    ]


def on_disk(folder: Path, *, holds: bool = False) -> DiskStore:
    store = DiskStore(folder / "table", ASKED, CASE_V2, stamp="indexed_on", holds=holds)
    with store.locked():  # which makes the folder
        return store


class StoreLaw(RuleBasedStateMachine):
    """The content of a store is that of a dictionary of last versions."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stores: list[Store] = [*self.opened(), MemoryStore(ASKED, CASE_V2, stamp="indexed_on")]
        self.content: dict[str, Version] = {}
        self.names: dict[tuple[str, int], str] = {}
        for store in self.stores:
            store.append(table_of([]), None)
            store.finish(None, "2026-01-02T00:00:00.000Z")

    def opened(self) -> list[DiskStore]:
        return [on_disk(self.folder / "disk"), on_disk(self.folder / "held", holds=True)]

    @rule(page=st.lists(versions, max_size=8, unique_by=lambda version: version[0]))
    def append(self, page: list[Version]) -> None:
        page = [(one, when, self.names.setdefault((one, when), name)) for one, when, name in page]
        for store in self.stores:
            store.append(table_of(page), Running((Segment(),)))
        for version in page:
            if version[0] not in self.content or version[1] >= self.content[version[0]][1]:
                self.content[version[0]] = version

    @rule(drop=st.frozensets(ids, max_size=3))
    def fold(self, drop: frozenset[str]) -> None:
        for store in self.stores:
            store.fold(drop)
            assert sum(part.rows for part in store.manifest.parts) == store.manifest.rows
        for one in drop:
            self.content.pop(one, None)
        self.names = {(one, when): name for one, when, name in self.content.values()}

    @rule()
    def finish(self) -> None:
        for store in self.stores:
            store.finish("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
            assert store.manifest.running is None

    @rule()
    def open_anew(self) -> None:
        self.stores[:2] = self.opened()

    @invariant()
    def the_last_version_of_every_row_is_there_once_in_order(self) -> None:
        expected = sorted(self.content.values(), key=lambda version: (version[1], version[0]))
        as_rows = [
            (each["case_id"], each["indexed_on"].replace("Z", "+00:00").replace(".000000", ""), each["properties"])
            for each in map(record, expected)
        ]
        named = [
            (one, when, {("properties." * name.startswith("indices.")) + name: text for name, text in values.items()})
            for one, when, values in as_rows
        ]
        first, *others = (store.read() for store in self.stores)
        assert rows_of(first) == named
        assert all(map(first.equals, others))
        for store in self.stores:
            assert store.count() == len(expected)
            assert store.keys() == set(self.content)

    @invariant()
    def a_dataset_has_each_row_once(self) -> None:
        for store in self.stores:
            found = store.dataset().to_table(columns=["case_id"])["case_id"].to_pylist()
            assert sorted(found) == sorted(self.content)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


class StoreLawWithoutScans(StoreLaw):
    """The same without `dataset`, which folds and so keeps superseded rows from piling up."""

    @invariant()
    def a_dataset_has_each_row_once(self) -> None:
        pass


@pytest.mark.parametrize("law", [StoreLaw, StoreLawWithoutScans])
@pytest.mark.parametrize("folded_rows", [2, 50_000])
def test_the_last_version_of_every_row_wins(
    law: type[StoreLaw], folded_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "FOLDED_ROWS", folded_rows)
    run_state_machine_as_test(law, settings=settings(max_examples=8, stateful_step_count=10, deadline=None))


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "disk":
        return on_disk(tmp_path)
    return MemoryStore(ASKED, CASE_V2, stamp="indexed_on")


def test_only_the_columns_asked_for_are_read(store: Store) -> None:
    store.append(table_of([("a", 1, "age"), ("b", 2, "weight")]), None)
    store.finish(None, "2026-01-02T00:00:00.000Z")

    assert store.read(["weight", "case_id", "no such"]).to_pylist() == [
        {"case_id": "a", "weight": None},
        {"case_id": "b", "weight": "b at 2"},
    ]


def test_what_is_read_as_a_whole_keeps_its_values_when_another_process_starts_the_table_anew(tmp_path: Path) -> None:
    writer = on_disk(tmp_path)
    writer.append(table_of([("a", 1, "age"), ("b", 2, "weight")]), None)
    writer.finish(None, "2026-01-02T00:00:00.000Z")
    reader = on_disk(tmp_path, holds=True)
    manifest = reader.manifest
    writer.empty()

    rows = reader._load(manifest.parts, manifest.schema)

    assert rows["age"].to_pylist() == ["a at 1", None]
    assert rows["weight"].to_pylist() == [None, "b at 2"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 3))))
def test_rows_are_in_the_order_of_their_stamps_then_ids_and_the_last_of_each_counts(
    rows: list[tuple[str, int | None]],
) -> None:
    table = pa.table(
        {
            "id": pa.array([key for key, _ in rows], pa.string()),
            "stamp": pa.array([stamp for _, stamp in rows], pa.timestamp("us", "UTC")),
        }
    )
    end = max((stamp for _, stamp in rows if stamp is not None), default=0) + 1
    last: dict[str, tuple[int, str, int]] = {}
    for place, (key, stamp) in enumerate(rows):
        version = (end if stamp is None else stamp, key, place)
        last[key] = max(last.get(key, version), version)

    assert latest_rows(table, "id", "stamp").tolist() == [place for *_, place in sorted(last.values())]


def test_columns_that_no_row_has_any_more_are_not_shown(store: Store) -> None:
    store.append(table_of([("a", 1, "age")]), None)
    store.append(table_of([("a", 2, "weight")]), None)
    store.finish(None, "2026-01-02T00:00:00.000Z")
    shown = store.read()
    store.fold()

    assert "weight" in shown.column_names
    assert "age" not in shown.column_names
    assert "age" not in store.manifest.columns
    assert store.read().equals(shown)


def test_many_folds_and_appends_in_memory_keep_parts_apart() -> None:
    store = MemoryStore(ASKED, CASE_V2, stamp="indexed_on")
    store.append(table_of([("a", 1, "age")]), None)
    store.append(table_of([("b", 2, "age")]), None)
    store.fold()
    for number in range(3, 6):
        store.append(table_of([(f"c{number}", number, "age")]), None)

    assert store.keys() == {"a", "b", "c3", "c4", "c5"}


def manifest() -> Manifest:
    return Manifest(ASKED, "case v2", "indexed_on").with_columns(pa.schema([("case_id", pa.string())]))


def test_a_manifest_survives_its_trip_through_json() -> None:
    running = Running((Segment("a", "b", (("cursor", "x"), ("cursor", "y"))), Segment(done=True)), started="c")
    for each in (manifest(), Manifest({**ASKED, "case_type": "मरीज़"}, "case v2", None, running=running)):
        assert Manifest.from_json(each.to_json()) == each
        assert Manifest.from_json(each.to_json().encode()) == each


def test_a_manifest_changed_anywhere_is_noticed() -> None:
    text = manifest().to_json().encode()
    for place, byte in enumerate(text):
        for flipped in (byte ^ 1, byte ^ 0x80):
            changed = text[:place] + bytes([flipped]) + text[place + 1 :]
            with contextlib.suppress(UnreadableManifestError):
                assert Manifest.from_json(changed) == manifest(), changed  # a blank may become another blank


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 1}', '{"format": 2}', "not json", '{"format":'])
def test_what_is_no_manifest_of_this_version_is_refused(text: str) -> None:
    with pytest.raises(UnreadableManifestError):
        Manifest.from_json(text)
