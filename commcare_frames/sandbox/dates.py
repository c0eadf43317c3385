"""Reads the dates that HQ's filters take, in their two grammars, at Elasticsearch's millisecond precision."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
DAY = 24 * 60 * 60 * 1000

ENDLESS = 2**62
COMPARISONS = ("gt", "gte", "lt", "lte")

_DAY_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}")
_V1_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%MZ")
_LOOSE_FORMATS = (
    "%Y-%m-%d %H:%M", "%Y/%m/%d", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%b %d, %Y", "%B %d, %Y",
    "%m/%d/%Y", "%a, %d %b %Y %H:%M:%S GMT",
)  # fmt: skip


class Span(NamedTuple):
    """Milliseconds since the epoch, from `start` up to but not including `stop`."""

    start: int = -ENDLESS
    stop: int = ENDLESS

    def __contains__(self, moment: object) -> bool:
        """Whether a moment lies within."""
        return isinstance(moment, int) and self.start <= moment < self.stop

    def overlap(self, other: Span) -> Span:
        """Return what both spans hold."""
        return Span(max(self.start, other.start), min(self.stop, other.stop))


def milliseconds(stamp: str) -> int:
    """Return an ISO time stamp, UTC if it says no zone, as milliseconds since the epoch."""
    return _since_epoch(datetime.fromisoformat(stamp))


def v1_moment(text: str) -> int:
    """Read a date as case v1 and the form API do; raise `ValueError` with HQ's words for anything else."""
    for form in _V1_FORMATS:
        try:
            return _since_epoch(datetime.strptime(text, form))  # noqa: DTZ007  UTC is put on next
        except ValueError:
            continue
    raise ValueError(f"Bad query parameter: Unknown date format: {text}")


def v2_span(comparison: str, text: str) -> Span:
    """Return the moments for which ``<date> <comparison> <text>`` holds, as case v2 understands it.

    A date without a time stands for the whole day, so ``lte`` covers it and ``gt`` begins after it.
    """
    start = _v2_moment(text)
    after = start + (DAY if _DAY_ONLY.fullmatch(text) else 1)
    return {
        "gt": Span(start=after),
        "gte": Span(start=start),
        "lt": Span(stop=start),
        "lte": Span(stop=after),
    }[comparison]


def _v2_moment(text: str) -> int:
    try:
        return milliseconds(text)
    except ValueError:
        for form in _LOOSE_FORMATS:
            try:
                return _since_epoch(datetime.strptime(text.strip(), form))  # noqa: DTZ007
            except ValueError:
                continue
    raise ValueError(f"Cannot parse datetime '{text}'")


def _since_epoch(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // MILLISECOND
