"""Records of any shape become tables: nothing is lost, columns have one type and one name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.exact import InvalidRecords
from commcare_frames.tables.layout import Column
from commcare_frames.tables.records import RecordFlattener, RecordLayout

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYOUT = RecordLayout(
    name="worker",
    metadata=(
        Column("user_id", ("id",)),
        Column("username", ("username",)),
        Column("seen_on", ("seen",), "time"),
        Column("is_admin", ("is_admin",), "flag"),
        Column("groups", ("groups",), "texts"),
        Column("home", ("places", "home"), when="sent"),
    ),
    dropped=frozenset({"resource_uri"}),
)


def table_of(*records: dict[str, Any]) -> pa.Table:
    return RecordFlattener(LAYOUT).table(json.dumps(records).encode())


def test_declared_columns_come_first_typed_then_every_other_leaf_under_its_path() -> None:
    table = table_of(
        {
            "id": "u1",
            "username": "asha",
            "seen": "2026-03-01T10:00:00.5",
            "is_admin": False,
            "groups": ["g1", "g2"],
            "places": {"home": "Gaya", "work": "Patna"},
            "user_data": {"age": 31, "deep": {"er": "x"}},
            "resource_uri": "/a/demo/...",
            "phones": ["1", {"kind": "work"}],
        }
    )
    assert table.column_names == [
        "user_id",
        "username",
        "seen_on",
        "is_admin",
        "groups",
        "home",
        "phones",
        "places.work",
        "user_data.age",
        "user_data.deep.er",
    ]
    row = table.to_pylist()[0]
    assert (row["seen_on"].isoformat(), row["is_admin"], row["groups"]) == (
        "2026-03-01T10:00:00.500000+00:00",
        False,
        ["g1", "g2"],
    )
    assert (row["user_data.age"], row["phones"]) == ("31", '["1",{"kind":"work"}]')


def test_declared_columns_are_there_without_any_record() -> None:
    table = table_of()
    assert table.column_names == ["user_id", "username", "seen_on", "is_admin", "groups"]
    assert table.schema.field("groups").type == pa.list_(pa.string())


def test_a_key_named_like_a_declared_column_takes_nothing_from_it() -> None:
    row = table_of({"id": "u1", "user_id": "other", "record": {"user_id": "third"}}).to_pylist()[0]
    assert (row["user_id"], row["record.user_id"], row["record.record.user_id"]) == ("u1", "other", "third")


def test_a_later_page_keeps_the_columns_of_an_earlier_one() -> None:
    flattener = RecordFlattener(LAYOUT)
    flattener.table(b'[{"id": "u1", "user_data": {"village": "Bodh"}}]')
    later = flattener.table(b'[{"id": "u2"}]')
    assert later["user_data.village"].to_pylist() == [None]


def test_numbers_are_noted_unless_texts_stand_beside_them() -> None:
    flattener = RecordFlattener(LAYOUT)
    flattener.table(b'[{"id": "u1", "n": 1, "m": 1}, {"id": "u2", "n": null, "m": "x"}]')
    assert flattener.numbers == ["n"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"id": "u1", "seen": "yesterday"}, "seen_on of u1 is 'yesterday'"),
        ({"id": "u1", "is_admin": "yes"}, 'is_admin of u1 is "yes"'),
        ({"id": "u1", "groups": "g1"}, 'groups of u1 is "g1"'),
        ({"username": "asha"}, "no user_id"),
    ],
)
def test_metadata_that_hq_never_sends_are_told(record: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRecords, match=said):
        table_of(record)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"[{]", b"\xff"])
def test_what_is_no_list_of_records_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRecords):
        RecordFlattener(LAYOUT).table(body)


def test_long_numbers_stay_as_they_are() -> None:
    row = RecordFlattener(LAYOUT).table(b'[{"id": "u1", "n": 12345678901234567890.10}]').to_pylist()[0]
    assert row["n"] == "12345678901234567890.10"


scalars = st.none() | st.booleans() | st.integers() | st.text()
values = st.recursive(scalars, lambda inner: st.dictionaries(st.text(), inner, min_size=1), max_leaves=6)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif value is not None:
        yield value if isinstance(value, str) else json.dumps(value)


@given(st.lists(st.dictionaries(st.text().filter(lambda key: key not in {"id", "seen", "is_admin", "groups"}), values)))
def test_every_leaf_of_every_record_is_in_the_table(records: list[dict[str, Any]]) -> None:
    kept = [{"id": str(number), **record} for number, record in enumerate(records)]
    rows = table_of(*kept).to_pylist()
    for record, row in zip(kept, rows, strict=True):
        if not isinstance(record.get("resource_uri"), dict | list):
            record.pop("resource_uri", None)
        found = [value for value in row.values() if value is not None]
        assert sorted(found) == sorted(leaves(record))
