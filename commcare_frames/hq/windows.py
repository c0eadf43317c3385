"""Cuts a pull into stretches of time that hold about equally many records, to be read side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from commcare_frames.hq.paging import read_page
from commcare_frames.hq.pull import Segment, range_params
from commcare_frames.hq.resource import PageStyle
from commcare_frames.hq.stamps import to_stamp, to_time

if TYPE_CHECKING:
    from commcare_frames.hq.client import Client
    from commcare_frames.hq.paging import Page
    from commcare_frames.hq.pull import Question

MOST_PROBES = 6
TOLERANCE = 0.1
FEWEST_PAGES_EACH = 2


def probe(client: Client, question: Question, after: str | None = None, until: str | None = None) -> Page:
    """Ask for one record only: the earliest, and the count of all, in one cheap request."""
    resource = question.resource
    params = (*question.params, *range_params(resource, after, until), ("limit", "1"))
    return client.ask(resource, params, read=lambda answer: read_page(resource, params, answer))


def count(client: Client, question: Question, *, after: str | None = None, until: str | None = None) -> int:
    """Return how many records match, of those with stamps later than `after`, up to and including `until`."""
    return int(probe(client, question, after, until).total or 0)


def side_by_side(client: Client, question: Question, connections: int) -> list[Segment]:
    """Return segments for `connections` readers, or a single one where more would not pay.

    Parameters
    ----------
    client, question
        Who asks what.
    connections
        How many readers there may be.

    Returns
    -------
    list of Segment
        Disjoint and complete: the first has no beginning, the last no end.
    """
    resource = question.resource
    if connections == 1 or resource.page_style is not PageStyle.CURSOR:
        return [Segment()]
    first = probe(client, question)
    total = int(first.total or 0)
    readers = min(connections, total // (FEWEST_PAGES_EACH * resource.largest_page))
    if readers <= 1:
        return [Segment()]
    low = (to_time(str(first.parsed[0][str(resource.stamp)])), 0)
    borders: list[str] = []
    for part in range(1, readers):
        low = _border(client, question, low, (datetime.now(UTC), total), round(total * part / readers))
        borders.append(to_stamp(low[0]))
    borders = sorted(set(borders))
    return [Segment(after=after, until=until) for after, until in zip([None, *borders], [*borders, None], strict=True)]


def _border(
    client: Client,
    question: Question,
    low: tuple[datetime, int],
    high: tuple[datetime, int],
    wanted: int,
) -> tuple[datetime, int]:
    """Find a time up to which about `wanted` records were indexed, between two times with known counts."""
    best = low
    for attempt in range(MOST_PROBES):
        span = high[0] - low[0]
        if span < timedelta(seconds=1):
            break
        # Interpolation is quick where records come evenly, halving where they came in heaps.
        share = 0.5 if attempt % 2 else (wanted - low[1]) / max(high[1] - low[1], 1)
        middle = low[0] + span * min(max(share, 0.02), 0.98)
        here = (middle, count(client, question, until=to_stamp(middle)))
        if abs(here[1] - wanted) <= abs(best[1] - wanted):
            best = here
        if abs(here[1] - wanted) <= TOLERANCE * high[1]:
            break
        low, high = (here, high) if here[1] < wanted else (low, here)
    return best
