"""Turns one page of JSON records into one flat Arrow table, with nothing lost."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from commcare_frames.tables.exact import InvalidRecords, Record, parse, to_json, to_text
from commcare_frames.tables.layout import CASE_V1, CASE_V2, Column, Kind, Layout, Path
from commcare_frames.tables.pieces import sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["CASE_V1", "CASE_V2", "Flattener", "InvalidRecords", "Layout"]

READ_AS: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "time": pa.string(),
    "flag": pa.bool_(),
    "texts": pa.list_(pa.string()),
    "value": pa.string(),
}

_MEANT: dict[Kind, str] = {
    "text": "text",
    "time": "a time",
    "flag": "true or false",
    "texts": "a list",
    "value": "text",
}

NO_TIME = pa.array(["", "1900-01-01"])
"""What HQ writes where there is no time; version 1 of the case API sends the first day of 1900."""


class Flattener:
    """Turns the pages of one pull into flat tables.

    It remembers every name that it has met, so that a page without a new name is read in one pass. A table
    therefore has a column for every name met up to its page.

    Parameters
    ----------
    layout
        How the records of this pull are laid out.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._met: set[Path] = set()
        self._common: dict[str, set[str | None]] = defaultdict(set)

    def table(self, records: bytes) -> pa.Table:
        """Return one page as a table: metadata typed, every value as the text that HQ sent.

        Parameters
        ----------
        records
            The JSON array of the page's records.

        Returns
        -------
        pyarrow.Table
            One row per record, in the page's order.

        Raises
        ------
        InvalidRecords
            When the bytes are not a JSON array of objects, or metadata do not hold what HQ promises.
        """
        try:
            rows, arrays = self._read_fast(records) or self._read_exactly(records)
        except RecursionError as error:
            raise InvalidRecords("These records are not cases, forms or the like: nested too deeply.") from error
        return self._assemble(rows, arrays)

    def _read_fast(self, records: bytes) -> tuple[int, dict[Path, pa.Array[Any]]] | None:
        """Let Arrow read the page; None where only the exact way can be trusted with it."""
        if not _is_utf8(records):
            return None
        try:
            page = self._read(records, "error")
        except pa.ArrowInvalid as error:
            if "unexpected field" not in str(error):
                return None
            page = self._learn(records)
        return None if page is None else (len(page), dict(self._leaves(page)))

    def _learn(self, records: bytes) -> pa.StructArray | None:
        """Read records with names that were not met before.

        Arrow guesses the types of those, and takes some texts for times, after which all has to be read again: the
        names in a small part of the records, most likely all, are learned first.
        """
        with contextlib.suppress(pa.ArrowInvalid):
            self._read(sample(records), "infer")
            page = self._read(records, "infer")
            return page if self._is_as_sent(page) else self._read(records, "error")
        return None

    def _read(self, records: bytes, unexpected: Literal["error", "infer"]) -> pa.StructArray:
        """Read records and remember their names."""
        wrapped = b"".join((b'{"records":', records, b"}"))
        table = pa.json.read_json(
            pa.BufferReader(wrapped),
            pa.json.ReadOptions(block_size=len(wrapped) + 1),
            pa.json.ParseOptions(explicit_schema=self._schema(), unexpected_field_behavior=unexpected),
            memory_pool=pa.system_memory_pool(),  # quicker than Arrow's own for tables that are kept
        )
        pages: Any = table.column("records").chunk(0)
        page: pa.StructArray = pages.values
        if table.num_columns != 1 or table.num_rows != 1 or pages.null_count or page.null_count:
            raise pa.ArrowInvalid("not one list of objects")
        self._met.update(path for path, _ in self._leaves(page))
        return page

    def _is_as_sent(self, page: pa.StructArray) -> bool:
        return all(array.type == READ_AS[self._layout.kind_at(path)] for path, array in self._leaves(page))

    def _schema(self) -> pa.Schema:
        layout = self._layout
        nested: dict[str, Any] = {layout.values: {}, layout.links: defaultdict(dict)}
        for path in self._met:
            match path:
                case (layout.links, link, key):
                    nested[layout.links][link][key] = pa.string()
                case (layout.values, name):
                    nested[layout.values][name] = pa.string()
                case (key,) if key not in nested:
                    nested[key] = READ_AS[layout.kind_at(path)]
        return pa.schema({"records": pa.list_(_struct(nested))})

    def _leaves(self, page: pa.StructArray) -> Iterator[tuple[Path, pa.Array[Any]]]:
        """Yield the values of a page by their paths."""
        layout = self._layout
        for key, array in _fields(page):
            if key == layout.values:
                yield from (((key, name), values) for name, values in _fields(array))
            elif key == layout.links:
                for name, link in _fields(array):
                    if not pa.types.is_null(link.type):
                        yield from (((key, name, part), values) for part, values in _fields(link))
            else:
                yield (key,), array

    def _read_exactly(self, records: bytes) -> tuple[int, dict[Path, pa.Array[Any]]]:
        """Read a page of which anything may be true, keeping the source text of everything but texts."""
        page = parse(records)
        columns: dict[Path, list[Any]] = defaultdict(lambda: [None] * len(page))
        for row, record in enumerate(page):
            for path, value in self._values(record):
                columns[path][row] = value
        self._met.update(columns)
        ids = columns[self._layout.metadata[0].path]
        return len(page), {path: self._array(path, values, ids) for path, values in columns.items()}

    def _array(self, path: Path, values: list[Any], ids: list[Any]) -> pa.Array[Any]:
        kind = self._layout.kind_at(path)
        cells = []
        for record, value in zip(ids, values, strict=True):
            try:
                cells.append(_cell(kind, value))
            except TypeError as error:
                raise InvalidRecords(f"{path[-1]} of {record} is {to_json(value)}, not {_MEANT[kind]}.") from error
        return pa.array(cells, READ_AS[kind])

    def _values(self, record: Record) -> Iterator[tuple[Path, Any]]:
        layout = self._layout
        for key, value in record.items():
            if key == layout.values and _is_dict(value):
                yield from (((key, name), inner) for name, inner in value.items())
            elif key == layout.links and _is_dict(value):
                for name, link in value.items():
                    if link is not None:
                        parts = link if _is_dict(link) else {"": link}
                        yield from (((key, name, part), inner) for part, inner in parts.items())
            elif value is not None or key not in {layout.values, layout.links}:
                yield (key,), value

    def _assemble(self, rows: int, arrays: dict[Path, pa.Array[Any]]) -> pa.Table:
        layout = self._layout

        def at(path: Path) -> pa.Array[Any]:
            array = arrays.get(path)
            return pa.array([None] * rows, READ_AS[layout.kind_at(path)]) if array is None else array

        ids = at(layout.metadata[0].path)
        columns = {
            column.name: _typed(column, at(column.path), ids)
            for column in layout.metadata
            if self._is_shown(column, at(column.path))
        }
        metadata = {column.path for column in layout.metadata}
        columns |= {
            layout.name_at(path): at(path)
            for path in self._met - metadata
            if path[0] not in layout.dropped or len(path) > 1
        }
        return pa.table({name: columns[name] for name in layout.ordered(columns)})

    def _is_shown(self, column: Column, values: pa.Array[Any]) -> bool:
        match column.when:
            case "sent":
                return column.path in self._met
            case "differ":
                self._common[column.name].update(values.drop_null().unique().to_pylist())
                return len(self._common[column.name]) > 1
            case _:
                return True


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _is_utf8(text: bytes) -> bool:
    """Tell whether `text` is UTF-8, which Arrow's JSON reader does not ask."""
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def _struct(nested: dict[str, Any]) -> pa.StructType:
    return pa.struct([(name, _struct(inner) if _is_dict(inner) else inner) for name, inner in nested.items()])


