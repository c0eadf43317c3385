"""Takes nested records apart into columns of texts, one for each place in which a value stands."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.exact import InvalidRecords, Record, parse, to_json
from commcare_frames.tables.pieces import pieces
from commcare_frames.tables.shapes import Alike, all_have, columns_of, keys_of, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from commcare_frames.tables.layout import Path
    from commcare_frames.tables.shapes import Shape

    WriteJson = Callable[[Sequence[Any]], pa.Array[Any]]
    Records = Sequence[Record] | Sequence[Alike]
    TakeApart = Callable[[Records, WriteJson], "Columns"]

P = TypeVar("P")

TEXT = "#text"
CASE, CASE_ID = "case", "@case_id"
LIST, BLOCK = "[]", "{}"
"""Endings of the columns that hold JSON: of lists, and of case blocks and other objects that are no answers."""

LARGEST_EXACT = 1e15
"""Numbers from here on are read exactly, since orjson rounds what has more digits than a double."""

_CASE_IDS = re.compile(r'"@case_id":"([^"\\]*)"')
_STRING = pa.string()
_TEXTS, _FLAGS, _WHOLE = (frozenset({kind, NoneType}) for kind in (str, bool, int))
_BREAK, _BREAK_AS_JSON = "\0", r"\u0000"
"""What is put between values to find their ends again: no XML can hold it, and so hardly any form."""


class InexactError(ValueError):
    """A number that has to be read exactly."""


@dataclass(frozen=True)
class Columns:
    """The columns of some records.

    Parameters
    ----------
    rows
        Number of records.
    texts
        Texts by path.
    json
        JSON by path and ending: lists, and case blocks.
    """

    rows: int
    texts: dict[Path, pa.Array[Any]]
    json: dict[tuple[Path, str], pa.Array[Any]]

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """Return the columns of several lots of records, one after the other."""
        rows = [part.rows for part in parts]
        texts, json = _joined([part.texts for part in parts], rows), _joined([part.json for part in parts], rows)
        return cls(sum(rows), texts, json)


def _joined(parts: Sequence[dict[P, pa.Array[Any]]], rows: Sequence[int]) -> dict[P, pa.Array[Any]]:
    if len(parts) == 1:
        return parts[0]
    kinds = {place: array.type for part in parts for place, array in part.items()}
    return {
        place: pa.concat_arrays(
            [part[place] if place in part else pa.nulls(count, kind) for part, count in zip(parts, rows, strict=True)]
        )
        for place, kind in kinds.items()
    }


class Leaves:
    """The columns of a page of records.

    Records with the same keys are taken together, so that the work for each value is little.

    Parameters
    ----------
    rows
        Number of records.
    to_json
        Writes each of several values as JSON.
    """

    def __init__(self, rows: int, to_json: WriteJson) -> None:
        self._rows = rows
        self._to_json = to_json
        self._texts: dict[Path, list[str | None] | pa.Array[Any]] = {}
        self._whole: dict[tuple[Path, str], list[Any]] = {}
        self._blocks: list[tuple[Path, Sequence[Any], Sequence[int]]] = []
        self._places: tuple[Sequence[int], pa.Array[Any]] | None = None

    def columns(self) -> Columns:
        """Return the columns of all that was added."""
        texts = {
            path: pa.array(texts, _STRING) if isinstance(texts, list) else texts for path, texts in self._texts.items()
        }
        return Columns(self._rows, texts, self.json)

    @cached_property
    def json(self) -> dict[tuple[Path, str], pa.Array[Any]]:
        """JSON by path and ending: lists, and case blocks."""
        return {place: self.written(values) for place, values in self._whole.items()}

    def written(self, values: Sequence[Any]) -> pa.Array[Any]:
        """Return values as JSON, null where there is none."""
        texts = self._to_json(values)
        return pc.if_else(pc.equal(texts, "null"), None, texts)

    def case_ids(self) -> pa.Array[Any]:
        """Return the case of each record's own case block, or else the only case that it names."""
        own: list[str | None] = [None] * self._rows
        for path, blocks, rows in self._blocks:
            if len(path) == len(("form", CASE)):
                for row, block in zip(rows, blocks, strict=True):
                    own[row] = None if isinstance(block, list) else str(value_of(block, CASE_ID))
        if not all(own):
            for row, cases in self._cases_named({row for row, case_id in enumerate(own) if not case_id}).items():
                own[row] = next(iter(cases)) if len(cases) == 1 else None
        return pa.array(own, _STRING)

    def _cases_named(self, wanted: Collection[int]) -> dict[int, set[str]]:
        """Return all cases that the given rows name, by row."""
        named: dict[int, set[str]] = {row: set() for row in wanted}
        for _, blocks, rows in self._blocks:
            for row, block in zip(rows, blocks, strict=True):
                if row in named:
                    several = block if isinstance(block, list) else [block]
                    named[row].update(str(value_of(each, CASE_ID)) for each in several)
        for (_, ending), texts in self.json.items():
            if ending == LIST:
                lists = texts.to_pylist()
                for row, cases in named.items():
                    cases.update(_CASE_IDS.findall(lists[row] or ""))
        return named

    def add(self, prefix: Path, records: Records, rows: Sequence[int]) -> None:
        """Take records apart that stand at `prefix` of the given rows."""
        if records and isinstance(records[0], Alike):
            self._add_alike(prefix, cast("Sequence[Alike]", records), rows)
            return
        for keys, alike, whose in _grouped(cast("Sequence[Record]", records), rows):
            if not keys and len(prefix) != 1:  # an empty form is no answer
                self._put(self._texts, prefix, [""] * len(whose), whose)
            # Row by row, as the values stand in memory, and then by column: much faster than zip(*...).
            values = list(chain.from_iterable(map(dict.values, alike)))
            for number, key in enumerate(keys):
                self._place_under(prefix, key, values[number :: len(keys)], whose)

    def _add_alike(self, prefix: Path, records: Sequence[Alike], rows: Sequence[int]) -> None:
        for key, values in columns_of(records):
            self._place_under(prefix, key, values, rows)
        if len(records[0].lacking) == len(records[0].names) and len(prefix) != 1:
            empty = [row for row, record in zip(rows, records, strict=True) if not keys_of(record)]
            if empty:
                self._put(self._texts, prefix, [""] * len(empty), empty)

    def _place_under(self, prefix: Path, key: str, values: list[Any], rows: Sequence[int]) -> None:
        is_text = key == TEXT and _are_scalars(set(map(type, values)))
        self._place(prefix if is_text else (*prefix, key), values, rows)

    def _place(self, path: Path, values: list[Any], rows: Sequence[int]) -> None:
        if type(values[0]) is str and path not in self._texts:
            with suppress(pa.ArrowTypeError):  # most columns hold texts only, and Arrow looks at each anyway
                self._texts[path] = self._spread(pa.array(values, _STRING), rows)
                return
        kinds = set(map(type, values))
        if path not in self._texts and (kinds <= _TEXTS or kinds <= _FLAGS or kinds <= _WHOLE):
            with suppress(OverflowError):  # Arrow writes flags and whole numbers as JSON does
                self._texts[path] = self._spread(pa.array(values).cast(_STRING), rows)
                return
        if _are_scalars(kinds):
            self._put(self._texts, path, values if kinds <= _TEXTS else list(map(_scalar_text, values)), rows)
        elif path[-1:] == (CASE,) and (all_have(values, CASE_ID) or all(map(_is_case, values))):
            self._blocks.append((path, values, rows))
            self._put(self._whole, (path, BLOCK), values, rows)
        elif kinds == {list}:
            self._put(self._whole, (path, LIST), values, rows)
        elif len(kinds) == 1:
            self.add(path, values, rows)
        elif NoneType in kinds:
            there = [number for number, value in enumerate(values) if value is not None]
            self._place(path, [values[number] for number in there], [rows[number] for number in there])
        else:
            self._place_each(path, values, rows)

    def _spread(self, values: pa.Array[Any], rows: Sequence[int]) -> pa.Array[Any]:
        """Return the values of some rows as a column of all."""
        if len(rows) == self._rows:
            return values
        if self._places is None or self._places[0] is not rows:
            places: list[int | None] = [None] * self._rows
            for place, row in enumerate(rows):
                places[row] = place
            self._places = rows, pa.array(places, pa.int32())
        return values.take(self._places[1])

    def _place_each(self, path: Path, values: list[Any], rows: Sequence[int]) -> None:
        """Place values of several kinds, those of each kind together."""
        sorts: defaultdict[object, tuple[list[Any], list[int]]] = defaultdict(lambda: ([], []))
        for row, value in zip(rows, values, strict=True):
            kind = type(value)
            sort = str if _are_scalars({kind}) else CASE if path[-1:] == (CASE,) and _is_case(value) else kind
            alike, whose = sorts[sort]
            alike.append(value)
            whose.append(row)
        for alike, whose in sorts.values():
            self._place(path, alike, whose)

    def _put(self, columns: dict[Any, Any], place: object, values: list[Any], rows: Sequence[int]) -> None:
        column = columns.get(place)
        if column is None and len(rows) == self._rows:
            columns[place] = values
            return
        if not isinstance(column, list):
            column = columns[place] = [None] * self._rows if column is None else column.to_pylist()
        for row, value in zip(rows, values, strict=True):
            column[row] = value


