"""Tells the sandbox's time, never earlier than its data."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate


class Clock:
    """The server's one clock: stamps of changes, the ``Date`` header and ``today()`` all come from it."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def not_before(self, stamp: str) -> None:
        """Move on to `stamp`, if that lies ahead, as it does on a computer whose date is wrong."""
        latest = datetime.fromisoformat(stamp).timestamp() + 1
        self._ahead = max(self._ahead, latest - time.time())

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead

    def stamp(self) -> str:
        """Return now as HQ writes it: UTC, six digits, ``Z``."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now())
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def http_date(self) -> str:
        """Return now as the ``Date`` header has it."""
        return formatdate(self.now(), usegmt=True)
