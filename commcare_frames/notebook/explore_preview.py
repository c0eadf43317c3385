"""Shows the first rows of a frame as HTML, with dtypes; whatever stands in the data is text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from commcare_frames.notebook.display import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROWS = 10
COLUMNS = 60
LONGEST_CELL = 80

STYLE = f"""<style>
.ccf-explorer > *, .ccf-explorer .widget-html-content, .ccf-explorer .jupyter-widget-html-content {{min-width: 0}}
.ccf-explorer .ccf-stale {{opacity: 0.75}}
.ccf-explorer .ccf-stale .ccf-size::before {{content: "Of an earlier choice: "}}
.ccf-preview {{overflow: auto; max-height: 26em; border: 1px solid var(--jp-border-color2, #ccc)}}
.ccf-preview table {{border-collapse: collapse; font-size: 12px; line-height: 1.5}}
.ccf-preview th, .ccf-preview td {{padding: 2px 8px; text-align: left; white-space: nowrap}}
.ccf-preview thead {{position: sticky; top: 0; background: var(--jp-layout-color1, #fff)}}
.ccf-preview thead small, .ccf-preview .ccf-missing {{color: {QUIET}; font-weight: normal}}
.ccf-stale .ccf-preview :is(small, .ccf-missing) {{color: inherit}}
.ccf-preview tbody tr:nth-child(odd) {{background: var(--jp-layout-color2, #f5f5f5)}}
.ccf-preview td.ccf-number {{text-align: right; font-variant-numeric: tabular-nums}}
</style>"""


def preview(frame: pd.DataFrame) -> str:
    """Return the first rows of a frame as HTML.

    Parameters
    ----------
    frame
        Any frame.

    Returns
    -------
    str
        Its size, and a table of its columns with their dtypes and first values.
    """
    shown = frame.iloc[:ROWS, :COLUMNS]
    numbers = [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in shown.dtypes]
    head = "".join(
        f'<th scope="col">{_text(name)}<br><small>{escape(_kind(kind))}</small></th>'
        for name, kind in zip(shown.columns, shown.dtypes, strict=True)
    )
    columns = [shown.iloc[:, place].tolist() for place in range(shown.shape[1])]
    body = "".join(f"<tr>{_cells(row, numbers)}</tr>" for row in zip(*columns, strict=True))
    return (
        f'{STYLE}<p class="ccf-size">{_size(frame)}</p>'
        '<div class="ccf-preview" tabindex="0" role="region" aria-label="First rows"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _size(frame: pd.DataFrame) -> str:
    rows, columns = frame.shape
    size = f"<b>{rows:,} row{'s' * (rows != 1)}, {columns:,} column{'s' * (columns != 1)}</b>"
    parts = [f"{ROWS} rows"] * (rows > ROWS) + [f"{COLUMNS} columns"] * (columns > COLUMNS)
    return f"{size}, of which the first {' and '.join(parts)} are shown." if parts else f"{size}."


def _cells(row: Iterable[Any], numbers: Sequence[bool]) -> str:
    return "".join(
        f'<td class="ccf-number">{_value(value)}</td>' if is_number else f"<td>{_value(value)}</td>"
        for value, is_number in zip(row, numbers, strict=True)
    )


def _value(value: Any) -> str:  # noqa: ANN401  whatever a frame holds
    if isinstance(value, list | tuple):
        return _text(", ".join(map(str, value)))
    if pd.isna(value):
        return '<span class="ccf-missing">&ndash;</span>'
    if isinstance(value, pd.Timestamp):
        return _text(value.strftime("%Y-%m-%d %H:%M:%S") if value.tz else value)
    return _text(value)


def _text(value: object) -> str:
    text = str(value)
    whole = escape(text)
    if len(text) <= LONGEST_CELL:
        return whole
    return f'<span title="{whole}">{escape(text[:LONGEST_CELL])}…</span>'


def _kind(dtype: object) -> str:
    return "category" if isinstance(dtype, pd.CategoricalDtype) else str(dtype)
