"""Takes nested records apart into columns of texts, one for each place in which a value stands."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson

from commcare_frames.tables.exact import InvalidRecords, Record, parse, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.tables.layout import Path

TEXT = "#text"
CASE, CASE_ID = "case", "@case_id"
LIST, BLOCK = "[]", "{}"
"""Endings of the columns that hold JSON: of lists, and of case blocks and other objects that are no answers."""

LARGEST_EXACT = 1e15
"""Numbers from here on are read exactly, since orjson rounds what has more digits than a double."""

_CASE_IDS = re.compile(rb'"@case_id":"([^"\\]*)"')
_TEXTS = frozenset({str, type(None)})
_SCALARS = _TEXTS | {bool, int, float}


class InexactError(ValueError):
    """A number that has to be read exactly."""


class Leaves:
    """The columns of a page of records.

    Records with the same keys are taken together, so that the work for each value is little.

    Parameters
    ----------
    rows
        Number of records.
    to_json
        Writes a value as JSON.

    Attributes
    ----------
    texts
        Texts by path.
    json
        JSON by path and ending: lists, and case blocks.
    own_case, cases
        By row: the case of the record's own case block, and all cases that it names.
    """

    def __init__(self, rows: int, to_json: Callable[[Any], bytes]) -> None:
        self._rows = rows
        self._to_json = to_json
        self.texts: dict[Path, list[str | None]] = {}
        self.json: dict[tuple[Path, str], list[bytes | None]] = {}
        self.own_case: dict[int, str] = {}
        self.cases: defaultdict[int, dict[str, None]] = defaultdict(dict)

    def add(self, prefix: Path, records: Sequence[Record], rows: Sequence[int]) -> None:
        """Take records apart that stand at `prefix` of the given rows, which ascend."""
        alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, keys in enumerate(map(tuple, records)):
            alike[keys].append(number)
        for keys, members in alike.items():
            whose = rows if len(members) == len(records) else [rows[number] for number in members]
            if not keys and len(prefix) != 1:  # an empty form is no answer
                self._put(prefix, [""] * len(whose), whose)
            columns = zip(*[records[number].values() for number in members], strict=True)
            for key, values in zip(keys, columns, strict=False):
                self._place(prefix if key == TEXT else (*prefix, key), values, whose)

    def _place(self, path: Path, values: Sequence[Any], rows: Sequence[int]) -> None:
        kinds = set(map(type, values))
        if kinds <= _TEXTS:
            self._put(path, values, rows)
        elif kinds <= _SCALARS:
            self._put(path, list(map(_scalar_text, values)), rows)
        elif kinds == {dict} and path[-1:] != (CASE,):
            self.add(path, values, rows)
        else:
            self._place_each(path, values, rows)

    def _place_each(self, path: Path, values: Sequence[Any], rows: Sequence[int]) -> None:
        may_be_case = path[-1:] == (CASE,)
        records: list[Record] = []
        record_rows: list[int] = []
        scalars: list[Any] = []
        scalar_rows: list[int] = []
        for row, value in zip(rows, values, strict=True):
            if may_be_case and _is_case(value):
                self._put_block(path, value, row)
            elif isinstance(value, dict):
                records.append(value)
                record_rows.append(row)
            elif isinstance(value, list):
                self._put_list(path, value, row)
            else:
                scalars.append(value)
                scalar_rows.append(row)
        if records:
            self.add(path, records, record_rows)
        if scalars:
            self._put(path, list(map(_scalar_text, scalars)), scalar_rows)

    def _put(self, path: Path, values: Sequence[str | None], rows: Sequence[int]) -> None:
        column = self.texts.get(path)
        if column is None:
            if len(rows) == self._rows:
                self.texts[path] = list(values)
                return
            column = self.texts[path] = [None] * self._rows
        for row, value in zip(rows, values, strict=True):
            column[row] = value

    def _put_block(self, path: Path, block: Any, row: int) -> None:  # noqa: ANN401 - one block or several
        blocks = block if isinstance(block, list) else [block]
        cases = self.cases[row]
        for each in blocks:
            cases[str(each[CASE_ID])] = None
        if len(path) == len(("form", CASE)) and isinstance(block, dict):
            self.own_case[row] = str(block[CASE_ID])
        self._put_json(path, BLOCK, self._to_json(block), row)

    def _put_list(self, path: Path, value: list[Any], row: int) -> None:
        text = self._to_json(value)
        for case_id in _CASE_IDS.findall(text):
            self.cases[row][case_id.decode()] = None
        self._put_json(path, LIST, text, row)

    def _put_json(self, path: Path, ending: str, text: bytes, row: int) -> None:
        column = self.json.get((path, ending))
        if column is None:
            column = self.json[path, ending] = [None] * self._rows
        column[row] = text


def _scalar_text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return a value that is neither a list nor an object as text, numbers as HQ's JSON has them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not abs(value) < LARGEST_EXACT:
        raise InexactError
    return repr(value)


def _is_case(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return bool(value) and all(isinstance(each, dict) and CASE_ID in each for each in value)
    return isinstance(value, dict) and CASE_ID in value


def loads(text: bytes | str) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON quickly; raise `InexactError` where that would lose something."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InexactError from error


def _exactly(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    return to_json(value).encode()


def quickly_or_exactly(records: bytes, take_apart: Callable[[list[Record], Callable[[Any], bytes]], Leaves]) -> Leaves:
    """Take a page of records apart quickly, or exactly where that would lose something.

    Parameters
    ----------
    records
        The JSON array of the page's records.
    take_apart
        Takes the records, which it may change, and what writes JSON.
    """
    try:
        page = loads(records)
        if not isinstance(page, list) or not all(type(record) is dict for record in page):
            raise InvalidRecords("These records are not a JSON array of objects.")
        return take_apart(page, orjson.dumps)
    except InexactError:
        return take_apart(parse(records), _exactly)


def unpack(texts: Sequence[str]) -> tuple[list[int], Leaves]:
    """Take apart what columns of JSON hold.

    Parameters
    ----------
    texts
        Lists, or single values, as JSON.

    Returns
    -------
    list of int
        How many values each text holds.
    Leaves
        All values one after the other; one that is no object stands under ``#text``.
    """
    lengths: list[int] = []

    def taken_apart(page: list[Record], to_json: Callable[[Any], bytes]) -> Leaves:
        several = [each[""] if isinstance(each[""], list) else [each[""]] for each in page]
        lengths[:] = map(len, several)
        records = [value if isinstance(value, dict) else {TEXT: value} for values in several for value in values]
        leaves = Leaves(len(records), to_json)
        leaves.add((), records, range(len(records)))
        return leaves

    leaves = quickly_or_exactly(b'[{"":' + '},{"":'.join(texts).encode() + b"}]", taken_apart) if texts else None
    return lengths, leaves or Leaves(0, to_json=_exactly)
