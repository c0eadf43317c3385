"""Reads tables of records that are neither cases nor forms, such as users and locations, into DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.read.case_queries import wanted
from commcare_frames.read.frames import frame_of
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.rows import number_pins
from commcare_frames.tables.records import RecordLayout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.cache.manifest import Manifest
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


def records_frame(
    reading: Reading,
    table: pa.Table,
    *,
    columns: Sequence[str] | None,
    dtypes: Dtypes,
    beside: Sequence[Reading] = (),
    layout: RecordLayout | None = None,
) -> pd.DataFrame:
    """Return a table of the records of a reading, to which columns may have been added, as the DataFrame for a caller.

    Parameters
    ----------
    reading
        Where the records are from.
    table
        The records.
    columns, dtypes
        As the caller said.
    beside
        Other readings of such records whose rows are in the table too.
    layout
        How the table is laid out, where its rows are not records but parts of them.
    """
    layout = layout or _layout(reading)
    manifests = [each.store.manifest for each in (reading, *beside)]
    known = layout.ordered({name for manifest in manifests for name in manifest.columns}.union(table.column_names))
    shown = known if columns is None else columns
    numbers = [name for name in shown if name in layout.numbers or (layout.is_value(name) and _held(name, manifests))]
    refreshed_at = min((manifest.refreshed_at for manifest in manifests if manifest.refreshed_at), default=None)
    attributes = {**manifests[0].asked, **reading.request.asked, "refreshed_at": refreshed_at}
    return frame_of(
        table,
        layout,
        dtypes=number_pins(table, numbers, dtypes),
        attributes={**attributes, "rows": table.num_rows},
        columns=columns,
        known=known,
    )


def blanks_missing(table: pa.Table, layout: RecordLayout, dtypes: Dtypes) -> pa.Table:
    """Return a table whose blank metadata are missing, unless a caller wants everything as HQ sent it."""
    if dtypes == "string":
        return table
    for column in layout.metadata:
        if column.kind == "text" and column.name in table.column_names:
            texts = table[column.name]
            filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
            table = table.set_column(table.column_names.index(column.name), column.name, filled)
    return table


def _held(name: str, manifests: Sequence[Manifest]) -> bool:
    """Whether a column held JSON numbers, and nothing else, wherever it is."""
    having = [manifest for manifest in manifests if name in manifest.columns]
    return bool(having) and all(name in manifest.numbers for manifest in having)


def _layout(reading: Reading) -> RecordLayout:
    layout = reading.request.layout
    assert isinstance(layout, RecordLayout), layout  # noqa: S101  a mistake of ours, not of a caller
    return layout
