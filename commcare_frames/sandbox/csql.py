"""Reads and evaluates the case search query language, as far as it concerns a case itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from commcare_frames.sandbox.dates import milliseconds, v2_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.sandbox.records import Case

    Test = Callable[[Case], bool]

METADATA = {
    "@case_id": "case_id",
    "@case_type": "case_type",
    "@owner_id": "owner_id",
    "case_type": "case_type",
    "owner_id": "owner_id",
    "name": "case_name",
    "case_name": "case_name",
    "external_id": "external_id",
    "date_opened": "date_opened",
    "closed_on": "date_closed",
    "last_modified": "last_modified",
    "modified_on": "last_modified",
    "server_last_modified": "server_last_modified",
    "indexed_on": "indexed_on",
}

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'[^']*'|"[^"]*")
  | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
  | (?P<name>[@A-Za-z_](?:[\w.]|-(?=\w))*)
  | (?P<sign><=|>=|!=|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_RANGE_NEEDS = (
    "The right hand side of a comparison must be a number or date. Dates must be surrounded in quotation marks"
)


class BadQueryError(ValueError):
    """A query that HQ would not understand."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def read_query(text: str, today: str) -> Test:
    """Return what tests a case for a query.

    Parameters
    ----------
    text
        The query.
    today
        What ``today()`` stands for.

    Raises
    ------
    BadQueryError
        For anything that is not a query.
    """
    parser = _Parser(_tokens(text), today)
    test = parser.either()
    parser.end()
    return test


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if not found or not found.lastgroup:
            raise BadQueryError(f"unexpected {text[place:].strip()[:20]!r}")
        tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
        place = found.end()
    return tokens


class _Parser:
    """Recursive descent, a method per level: either (or), both (and), single."""

    def __init__(self, tokens: list[_Token], today: str) -> None:
        self._tokens = tokens
        self._today = today

    def either(self) -> Test:
        tests = [self._both()]
        while self._take("name", "or"):
            tests.append(self._both())
        return lambda case: any(test(case) for test in tests)

    def end(self) -> None:
        if self._tokens:
            raise BadQueryError(f"unexpected {self._tokens[0].text!r}")

    def _both(self) -> Test:
        tests = [self._single()]
        while self._take("name", "and"):
            tests.append(self._single())
        return lambda case: all(test(case) for test in tests)

    def _single(self) -> Test:
        if self._take("sign", "("):
            test = self.either()
            self._need("sign", ")")
            return test
        name = self._need("name").text
        if self._take("sign", "("):
            return self._function(name)
        sign = self._need("sign").text
        if sign not in {"=", "!=", *_COMPARISONS}:
            raise BadQueryError(f"unexpected {sign!r} after {name!r}")
        return _comparison(name, sign, *self._value())

    def _function(self, name: str) -> Test:
        if name == "not":
            inner = self.either()
            self._need("sign", ")")
            return lambda case: not inner(case)
        if name in {"match-all", "match-none"}:
            self._need("sign", ")")
            return lambda _: name == "match-all"
        if name not in _ON_PROPERTY:
            raise BadQueryError(f"'{name}' is not a valid function name")
        case_property = self._need("name").text
        self._need("sign", ",")
        operand, _ = self._value()
        self._need("sign", ")")
        test = _ON_PROPERTY[name]
        return lambda case: test(value_of(case, case_property), operand)

    def _value(self) -> tuple[str, bool]:
        """Return a value's text, and whether it is a date or was quoted."""
        if number := self._take("number"):
            return number.text, False
        if string := self._take("string"):
            return string.text[1:-1], True
        name = self._need("name").text
        self._need("sign", "(")
        if name == "today":
            text = self._today
        elif name == "date":
            text = self._need("string").text[1:-1]
            _require_date(text)
        else:
            raise BadQueryError(f"'{name}' does not give a value to compare with")
        self._need("sign", ")")
        return text, True

    def _take(self, kind: str, text: str | None = None) -> _Token | None:
        if self._tokens and self._tokens[0].kind == kind and text in (None, self._tokens[0].text):
            return self._tokens.pop(0)
        return None

    def _need(self, kind: str, text: str | None = None) -> _Token:
        token = self._take(kind, text)
        if token is None:
            seen = repr(self._tokens[0].text) if self._tokens else "the end"
            raise BadQueryError(f"expected {text or kind}, found {seen}")
        return token


def value_of(case: Case, name: str) -> str:
    """Return a case property, or metadata, as text; "" where it is missing."""
    if name == "@status":
        return "closed" if case["closed"] else "open"
    value = case[METADATA[name]] if name in METADATA else case["properties"].get(name)
    return "" if value is None else str(value)


def _comparison(name: str, sign: str, operand: str, quoted: bool) -> Test:
    if sign == "=":
        return lambda case: value_of(case, name) == operand
    if sign == "!=":
        return lambda case: value_of(case, name) != operand
    number = _number(operand)
    if number is not None:
        compare = _COMPARE[sign]
        return lambda case: (own := _number(value_of(case, name))) is not None and compare(own, number)
    if not quoted:
        raise BadQueryError(_RANGE_NEEDS)
    _require_date(operand)
    span = v2_span(_COMPARISONS[sign], operand)
    return lambda case: _moment(value_of(case, name)) in span


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _moment(text: str) -> int | None:
    try:
        return milliseconds(text)
    except ValueError:
        return None


def _require_date(text: str) -> None:
    try:
        v2_span("gt", text)
    except ValueError:
        raise BadQueryError(f"{_RANGE_NEEDS}: {text!r}") from None


def today(now: float) -> str:
    """Return the day of a moment in seconds, as ``today()`` has it."""
    return datetime.fromtimestamp(now, tz=UTC).date().isoformat()


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_ON_PROPERTY: dict[str, Callable[[str, str], bool]] = {
    "selected": lambda value, wanted: not set(wanted.split()).isdisjoint(value.split()),
    "selected-any": lambda value, wanted: not set(wanted.split()).isdisjoint(value.split()),
    "selected-all": lambda value, wanted: set(wanted.split()) <= set(value.split()),
    "starts-with": lambda value, wanted: value.startswith(wanted),
}
