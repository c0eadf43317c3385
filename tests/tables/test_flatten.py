"""Flattening: which column every part of a case goes to, and that nothing is lost on the way."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from awkward_records import AWKWARD_PAGES, PLAIN_PAGES, encoded
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.flatten import Flattener, InvalidRecords
from commcare_frames.tables.layout import CASE_V1, CASE_V2

if TYPE_CHECKING:
    from collections.abc import Iterator

METADATA = [
    "case_id", "case_type", "case_name", "external_id", "owner_id", "date_opened", "last_modified",
    "server_last_modified", "indexed_on", "closed", "date_closed",
]  # fmt: skip


class ExactOnly(Flattener):
    """Flattens without ever trusting Arrow's JSON reader."""

    def _read_fast(self, records: bytes) -> None:
        return None


class FastOnly(Flattener):
    """Flattens with Arrow's JSON reader or not at all."""

    def _read_exactly(self, records: bytes) -> Any:
        raise AssertionError(records)


def flat(*records: object, layout: Any = CASE_V2) -> pa.Table:
    return Flattener(layout).table(encoded(records))


def column(name: str, *records: object) -> list[Any]:
    return flat(*records).column(name).to_pylist()


def properties(*values: object) -> Iterator[dict[str, Any]]:
    return ({"case_id": str(i), "properties": value} for i, value in enumerate(values))


# --- where things go ---


def test_metadata_come_first_then_links_then_properties_by_name():
    page = flat(
        {
            "properties": {"weight": "3.2", "age": "2", "owner_id": "x"},
            "indices": {"parent": {"relationship": "child", "case_type": "household", "case_id": "h"}},
            "surprise": "1",
        }
    )
    assert page.column_names == [
        *METADATA, "indices.parent.case_id", "indices.parent.case_type", "indices.parent.relationship",
        "age", "properties.owner_id", "weight", "metadata.surprise",
    ]  # fmt: skip


def test_properties_are_text_and_metadata_are_typed():
    schema = flat({"properties": {"age": "2", "visited": "2020-01-01"}}).schema
    assert {schema.field(name).type for name in ("case_id", "age", "visited")} == {pa.string()}
    assert schema.field("last_modified").type == pa.timestamp("us", "UTC")
    assert schema.field("closed").type == pa.bool_()


@pytest.mark.parametrize("text", ["2021-08-03T20:15:09.063823Z", "2021-08-03T20:15:09.063823"])
def test_times_are_utc_with_and_without_z(text):
    assert column("indexed_on", {"indexed_on": text}) == [dt.datetime(2021, 8, 3, 20, 15, 9, 63823, tzinfo=dt.UTC)]


@pytest.mark.parametrize("text", ["1900-01-01", "", None])
def test_no_time_is_missing(text):
    assert column("date_closed", {"date_closed": text}) == [None]


@pytest.mark.parametrize(
    "name", ["case_id", "is_deprecated", "domain", "xform_ids", "properties.x", "indices.p.case_id", "metadata.x"]
)
def test_a_property_never_takes_the_name_of_metadata(name):
    assert column(f"properties.{name}", *properties({name: "mine"})) == ["mine"]


@pytest.mark.parametrize("name", ["#type", "@xmlns", "", " ", "a.b", "Age", "âge", "😀", "nul\x00", 'quo"te'])
def test_odd_property_names_are_kept(name):
    assert column(name, *properties({name: "1", "age": "2"})) == ["1"]


def test_a_blank_is_not_a_missing_property():
    assert column("x", *properties({"x": ""}, {"x": None}, {}, None)) == ["", None, None, None]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1.50", "1.50"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1E400", "1E400"),
        ("true", "true"),
        ('{"a": [1.0, null, {"é": "\\u00e9"}]}', '{"a":[1.0,null,{"é":"é"}]}'),
        ("[]", "[]"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"half \\ud83d"', "half \\ud83d"),
        ('"\\\\ud83d"', "\\ud83d"),
    ],
)
def test_a_value_that_is_no_text_keeps_its_source(source, text):
    page = Flattener(CASE_V2).table(b'[{"properties":{"x":' + source.encode() + b',"y":"1"}}]')
    assert page.column("x").to_pylist() == [text]


def test_of_two_equal_keys_the_last_one_wins():
    page = Flattener(CASE_V2).table(b'[{"properties":{"x":"1","x":"2"}}]')
    assert page.column("x").to_pylist() == ["2"]


