"""Cuts a page of JSON records into pieces, which are read one after the other, or takes samples of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 1 << 19
"""Bytes of a piece, at least. Parsed records take many times that: pieces use the same memory again and again, while a
whole page has to get its memory from the system, and outgrows the processor's caches, which takes twice the time."""

_SAMPLES, _SAMPLE = 16, 1 << 15
"""Places of a page that a sample is taken from, and bytes of each."""

_FIRST = re.compile(rb'\s*\[\s*(\{\s*"[^"\\]*":)')
"""How an array of objects begins, up to the first object's first key."""


def pieces(records: bytes) -> Iterator[bytes]:
    """Cut an array of objects between objects that begin with the same key as the first one.

    Where such an object stands within a record, what comes out is not JSON; if all pieces are, they hold the records.

    Parameters
    ----------
    records
        A JSON array of objects.
    """
    first = _FIRST.match(records)
    if not first:
        yield records
        return
    border = _border(first)
    start = first.start(1)
    while cut := border.search(records, start + SIZE):
        yield b"[" + records[start : cut.start() + 1] + b"]"
        start = cut.end()
    yield b"[" + records[start:]


def sample(records: bytes) -> bytes:
    """Return some of the objects of an array, from all over it, as an array; it may not be JSON, as with `pieces`."""
    first = _FIRST.match(records)
    if not first or len(records) <= _SAMPLES * _SAMPLE:
        return records
    border = _border(first)
    taken = []
    for start in range(0, len(records), len(records) // _SAMPLES):
        cuts = list(border.finditer(records, start, start + _SAMPLE))
        taken += [records[cuts[0].end() : cuts[-1].start() + 1]] if len(cuts) > 1 else []
    return b"[" + b",".join(taken) + b"]"


def _border(first: re.Match[bytes]) -> re.Pattern[bytes]:
    return re.compile(rb"\},\s*(?=" + re.escape(first[1]) + rb")")
