"""Rows of lookup tables: every value has a column of its own, whatever properties it has and whatever it is called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.lookup_tables import (
    LOOKUP_ROWS,
    LookupTable,
    fields_of,
    laid_out,
    of_table,
    table_of,
)
from commcare_frames.tables.records import RecordFlattener

if TYPE_CHECKING:
    import pyarrow as pa


def value(text: Any, **properties: str) -> dict[str, Any]:
    return {"field_value": text, "properties": properties}


def several(*values: dict[str, Any]) -> dict[str, Any]:
    return {"field_list": list(values)}


def table(**fields: tuple[str, ...]) -> LookupTable:
    return LookupTable("t", "tag", None, fields, ())


def arrived(*records: dict[str, Any]) -> pa.Table:
    numbered = [{"id": f"r{number}", **record} for number, record in enumerate(records)]
    return RecordFlattener(LOOKUP_ROWS).table(json.dumps(numbered).encode())


def rows(*fields: dict[str, Any]) -> pa.Table:
    return arrived(*({"fields": each} for each in fields))


def test_a_plain_field_is_a_column_in_the_tables_order() -> None:
    laid = laid_out(rows({"name": "Doro", "code": "007"}, {"code": None, "more": ""}), table(code=(), name=()))

    assert laid.to_pydict() == {
        "row_id": ["r0", "r1"], "code": ["007", None], "name": ["Doro", None], "more": [None, ""],
    }  # fmt: skip


def test_values_with_a_property_have_a_column_for_each() -> None:
    laid = laid_out(
        rows(
            {"name": several(value("Polio", lang="en"), value("Poliomyélite", lang="fr"))},
            {"name": "bare"},
            {"name": several(value("पोलियो", lang="hi"))},
        ),
        table(name=("lang",)),
    )

    assert laid.to_pydict() == {
        "row_id": ["r0", "r1", "r2"],
        "name.en": ["Polio", None, None],
        "name.fr": ["Poliomyélite", None, None],
        "name": [None, "bare", None],
        "name.hi": [None, None, "पोलियो"],
    }


def test_several_properties_stand_in_the_order_in_which_the_table_declares_them() -> None:
    field = several(
        value("a", size="s", lang="en"), value("b", size="s"), value("c", lang="en"), value("d"), value("e", extra="x")
    )
    laid = laid_out(rows({"name": field}), table(name=("lang", "size")))

    assert {name: laid[name][0].as_py() for name in laid.column_names[1:]} == {
        "name.en.s": "a", 'name."".s': "b", "name.en": "c", "name": "d", 'name.""."".x': "e",
    }  # fmt: skip


def test_several_values_alike_have_a_column_each() -> None:
    laid = laid_out(rows({"v": several(value("1"), value("2"), value("3"))}, {"v": several(value("4"))}), table(v=()))

    assert laid.to_pydict() == {
        "row_id": ["r0", "r1"], "v": ["1", "4"], "v[2]": ["2", None], "v[3]": ["3", None],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["row_id", "sort_key", "item_attributes", "fields", "data_type_id", "metadata"])
def test_a_field_named_as_another_column_keeps_its_values_apart(name: str) -> None:
    given_rows = arrived({"fields": {name: "mine"}, "sort_key": 5, "item_attributes": {"x": "theirs"}})
    laid = laid_out(given_rows, table(**{name: ()}))

    assert laid[f"fields.{name}"].to_pylist() == ["mine"]
    assert laid["item_attributes.x"].to_pylist() == ["theirs"]
    assert (laid["row_id"].to_pylist(), laid["sort_key"].to_pylist()) == (["r0"], ["5"])


def test_without_rows_the_columns_that_the_table_declares_are_there() -> None:
    declared = LookupTable("t", "tag", None, {"code": (), "name": ("lang",)}, ("programme",))

    assert laid_out(rows(), declared).column_names == ["row_id", "code", "name", "item_attributes.programme"]


def test_what_hq_adds_to_rows_is_kept() -> None:
    laid = laid_out(arrived({"fields": {"code": "a"}, "colour": "red", "more": {"deep": 1}}), table(code=()))

    assert laid.to_pydict() == {
        "row_id": ["r0"], "code": ["a"], "metadata.colour": ["red"], "metadata.more.deep": ["1"],
    }  # fmt: skip


def test_rows_of_all_tables_are_told_apart_and_ordered_by_their_sort_key() -> None:
    keys = [("t", 10), ("other", 1), ("t", 9), ("t", None), ("t", 9)]
    mixed = arrived(*({"data_type_id": of, "sort_key": key, "fields": {}} for of, key in keys))

    assert of_table(mixed, table())["row_id"].to_pylist() == ["r2", "r4", "r0", "r3"]


def test_a_row_without_fields_is_a_row() -> None:
    assert fields_of(arrived({}, {"fields": None}, {"fields": {}})) == [{}, {}, {}]
    assert laid_out(arrived({}), table(code=())).to_pydict() == {"row_id": ["r0"], "code": [None]}


def test_a_description_may_lack_anything() -> None:
    assert table_of({"id": "t"}) == LookupTable("t", "", None, {}, ())
    described = {
        "id": "t", "tag": "x", "is_global": "false", "item_attributes": None,
        "fields": [{"field_name": "a"}, {"field_name": ""}, None, {"field_name": "b", "properties": ["lang"]}],
    }  # fmt: skip
    assert table_of(described) == LookupTable("t", "x", False, {"a": (), "b": ("lang",)}, ())


names = st.sampled_from(["name", "a.b", "sort_key", "fields", 'q"', "v[2]", "é", ""])
texts = st.sampled_from(["", "x", "en", "fr", "a.b", "[2]", "🤰"])
fields = st.dictionaries(
    names,
    st.one_of(
        texts,
        st.none(),
        st.lists(
            st.builds(lambda text, said: value(text, **said), texts, st.dictionaries(st.sampled_from("lm"), texts)),
            max_size=3,
        ).map(lambda values: several(*values)),
    ),
)


@given(st.lists(fields, max_size=4))
def test_no_value_is_lost_and_none_gets_into_another_row(records: list[dict[str, Any]]) -> None:
    laid = laid_out(rows(*records), table(name=("l",)))

    def expected(record: dict[str, Any]) -> list[str]:
        found = [each["field_list"] if isinstance(each, dict) else [value(each)] for each in record.values()]
        return sorted(each["field_value"] for listed in found for each in listed if each["field_value"] is not None)

    shown = [
        sorted(cell for name, cell in row.items() if name != "row_id" and cell is not None) for row in laid.to_pylist()
    ]
    assert shown == [expected(record) for record in records]
    assert len(set(laid.column_names)) == laid.num_columns
