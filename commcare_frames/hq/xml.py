"""Reads the XML of HQ's lists as what their JSON would have said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, get_args
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

from commcare_frames.errors import QueryError
from commcare_frames.hq.resource import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from commcare_frames.hq.client import Answer

T = TypeVar("T")

XML_PARAMS = (("format", "xml"),)
"""What asks for XML; HQ heeds it before the ``Accept`` header."""

_ROOTS = frozenset({"response", "object"})
_SCALARS: dict[str | None, Callable[[str], Any]] = {
    None: str,
    "string": str,
    "null": lambda _: None,
    "boolean": {"True": True, "False": False}.__getitem__,
    "integer": int,
    "float": float,
}


def check_wire(wire: object) -> None:
    """Raise for a format that a caller may not ask for."""
    if wire not in get_args(Wire):
        raise QueryError(f"wire={wire!r} is neither 'json' nor 'xml'.")


def reading_xml(read: Callable[[Answer], T]) -> Callable[[Answer], T]:
    """Return what reads an answer in XML as `read` reads the JSON that it stands for."""
    return lambda answer: read(replace(answer, body=to_json(answer.body)))


def to_json(body: bytes) -> bytes:
    """Return the JSON that HQ would have sent instead of this XML.

    Parameters
    ----------
    body
        A whole answer.

    Raises
    ------
    ValueError
        When it is not such XML.
    """
    return json.dumps(parse(body), ensure_ascii=False).encode()


def parse(body: bytes) -> Any:  # noqa: ANN401  any JSON value
    """Return what an answer in XML says; raise `ValueError` where it is not such XML."""
    try:
        root = fromstring(body)
    except ParseError as error:
        raise ValueError(f"no XML, or XML that breaks off ({len(body):,} bytes)") from error
    if root.tag not in _ROOTS:
        raise ValueError(f"a page of <{root.tag}> instead of XML of records")
    try:
        return _record(root)
    except (KeyError, ValueError) as error:
        raise ValueError(f"XML of which a value is not of its type: {error}") from error


def _value(element: Element, *, listed: bool) -> Any:  # noqa: ANN401  any JSON value
    """Return the value of an element, which is one of a list or, under its name, one of an object."""
    kind = element.get("type")
    if kind == "hash" or (kind is None and (element.tag == "object" if listed else _is_record(element))):
        return _record(element)
    if kind == "list" or (listed and kind is None and element.tag == "objects"):
        return [_value(each, listed=True) for each in element]
    if kind not in _SCALARS:
        raise ValueError(f"{kind!r} is no type")
    return _SCALARS[kind](element.text or "")


def _record(element: Element) -> dict[str, Any]:
    """Return an object; HQ writes what is called ``id`` as an attribute."""
    own = {"id": element.attrib["id"]} if "id" in element.attrib else {}
    return {**own, **{each.tag: _value(each, listed=False) for each in element}}


def _is_record(element: Element) -> bool:
    return len(element) > 0 or "id" in element.attrib
