"""Counts what this process asks of each domain, and how often HQ refused it because of the domain's limits."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Window:
    """A stretch of time that HQ allows so many requests in: `base`, and `per_worker` for each mobile worker."""

    name: str
    seconds: int
    base: float
    per_worker: float

    def allowed(self, mobile_workers: int) -> int:
        """Return how many requests a domain of so many mobile workers may make in it."""
        return int(self.base + self.per_worker * mobile_workers)


A_DAY = 86_400  # seconds

WINDOWS = (
    Window("second", 1, 1, 5 / 23),
    Window("minute", 60, 10, 70 / 23),
    Window("hour", 3600, 30, 3000 / 23),
    Window("day", A_DAY, 50, 1000),
)
"""HQ's rule. A request has to be within the limits of all of them."""


@dataclass(frozen=True)
class Refusal:
    """A request that was refused because of the limits: when, and for how many seconds if HQ said so."""

    at: float
    retry_after: float | None


class Usage:
    """The requests of the last day that this process made of one domain.

    Parameters
    ----------
    now
        Tells the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._requests: deque[tuple[float, bool]] = deque()
        self._refusals: deque[Refusal] = deque()
        self._lock = threading.Lock()

    def note(self, *, counts: bool) -> None:
        """Note a request, and whether HQ counts it against the domain's limits."""
        with self._lock:
            self._requests.append((self._now(), counts))
            while self._requests[0][0] < self._now() - A_DAY:
                self._requests.popleft()

    def note_refusal(self, retry_after: float | None) -> None:
        """Note that a request was refused because of the limits, and the wait that HQ named."""
        with self._lock:
            self._refusals.append(Refusal(self._now(), retry_after))
            while self._refusals[0].at < self._now() - A_DAY:
                self._refusals.popleft()

    def requests(self, seconds: float, *, counted: bool) -> int:
        """Return how many requests of the last `seconds` HQ counted, or those that it did not."""
        start = self._now() - seconds
        with self._lock:
            return sum(at >= start and counts is counted for at, counts in self._requests)

    def refusals(self, seconds: float) -> list[Refusal]:
        """Return the refusals of the last `seconds`."""
        start = self._now() - seconds
        with self._lock:
            return [refusal for refusal in self._refusals if refusal.at >= start]


_usages: dict[tuple[str, str | None], Usage] = {}


def usage_of(server: str, domain: str | None) -> Usage:
    """Return what this process asked of a domain, through whichever connection."""
    return _usages.setdefault((server, domain), Usage())
