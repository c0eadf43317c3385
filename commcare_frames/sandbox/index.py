"""Keeps the cases of a domain as HQ does: a database that is right and a search index that lags behind."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, insort
from collections import defaultdict, deque
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from commcare_frames.sandbox.records import Case, CaseRecord, Position, with_defaults

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Sequence

    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.records import Predicate

REMEMBERED_SELECTIONS = 8

_position = attrgetter("position")


class Lag(Protocol):
    """Says how long a change stays invisible to the search index."""

    pillow_lag: float


class CaseIndex:
    """The cases of one domain, in the order of ``(indexed_on, case_id)``, and what changes them.

    Every change gives its cases one new stamp and so moves them to the end. Changing methods may be called
    while requests are served.
    """

    def __init__(self, domain: str, cases: Iterable[Case], clock: Clock, lag: Lag) -> None:
        self._domain = domain
        self._clock = clock
        self._lag = lag
        self._lock = threading.RLock()
        self._pending: deque[tuple[float, str, CaseRecord | None]] = deque()
        self._selections: dict[Hashable, list[CaseRecord]] = {}
        self._database = {case["case_id"]: CaseRecord(domain, case) for case in cases}
        self._visible = dict(self._database)
        self._all = sorted(self._visible.values(), key=_position)
        self._by_type: defaultdict[str, list[CaseRecord]] = defaultdict(list)
        for record in self._all:
            self._by_type[record.case_type].append(record)
        if self._all:
            clock.not_before(self._all[-1].v2_object()["indexed_on"])

    def reindex(self, case_ids: Iterable[str]) -> None:
        """Give cases a new `indexed_on` without changing them, as maintenance of HQ does."""
        with self._lock:
            stamp = self._clock.stamp()
            for case_id in case_ids:
                self._write({**self._database[case_id].case(), "indexed_on": stamp})

    def update(self, case_id: str, **properties: Any) -> None:  # noqa: ANN401  to send what no HQ would
        """Set case properties, as a form submission does."""
        with self._lock:
            case = self._database[case_id].case()
            self._modify({**case, "properties": {**case["properties"], **properties}})

    def retype(self, case_id: str, case_type: str) -> None:
        """Change a case's type."""
        with self._lock:
            self._modify({**self._database[case_id].case(), "case_type": case_type})

    def add(self, case: Case) -> None:
        """Add a case: its id, its type, and what else of it matters."""
        with self._lock:
            self._write(with_defaults(case, self._clock.stamp()))

    def delete(self, case_ids: Iterable[str]) -> None:
        """Delete cases: HQ's APIs never mention them again."""
        with self._lock:
            for case_id in case_ids:
                del self._database[case_id]
                self._schedule(case_id, None)

    def count(self, case_type: str | None = None) -> int:
        """Return how many cases (of a type) the search index shows."""
        with self._lock:
            return len(self.select(() if case_type is None else (case_type,)))

    def case_ids(self, case_type: str | None = None) -> list[str]:
        """Return the ids of cases (of a type) that the search index shows and that still exist."""
        with self._lock:
            shown = self.select(() if case_type is None else (case_type,))
            return [record.case_id for record in shown if record.case_id in self._database]

    def case_types(self) -> list[str]:
        """Return the case types that have cases, sorted."""
        with self._lock:
            self._catch_up()
            return sorted(case_type for case_type, records in self._by_type.items() if records)

    def get(self, case_id: str) -> CaseRecord | None:
        """Return a case as the search index shows it."""
        with self._lock:
            self._catch_up()
            return self._visible.get(case_id)

    def stored_with_external_id(self, external_id: str) -> list[CaseRecord]:
        """Return the cases of that external id as the database has them, which is without lag."""
        with self._lock:
            return [record for record in self._database.values() if record.external_id == external_id]

    def shown_with_external_id(self, external_id: str) -> CaseRecord | None:
        """Return a case of that external id as the search index shows it."""
        with self._lock:
            self._catch_up()
            return next((record for record in self._all if record.external_id == external_id), None)

    def select(
        self, case_types: Collection[str] = (), where: Predicate | None = None, question: Hashable = None
    ) -> Sequence[CaseRecord]:
        """Return the matching cases in order.

        Parameters
        ----------
        case_types
            Case types to look at; none means all.
        where
            What else must hold.
        question
            Identifies `where`, so that the pages of one pull do not search the whole index again.

        Returns
        -------
        Sequence[CaseRecord]
            Not to be changed.
        """
        with self._lock:
            self._catch_up()
            if where is None and len(case_types) <= 1:
                shelf = self._by_type.get(next(iter(case_types)), []) if case_types else self._all
                return shelf.copy()
            key = (tuple(sorted(case_types)), question)
            if key not in self._selections:
                if len(self._selections) >= REMEMBERED_SELECTIONS:
                    self._selections.pop(next(iter(self._selections)))
                shelves = [self._by_type.get(kind, []) for kind in set(case_types)] if case_types else [self._all]
                found = [record for shelf in shelves for record in shelf if where is None or where(record)]
                self._selections[key] = sorted(found, key=_position)
            return self._selections[key]

    def _modify(self, case: Case) -> None:
        stamp = self._clock.stamp()
        self._write({**case, "last_modified": stamp, "server_last_modified": stamp, "indexed_on": stamp})

    def _write(self, case: Case) -> None:
        record = CaseRecord(self._domain, case)
        self._database[record.case_id] = record
        self._schedule(record.case_id, record)

    def _schedule(self, case_id: str, record: CaseRecord | None) -> None:
        self._pending.append((time.monotonic(), case_id, record))
        self._catch_up()

    def _catch_up(self) -> None:
        while self._pending and self._pending[0][0] + self._lag.pillow_lag <= time.monotonic():
            _, case_id, record = self._pending.popleft()
            self._selections.clear()
            if old := self._visible.pop(case_id, None):
                _take_out(self._all, old)
                _take_out(self._by_type[old.case_type], old)
            if record:
                self._visible[case_id] = record
                insort(self._all, record, key=_position)
                insort(self._by_type[record.case_type], record, key=_position)


def place(records: Sequence[CaseRecord], position: Position) -> int:
    """Return where in ordered records a position is, or would be."""
    return bisect_left(records, position, key=_position)


def _take_out(records: list[CaseRecord], record: CaseRecord) -> None:
    del records[place(records, record.position)]
