"""The preview of a frame: its size, dtypes and first values, all of them text."""

from __future__ import annotations

import re
from html import unescape

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.notebook.explore_preview import COLUMNS, LONGEST_CELL, ROWS, preview

AWKWARD = '<img src=x onerror="alert(1)">&amp;'


def test_it_shows_names_dtypes_and_values() -> None:
    frame = pd.DataFrame(
        {
            "name": pd.Series(["Awa", None], dtype="str"),
            "age": pd.Series([31, pd.NA], dtype="Int64"),
            "open": pd.Series([True, pd.NA], dtype="boolean"),
            "seen": pd.to_datetime(["2025-01-02 03:04:05.678", None], utc=True),
            "why": [["fever", "cough"], None],
            "kind": pd.Categorical(["a", None]),
        }
    )
    shown = preview(frame)

    assert "<b>2 rows, 6 columns</b>." in shown
    assert re.findall(r"<small>(.*?)</small>", shown) == [
        "str", "Int64", "boolean", "datetime64[us, UTC]", "object", "category",
    ]  # fmt: skip
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown)
    assert cells[:6] == ["Awa", "31", "True", "2025-01-02 03:04:05", "fever, cough", "a"]
    assert cells[6:] == ['<span class="ccf-missing">&ndash;</span>'] * 6
    assert shown.count('class="ccf-number"') == 2


def test_of_a_large_frame_it_says_how_much_is_shown() -> None:
    frame = pd.DataFrame([[0] * (COLUMNS + 1)] * (ROWS + 1), columns=[f"c{place}" for place in range(COLUMNS + 1)])
    shown = preview(frame)

    assert (
        f"<b>{ROWS + 1} rows, {COLUMNS + 1} columns</b>, of which the first {ROWS} rows and {COLUMNS} columns" in shown
    )
    assert shown.count("<td") == ROWS * COLUMNS


def test_a_frame_without_rows_or_with_two_columns_of_a_name_is_shown() -> None:
    assert "<b>0 rows, 1 column</b>." in preview(pd.DataFrame({"a": []}))
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert re.findall(r"<td[^>]*>(.*?)</td>", preview(twice)) == ["1", "2"]


def test_what_stands_in_the_data_is_text() -> None:
    frame = pd.DataFrame({AWKWARD: [AWKWARD, AWKWARD * 9], "list": [[AWKWARD], [AWKWARD]]})
    shown = preview(frame)

    assert "<img" not in shown
    assert not re.search(r'title="[^"]*<', shown)


@given(st.text(max_size=2 * LONGEST_CELL))
def test_any_text_is_shown_as_it_is_or_shortened(text: str) -> None:
    [cell] = re.findall(r"<td>(.*?)</td>", preview(pd.DataFrame({"a": [text]}, dtype=object)), re.DOTALL)

    plain = unescape(re.sub(r"<[^>]*>", "", cell))
    assert plain == text or plain == text[:LONGEST_CELL] + "…"
    assert re.fullmatch(r'[^<>]*|<span title="[^"<>]*">[^<>]*</span>', cell)
