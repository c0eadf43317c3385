"""The language of query files: functions, sheets and their cells, what a row holds, dtypes of columns."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.errors import DataWarning, QueryError
from commcare_frames.tables.det.columns import to_frame
from commcare_frames.tables.det.fields import Field
from commcare_frames.tables.det.functions import FunctionError, Spot, function_of
from commcare_frames.tables.det.paths import parse_field
from commcare_frames.tables.det.places import Place
from commcare_frames.tables.det.query import Table, read_query
from commcare_frames.tables.det.sheets import Sheet
from commcare_frames.tables.exact import InvalidRecords, parse_as_python

SOURCES = ("form", "case")
HEAD = ["Data Source", "Filter Name", "Filter Value", "Field", "Source Field", "Map Via", "Format Via", "Data Type"]


def at(*parts: int) -> datetime:
    """A time as commcare-export has it."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def applied(function: str, value: Any) -> Any:
    return function_of(function).apply(value, Spot(Place({"domain": "d", "id": "r"}), "https://hq"))


def query(*rows: list[Any], **sheets: list[list[Any]]) -> list[Table]:
    return read_query({"S": [HEAD, *rows], **sheets}, SOURCES)


def rows(table: Table, record: Any) -> list[list[Any]]:
    return list(table.rows(Place(record), "https://hq"))


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        ("str2num", "12", 12),
        ("str2num", "1e3", 1000.0),
        ("str2num", 3.9, 3),
        ("str2num", "", None),
        ("str2num", None, None),
        ("str2num", "x", None),
        ("str2date", "2024-01-02T03:04:05.678+05:30", at(2024, 1, 1, 21, 34, 5)),
        ("str2date", "2024-01-02", at(2024, 1, 2)),
        ("str2date", "", None),
        ("str2date", "fever", None),
        ("str2date", "9" * 30, None),
        ("str2bool", "T", True),
        ("str2bool", "yes", False),
        ("str2bool", True, True),
        ("bool2int", "1", 1),
        ("bool2int", None, 0),
        ("json2str", {"a": "é"}, '{"a": "\\u00e9"}'),
        ("json2str", [], "[]"),
        ("sha1", None, None),
        ("format-uuid", "00a3e0194ce1458794c50971dee2de22", "00a3e019-4ce1-4587-94c5-0971dee2de22"),
        ("format-uuid", 5, None),
        ("selected(a)", "b a", True),
        ("selected(a)", "ab", False),
        ("selected(a (b))", "a (b)", False),
        ("selected(a)", "", None),
        ("selected-at( 1 )", "a b", "b"),
        ("selected-at(2)", "a b", None),
        ("selected-at(-3)", "a b", None),
        ("count-selected", "a  b", 2),
        ("count-selected", 12, 1),
        ("substr(1,3)", 12345, "23"),
        ("template({0}-{0})", "x", "x-x"),
        ("unique", ["b", "a", "b"], ["b", "a"]),
        ("len", "abc", 3),
        ("bool", "", False),
        ("attachment_url", "p.jpg", "https://hq/a/d/api/form/attachment/r/p.jpg"),
        ("form_url", None, "https://hq/a/d/reports/form_data/r/"),
        (" str2num ", "1", 1),
    ],
)
def test_functions_make_what_those_of_commcare_export_make(function: str, value: Any, expected: Any) -> None:
    made = applied(function, value)

    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("str2dat", "Did you mean 'str2date'"),
        ("get_location_info", "no function"),
        ("join", "no function"),
        ("str2num(1)", "no function"),
        ("selected", r"takes arguments, as in selected\(fever\)"),
        ("selected(a", "closing parenthesis"),
        ("selected-at(x)", "whole number, not 'x'"),
        ("substr(1)", "two whole numbers"),
        ("substr(-1,2)", "two whole numbers"),
        ("template()", "places to fill in"),
        ("template({}, form..)", "does not find"),
    ],
)
def test_other_functions_are_refused(function: str, said: str) -> None:
    with pytest.raises(FunctionError, match=said):
        function_of(function)


