"""Reads a page of JSON of which anything may be true, keeping the source text of everything but texts."""

from __future__ import annotations

import json
import re
from typing import Any

Record = dict[str, Any]

_LONE_SURROGATE = re.compile(
    r"\\(?:\\|u(?P<pair>d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|u(?P<lone>d[89a-f][0-9a-f]{2}))", re.IGNORECASE
)
"""Every escape of a surrogate, and every escaped backslash, so that ``\\\\ud83d`` is not taken for one."""


class InvalidRecords(ValueError):  # noqa: N818 - says what the bytes are, to a caller who raises the real error
    """The bytes of a page are not a JSON array of records."""


class Source(str):
    """A JSON number as its source text, so that ``1.50`` and 30-digit numbers stay as they are."""

    __slots__ = ()


def parse(records: bytes) -> list[Record]:
    """Return the records of a page, their numbers as `Source`; raise `InvalidRecords` for anything else."""
    return _parsed(records, Source)


def parse_as_python(records: bytes) -> list[Record]:
    """Return the records of a page, their numbers as Python's; raise `InvalidRecords` for anything else."""
    return _parsed(records)


def _parsed(records: bytes, number: type[Source] | None = None) -> list[Record]:
    try:
        text = _LONE_SURROGATE.sub(_spelled_out, records.decode())
        page = json.loads(text, parse_int=number, parse_float=number, parse_constant=number)
    except ValueError as error:
        raise InvalidRecords(f"These records are not JSON: {error}") from error
    if not isinstance(page, list) or not all(isinstance(record, dict) for record in page):
        raise InvalidRecords("These records are not a JSON array of objects.")
    return page


def _spelled_out(escape: re.Match[str]) -> str:
    """Keep half an emoji as the six characters of its escape: no text in UTF-8 can hold it."""
    return rf"\{escape[0]}" if escape["lone"] else escape[0]


def to_text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return what stands for a value in a column of texts."""
    return value if value is None or isinstance(value, str) else to_json(value)


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return `value` as compact JSON with its numbers as HQ wrote them."""
    match value:
        case Source():
            return value
        case dict():
            return "{" + ",".join(f"{to_json(key)}:{to_json(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(map(to_json, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)
