"""Turns one page of JSON records into one flat Arrow table, with nothing lost."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from commcare_frames.tables.exact import InvalidRecords, Record, parse, to_json, to_text
from commcare_frames.tables.layout import CASE_V1, CASE_V2, Column, Kind, Layout, Path

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

_SAMPLES, _SAMPLE = 8, 1 << 15
"""Pieces of a page, and bytes of each, from which most names are learned, to spare a look at all of it."""

_BORDER = re.compile(rb'\}, ?\{"')
"""What stands between two records."""


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
        wrapped = b'{"records":' + records + b"}"
        lessons = iter((_sample(records), records))
        if not self._met:
            self._learn_names(next(lessons))
        while True:
            try:
                page = self._read_known_names(wrapped)
            except pa.ArrowInvalid as error:
                if "unexpected field" in str(error) and any(map(self._learn_names, lessons)):
                    continue
                return None
            return None if page is None else (len(page), dict(_leaves(page)))

    def _read_known_names(self, wrapped: bytes) -> pa.StructArray | None:
        table = pa.json.read_json(
            pa.BufferReader(wrapped),
            pa.json.ReadOptions(block_size=len(wrapped) + 1),
            pa.json.ParseOptions(explicit_schema=self._schema(), unexpected_field_behavior="error"),
            memory_pool=pa.system_memory_pool(),  # quicker than Arrow's own for tables that are kept
        )
        pages: Any = table.column("records").chunk(0)
        page: pa.StructArray = pages.values
        return None if table.num_rows != 1 or pages.null_count or page.null_count else page

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

    def _learn_names(self, records: bytes) -> bool:
        """Remember the names of a page; False where there is none that was not met before."""
        try:
            page = orjson.loads(records)
        except orjson.JSONDecodeError:
            return False
        if not isinstance(page, list) or not all(type(record) is dict for record in page):
            return False
        layout = self._layout
        values = [record.get(layout.values) for record in page]
        links = [record.get(layout.links) for record in page]
        known = len(self._met)
        self._met.update(
            ((key,) for key in set().union(*page) - {layout.values, layout.links}),
            ((layout.values, name) for name in set().union(*filter(_is_dict, values))),
            (
                (layout.links, name, key)
                for link in filter(_is_dict, links)
                for name, target in link.items()
                if _is_dict(target)
                for key in target
            ),
        )
        return len(self._met) > known

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


def _sample(records: bytes) -> bytes:
    """Return some of a page's records, from all over it, as a page.

    It is no JSON where ends of objects within a record are taken for those of records.
    """
    if len(records) <= _SAMPLES * _SAMPLE:
        return records
    pieces = []
    for start in range(0, len(records), len(records) // _SAMPLES):
        piece = records[start : start + _SAMPLE]
        ends = [end.start() for end in _BORDER.finditer(piece)]
        pieces += [piece[ends[0] + 1 : ends[-1] + 1].lstrip(b", ")] if len(ends) > 1 else []
    return b"[" + b",".join(pieces) + b"]"


def _is_utf8(text: bytes) -> bool:
    """Tell whether `text` is UTF-8, which Arrow's JSON reader does not ask."""
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def _struct(nested: dict[str, Any]) -> pa.StructType:
    return pa.struct([(name, _struct(inner) if _is_dict(inner) else inner) for name, inner in nested.items()])


def _leaves(page: pa.StructArray, path: Path = ()) -> Iterator[tuple[Path, pa.Array[Any]]]:
    array: Any
    for inner, array in zip(page.type, page.flatten(), strict=True):
        if pa.types.is_struct(inner.type):
            yield from _leaves(array, (*path, inner.name))
        else:
            yield (*path, inner.name), array


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
