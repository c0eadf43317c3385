"""The kinds of file that a table can be exported to, each written batch by batch."""

from __future__ import annotations

import contextlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from commcare_frames.errors import ExportError, QueryError, did_you_mean, warn
from commcare_frames.read.excel import open_excel
from commcare_frames.tables.dtypes import to_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Write = Callable[[pa.Table], object]

_BEGINS_FORMULA = r"^([=+\-@\t\r])"


@dataclass(frozen=True)
class Limits:
    """The most that a file can hold: rows, columns, and UTF-16 units in a text."""

    rows: int
    columns: int
    text: int


@dataclass(frozen=True)
class Sheet:
    """What a file is to hold.

    Attributes
    ----------
    title
        Name of the table.
    schema
        Its columns; their metadata say what is known of them, such as their ``label``.
    codebook
        A table that explains the columns, for files that can hold several.
    label_row
        Whether labels stand below the names of the columns, in files that people read.
    """

    title: str
    schema: pa.Schema
    codebook: pa.Table | None = None
    label_row: bool = False


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes
    ----------
    open
        Takes the file's path and what it is to hold; gives, while it is open, what writes a batch.
    package, extra
        The package that writes it, and the extra of this package that installs it.
    has_cells
        Whether it holds nothing but numbers, dates and texts, and is opened in programs that take some texts for
        formulas.
    as_sent
        Whether values are written as HQ sent them, since the file knows no types.
    limits
        The most that it can hold.
    """

    open: Callable[[Path, Sheet], AbstractContextManager[Write]]
    package: str | None = None
    extra: str | None = None
    has_cells: bool = False
    as_sent: bool = False
    limits: Limits | None = None


def format_of(path: Path) -> Format:
    """Return the format that a path's ending names.

    Raises
    ------
    QueryError
        When it names none.
    ExportError
        When the package that writes it is not installed.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        found = f"{ending!r} is no format to export to" if ending else f"{path.name!r} has no ending that says how"
        raise QueryError(
            f"{found}: let the path end with {', '.join(FORMATS)}.{did_you_mean(ending, FORMATS) if ending else ''}"
        )
    chosen = FORMATS[ending]
    if chosen.package and not importlib.util.find_spec(chosen.package):
        raise ExportError(
            f"{ending} files are written by {chosen.package}, which is not installed: "
            f"pip install 'commcare-frames[{chosen.extra}]'"
        )
    return chosen


def cells(table: pa.Table) -> pa.Table:
    """Return a table of values that fit a cell: lists as JSON, categories as texts."""
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            lists = table.column(place).to_pylist()
            texts = [None if each is None else orjson.dumps(each).decode() for each in lists]
            table = table.set_column(place, field.name, pa.chunked_array([pa.array(texts, pa.string())]))
        elif pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.string()))
    return table


def neutralised(table: pa.Table, text_columns: Collection[str]) -> pa.Table:
    """Return a table in which no text is taken for a formula, as OWASP advises: it begins with an apostrophe."""
    for place, name in enumerate(table.column_names):
        if name in text_columns:
            texts = pc.replace_substring_regex(table.column(place), _BEGINS_FORMULA, r"'\1")
            table = table.set_column(place, name, texts)
    return table.rename_columns(_neutral_names(table.column_names))


def _neutral_names(names: list[str]) -> list[str]:
    neutral: list[str] = pc.replace_substring_regex(pa.array(names, pa.string()), _BEGINS_FORMULA, r"'\1").to_pylist()
    return neutral


def refuse_long_texts(table: pa.Table, ids: pa.ChunkedArray[Any], longest: int, record: str) -> None:
    """Raise for a text that does not fit a cell, saying where it is."""
    for name in table.column_names:
        texts = table[name]
        if not pa.types.is_string(texts.type):
            continue
        suspects = pc.greater(pc.binary_length(texts), longest)
        for text, row_id in zip(texts.filter(suspects).to_pylist(), ids.filter(suspects).to_pylist(), strict=True):
            if (length := len(text.encode("utf-16-le")) // 2) > longest:
                raise ExportError(
                    f"{name} of {record} {row_id} has {length:,} characters, and a cell of an Excel file holds "
                    f"{longest:,}. Export to .parquet or .csv, or choose other columns with columns=[...]."
                )


@contextlib.contextmanager
def _parquet(file: Path, sheet: Sheet) -> Iterator[Write]:
    with pq.ParquetWriter(file, _for_pandas(sheet.schema), compression="zstd") as writer:
        yield writer.write_table


@contextlib.contextmanager
def _feather(file: Path, sheet: Sheet) -> Iterator[Write]:
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(str(file), _for_pandas(sheet.schema), options=options) as writer:
        yield writer.write_table


def _for_pandas(schema: pa.Schema) -> pa.Schema:
    """Return a schema from which pandas reads the dtypes of the frame, ``Int64`` also where nothing is missing."""
    frame = to_frame(schema.empty_table())
    return schema.with_metadata(pa.Schema.from_pandas(frame, preserve_index=False).metadata)


@contextlib.contextmanager
def _csv(file: Path, sheet: Sheet) -> Iterator[Write]:
    texts = pa.schema([(name, pa.string()) for name in sheet.schema.names])
    with pyarrow.csv.CSVWriter(str(file), texts) as writer:

        def write(table: pa.Table) -> None:
            columns = [_written_out(column) for column in table.columns]
            if len(columns) == 1:
                columns = [columns[0].fill_null("")]  # an empty line would not be read as a row
            writer.write_table(pa.table(columns, schema=texts))

        yield write


def _written_out(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    texts = column.cast(pa.string())
    return pc.replace_substring(texts, " ", "T") if pa.types.is_timestamp(column.type) else texts


@contextlib.contextmanager
def _duckdb(file: Path, sheet: Sheet) -> Iterator[Write]:
    import duckdb  # noqa: PLC0415  an extra

    title, schema = sheet.title, sheet.schema
    batch = f"{title} batch"
    try:
        with duckdb.connect(file) as database:

            def write(table: pa.Table) -> None:
                database.register(batch, table)
                database.execute(f"insert into {_quoted(title)} from {_quoted(batch)}")

            database.begin()
            database.register(batch, schema.empty_table())
            database.execute(f"create table {_quoted(title)} as from {_quoted(batch)}")
            _tell_renamed(schema.names, database.execute(f"from {_quoted(title)}").description)
            yield write
            database.commit()
    except duckdb.Error as error:
        raise OSError(str(error)) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tell_renamed(names: list[str], in_file: list[tuple[Any, ...]]) -> None:
    renamed = [f"{name!r} is {new!r}" for name, (new, *_) in zip(names, in_file, strict=True) if name != new]
    if renamed:
        warn(f"DuckDB does not tell capitals from small letters in names of columns: there {', '.join(renamed)}.")


FORMATS = {
    ".parquet": Format(_parquet),
    ".csv": Format(_csv, has_cells=True, as_sent=True),
    ".xlsx": Format(open_excel, "xlsxwriter", "excel", has_cells=True, limits=Limits(1_048_575, 16_384, 32_767)),
    ".duckdb": Format(_duckdb, "duckdb", "duckdb"),
    ".feather": Format(_feather),
}
"""By the ending of a path."""