def test_unknown_keys_of_a_link_are_kept_apart_from_links_with_dots_in_their_names():
    page = flat({"indices": {"a": {"b.case_id": "1"}, "a.b": {"case_id": "2"}, "odd": "3"}})
    assert page.column('indices.a."b.case_id"').to_pylist() == ["1"]
    assert page.column("indices.a.b.case_id").to_pylist() == ["2"]
    assert page.column("indices.odd.").to_pylist() == ["3"]


@pytest.mark.parametrize("link", [None, {}, {"case_id": None}])
def test_a_link_to_nothing_is_missing_whichever_way_it_is_read(link):
    records = encoded([{"indices": {"p": {"case_id": "1"}}}, {"indices": {"p": link}}])
    page = FastOnly(CASE_V2).table(records)
    assert page.column("indices.p.case_id").to_pylist() == ["1", None]
    assert page.equals(ExactOnly(CASE_V2).table(records))


def test_properties_that_are_no_object_are_kept_as_json():
    assert column("metadata.properties", {"properties": ["a"]}) == ['["a"]']


def test_is_deprecated_is_a_column_only_where_it_is_sent():
    assert "is_deprecated" not in flat({"case_id": "1"}).column_names
    assert column("is_deprecated", {"is_deprecated": True}, {}) == [True, None]


def test_domain_is_a_column_only_where_it_differs():
    flattener = Flattener(CASE_V2)
    pages = [flattener.table(encoded([{"domain": domain}])) for domain in ("one", "one", None, "two")]
    assert ["domain" in page.column_names for page in pages] == [False, False, False, True]


def test_case_v1_has_the_columns_of_v2_and_its_own():
    v1 = flat(
        {
            "id": "c", "case_id": "c", "domain": "d", "user_id": "u", "opened_by": "o", "closed_by": None,
            "closed": False, "date_closed": None, "date_modified": "2021-01-01T00:00:00Z", "resource_uri": "",
            "server_date_modified": "1900-01-01", "server_date_opened": "2020-01-01T00:00:00.000000Z",
            "indexed_on": "2021-01-02T00:00:00Z", "xform_ids": ["f", "g"], "indices": {},
            "properties": {
                "case_type": "patient", "case_name": "Asha", "owner_id": "w", "external_id": "",
                "date_opened": "2020-01-01T00:00:00.000000Z", "age": "7", "last_modified": "mine",
            },
        },
        layout=CASE_V1,
    )  # fmt: skip
    own = ["opened_by", "closed_by", "user_id", "server_date_opened", "xform_ids"]
    assert v1.column_names == [*METADATA, *own, "age", "properties.last_modified"]
    row = v1.to_pylist()[0]
    assert row["case_type"] == "patient"
    assert row["xform_ids"] == ["f", "g"]
    assert row["last_modified"].year == 2021
    assert row["server_last_modified"] is None


# --- pages ---


def test_an_empty_page_has_all_metadata_columns():
    page = Flattener(CASE_V2).table(b"[]")
    assert page.num_rows == 0
    assert page.column_names == METADATA


def test_a_page_has_the_columns_of_the_pages_before():
    flattener = Flattener(CASE_V2)
    flattener.table(encoded(list(properties({"age": "1"}))))
    assert flattener.table(encoded(list(properties({"sex": "f"})))).column("age").to_pylist() == [None]


def test_500_properties_and_a_text_of_a_megabyte_are_read_the_fast_way():
    names = [f"p{i:03}" for i in range(500)]
    page = [{"properties": dict.fromkeys(names, str(i))} for i in range(20)]
    page[7]["properties"]["p123"] = "x" * 1_000_000
    table = FastOnly(CASE_V2).table(encoded(page))
    assert table.column_names == [*METADATA, *names]
    assert len(table.column("p123")[7].as_py()) == 1_000_000


def test_pretty_printed_pages_are_read():
    page = [{"case_id": str(i), "properties": {"age": str(i)}} for i in range(3000)]
    table = FastOnly(CASE_V2).table(json.dumps(page, indent=4).encode())
    assert table.column("age").to_pylist() == [str(i) for i in range(3000)]


