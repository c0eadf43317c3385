"""Reads tables of records that are neither cases nor forms, such as users and locations, into DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.read.case_queries import wanted
from commcare_frames.read.frames import frame_of
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.rows import number_pins
from commcare_frames.tables.records import RecordLayout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd
    import pyarrow as pa

    from commcare_frames.tables.dtypes import Dtypes


def read_records(
    request: Request,
    *,
    columns: Sequence[str] | None,
    dtypes: Dtypes,
    cache: Cache,
    max_age: str | timedelta | None,
    progress: bool | None,
) -> pd.DataFrame:
    """Bring a table of records up to date as far as the call allows, and return it as a DataFrame.

    Parameters
    ----------
    request
        What is read; its layout is a `RecordLayout`.
    columns, dtypes, cache, max_age, progress
        As the caller said; see `read_cases`.

    Returns
    -------
    DataFrame
        One row per record, in the layout's order.
    """
    chosen = wanted(columns)
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    return records_frame(reading, records_table(reading), columns=chosen, dtypes=dtypes)


def records_table(reading: Reading) -> pa.Table:
    """Return the records of a reading as texts, in the layout's order."""
    layout = _layout(reading)
    return reading.table().sort_by([(column, "ascending") for column in (*layout.order, layout.id_column)])


def records_frame(reading: Reading, table: pa.Table, *, columns: Sequence[str] | None, dtypes: Dtypes) -> pd.DataFrame:
    """Return a table of the records of a reading, to which columns may have been added, as the DataFrame for a caller.

    Parameters
    ----------
    reading
        Where the records are from.
    table
        The records.
    columns, dtypes
        As the caller said.
    """
    layout, manifest = _layout(reading), reading.store.manifest
    known = layout.ordered({*manifest.columns, *table.column_names})
    numbers = [name for name in known if name in layout.numbers or (name in manifest.numbers and layout.is_value(name))]
    attributes = {**manifest.asked, **reading.request.asked, "refreshed_at": manifest.refreshed_at}
    return frame_of(
        table,
        layout,
        dtypes=number_pins(table, numbers, dtypes),
        attributes={**attributes, "rows": table.num_rows},
        columns=columns,
        known=known,
    )


def _layout(reading: Reading) -> RecordLayout:
    layout = reading.request.layout
    assert isinstance(layout, RecordLayout), layout  # noqa: S101  a mistake of ours, not of a caller
    return layout
