"""Every location gets its ancestors, however the tree looks, and quickly."""

from __future__ import annotations

import time

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.levels import levels_of
from commcare_frames.tables.organisation import LOCATION
from commcare_frames.tables.records import RecordFlattener

IDS = [f"l{number}" for number in range(12)]


def table_of(*places: tuple[str, str | None, str | None]) -> pa.Table:
    """Make locations of (id, parent's id, type code)."""
    return pa.table(
        {
            "location_id": pa.array([place[0] for place in places], pa.string()),
            "name": pa.array([f"Name of {place[0]}" for place in places], pa.string()),
            "parent_location_id": pa.array([place[1] for place in places], pa.string()),
            "location_type_code": pa.array([place[2] for place in places], pa.string()),
        }
    )


def test_a_location_has_its_ancestors_and_itself_from_the_top_down() -> None:
    levels = levels_of(table_of(("v", "b", "village"), ("b", "d", "block"), ("d", "", "zone"), ("x", "d", "village")))
    assert {name: column.to_pylist() for name, column in levels.columns.items()} == {
        "zone.name": ["Name of d"] * 4,
        "zone.location_id": ["d"] * 4,
        "block.name": ["Name of b", "Name of b", None, None],
        "block.location_id": ["b", "b", None, None],
        "village.name": ["Name of v", None, None, "Name of x"],
        "village.location_id": ["v", None, None, "x"],
    }
    assert (levels.orphans, levels.circular) == ([], [])


def test_parents_that_are_not_there_and_circles_are_told() -> None:
    levels = levels_of(
        table_of(
            ("a", "b", "one"), ("b", "a", "two"), ("below", "a", "three"), ("self", "self", "one"),
            ("o", "gone", "two"), ("c", "o", "three"),
        )
    )  # fmt: skip
    assert levels.orphans == ["o"]
    assert levels.circular == ["a", "b", "below", "self"]
    assert levels.columns["two.location_id"].to_pylist() == [None, "b", None, None, "o", "o"]
    assert levels.columns["one.location_id"].to_pylist() == ["a", None, None, "self", None, None]


def test_the_nearest_of_several_ancestors_on_a_level_counts() -> None:
    levels = levels_of(table_of(("a", None, "area"), ("b", "a", "area"), ("c", "b", "site")))
    assert levels.columns["area.location_id"].to_pylist() == ["a", "b", "b"]


def test_codes_that_are_missing_odd_or_taken_get_no_column_or_one_of_their_own() -> None:
    table = table_of(("a", None, None), ("b", "a", "my.area"), ("c", "b", "location_data"))
    levels = levels_of(table.append_column("location_data.name", pa.nulls(3, pa.string())))
    assert list(levels.columns) == [
        '"my.area".name',
        '"my.area".location_id',
        "type.location_data.name",
        "location_data.location_id",
    ]


def test_there_are_no_levels_without_locations() -> None:
    levels = levels_of(RecordFlattener(LOCATION).table(b"[]"))
    assert (levels.columns, levels.orphans, levels.circular) == ({}, [], [])


def climb(parents: dict[str, str], place: str) -> list[str] | None:
    """Go up step by step; None where that never ends."""
    above = [place]
    while parents.get(above[-1]) in parents:
        above.append(parents[above[-1]])
        if len(above) > len(parents) + 1:
            return None
    return above


@given(st.dictionaries(st.sampled_from(IDS), st.tuples(st.sampled_from([*IDS, "", "gone"]), st.sampled_from("xyz"))))
def test_any_tree_is_climbed_as_one_would_by_hand(places: dict[str, tuple[str, str]]) -> None:
    levels = levels_of(table_of(*((place, parent, code) for place, (parent, code) in places.items())))
    parents = {place: parent for place, (parent, _) in places.items()}
    paths = {place: climb(parents, place) for place in places}
    assert set(levels.circular) == {place for place, path in paths.items() if path is None}
    assert set(levels.orphans) == {place for place, parent in parents.items() if parent and parent not in places}
    for code in {code for _, code in places.values()}:
        found = levels.columns[f"{code}.location_id"].to_pylist()
        for place, ancestor in zip(places, found, strict=True):
            path = paths[place] or [place]
            assert ancestor == next((each for each in path if places[each][1] == code), None)


def test_fifty_thousand_locations_take_a_moment() -> None:
    fanout = (10, 10, 10, 49)
    places: list[tuple[str, str | None, str]] = []
    above: list[str | None] = [None]
    for level, number in enumerate(fanout):
        here = [(f"{parent or ''}/{child}", parent) for parent in above for child in range(number)]
        places += [(place, parent, f"level{level}") for place, parent in here]
        above = [place for place, _ in here]
    started = time.perf_counter()
    levels = levels_of(table_of(*places))
    assert time.perf_counter() - started < 3
    assert len(places) > 50_000
    assert levels.columns["level0.location_id"].null_count == 0
    assert levels.columns["level3.location_id"].null_count == 1110
