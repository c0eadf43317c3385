"""Writes where a value stands in a record as the name of a column, and reads it back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.tables.layout import Path

_ODD = frozenset('."[]{}')


def to_name(path: Path) -> str:
    """Join the keys of a path with dots; keys that would make that ambiguous stand in quotes."""
    return ".".join(json.dumps(key, ensure_ascii=False) if not key or _ODD & set(key) else key for key in path)


def to_path(name: str) -> Path:
    """Return the path that `to_name` wrote as `name`."""
    return tuple(_keys(name))


def _keys(name: str) -> Iterator[str]:
    at = 0
    while True:
        if name.startswith('"', at):
            key, at = json.JSONDecoder().raw_decode(name, at)
        else:
            start, at = at, name.find(".", at) if "." in name[at:] else len(name)
            key = name[start:at]
        yield key
        if at >= len(name):
            return
        at += 1
