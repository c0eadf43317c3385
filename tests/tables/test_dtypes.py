"""Types: a column becomes a number, date, time or boolean only where every text survives."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from commcare_frames.errors import DtypeError
from commcare_frames.tables.dtypes import convert, infer, plan, to_frame, typed
from commcare_frames.tables.formats import formats_like


def table(**columns: list[Any]) -> pa.Table:
    count = len(next(iter(columns.values())))
    return pa.table(
        {"case_id": [f"c{i}" for i in range(count)]}
        | {name: pa.array(texts, pa.string()) for name, texts in columns.items()}
    )


def inferred(*texts: str | None) -> str:
    return infer([table(x=list(texts))])["x"]


def framed(dtypes: Any, **columns: list[Any]) -> pd.DataFrame:
    return to_frame(typed(table(**columns), dtypes, id_column="case_id"))


# --- what becomes what ---


@pytest.mark.parametrize(
    ("texts", "dtype"),
    [
        (["0", "-5", "919876543210", "9223372036854775807"], "Int64"),
        (["1", "0", "", None], "Int64"),
        (["3", "3.5"], "Float64"),
        (["3.0", "3.25", "-0.5"], "Float64"),
        (["3.50", "12.00"], "Float64"),
        (["12.345678901234567", "85.15"], "Float64"),
        (["2020-02-29", "0001-01-01", "9999-12-31"], "datetime64[us]"),
        (["2020-01-01T10:11:12", "2020-01-01T00:00:00"], "datetime64[us]"),
        (["2020-01-01T10:11:12.123", "2020-01-01T00:00:00.000"], "datetime64[us]"),
        (["2020-01-01T10:11:12.123456Z", "2020-01-01T00:00:00.000000Z"], "datetime64[us, UTC]"),
        (["2020-01-01T10:11:12Z"], "datetime64[us, UTC]"),
        (["true", "false", ""], "boolean"),
    ],
)
def test_texts_that_survive_get_their_type(texts, dtype):
    assert inferred(*texts) == dtype
    assert inferred(*reversed(texts)) == dtype


@pytest.mark.parametrize(
    "texts",
    [
        ["007"], ["+5"], ["-0"], [" 5"], ["5 "], ["9223372036854775808"], ["-9223372036854775809"], ["0x1F"], ["1_0"],
        ["5", "abc"], ["٣"], ["1,5"], ["10000000000000000000000"], ["-0", "1.5"],
        ["nan"], ["inf"], ["-inf"], ["NaN", "1.5"], ["1e5"], ["1e+20"], ["1e-7"], ["1E5", "1.5"],
        [".5"], ["5."], ["1.5", "+1.5"],
        ["3.50", "3.5"], ["3", "3.0"], ["3.50", "12"], ["0.1234567890123456789"], ["12345678901234567890.5"], ["01.5"],
        ["2020-02-30"], ["2020-1-1"], ["20-01-2020"], ["0000-01-01"], ["10000-01-01"], ["2020-01-01", "today"], ["--"],
        ["2020-01-01", "2020-01-01T00:00:00"], ["2020-01-01T10:11:12", "2020-01-01T10:11:12Z"],
        ["2020-01-01T10:11:12.5"], ["2020-01-01T10:11:12.000", "2020-01-01T10:11:12"], ["2020-01-01T10:11"],
        ["2020-01-01 10:11:12"], ["2020-01-01T10:11:12.063+05:30"], ["2020-01-01T10:11:12+00:00"],
        ["2020-01-01T24:00:00"],
        ["0000-01-01T00:00:00"], ["10:11:12"], ["10:11:12.063+05:30"], ["T"], ["Z"], ["Tuesday."],
        ["yes", "no"], ["True", "False"], ["true", "1"], ["true", "maybe"], [""], [None], [],
    ],
)  # fmt: skip
def test_texts_that_would_not_survive_stay_text(texts):
    assert inferred(*texts) == "str"


def test_a_late_value_refutes_a_type():
    assert inferred(*["5"] * 1000, "007") == "str"


def test_a_late_value_among_many_different_ones_refutes_a_type():
    assert inferred(*map(str, range(1000)), "007") == "str"


def test_a_type_must_hold_in_every_chunk():
    chunks = [table(x=["", None], y=["1", "2"]), table(x=["5", "6"], y=["3", "4"]), table(x=["7"], y=["n/a"])]
    assert infer(chunks) == {"x": "Int64", "y": "str"}


def test_whole_numbers_in_one_chunk_and_decimals_in_the_next_are_decimals():
    assert infer([table(x=["5", "6"]), table(x=["7.5"])]) == {"x": "Float64"}


def test_metadata_and_links_are_never_inferred():
    assert infer([table(external_id=["1"], **{"indices.p.case_id": ["1"], "metadata.x": ["1"]})]) == {}


def test_a_property_named_like_metadata_is_inferred():
    assert infer([table(**{"properties.closed": ["1"]})]) == {"properties.closed": "Int64"}


NUMBERS = st.one_of(
    st.integers(-(10**19), 10**19).map(str),
    st.from_regex(r"[+-]?[0-9]{0,3}(\.[0-9]{0,3})?", fullmatch=True),
    st.floats().map(repr),
    st.builds("{:.{}f}".format, st.floats(-1e20, 1e20), st.integers(0, 18)),
)
TIMES = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda time: time.isoformat()),
    st.builds("{}{}".format, st.datetimes().map(lambda time: time.isoformat()[:23]), st.sampled_from(["", "Z"])),
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z?)?", fullmatch=True),
)
COLUMNS = st.one_of(
    *(
        st.lists(texts | st.just("") | st.none(), max_size=4)
        for texts in (NUMBERS, TIMES, st.sampled_from(["true", "false"]), st.text(max_size=5))
    )
)


@given(COLUMNS)
@example(["3.50", "", None])
@example(["-0.0"])
@example(["100000000000000.5"])
@example(["900719925474099.10"])
def test_a_typed_column_can_be_written_back_text_for_text(texts):
    data = table(x=texts)
    kinds = infer([data])
    values = convert(data, kinds, id_column="case_id").column("x")
    present = [text or None for text in texts]
    if kinds["x"] == "str":
        assert values.to_pylist() == present
        return
    first = next(filter(None, texts))
    written = [
        each.write(values.combine_chunks().drop_null()).to_pylist()
        for each in formats_like(first)
        if each.dtype == kinds["x"]
    ]
    assert [text for text in present if text] in written
    assert [value is None for value in values.to_pylist()] == [text is None for text in present]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_every_column_of_integers_is_inferred_and_exact(numbers):
    assert framed("infer", x=[str(number) for number in numbers])["x"].tolist() == numbers


@given(st.lists(st.decimals(-99999, 99999, places=2), min_size=1))
def test_every_column_of_money_is_inferred(amounts):
    assert inferred(*(f"{amount:.2f}" for amount in amounts)) == "Float64"


# --- frames ---


def test_blank_is_missing_in_inferred_columns_of_any_type():
    frame = framed("infer", number=["1", ""], text=["a", ""], truth=["true", ""], day=["2020-01-01", ""])
    assert frame.iloc[1, 1:].isna().all()
    assert [str(dtype) for dtype in frame.dtypes[1:]] == ["Int64", "str", "boolean", "datetime64[us]"]


def test_string_mode_keeps_blank_and_missing_apart():
    frame = framed("string", x=["007", "", None])
    assert frame["x"].dtype == "str"
    assert frame["x"].iloc[:2].tolist() == ["007", ""]
    assert frame["x"].isna().tolist() == [False, False, True]


def test_a_frame_has_nullable_numbers_utc_times_and_python_lists():
    times = pa.array([0, None], pa.timestamp("us", "UTC"))
    frame = to_frame(
        pa.table({
            "closed": [True, None], "indexed_on": times, "xform_ids": [["f", "g"], None],
            "x": [1, None], "y": [0.5, None],
        })
    )  # fmt: skip
    assert [str(dtype) for dtype in frame.dtypes] == ["boolean", "datetime64[us, UTC]", "object", "Int64", "Float64"]
    assert frame["xform_ids"].tolist() == [["f", "g"], None]
    assert isinstance(frame.index, pd.RangeIndex)


def test_an_empty_table_is_an_empty_frame_of_the_same_columns():
    frame = framed("infer", x=[])
    assert frame.shape == (0, 2)
    assert frame["x"].dtype == "str"


# --- pins ---


@pytest.mark.parametrize(
    ("dtype", "texts", "name"),
    [
        ("Int64", ["007", "-0"], "Int64"),
        (pd.Int64Dtype(), ["5", ""], "Int64"),
        ("Float64", ["1", "1e5", "3.50"], "Float64"),
        ("boolean", ["1", "0"], "boolean"),
        ("string", ["1", "2"], "str"),
        (str, ["1", "2"], "str"),
        ("category", ["f", "m", ""], "category"),
        ("datetime64[us]", ["2020-01-01", "2020-01-01T10:11:12.5"], "datetime64[us]"),
        ("datetime64[us, UTC]", ["2020-01-01T10:11:12.063+05:30"], "datetime64[us, UTC]"),
    ],
)
def test_a_pinned_column_has_its_dtype_and_the_rest_is_inferred(dtype, texts, name):
    frame = framed({"x": dtype}, x=texts, y=["1"] * len(texts))
    assert str(frame["x"].dtype) == name
    assert str(frame["y"].dtype) == "Int64"


def test_values_that_do_not_fit_are_counted_and_named_by_row():
    with pytest.raises(DtypeError) as raised:
        framed({"age": "Int64"}, age=["1", "abc", "", None, "2", "x y"])
    assert str(raised.value) == "age: 2 of 4 values do not fit Int64: 'abc' in case c1, 'x y' in case c5"


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        ("Int64", "0x1F"), ("Int64", "1.5"), ("Float64", "nan"), ("Float64", "1e400"), ("boolean", "yes"),
        ("datetime64[us]", "2020-01-01T10:11:12Z"), ("datetime64[us, UTC]", "2020-01-01T10:11:12"),
    ],
)  # fmt: skip
def test_a_pin_never_guesses(dtype, text):
    with pytest.raises(DtypeError, match="1 of 1 values do not fit"):
        framed({"x": dtype}, x=[text])


def test_only_five_rows_of_many_misfits_are_shown():
    with pytest.raises(DtypeError, match=r"9 of 9 values .* in case c4, \.\.\.$"):
        framed({"age": "Float64"}, age=["nan"] * 9)


def test_a_pin_for_an_unknown_column_names_close_ones():
    with pytest.raises(DtypeError, match=r"no such column\. Did you mean 'weight'"):
        framed({"wieght": "Float64"}, weight=["1"])


@pytest.mark.parametrize("dtype", ["int", "Int32", "datetime64[ns]", "nonsense", object])
def test_a_pin_to_any_other_dtype_says_which_there_are(dtype):
    with pytest.raises(DtypeError, match=r"x cannot be pinned to .* only to Int64, Float64, boolean"):
        framed({"x": dtype}, x=["1"])


def test_dtypes_that_are_no_choice_are_refused():
    with pytest.raises(DtypeError, match="dtypes is 'infer', 'string' or a mapping"):
        framed("guess", x=["1"])


def test_typed_metadata_can_be_pinned_only_to_what_they_are():
    data = pa.table({"case_id": ["c"], "closed": [True]})
    assert plan([data], {"closed": "boolean"}) == {"closed": "boolean"}
    assert typed(data, {"closed": "boolean"}, id_column="case_id").equals(data)
    with pytest.raises(DtypeError, match="closed cannot be pinned to Int64: it is metadata"):
        typed(data, {"closed": "Int64"}, id_column="case_id")


def test_a_column_missing_from_some_chunks_can_be_pinned():
    chunks = [table(x=["1"]), table(y=["2"])]
    kinds = plan(chunks, {"y": "Float64"})
    assert kinds == {"x": "Int64", "y": "Float64"}
    assert [convert(chunk, kinds, id_column="case_id").column(1).type for chunk in chunks] == [
        pa.int64(),
        pa.float64(),
    ]


@given(
    st.lists(st.none() | st.sampled_from(["", "a", "é", "word"]), max_size=40),
    st.integers(0, 20),
    st.sampled_from([pa.string(), pa.large_string()]),
)
def test_blank_texts_are_missing_wherever_a_column_begins(
    texts: list[str | None], start: int, kind: pa.DataType
) -> None:
    table = pa.table({"case_id": pa.array(map(str, range(len(texts))), pa.string()), "q": pa.array(texts, kind)})[
        start:
    ]

    made = convert(table, {"q": "str"}, id_column="case_id")

    made.validate(full=True)
    assert made["q"].to_pylist() == [text or None for text in texts[start:]]
