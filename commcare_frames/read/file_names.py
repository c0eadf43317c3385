"""Makes names of files that every computer takes, of names that anybody may have given."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 200
"""Bytes: file systems take 255, and what is written beside a file while it arrives has a longer name."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]')
"""What Windows forbids, what ends a line or cannot be seen, and what turns the order of letters round."""

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever follows a dot."""

_MARK = 8


def safe_name(name: str) -> str:
    """Return the name of a file: the one given wherever that will do, else one with a mark that tells it apart."""
    plain = unicodedata.normalize("NFC", name)
    made = _FORBIDDEN.sub("_", plain).rstrip(". ").lstrip(" ")
    if not made.strip("._ ") or _DEVICE.fullmatch(made):
        made = f"_{made}"
    if len(made.encode()) > LONGEST or made != plain:
        return _marked(made, name)
    return made


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Return names for files of one folder, which also differ where capitals do not count."""
    made: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names)):
        file = safe_name(name)
        if file.casefold() in taken:
            file = _marked(file, name)
        taken.add(file.casefold())
        made[name] = file
    return made


def _marked(made: str, name: str) -> str:
    """Return a name with a mark in it that tells it from names that became the same."""
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
    path = PurePath(made)
    ending = path.suffix if len(path.suffix.encode()) <= LONGEST // 10 else ""
    room = LONGEST - len(ending.encode()) - _MARK - 1
    stem = made[: len(made) - len(ending)].encode()[:room].decode(errors="ignore").rstrip(". ")
    return f"{stem}-{mark}{ending}"