FORM = ["form", None, None, "f", "form.x"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["forms", None, None, "f", "x"], r"Sheet 'S', cell A2: 'forms' is no data source.* Did you mean 'form'\?"),
        (["form..", None, None, "f", "x"], r"Sheet 'S', cell A2: 'form\.\.' is no path"),
        (["$", None, None, "f", "x"], "Sheet 'S', cell A2: a data source begins"),
        (["form", "xmlns", None, "f", "x"], "Sheet 'S', cell C2: .*this is empty"),
        (["form", "closed", False, "f", "x"], "Sheet 'S', cell C2: .*this is False, which commcare-export leaves out"),
        (["form", None, "http://x", "f", "x"], "Sheet 'S', cell B2"),
        (["form", None, None, None, None], "Sheet 'S' has no \"Field\""),
        (["form", None, None, "f", None], "Sheet 'S', cell E2 is empty"),
        (["form", None, None, 5, "x"], "Sheet 'S', cell D2 is 5, where the query needs a text"),
        (["form", None, None, "f", "x."], r"Sheet 'S', cell E2: 'x\.' is no path"),
        ([*FORM, "strnum"], "Sheet 'S', cell F2: 'strnum' is no function"),
        ([*FORM, None, "selected-at(x)"], "Sheet 'S', cell G2"),
        ([*FORM, None, None, "number"], "Sheet 'S', cell H2: 'number' is no data type. They are text, boolean"),
    ],
)
def test_a_cell_that_makes_no_sense_is_named(row: list[Any], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        query(row)


def test_columns_are_found_by_their_titles_wherever_they_stand() -> None:
    sheet = Sheet("S", [[None] * 27 + [" Field ", 7, "FIELD"], [None] * 27 + ["a", 1, "z"], [None] * 28, ["x"] * 28])

    assert [(cell.value, cell.where) for cell in sheet.column("field")] == [
        ("a", "Sheet 'S', cell AB2"),
        (None, "Sheet 'S', cell AB3"),
        ("x", "Sheet 'S', cell AB4"),
    ]
    assert sheet.column("source field") == []
    assert Sheet("S", []).column("field") == []
    assert [cell.value for cell in sheet.beside(sheet.column("field")[:1], "map via")] == [None]


def test_a_sheet_without_a_data_source_is_left_out_with_a_warning() -> None:
    with pytest.warns(DataWarning, match="Sheet 'Notes' says no \"Data Source\""):
        tables = read_query({"Notes": [["For the M&E team"]], "S": [HEAD, FORM]}, SOURCES)

    assert [table.name for table in tables] == ["S"]
    with (
        pytest.warns(DataWarning),
        pytest.raises(QueryError, match="it asks for nothing"),
    ):
        read_query({"Notes": []}, SOURCES)


def test_filters_are_asked_as_commcare_export_asks_them() -> None:
    row = ["form", "app_id", 12]
    more = [[None, "indexed_on_start", at(2024, 1, 2)], [None, None], [None, "app_id", "b"]]

    (table,) = query([*row, "f", "x"], *more)

    assert table.source.filters == (("app_id", "12"), ("indexed_on_start", "2024-01-02T00:00:00"), ("app_id", "b"))


def test_mappings_are_by_the_name_of_the_field_and_hold_in_repeats_too() -> None:
    mappings = [
        ["Mapping Name", "Source", "Destination"],
        ["f", "a", "A"],
        ["f", "b", None],
        ["f", 1, "one"],
        [None, "c", "C"],
        ["other", "a", "no"],
    ]
    (table,) = query(["form.rep[*]", None, None, "f", "x"], Mappings=mappings)

    record = {"rep": [{"x": value} for value in ("a", "b", "c", "1", 1, 'say "a"', "*", None)] + [{}]}
    assert rows(table, record) == [["A"], ["b"], ["c"], ["1"], [1], ['say "a"'], ["*"], [None], [None]]
    with pytest.raises(QueryError, match="Sheet 'Mappings' has no \"Mapping Name\""):
        query(FORM, Mappings=[["Name"]])


def test_what_is_found_becomes_one_value() -> None:
    def value(field: str, record: Any) -> Any:
        (table,) = query(["form", None, None, "f", field])
        return rows(table, record)[0][0]

    assert value("a", {}) is None
    assert value("a", {"a": "x"}) == "x"
    assert value("a", {"a": False}) is False
    assert value("a[*].b", {"a": [{"b": "1"}, {"b": "2"}]}) == "1,2"
    assert value("a", {"a": ["x"]}) == "x"
    assert value("a", {"a": ["x", ["y", "z"]]}) == "x,y,z"
    assert value("a", {"a": []}) is None
    assert value("a", {"id": "r", "a": {"#text": "x", "@y": "z"}}) == "x"
    assert value("a", {"id": "r", "a": {"@y": "z"}}) == ""
    assert json.loads(value("a", {"id": "r", "a": {"b": {"c": 1.5}}})) == {"b": {"c": 1.5}, "id": "r.a"}


def test_a_function_that_does_not_take_a_value_is_named_with_its_record() -> None:
    (table,) = query(["form", None, None, "f", "x", "str2num"])

    with pytest.raises(QueryError, match=r"Sheet 'S', cell D2: a function for 'f' does not take .*of record r1 .*int"):
        rows(table, {"id": "r1", "x": {"y": 1}})
    with pytest.raises(QueryError, match="of record r2"):
        rows(table, {"id": "r2", "x": float("inf")})


def field(name: str = "f", kind: str = "", function: str | None = None) -> Field:
    functions = () if function is None else (function_of(function),)
    return Field(name, f"Sheet 'S', cell {name.upper()}", (parse_field("x"),), functions, None, kind)


MOMENTS = st.datetimes(at(1, 1, 1), at(9999, 12, 31)).map(lambda moment: moment.replace(microsecond=0))
KINDS = [st.text(max_size=5), st.integers(), st.floats(allow_nan=False), st.booleans(), MOMENTS]


@given(st.lists(st.one_of(KINDS) | st.none(), max_size=6) | st.one_of([st.lists(kind | st.none()) for kind in KINDS]))
def test_a_column_holds_the_values_that_it_is_made_of(values: list[Any]) -> None:
    column = to_frame([field()], [[value] for value in values])["f"]

    kept = [None if pd.isna(value) else value for value in column]
    assert len(kept) == len(values)
    for one, other in zip(kept, values, strict=True):
        assert one == other
        assert (
            isinstance(one, str | bool | datetime) == isinstance(other, str | bool | datetime)
            or column.dtype == "boolean"
        )


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a", None], "str"),
        ([True, None], "boolean"),
        ([1, None], "Int64"),
        ([1, 2.5], "Float64"),
        ([2**53 + 1, 2.5], "object"),
        ([2**70], "object"),
        ([at(2024, 1, 1), None], "datetime64[us]"),
        (["a", 1], "object"),
        ([True, 1], "object"),
        ([None], "str"),
        ([], "str"),
    ],
)
def test_a_column_has_the_dtype_of_its_values(values: list[Any], dtype: str) -> None:
    assert to_frame([field()], [[value] for value in values])["f"].dtype == dtype


