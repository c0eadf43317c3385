"""Writes rows to a file, streamed: however many there are, a few thousand at a time are in memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from commcare_frames.cache import places
from commcare_frames.cache.store import DamagedPartError
from commcare_frames.errors import ExportError
from commcare_frames.read.files import Sheet, cells, neutralised, refuse_long_texts
from commcare_frames.read.frames import with_columns
from commcare_frames.tables.dtypes import convert, plan
from commcare_frames.tables.rows import NUMBER, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from commcare_frames.read.files import Format
    from commcare_frames.tables.dtypes import Dtypes, Kind
    from commcare_frames.tables.layout import Layout

BATCH = 10_000
"""Rows in memory at a time."""


@dataclass(frozen=True)
class About:
    """What goes into a file beside the rows.

    Attributes
    ----------
    title
        Name of the table.
    fields
        What is known of columns, such as their labels.
    codebook
        A table that explains the columns.
    label_row
        Whether the columns' labels stand below their names.
    """

    title: str
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    codebook: pa.Table | None = None
    label_row: bool = False


def write(path: Path, file: Path, kind: Format, rows: Rows, about: About, *, neutralise: bool) -> None:
    """Write rows to a file in a format.

    Parameters
    ----------
    path, file
        Where the file will be, for messages, and where it is written.
    kind
        The format.
    rows, about
        What to write.
    neutralise
        As in `export_cases`.
    """
    _refuse_what_does_not_fit(rows, kind, path)
    schema = rows.schema(kind, neutralise=neutralise)
    sheet = Sheet(about.title, _described(schema, about.fields), about.codebook, about.label_row)
    with kind.open(file, sheet) as put:
        for batch in rows.batches(kind, neutralise=neutralise):
            put(batch)


def _described(schema: pa.Schema, fields: Mapping[str, Mapping[str, str]]) -> pa.Schema:
    """Return a schema whose fields say what is known of them."""
    return pa.schema([each.with_metadata(dict(fields[each.name])) if each.name in fields else each for each in schema])


@dataclass(frozen=True)
class Rows:
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
    def planned(cls, source: ds.Dataset, layout: Layout, dtypes: Dtypes, columns: Sequence[str] | None) -> Rows:
        """Look at all rows once, to find what `read_cases` finds: the columns that have values, and their types."""
        if columns is None:
            asked = None
            kept = {column.name for column in layout.metadata if column.when == "always"}
        else:
            source, asked = _narrowed(source, layout.id_column, columns)
            kept = set(source.schema.names)
        found: set[str] = set()

        def with_values() -> Iterator[pa.Table]:
            for table in batches_of(source):
                used = {name for name in table.column_names if table[name].null_count < max(table.num_rows, 1)}
                found.update(used | kept)
                yield table.select([name for name in table.column_names if name in used | kept])

        tables = with_values()
        kinds = plan(tables, dtypes, values=layout.is_value)
        deque(tables, maxlen=0)  # a plan of texts only does not look at them
        return cls(source, layout, layout.ordered(found) if asked is None else asked, kinds)

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> Rows:
        """Take the rows of a frame, whose columns are what they are to be."""
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        numbered = table.append_column(NUMBER, pa.array(map(str, range(1, len(frame) + 1)), pa.string()))
        return cls(ds.dataset(numbered), ROWS, table.column_names, {})

    def schema(self, kind: Format, *, neutralise: bool) -> pa.Schema:
        """Return what the batches of a format look like."""
        return self._shaped(self.source.schema.empty_table(), kind, neutralise=neutralise).schema

    def batches(self, kind: Format, *, neutralise: bool) -> Iterator[pa.Table]:
        """Give all rows as a format wants them."""
        for table in batches_of(self.source, [*{*self.columns, self.layout.id_column}]):
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
            for table in batches_of(self.source, names):
                found = {name: pa.chunked_array([found[name], *table[name].chunks]).unique() for name in names}
        return {name: values.filter(pc.not_equal(values, "")) for name, values in found.items()}


def _narrowed(source: ds.Dataset, id_column: str, columns: Sequence[str]) -> tuple[ds.Dataset, list[str]]:
    """Return a dataset of the named columns and the id, and the names once each."""
    asked = with_columns(source.head(1), columns, source.schema.names).schema
    schema = asked if id_column in asked.names else asked.append(source.schema.field(id_column))
    return source.replace_schema(schema), asked.names


def batches_of(source: ds.Dataset, columns: list[str] | None = None) -> Iterator[pa.Table]:
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


def _refuse_what_does_not_fit(rows: Rows, kind: Format, path: Path) -> None:
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
def put_in_place(path: Path) -> Iterator[Path]:
    """Give a private place beside `path` to write to; what is there at the end takes the place of `path`."""
    with disk_errors(path):
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


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say of an error of the disk what it means for a file."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror or error}. A file that was there before is unchanged. Make "
            "room, check the folder's permissions, or close the file where another program has it open."
        ) from error


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Name a folder for what is read to be exported only; if it was made, it is deleted."""
    folder = places.root() / f"export-{uuid.uuid4().hex}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