def _fields(records: pa.Array[Any]) -> Iterator[tuple[str, pa.Array[Any]]]:
    """Yield the fields of objects; raise `ArrowInvalid` where these are none."""
    if not isinstance(records, pa.StructArray):
        raise pa.ArrowInvalid("not objects")
    return zip((field.name for field in records.type), records.flatten(), strict=True)


def _cell(kind: Kind, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return `value` as a `kind` of column holds it."""
    match kind, value:
        case ("flag", None | bool()) | ("texts", None):
            return value
        case "texts", list():
            return [to_text(inner) for inner in value]
        case "text" | "time", _:
            return to_text(value)
        case _:
            raise TypeError(kind)


def _typed(column: Column, texts: pa.Array[Any], ids: pa.Array[Any]) -> pa.Array[Any]:
    return moments_of(column.name, texts, ids) if column.kind == "time" else texts


def moments_of(name: str, texts: pa.Array[Any], ids: Iterable[Any]) -> pa.Array[Any]:
    """Return the texts of a metadata column as moments; raise `InvalidRecords`, naming a record where it is none."""
    texts = pc.if_else(pc.is_in(texts, NO_TIME), None, texts)
    try:
        return moments(texts)
    except pa.ArrowInvalid:
        for record, text in zip(ids, texts, strict=True):
            try:
                moments(pa.array([text.as_py()], pa.string()))
            except pa.ArrowInvalid as error:
                raise InvalidRecords(f"{name} of {record} is {text.as_py()!r}, not a time.") from error
        raise


def moments(texts: pa.Array[Any]) -> pa.Array[Any]:
    """Return ISO 8601 texts, which are in UTC with or without a Z, as moments."""
    return pc.ascii_rtrim(texts, "Z").cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
