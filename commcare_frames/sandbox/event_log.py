"""Keeps the messaging events of a domain, and lets tests add and change them."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commcare_frames.sandbox.clock import Clock

Json = dict[str, Any]


class EventLog:
    """The messaging events of one domain, in the order in which they were last active.

    Parameters
    ----------
    events
        Those that there are.
    clock
        Tells when a change happens.
    """

    def __init__(self, events: Iterable[Json], clock: Clock) -> None:
        self._events = {event["id"]: event for event in events}
        self._clock = clock
        self._lock = threading.Lock()
        for event in self._events.values():
            clock.not_before(event["date_last_activity"] + "Z")

    def all(self) -> list[Json]:
        """Return the events by their last activity, then by id."""
        with self._lock:
            return sorted(self._events.values(), key=position)

    def get(self, number: int) -> Json | None:
        """Return an event."""
        return self._events.get(number)

    def add(self, **event: Any) -> int:  # noqa: ANN401  to hold what no HQ would
        """Add an event like the first one, but for what is given, and return its id."""
        with self._lock:
            number = max(self._events, default=0) + 1
            now = self._now()
            like = next(iter(self._events.values()), {})
            self._events[number] = {**like, "date": now, "date_last_activity": now, **event, "id": number}
            return number

    def change(self, number: int, **event: Any) -> None:  # noqa: ANN401  to hold what no HQ would
        """Change an event, which so becomes the one that was last active."""
        with self._lock:
            self._events[number] = {**self._events[number], "date_last_activity": self._now(), **event}

    def _now(self) -> str:
        return self._clock.stamp().removesuffix("Z")


def position(event: Json) -> tuple[datetime, int]:
    """Return where an event stands in the order of their last activity."""
    return datetime.fromisoformat(event["date_last_activity"]), event["id"]
