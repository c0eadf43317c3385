"""Makes DataFrames of rows that have neither ids nor types: of reports and data sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.read.frames import frame_of
from commcare_frames.tables.flatten import moments
from commcare_frames.tables.rows import NUMBER, ROWS, kinds_of_numbers

if TYPE_CHECKING:
    import pandas as pd

    from commcare_frames.read.reading import Reading
    from commcare_frames.tables.dtypes import Dtypes


def rows_frame(
    reading: Reading,
    dtypes: Dtypes,
    columns: Sequence[str] | None,
    *,
    always: Sequence[str] = (),
    missing: str | None = None,
    times: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the rows of a reading as a DataFrame.

    Parameters
    ----------
    reading
        The rows.
    dtypes, columns
        As the caller said; JSON numbers are numbers however they are written.
    always
        Columns that are there also when there are no rows.
    missing
        A text that HQ writes where there is no value.
    times
        Columns of moments, which HQ writes in UTC without saying so.
    """
    table = reading.table(None if columns is None else [NUMBER, *columns])
    manifest = reading.store.manifest
    known = [name for name in dict.fromkeys([*manifest.headers, *manifest.columns, *always]) if name != NUMBER]
    wanted = known if columns is None else columns
    for name in set(known).intersection(wanted).difference(table.column_names):
        table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    for place, name in enumerate(table.column_names):
        if name in times:
            table = table.set_column(place, name, moments(table[name].combine_chunks()))
    if missing is not None and dtypes != "string":
        table = _without(table, missing)
    dtypes = number_pins(table, [name for name in manifest.numbers if name in wanted], dtypes)
    attributes = {**manifest.asked, **reading.request.asked, "refreshed_at": manifest.refreshed_at}
    attributes |= {"rows": table.num_rows} | ({"headers": manifest.headers} if manifest.headers else {})
    return frame_of(table, ROWS, dtypes=dtypes, attributes=attributes, columns=wanted, known=known)


def _without(table: pa.Table, text: str) -> pa.Table:
    """Return a table in which values that are this text are missing."""
    kept = {
        name: pc.if_else(pc.equal(table[name], text), pa.scalar(None, pa.string()), table[name])
        for name in table.column_names
    }
    return pa.table(kept)


def number_pins(table: pa.Table, numbers: Iterable[str], dtypes: Dtypes) -> Dtypes:
    """Return what a caller said of dtypes, with columns of numbers pinned that it leaves to inference."""
    if dtypes != "infer" and not isinstance(dtypes, Mapping):
        return dtypes
    present = [name for name in numbers if name in table.column_names]
    return {**kinds_of_numbers(table, present), **(dtypes if isinstance(dtypes, Mapping) else {})}