def _grouped(
    records: Sequence[Record], rows: Sequence[int]
) -> Iterable[tuple[tuple[str, ...], Sequence[Record], Sequence[int]]]:
    """Group records, and their rows, by their keys."""
    if records and list(chain.from_iterable(records)) == list(records[0]) * len(records):
        return [(tuple(records[0]), records, rows)]  # as most are: found out without a look at each
    groups: defaultdict[tuple[str, ...], tuple[list[Record], list[int]]] = defaultdict(lambda: ([], []))
    for record, row in zip(records, rows, strict=True):
        alike, whose = groups[tuple(record)]
        alike.append(record)
        whose.append(row)
    return [(keys, *group) for keys, group in groups.items()]


def _scalar_text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return a value that is neither a list nor an object as text, numbers as HQ's JSON has them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not abs(value) < LARGEST_EXACT:
        raise InexactError
    return repr(value)


def _are_scalars(kinds: Collection[type]) -> bool:
    return not any(issubclass(kind, dict | list | Alike) for kind in kinds)


def _is_case(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    several = value if isinstance(value, list) else [value]
    return bool(several) and all_have(several, CASE_ID)


def loads(text: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON quickly; raise `InexactError` where that would lose something."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InexactError from error


def _quickly(values: Sequence[Any]) -> pa.Array[Any]:
    """Write all values in one go, and cut the text between them: twice as fast as one by one."""
    parts: list[Any] = [_BREAK] * (2 * len(values) - 1)
    parts[::2] = values
    whole = msgspec.json.encode(parts)[1:-1]
    texts: pa.Array[Any] = pc.split_pattern(pa.array([whole], _STRING), f',"{_BREAK_AS_JSON}",').flatten()
    return texts if len(texts) == len(values) else pa.array(map(msgspec.json.encode, values), _STRING)


def _exactly(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array(map(to_json, values), _STRING)


def in_pieces(records: bytes, take_apart: TakeApart, shape: Shape) -> Columns:
    """Take a page of records apart as `quickly_or_exactly` does, but quicker where it is large or of a known shape."""

    def taken_apart(piece: bytes) -> Columns:
        alike = shape.read(piece)
        if alike is not None:
            return take_apart(alike, _quickly)
        parsed = _parsed(piece)
        shape.learn(parsed)
        return take_apart(parsed, _quickly)

    try:
        alike = shape.read(records)
        if alike is not None:
            return take_apart(alike, _quickly)
        return Columns.joined(list(map(taken_apart, pieces(records))))
    except InexactError:  # something is to be read exactly, or a record was cut through
        return quickly_or_exactly(records, take_apart)


def quickly_or_exactly(records: bytes, take_apart: TakeApart) -> Columns:
    """Take a page of records apart quickly, or exactly where that would lose something.

    Parameters
    ----------
    records
        The JSON array of the page's records.
    take_apart
        Takes the records, which it may change, and what writes JSON.
    """
    try:
        return take_apart(_parsed(records), _quickly)
    except InexactError:
        return take_apart(parse(records), _exactly)


def _parsed(records: bytes) -> list[Record]:
    page = loads(records)
    if not isinstance(page, list) or not all(type(record) is dict for record in page):
        raise InvalidRecords("These records are not a JSON array of objects.")
    return page


def unpack(texts: Sequence[str]) -> tuple[list[int], Columns]:
    """Take apart what columns of JSON hold.

    Parameters
    ----------
    texts
        Lists, or single values, as JSON.

    Returns
    -------
    list of int
        How many values each text holds.
    Columns
        Of all values one after the other; one that is no object stands under ``#text``.
    """
    lengths: list[int] = []

    def taken_apart(page: Records, to_json: WriteJson) -> Columns:
        given = [value_of(each, "") for each in page]
        several = [value if isinstance(value, list) else [value] for value in given]
        lengths[:] = map(len, several)
        records = [value if isinstance(value, dict) else {TEXT: value} for values in several for value in values]
        leaves = Leaves(len(records), to_json)
        leaves.add((), records, range(len(records)))
        return leaves.columns()

    columns = quickly_or_exactly(b'[{"":' + '},{"":'.join(texts).encode() + b"}]", taken_apart) if texts else None
    return lengths, columns or Columns(0, {}, {})
