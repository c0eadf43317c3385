"""Counts requests and says when a domain has used up its share, as HQ's rate limiter does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Window:
    """A sliding window, made of coarse grains of time, that allows `per_worker` * n + `constant` requests."""

    seconds: float
    grains: int
    per_worker: float
    constant: float

    @property
    def grain(self) -> float:
        """Seconds of one grain."""
        return self.seconds / self.grains

    def limit(self, workers: int) -> float:
        """Return the requests allowed to a project of so many mobile workers."""
        return self.per_worker * workers + self.constant


WINDOWS = (
    Window(1, 1, 5 / 23, 1),
    Window(60, 2, 70 / 23, 10),
    Window(3600, 3, 3000 / 23, 30),
    Window(86400, 4, 1000, 50),
)


@dataclass
class RateLimiter:
    """Requests counted per domain; domains without a limit are not limited.

    Parameters
    ----------
    now
        Tells the time in seconds.
    """

    now: Callable[[], float] = time.time
    _scopes: dict[str, tuple[int, int]] = field(default_factory=dict)
    _counts: dict[tuple[str, Window], Counter[int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def limit(self, domain: str, mobile_workers: int, *, in_subscription: int = 0) -> None:
        """Limit a domain of so many active mobile workers, and as many as its subscription includes."""
        with self._lock:
            self._scopes[domain] = (mobile_workers, in_subscription)
            self._counts = {(domain, window): Counter() for window in WINDOWS} | {
                key: counts for key, counts in self._counts.items() if key[0] != domain
            }

    def lift(self) -> None:
        """Limit no domain."""
        with self._lock:
            self._scopes.clear()

    def count(self, domain: str | None) -> None:
        """Count a request."""
        with self._lock:
            if domain in self._scopes:
                for window in WINDOWS:
                    self._counts[domain, window][int(self.now() / window.grain)] += 1

    def seconds_to_wait(self, domain: str | None) -> float | None:
        """Return how long a request would have to wait; None when it may pass now.

        A request passes when either scope, the domain or its billing account, is below all of its limits.
        """
        with self._lock:
            if domain not in self._scopes:
                return None
            waits = [
                max(self._wait(domain, window, window.limit(workers)) for window in WINDOWS)
                for workers in self._scopes[domain]
            ]
        return min(waits) or None

    def _wait(self, domain: str, window: Window, limit: float) -> float:
        counts, now = self._counts[domain, window], self.now()
        moment = now
        while self._used(counts, window, moment) >= limit:
            # within a grain the count falls in a straight line
            begin = int(moment / window.grain) * window.grain
            leaving = counts[int(moment / window.grain) - window.grains]
            excess = self._used(counts, window, moment) - limit
            drained = moment + (excess / leaving * window.grain if leaving else window.seconds) + 0.001
            moment = min(drained, begin + window.grain)
        return moment - now

    @staticmethod
    def _used(counts: Counter[int], window: Window, moment: float) -> float:
        grain = int(moment / window.grain)
        progress = moment / window.grain - grain
        recent = sum(counts[grain - back] for back in range(window.grains))
        return recent + counts[grain - window.grains] * (1 - progress)
