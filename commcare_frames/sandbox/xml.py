"""Writes answers as the XML that HQ's tastypie resources give to whoever asks for it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from commcare_frames.sandbox.messages import JSON

if TYPE_CHECKING:
    from commcare_frames.sandbox.messages import Request, Response

XML = "application/xml; charset=utf-8"

_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME = re.compile(rf"[{_START}][{_START}0-9.\-\u00b7\u0300-\u036f\u203f\u2040]*")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = {"\r": "&#13;"}
_TYPES = {bool: "boolean", int: "integer", float: "float"}
_SERIALIZED = frozenset({200, 400, 500})
"""What tastypie writes in the format asked for; other refusals are written before it knows of one."""


def wants_xml(request: Request) -> bool:
    """Whether XML is asked for: by the parameter, or else by the header."""
    asked = request.params.last("format")
    if asked in {"json", "xml"}:
        return asked == "xml"
    accepted = request.headers.get("Accept", "")
    return "application/xml" in accepted and "application/json" not in accepted


def as_xml(response: Response) -> Response:
    """Return an answer as XML, where it is JSON that tastypie wrote."""
    if response.status not in _SERIALIZED or response.content_type != JSON:
        return response
    return replace(response, body=to_xml(json.loads(response.body)), content_type=XML)


def to_xml(value: dict[str, Any]) -> bytes:
    """Return an answer as XML; raise `ValueError`, as HQ does, for a name or a text that XML cannot hold."""
    if "objects" not in value:
        root = _element(value, "response" if value.keys() & {"error", "error_message"} else "object", kind="")
    else:
        objects = "".join(_element(each, "object", kind="") for each in value["objects"])
        others = {name: _element(inner, name) for name, inner in value.items() if name != "objects"}
        others["objects"] = f'<objects type="list">{objects}</objects>'
        root = f"<response>{''.join(others[name] for name in sorted(others))}</response>"
    return f"<?xml version='1.0' encoding='utf-8'?>\n{root}".encode()


def _element(value: Any, name: str = "", *, kind: str | None = None) -> str:  # noqa: ANN401  any JSON value
    """Return a value as an element, which says its type unless it is a text, or one of a list of records."""
    tag = name.strip()
    if tag and not _NAME.fullmatch(tag):
        raise ValueError(f"Invalid tag name {tag!r}")
    if isinstance(value, dict):
        inner = {key.strip(): _element(each, key) for key, each in value.items() if key.strip() != "id"}
        content = "".join(inner[key] for key in sorted(inner))  # as tastypie sorts them
        id_ = "".join(f" id={quoteattr(_text(each), _ESCAPED)}" for key, each in value.items() if key.strip() == "id")
        return _written(tag or "object", "hash" if kind is None else kind, content, id_)
    if isinstance(value, list):
        items = sorted((_tag_of(each), number, _element(each)) for number, each in enumerate(value))
        return _written(tag or "objects", "list" if tag else "", "".join(item for _, _, item in items))
    return _written(tag or "value", "null" if value is None else _TYPES.get(type(value), ""), _content(value))


def _written(tag: str, kind: str, content: str, attributes: str = "") -> str:
    typed = f' type="{kind}"' if kind else ""
    return f"<{tag}{typed}{attributes}>{content}</{tag}>" if content else f"<{tag}{typed}{attributes}/>"


def _tag_of(value: Any) -> str:  # noqa: ANN401  any JSON value
    return "object" if isinstance(value, dict) else "objects" if isinstance(value, list) else "value"


def _content(value: Any) -> str:  # noqa: ANN401  any scalar
    return escape(_text(value), _ESCAPED)


def _text(value: Any) -> str:  # noqa: ANN401  any JSON value
    """Return what stands in an element for a scalar; for anything else nothing does."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    text = str(value)
    if _NO_TEXT.search(text):
        raise ValueError("All strings must be XML compatible")
    return text
