"""Turns pages of records that are neither cases nor forms, such as users and locations, into Arrow tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from commcare_frames.tables.exact import InvalidRecords, Record, parse, to_json, to_text
from commcare_frames.tables.flatten import READ_AS, moments_of
from commcare_frames.tables.layout import Column, Kind, Layout, Path
from commcare_frames.tables.leaves import InexactError, loads
from commcare_frames.tables.paths import to_name
from commcare_frames.tables.rows import NumberNotes, objects, quick_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_OWN = "record."


@dataclass(frozen=True)
class RecordLayout(Layout):
    """How a record of any shape is laid out: its metadata, then every other leaf under its path with dots.

    An object within a record is taken apart, unless a metadata column holds it whole. A list is one value: a list of
    texts where a metadata column says so, else JSON.

    Attributes
    ----------
    order
        The columns by which rows are ordered, before their ids.
    numbers
        Metadata columns whose texts are numbers, whatever they look like.
    """

    order: tuple[str, ...] = ()
    numbers: frozenset[str] = frozenset()

    def name_at(self, path: Path) -> str:
        """Return the column of a `path` that is not metadata; different paths have different columns."""
        name = to_name(path)
        return f"{_OWN}{name}" if name in self._fixed or name.startswith(_OWN) else name

    def is_value(self, column: str) -> bool:
        """Tell whether `column` holds texts that may be typed."""
        return column not in self._fixed or self._fixed[column].kind == "value"

    def ordered(self, columns: Iterable[str]) -> list[str]:
        """Return `columns` in the order of a frame: metadata, then the others by name."""
        places = {name: place for place, name in enumerate(self._fixed)}
        return sorted(columns, key=lambda name: (places.get(name, len(places)), name.removeprefix(_OWN)))

    @cached_property
    def _fixed(self) -> dict[str, Column]:
        return {column.name: column for column in self.metadata}


class RecordFlattener:
    """Turns the pages of one pull into tables.

    It remembers every column that it has met: a table has a column for each that was met up to its page.

    Parameters
    ----------
    layout
        How the records of this pull are laid out.
    """

    def __init__(self, layout: RecordLayout) -> None:
        self._layout = layout
        self._columns = {column.path: column for column in layout.metadata}
        self._met: dict[str, Kind] = {column.name: column.kind for column in layout.metadata if column.when == "always"}
        self._notes = NumberNotes()

    @property
    def numbers(self) -> list[str]:
        """The columns that held JSON numbers, and nothing else but null."""
        return self._notes.numbers

    def table(self, records: bytes) -> pa.Table:
        """Return one page as a table: metadata typed, every other value as the text that HQ sent.

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
            try:
                return self._assemble(objects(loads(records)), quick_text)
            except InexactError:
                return self._assemble(parse(records), to_text)
        except RecursionError as error:
            raise InvalidRecords("These records are nested too deeply.") from error

    def table_of(self, page: list[Record]) -> pa.Table:
        """Return records that `parse` has read, as `table` does."""
        return self._assemble(page, to_text)

    def _assemble(self, page: list[Record], as_text: Callable[[Any], str | None]) -> pa.Table:
        cells: dict[str, list[Any]] = {}
        for row, record in enumerate(page):
            for path, value in self._leaves(record, ()):
                name = self._name_of(path)
                if name not in cells:
                    cells[name] = [None] * len(page)
                cells[name][row] = value
        ids = cells.get(self._layout.id_column, [None] * len(page))
        if None in ids:
            raise InvalidRecords(f"One of these records has no {self._layout.id_column}.")
        columns = {
            name: self._array(name, kind, cells.get(name, [None] * len(page)), ids, as_text)
            for name, kind in self._met.items()
        }
        return pa.table({name: columns[name] for name in self._layout.ordered(columns)})

    def _leaves(self, record: Record, path: Path) -> Iterator[tuple[Path, Any]]:
        for key, value in record.items():
            place = (*path, key)
            if isinstance(value, dict) and place not in self._columns:
                yield from self._leaves(value, place)
            elif path or key not in self._layout.dropped or place in self._columns:
                yield place, value

    def _name_of(self, path: Path) -> str:
        """Return the column of the value at a path, and remember that there is one."""
        column = self._columns.get(path)
        name = self._layout.name_at(path) if column is None else column.name
        self._met.setdefault(name, "value" if column is None else column.kind)
        return name

    def _array(
        self, name: str, kind: Kind, values: list[Any], ids: list[Any], as_text: Callable[[Any], str | None]
    ) -> pa.Array[Any]:
        if kind in {"text", "value"}:
            return self._notes.array(name, values, as_text)
        for record, value in zip(ids, values, strict=True):
            if value is not None and not _fits(kind, value):
                raise InvalidRecords(f"{name} of {record} is {to_json(value)}, which HQ never sends there.")
        if kind == "texts":
            values = [value if value is None else [as_text(each) for each in value] for value in values]
        array = pa.array(values, READ_AS[kind])
        return moments_of(name, array, ids) if kind == "time" else array


def _fits(kind: Kind, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, {"flag": bool, "texts": list, "time": str}[kind])