@pytest.mark.parametrize(
    ("function", "dtype"),
    [
        ("str2num", "Int64"),
        ("str2date", "datetime64[us]"),
        ("selected(a)", "boolean"),
        ("sha1", "str"),
        ("unique", "str"),
    ],
)
def test_a_column_without_values_has_the_dtype_of_its_function(function: str, dtype: str) -> None:
    assert to_frame([field(function=function)], [])["f"].dtype == dtype


@pytest.mark.parametrize(
    ("kind", "values", "expected", "dtype"),
    [
        ("text", [1, "a", None, True], ["1", "a", None, "True"], "str"),
        ("integer", ["1", "", None, 2.0, True], [1, None, None, 2, 1], "Int64"),
        ("boolean", ["t", "FALSE", "", 1, True], [True, False, None, True, True], "boolean"),
        ("date", ["2024-01-02", "2024-01-02T23:00:00Z", ""], [at(2024, 1, 2)] * 2 + [None], "datetime64[us]"),
        ("datetime", ["2024-01-02T01:00:00+02:00"], [at(2024, 1, 1, 23)], "datetime64[us]"),
        ("json", ["{}", 1.5, None], ["{}", "1.5", None], "str"),
        ("date", [None], [None], "datetime64[us]"),
    ],
)
def test_a_data_type_gives_its_column_a_dtype(kind: str, values: list[Any], expected: list[Any], dtype: str) -> None:
    column = to_frame([field(kind=kind)], [[value] for value in values])["f"]

    assert column.dtype == dtype
    assert [None if pd.isna(value) else value for value in column] == expected


@pytest.mark.parametrize(
    ("kind", "misfit"),
    [
        ("integer", "1.5"),
        ("integer", 1.5),
        ("boolean", "yes"),
        ("date", "soon"),
        ("date", 5),
        ("integer", at(2024, 1, 1)),
    ],
)
def test_a_column_with_values_of_another_data_type_stays_as_it_is(kind: str, misfit: Any) -> None:
    with pytest.warns(DataWarning, match=rf"cell F: 1 of 2 values of 'f' are not of the data type '{kind}'"):
        column = to_frame([field(kind=kind)], [["1" if kind != "date" else "2024-01-01"], [misfit]])["f"]

    assert column.tolist()[1] == misfit


def test_lists_of_more_than_texts_are_blank_with_a_warning() -> None:
    (table,) = query(["form", None, None, "f", "a"])
    made = rows(table, {"a": [{"b": 1}, {"b": 2}]}) + rows(table, {"a": [1, 2]}) + rows(table, {"a": ["x", "y"]})

    with pytest.warns(DataWarning, match=r"cell D2: 2 values of 'f' are lists of more than texts, which are blank"):
        frame = to_frame(table.fields, made)
    assert frame["f"].tolist() == ["", "", "x,y"]


def test_columns_of_one_name_are_both_there() -> None:
    frame = to_frame([field(), field()], [["a", 1]])

    assert list(frame.columns) == ["f", "f"]
    assert frame.iloc[0].tolist() == ["a", 1]


def test_records_are_read_with_their_numbers_and_halves_of_emoji() -> None:
    page = rb'[{"a": 1.50, "b": 12345678901234567890, "c": "\ud83d", "d": "\ud83e\udd30"}]'

    assert parse_as_python(page) == [{"a": 1.5, "b": 12345678901234567890, "c": "\\ud83d", "d": "🤰"}]
    for broken in (b'{"a": 1}', b"[1]", b'[{"a"'):
        with pytest.raises(InvalidRecords):
            parse_as_python(broken)
