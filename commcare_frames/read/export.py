"""Cases as one file, streamed: however many there are, a few thousand rows at a time are in memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.cache import places
from commcare_frames.cache.store import DamagedPartError
from commcare_frames.errors import ExportError
from commcare_frames.read.case_queries import CaseQuery, wanted
from commcare_frames.read.cases import cases_on_disk, dataset_of
from commcare_frames.read.files import cells, format_of, neutralised, refuse_long_texts
from commcare_frames.read.frames import with_columns
from commcare_frames.tables.dtypes import convert, plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    import pyarrow.dataset as ds

    from commcare_frames.connection import Domain
    from commcare_frames.read.files import Format
    from commcare_frames.read.reading import Cache
    from commcare_frames.tables.dtypes import Dtypes, Kind
    from commcare_frames.tables.layout import Layout

BATCH = 10_000
"""Rows in memory at a time."""


def export_cases(
    path: str | os.PathLike[str],
    case_type: str | None = None,
    *,
    domain: str | Domain | None = None,
    where: Mapping[str, Any] | None = None,
    query: str | None = None,
    since: object = None,
    until: object = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    connections: int = 1,
    neutralise: bool = False,
) -> Path:
    """Write cases to a file, one row per case, also where they are too many for memory.

    The file has the columns and dtypes of `read_cases`, and only its owner may read it. It comes into its place once
    it is whole: an export that fails leaves an earlier file as it was.

    Parameters
    ----------
    path
        Where to; its ending says how:

        ``.parquet``, ``.feather``
            Compressed, with the dtypes of `read_cases`.
        ``.duckdb``
            A DuckDB database with one table, named like the case type, or ``cases`` for all types.
        ``.csv``
            UTF-8. Every value as HQ sent it, missing and blank ones empty; times in UTC.
        ``.xlsx``
            Texts, numbers and dates as such; times in UTC. What Excel would not keep is text: whole numbers of more
            than 15 digits, and dates before March 1900. It is the slowest format, and holds 1,048,575 rows.
    case_type, domain, where, query, since, until, columns, dtypes, cache, max_age, progress, connections
        As in `read_cases`.
    neutralise
        Put an apostrophe before texts in ``.csv`` and ``.xlsx`` that begin with ``=``, ``+``, ``-``, ``@``, a tab or a
        carriage return. In Excel they are text anyway, but a spreadsheet program that opens a CSV file takes them for
        formulas, and whoever can fill in a form could run one on your computer. Not done unless asked for, as it
        changes data: the phone number ``+44...`` becomes ``'+44...``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExportError
        When the file cannot be written, or cannot hold these cases.
    QueryError
        When the path's ending is no format's, or HQ cannot answer what is asked.
    CommCareError
        As `read_cases`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> import pandas as pd
    >>> file = ccf.export_cases(folder / "patients.parquet", "patient")
    >>> len(pd.read_parquet(file)) == len(ccf.read_cases("patient"))
    True
    """
    cases = CaseQuery(case_type, where, query, since, until, wanted(columns))
    path = Path(path).expanduser()
    with _put_in_place(path) as file, _scratch() as scratch:
        kind = format_of(path)
        reading = cases_on_disk(
            cases, domain, scratch, cache=cache, max_age=max_age, progress=progress, connections=connections
        )
        layout = reading.request.layout
        rows = reading.sound(lambda: _Rows.planned(dataset_of(reading, case_type), layout, dtypes, cases.columns))
        _refuse_what_does_not_fit(rows, kind, path)
        with kind.open(file, case_type or "cases", rows.schema(kind, neutralise=neutralise)) as write:
            for batch in rows.batches(kind, neutralise=neutralise):
                write(batch)
    return path


@dataclass(frozen=True)
class _Rows:
    """Rows on their way to a file, a batch at a time.

    Parameters
    ----------
    source
        The rows as HQ sent them.
    layout
        How the records became columns.
    columns
        The columns to write, in order.
    kinds
        What they become.
    """

    source: ds.Dataset
    layout: Layout
    columns: list[str]
    kinds: dict[str, Kind]

    @classmethod
    def planned(cls, source: ds.Dataset, layout: Layout, dtypes: Dtypes, columns: Sequence[str] | None) -> _Rows:
        """Look at all rows once, to find what `read_cases` finds: the columns that have values, and their types."""
        if columns is None:
            asked = None
            kept = {column.name for column in layout.metadata if column.when == "always"}
        else:
            source, asked = _narrowed(source, layout.id_column, columns)
            kept = set(source.schema.names)
        found: set[str] = set()

        def with_values() -> Iterator[pa.Table]:
            for table in _tables(source):
                used = {name for name in table.column_names if table[name].null_count < max(table.num_rows, 1)}
                found.update(used | kept)
                yield table.select([name for name in table.column_names if name in used | kept])

        tables = with_values()
        kinds = plan(tables, dtypes, values=layout.is_value)
        deque(tables, maxlen=0)  # a plan of texts only does not look at them
        return cls(source, layout, layout.ordered(found) if asked is None else asked, kinds)

    def schema(self, kind: Format, *, neutralise: bool) -> pa.Schema:
        """Return what the batches of a format look like."""
        return self._shaped(self.source.schema.empty_table(), kind, neutralise=neutralise).schema

    def batches(self, kind: Format, *, neutralise: bool) -> Iterator[pa.Table]:
        """Give all rows as a format wants them."""
        for table in _tables(self.source, [*{*self.columns, self.layout.id_column}]):
            yield self._shaped(table, kind, neutralise=neutralise)

    def _shaped(self, table: pa.Table, kind: Format, *, neutralise: bool) -> pa.Table:
        typed = self._typed(table)
        if not kind.has_cells:
            return typed
        shaped = cells(typed)
        text_columns = {field.name for field in shaped.schema if pa.types.is_string(field.type)}
        if kind.as_sent:
            shaped = _as_sent(shaped, table)
        if neutralise:
            shaped = neutralised(shaped, text_columns)
        if kind.limits:
            id_column = self.layout.id_column
            refuse_long_texts(shaped, table[id_column], kind.limits.text, id_column.removesuffix("_id"))
        return shaped

    def _typed(self, table: pa.Table) -> pa.Table:
        typed = convert(table, self.kinds, id_column=self.layout.id_column).select(self.columns)
        for name, categories in self._categories.items():
            codes = [pc.index_in(chunk.dictionary_decode(), value_set=categories) for chunk in typed[name].chunks]
            column = [pa.DictionaryArray.from_arrays(each, categories) for each in codes]
            kind = pa.dictionary(pa.int32(), pa.string())
            typed = typed.set_column(typed.column_names.index(name), name, pa.chunked_array(column, kind))
        return typed

    @cached_property
    def _categories(self) -> dict[str, pa.Array[Any]]:
        """All values of the columns that are categories: the batches of a file have them in common."""
        names = [name for name in self.columns if self.kinds.get(name) == "category"]
        found = {name: pa.array([], pa.string()) for name in names}
        if names:
            for table in _tables(self.source, names):
                found = {name: pa.chunked_array([found[name], *table[name].chunks]).unique() for name in names}
        return {name: values.filter(pc.not_equal(values, "")) for name, values in found.items()}


def _narrowed(source: ds.Dataset, id_column: str, columns: Sequence[str]) -> tuple[ds.Dataset, list[str]]:
    """Return a dataset of the named columns and the id, and the names once each."""
    asked = with_columns(source.head(1), columns, source.schema.names).schema
    schema = asked if id_column in asked.names else asked.append(source.schema.field(id_column))
    return source.replace_schema(schema), asked.names


def _tables(source: ds.Dataset, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Give rows a batch at a time; where there are none, one table without rows."""
    is_empty = True
    try:
        for batch in source.to_batches(columns, batch_size=BATCH, batch_readahead=1, fragment_readahead=1):
            if batch.num_rows:
                is_empty = False
                yield pa.Table.from_batches([batch])
    except (OSError, pa.ArrowException) as error:
        raise DamagedPartError(
            "A part of the cached table is damaged, or was removed while it was read. The next call that may use the "
            "network fetches it again; `commcare-frames cache verify` says which part it is."
        ) from error
    if is_empty:
        yield source.schema.empty_table().select(columns or source.schema.names)


