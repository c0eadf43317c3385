"""Rows without ids: every value is kept as HQ sent it, in order, and numbers are told from texts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.exact import InvalidRecords
from commcare_frames.tables.rows import RowFlattener, kinds_of_numbers

cells = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.just("\ud83d")
    | st.lists(st.integers() | st.floats(0, 1), max_size=2)
)
pages = st.lists(st.lists(st.dictionaries(st.sampled_from("abc"), cells, max_size=3), max_size=4), max_size=4)


@given(pages)
def test_every_value_of_every_row_is_in_the_table_as_hq_sent_it(sent: list[list[dict[str, Any]]]) -> None:
    flattener = RowFlattener()
    tables = [flattener.table(json.dumps(page).encode()) for page in sent]
    kept = [row for table in tables for row in table.to_pylist()]
    rows = [row for page in sent for row in page]

    assert [row.pop("row number") for row in kept] == [str(number) for number in range(len(rows))]
    for row, found in zip(rows, kept, strict=True):
        for name, value in row.items():
            if isinstance(value, str):
                assert found[name] == value.replace("\ud83d", "\\ud83d")
            else:
                assert json.loads(found[name] or "null") == value
    for name in "abc":
        values = [row[name] for row in rows if row.get(name) is not None]
        only_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        assert (name in flattener.numbers) == (bool(values) and only_numbers)


@given(st.lists(st.none() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False), min_size=1, max_size=5))
def test_json_numbers_become_numbers_only_where_each_survives(numbers: list[Any]) -> None:
    flattener = RowFlattener()
    table = flattener.table(json.dumps([{"a": number} for number in numbers]).encode())
    kinds = kinds_of_numbers(table, flattener.numbers)
    there = [number for number in numbers if number is not None]
    whole = [number for number in there if isinstance(number, int)]

    if kinds.get("a") == "Int64":
        assert whole == there
        assert all(-(2**63) <= number < 2**63 for number in whole)
    elif kinds.get("a") == "Float64":
        assert all(int(float(number)) == number for number in whole)
        assert all(np.isfinite(number) for number in there)
    else:
        assert not there or any(abs(number) > 2**53 for number in there)


@pytest.mark.parametrize("records", [b"", b"[", b"{}", b"[1]", b"[null]", b'[{"row number": 1}]'])
def test_what_is_no_page_of_rows_is_refused_and_leaves_no_trace(records: bytes) -> None:
    flattener = RowFlattener()
    with pytest.raises(InvalidRecords):
        flattener.table(records)

    assert flattener.table(b'[{"a": 1}]').to_pylist() == [{"row number": "0", "a": "1"}]
