"""Turns pages of flat rows, such as a report's, which have no id of their own, into Arrow tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.exact import InvalidRecords, Record, Source, parse, to_text
from commcare_frames.tables.layout import Column, Layout
from commcare_frames.tables.leaves import LARGEST_EXACT, InexactError, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from commcare_frames.tables.dtypes import Kind

NUMBER = "row number"
"""The column that tells rows apart: their place in the order in which HQ gave them, from 0."""

_NUMBERS = {int, float, Source}
_NULL = type(None)


@dataclass(frozen=True)
class RowLayout(Layout):
    """How rows are laid out: their number, then each field under its own name, in HQ's order."""

    def is_value(self, column: str) -> bool:
        """Tell whether `column` is one of the rows' own fields."""
        return column != NUMBER

    def ordered(self, columns: Iterable[str]) -> list[str]:
        """Return `columns` as they come, which is HQ's order."""
        return list(columns)


ROWS = RowLayout(name="rows", metadata=(Column(NUMBER, (NUMBER,)),))
"""A row of a report or of a data source."""


class NumberNotes:
    """Makes columns of texts of any JSON values, and remembers which of them held numbers."""

    def __init__(self) -> None:
        self._holds_texts: dict[str, bool | None] = {}

    def __iter__(self) -> Iterator[str]:
        """Give the columns met so far."""
        return iter(self._holds_texts)

    @property
    def numbers(self) -> list[str]:
        """The columns that held JSON numbers, and nothing else but null."""
        return [name for name, holds_texts in self._holds_texts.items() if holds_texts is False]

    def array(self, name: str, values: Sequence[Any], as_text: Callable[[Any], str | None]) -> pa.Array[Any]:
        """Return values as texts, as `as_text` writes what is none."""
        kinds = set(map(type, values)) - {_NULL}
        before = self._holds_texts.get(name)
        self._holds_texts[name] = bool(before or kinds - _NUMBERS) if kinds else before
        return pa.array(values if kinds <= {str} else map(as_text, values), pa.string())


class RowFlattener:
    """Turns the pages of one pull into tables, numbering their rows.

    It remembers every field that it has met: a table has a column for every field met up to its page.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._notes = NumberNotes()

    @property
    def numbers(self) -> list[str]:
        """The fields that held JSON numbers, and nothing else but null."""
        return self._notes.numbers

    def table(self, records: bytes) -> pa.Table:
        """Return one page as a table of texts, every value as HQ sent it; raise `InvalidRecords` for what is none."""
        try:
            return self._assemble(objects(loads(records)), quick_text)
        except InexactError:
            return self._assemble(parse(records), to_text)

    def _assemble(self, page: list[Record], as_text: Callable[[Any], str | None]) -> pa.Table:
        names = dict.fromkeys([*self._notes, *(name for record in page for name in record)])
        if NUMBER in names:
            raise InvalidRecords(f"These rows have a field {NUMBER!r}, which is what rows are told apart by.")
        numbers = pa.array(map(str, range(self._rows, self._rows + len(page))), pa.string())
        fields = {name: self._notes.array(name, [record.get(name) for record in page], as_text) for name in names}
        self._rows += len(page)
        return pa.table({NUMBER: numbers, **fields})


def objects(page: Any) -> list[Record]:  # noqa: ANN401 - any JSON value
    """Return the records of a page; raise `InvalidRecords` for what is none."""
    if not isinstance(page, list) or not all(type(record) is dict for record in page):
        raise InvalidRecords("These records are not a JSON array of objects.")
    return page


def quick_text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return a value as text, numbers as HQ's JSON has them; raise `InexactError` where that takes a closer look."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if abs(value) < LARGEST_EXACT:
            return repr(value)
        case _:
            raise InexactError


def kinds_of_numbers(table: pa.Table, numbers: Iterable[str]) -> dict[str, Kind]:
    """Return what columns of JSON numbers become, where a double or a 64-bit integer holds each of them.

    Inference from texts would leave a column as text that has ``1`` beside ``2.0``, or ``1e-07``.
    """
    kinds: dict[str, Kind] = {}
    for name in numbers:
        texts = table[name].unique().drop_null()
        is_whole = pc.match_substring_regex(texts, r"^-?\d+$")
        try:
            whole = texts.filter(is_whole).cast(pa.int64())
            if len(whole) < len(texts):
                whole.cast(pa.float64())
                others = texts.filter(pc.invert(is_whole)).cast(pa.float64())
                if not pc.all(pc.is_finite(others)).as_py():
                    continue
        except pa.ArrowInvalid:
            continue
        kinds[name] = "Int64" if len(whole) == len(texts) else "Float64"
    return kinds