def _as_sent(typed: pa.Table, sent: pa.Table) -> pa.Table:
    """Return texts as HQ sent them, where they are not missing."""
    for place, name in enumerate(typed.column_names):
        if pa.types.is_string(sent[name].type):
            texts = pc.if_else(pc.is_valid(typed.column(place)), sent[name], None)
            typed = typed.set_column(place, name, texts)
    return typed


def _refuse_what_does_not_fit(rows: _Rows, kind: Format, path: Path) -> None:
    if kind.limits is None:
        return
    for what, found, most in (
        ("rows", rows.source.count_rows(), kind.limits.rows),
        ("columns", len(rows.columns), kind.limits.columns),
    ):
        if found > most:
            raise ExportError(
                f"{path.name} would have {found:,} {what}, and a sheet holds {most:,}. Export to .parquet, .csv or "
                f".duckdb, or choose {'cases with where= or since=' if what == 'rows' else 'columns with columns='}."
            )


@contextlib.contextmanager
def _put_in_place(path: Path) -> Iterator[Path]:
    """Give a private place beside `path` to write to; what is there at the end takes the place of `path`."""
    try:
        if path.is_dir():
            raise ExportError(f"{path} is a folder: name a file in it, such as {path / 'cases.parquet'}.")
        if not path.parent.is_dir():
            raise ExportError(f"There is no folder {path.parent} to write {path.name} to: make it first.")
        with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent, ignore_cleanup_errors=True) as folder:
            file = Path(folder, path.name)
            yield file
            file.chmod(0o600)
            with file.open("rb+") as written:
                os.fsync(written.fileno())
            file.replace(path)
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}. A file that was there before is unchanged. Make "
            "room, check the folder's permissions, or close the file where another program has it open."
        ) from error


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Name a folder for what is read to be exported only; if it was made, it is deleted."""
    folder = places.root() / f"export-{uuid.uuid4().hex}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
