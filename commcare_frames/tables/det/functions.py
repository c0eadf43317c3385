"""The functions that a query file may name under "Map Via" and "Format Via", with the results of commcare-export."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dateutil.parser

from commcare_frames.errors import did_you_mean
from commcare_frames.tables.det.paths import Found, PathError, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.tables.det.places import Place

Value = Any
"""Anything that JSON can hold, or a function makes."""

_TRUE = frozenset({"true", "t", "1"})


@dataclass(frozen=True)
class Spot:
    """Where a function is applied: a row's place in its record, and the server that it came from."""

    place: Place
    server: str


@dataclass(frozen=True)
class Function:
    """A function of a value.

    Parameters
    ----------
    apply
        What it makes of a value, which may be what a path `Found`, and of where that is from.
    result
        The data type of what it makes, as a query file calls it; "" where that depends.
    """

    apply: Callable[[Value, Spot], Value]
    result: str = ""


class FunctionError(ValueError):
    """A text that names no function, or gives one what it does not take."""


def unwrapped(value: Value) -> Value:
    """Return what a path found: the value where there is one, else a list."""
    if isinstance(value, Found):
        return value[0] if len(value) == 1 else list(value)
    if isinstance(value, list):
        return value[0] if len(value) == 1 else [unwrapped(each) for each in value]
    return value


def function_of(text: str) -> Function:
    """Return the function that a text names, with what stands in its parentheses; raise `FunctionError` for others."""
    text = text.strip()
    name, has_arguments, _ = text.partition("(")
    if has_arguments:
        if name not in _WITH_ARGUMENTS:
            raise FunctionError(_unknown(text, name))
        inner = re.fullmatch(r"[^(]*\((.*)\)", text)
        if not inner:
            raise FunctionError(f"{text!r} lacks its closing parenthesis")
        return _WITH_ARGUMENTS[name](inner[1])
    if name in _WITH_ARGUMENTS:
        raise FunctionError(f"{name} takes arguments, as in {_EXAMPLES[name]}")
    if name not in _PLAIN:
        raise FunctionError(_unknown(text, name))
    return _PLAIN[name]


def _unknown(text: str, name: str) -> str:
    known = sorted([*_PLAIN, *_WITH_ARGUMENTS])
    return f"{text!r} is no function of commcare-export.{did_you_mean(name, known)} They are {', '.join(known)}"


def _text(value: Value) -> str:
    return value if isinstance(value, str) else str(value)


def _is_nothing(value: Value) -> bool:
    return value is None or value == []


def to_bool(value: Value) -> bool:
    """Return whether a value says true."""
    if isinstance(value, bool):
        return value
    return not _is_nothing(value) and _text(value).lower() in _TRUE


def to_number(value: Value) -> int | float | None:
    """Return a number, or None for what is none; a number loses its decimals."""
    if _is_nothing(value):
        return None
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def to_moment(value: Value) -> datetime | None:
    """Return a time in UTC without zone or fractions, or None for what cannot be read as one."""
    if not value:
        return None
    try:
        moment: datetime = dateutil.parser.parse(_text(value))
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=0, tzinfo=None)


def _json(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sha1(value: Value) -> str | None:
    return None if _is_nothing(value) else hashlib.sha1(_text(value).encode(), usedforsecurity=False).hexdigest()


def _uuid(value: Value) -> str | None:
    if not value:
        return None
    try:
        return str(uuid.UUID(hex(value) if isinstance(value, int) else value))
    except ValueError:
        return None


def _count_selected(value: Value) -> int | None:
    return len(_text(value).split()) if value else None


def _unique(value: Value) -> Value:
    # A set, as commcare-export has it, would give another order each time.
    return list(dict.fromkeys(value)) if isinstance(value, list) else value


def _attachment_url(found: Value, spot: Spot) -> str | None:
    value = unwrapped(found)
    return f"{spot.server}/a/{_DOMAIN(spot)}/api/form/attachment/{_RECORD_ID(spot)}/{value}" if value else None


def _form_url(_: Value, spot: Spot) -> str:
    return f"{spot.server}/a/{_DOMAIN(spot)}/reports/form_data/{_RECORD_ID(spot)}/"


def _case_url(_: Value, spot: Spot) -> str:
    return f"{spot.server}/a/{_DOMAIN(spot)}/reports/case_data/{_RECORD_ID(spot)}/"


def _at(path: str) -> Callable[[Spot], Value]:
    found = parse(path)
    return lambda spot: unwrapped(found.values(spot.place))


_DOMAIN, _RECORD_ID = _at("$.domain"), _at("$.id")


def _plain(function: Callable[[Value], Value], result: str = "") -> Function:
    return Function(lambda value, _: function(unwrapped(value)), result)


_PLAIN = {
    "attachment_url": Function(_attachment_url, "text"),
    "bool": Function(lambda value, _: bool(value), "boolean"),
    "bool2int": _plain(lambda value: int(to_bool(value)), "integer"),
    "case_url": Function(_case_url, "text"),
    "count-selected": _plain(_count_selected, "integer"),
    "form_url": Function(_form_url, "text"),
    "format-uuid": _plain(_uuid, "text"),
    "json2str": _plain(_json, "text"),
    "len": _plain(len, "integer"),
    "sha1": _plain(_sha1, "text"),
    "str2bool": _plain(to_bool, "boolean"),
    "str2date": _plain(to_moment, "datetime"),
    "str2num": _plain(to_number, "integer"),
    "unique": _plain(_unique),
}


def _selected(inner: str) -> Function:
    return _plain(lambda value: inner in _text(value).split() if value else None, "boolean")


def _selected_at(inner: str) -> Function:
    try:
        place = int(inner)
    except ValueError:
        raise FunctionError(f"selected-at takes a whole number, not {inner!r}") from None

    def word(value: Value) -> str | None:
        words = _text(value).split() if value else []
        return words[place] if -len(words) <= place < len(words) else None

    return _plain(word, "text")


def _substr(inner: str) -> Function:
    bounds = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", inner)
    if not bounds:
        raise FunctionError(f"substr takes two whole numbers, as in {_EXAMPLES['substr']}, not {inner!r}")
    start, end = map(int, bounds.groups())
    return _plain(lambda value: _text(value)[start:end] if value else None, "text")


def _template(inner: str) -> Function:
    pattern, *paths = [part.strip() for part in inner.split(",") if part.strip()] or [""]
    if not pattern:
        raise FunctionError(f"template takes a text with places to fill in, as in {_EXAMPLES['template']}")
    try:
        found = [_at(path) for path in paths]
    except PathError as error:
        raise FunctionError(f"template cannot fill in what it does not find: {error}") from error

    def filled(value: Value, spot: Spot) -> str:
        return pattern.format(*([look(spot) for look in found] if found else [unwrapped(value)]))

    return Function(filled, "text")


_WITH_ARGUMENTS: dict[str, Callable[[str], Function]] = {
    "selected": _selected,
    "selected-at": _selected_at,
    "substr": _substr,
    "template": _template,
}
_EXAMPLES = {
    "selected": "selected(fever)",
    "selected-at": "selected-at(0)",
    "substr": "substr(0, 4)",
    "template": "template({} of {}, form.age, form.name)",
}
