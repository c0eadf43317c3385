"""Turns a table of texts into the DataFrame that a caller sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from commcare_frames.errors import did_you_mean, warn
from commcare_frames.tables.dtypes import to_frame, typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from commcare_frames.tables.dtypes import Dtypes
    from commcare_frames.tables.layout import Layout


def frame_of(
    table: pa.Table,
    layout: Layout,
    *,
    dtypes: Dtypes,
    attributes: dict[str, Any],
    columns: Sequence[str] | None,
    known: Iterable[str],
) -> pd.DataFrame:
    """Return a table as a typed DataFrame.

    Parameters
    ----------
    table
        Rows as HQ sent them.
    layout
        How the records became columns.
    dtypes
        As in `read_cases`.
    attributes
        What the frame says of itself in ``frame.attrs["commcare"]``.
    columns
        The columns asked for, in order; by default all.
    known
        All columns that are known of such records.

    Returns
    -------
    DataFrame
        One row per record.
    """
    asked = table if columns is None else with_columns(table, columns, known)
    named = (
        asked
        if layout.id_column in asked.column_names
        else asked.append_column(layout.id_column, table[layout.id_column])
    )
    frame = to_frame(
        typed(named, dtypes, id_column=layout.id_column, values=layout.is_value).select(asked.column_names)
    )
    frame.attrs["commcare"] = attributes
    return frame


def with_columns(table: pa.Table, columns: Sequence[str], known: Iterable[str]) -> pa.Table:
    """Return the named columns of a table; one that no record has is all missing, with a warning."""
    missing = [name for name in columns if name not in table.column_names]
    if missing and table.num_rows:
        hints = "".join(did_you_mean(name, known) for name in missing)
        warn(f"No record that was read has {', '.join(map(repr, missing))}: all values there are missing.{hints}")
    nothing = pa.nulls(table.num_rows, pa.string())
    return pa.table({name: table[name] if name in table.column_names else nothing for name in columns})