def test_a_new_name_does_not_leave_the_fast_way():
    flattener = FastOnly(CASE_V2)
    for name in ("age", "sex", "dob"):
        page = list(properties({name: "2020-01-01"}))
        assert flattener.table(encoded(page)).column(name).to_pylist() == ["2020-01-01"]


@pytest.mark.parametrize(
    "records",
    [
        b"", b"null", b"{}", b'"a"', b"[null]", b"[[]]", b'["a"]', b"[", b'[{"case_id":"a"}', b"[]]", b"[],",
        b'[],"x":1', b'[]}{"records":[]', b'[]}\n{"records":[{}]', b'[],"records":[{}]', b"[] x", b"[]\x00",
        b"\xef\xbb\xbf[]", b'[{"case_id":"\xff"}]', b'[{"case_id":"a\tb"}]', b"[{'case_id':'a'}]",
        b'[{"case_id":"a",}]', b'[{"properties":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}]",
    ],
)  # fmt: skip
def test_bytes_that_are_not_a_json_array_of_objects_are_refused(records):
    flattener = Flattener(CASE_V2)
    flattener.table(encoded([{"case_id": "1", "properties": {"x": "1"}}]))
    with pytest.raises(InvalidRecords, match="These records are not"):
        flattener.table(records)


@pytest.mark.parametrize("depth", [300, 900, 5_000])
def test_a_value_however_deep_is_kept_or_refused(depth):
    source = "[" * depth + "]" * depth
    try:
        page = Flattener(CASE_V2).table(b'[{"properties":{"x":' + source.encode() + b"}}]")
    except InvalidRecords:
        assert depth > 300
    else:
        assert page.column("x").to_pylist() == [source]


def test_a_name_that_comes_up_late_in_a_large_page_is_not_lost():
    page = [{"case_id": str(i), "properties": {"note": "x" * 1000}} for i in range(600)]
    page[555]["properties"]["rare"] = "1"
    assert FastOnly(CASE_V2).table(encoded(page)).column("rare")[555].as_py() == "1"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("last_modified", "yesterday", "last_modified of c1 is 'yesterday', not a time"),
        ("last_modified", 5, "last_modified of c1 is '5', not a time"),
        ("closed", "maybe", 'closed of c1 is "maybe", not true or false'),
    ],
)
def test_metadata_that_are_not_what_hq_promises_are_named(key, value, message):
    with pytest.raises(InvalidRecords, match=message):
        flat({"case_id": "c0", "closed": True}, {"case_id": "c1", key: value})


# --- laws ---


@given(st.lists(PLAIN_PAGES, max_size=2), st.booleans())
def test_the_fast_way_equals_the_exact_way(pages, escaped):
    fast, exact = FastOnly(CASE_V2), ExactOnly(CASE_V2)
    for page in pages:
        records = encoded(page, escaped=escaped)
        assert fast.table(records).equals(exact.table(records))


@given(st.lists(AWKWARD_PAGES, max_size=2))
def test_awkward_pages_are_the_same_whichever_way_they_are_read(pages):
    usual, exact = Flattener(CASE_V2), ExactOnly(CASE_V2)
    for page in pages:
        table = usual.table(encoded(page))
        table.validate(full=True)
        assert table.equals(exact.table(encoded(page)))


@given(st.lists(AWKWARD_PAGES, max_size=3), st.randoms())
def test_the_same_pages_give_the_same_columns_in_any_order(pages, rng):
    def columns(pages: list[Any]) -> list[str]:
        flattener = Flattener(CASE_V2)
        return CASE_V2.ordered({name for page in pages for name in flattener.table(encoded(page)).column_names})

    shuffled = rng.sample(pages, len(pages))
    assert columns(shuffled) == columns(pages)


def leaves(value: object) -> Iterator[str]:
    match value:
        case None:
            return
        case dict():
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case str():
            yield value
        case _:
            yield json.dumps(value)


@given(AWKWARD_PAGES)
def test_every_leaf_of_a_record_is_in_a_cell_of_its_row(page):
    for record, row in zip(page, Flattener(CASE_V2).table(encoded(page)).to_pylist(), strict=True):
        cells = [cell for cell in row.values() if isinstance(cell, str)]
        for leaf in leaves([record.get("properties"), record.get("indices"), record.get("case_name")]):
            quoted = json.dumps(leaf, ensure_ascii=False)
            assert leaf in cells or any(leaf in cell or quoted in cell for cell in cells), leaf
