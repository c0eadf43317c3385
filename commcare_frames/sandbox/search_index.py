"""Keeps records as HQ does: a database that is right and a search index that lags behind it."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, insort
from collections import defaultdict, deque
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

    from commcare_frames.sandbox.clock import Clock

REMEMBERED_SELECTIONS = 8

Json = dict[str, Any]
Position = tuple[int, str]
"""Where a record stands in the order of the index: when it was indexed, in milliseconds, then its id."""

_position = attrgetter("position")


class Lag(Protocol):
    """Says how long a change stays invisible to the search index."""

    pillow_lag: float


class Record(Protocol):
    """One version of one case or form."""

    @property
    def kind(self) -> str:
        """What lists are mostly asked by: the case type, the xmlns."""

    @property
    def position(self) -> Position:
        """Where it stands in the order of the index."""

    def content(self) -> Json:
        """Return all that is known of it."""

    def indexed(self, stamp: str) -> Self:
        """Return it as it is when indexed again at that time."""


R = TypeVar("R", bound=Record)


class SearchIndex(Generic[R]):
    """The records of one domain, in the order of ``(indexed_on, id)``, and what changes them.

    Every change gives its records one new stamp and so moves them to the end. Changing methods may be called
    while requests are served.
    """

    def __init__(self, records: Iterable[R], clock: Clock, lag: Lag) -> None:
        self._clock = clock
        self._lag = lag
        self._lock = threading.RLock()
        self._pending: deque[tuple[float, str, R | None]] = deque()
        self._selections: dict[Hashable, list[R]] = {}
        self._database = {record.position[1]: record for record in records}
        self._visible = dict(self._database)
        self._all = sorted(self._visible.values(), key=_position)
        self._by_kind: defaultdict[str, list[R]] = defaultdict(list)
        for record in self._all:
            self._by_kind[record.kind].append(record)
        if self._all:
            clock.not_before(self._all[-1].content()["indexed_on"])

    def reindex(self, ids: Iterable[str]) -> None:
        """Give records one new `indexed_on` without changing them, as maintenance of HQ does."""
        with self._lock:
            stamp = self._clock.stamp()
            for one in ids:
                self._write(self._database[one].indexed(stamp))

    def delete(self, ids: Iterable[str]) -> None:
        """Delete records: HQ's APIs never mention them again."""
        with self._lock:
            for one in ids:
                del self._database[one]
                self._schedule(one, None)

    def get(self, one: str) -> R | None:
        """Return a record as the search index shows it."""
        with self._lock:
            self._catch_up()
            return self._visible.get(one)

    def stored(self, one: str) -> R | None:
        """Return a record as the database has it, which is without lag."""
        with self._lock:
            return self._database.get(one)

    def select(
        self, kinds: Collection[str] = (), where: Callable[[R], bool] | None = None, question: Hashable = None
    ) -> Sequence[R]:
        """Return the matching records in order.

        Parameters
        ----------
        kinds
            Kinds to look at; none means all.
        where
            What else must hold.
        question
            Identifies `where`, so that the pages of one pull do not search the whole index again.

        Returns
        -------
        Sequence[R]
            Not to be changed.
        """
        with self._lock:
            self._catch_up()
            if where is None and len(kinds) <= 1:
                shelf = self._by_kind.get(next(iter(kinds)), []) if kinds else self._all
                return shelf.copy()
            key = (tuple(sorted(kinds)), question)
            if key not in self._selections:
                if len(self._selections) >= REMEMBERED_SELECTIONS:
                    self._selections.pop(next(iter(self._selections)))
                shelves = [self._by_kind.get(kind, []) for kind in set(kinds)] if kinds else [self._all]
                found = [record for shelf in shelves for record in shelf if where is None or where(record)]
                self._selections[key] = sorted(found, key=_position)
            return self._selections[key]

    def _shown_and_stored(self, kind: str | None) -> list[R]:
        """Return the records (of a kind) that the search index shows and that still exist."""
        with self._lock:
            shown = self.select(() if kind is None else (kind,))
            return [record for record in shown if record.position[1] in self._database]

    def _write(self, record: R) -> None:
        self._database[record.position[1]] = record
        self._schedule(record.position[1], record)

    def _schedule(self, one: str, record: R | None) -> None:
        self._pending.append((time.monotonic(), one, record))
        self._catch_up()

    def _catch_up(self) -> None:
        while self._pending and self._pending[0][0] + self._lag.pillow_lag <= time.monotonic():
            _, one, record = self._pending.popleft()
            self._selections.clear()
            if old := self._visible.pop(one, None):
                _take_out(self._all, old)
                _take_out(self._by_kind[old.kind], old)
            if record:
                self._visible[one] = record
                insort(self._all, record, key=_position)
                insort(self._by_kind[record.kind], record, key=_position)


def place(records: Sequence[R], position: Position) -> int:
    """Return where in ordered records a position is, or would be."""
    return bisect_left(records, position, key=_position)


def holding(
    on_record: Sequence[Callable[[R], bool]], on_content: Sequence[Callable[[Json], bool]]
) -> Callable[[R], bool] | None:
    """Return what says whether all tests hold, None without tests; parsing JSON is left for last."""
    if not on_record and not on_content:
        return None

    def holds(record: R) -> bool:
        if not all(test(record) for test in on_record):
            return False
        if not on_content:
            return True
        content = record.content()
        return all(test(content) for test in on_content)

    return holds


def _take_out(records: list[R], record: R) -> None:
    del records[place(records, record.position)]
