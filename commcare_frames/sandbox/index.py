"""Keeps the cases of a domain, and lets tests and demos change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.records import Case, CaseRecord, with_defaults
from commcare_frames.sandbox.search_index import SearchIndex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.search_index import Lag


class CaseIndex(SearchIndex[CaseRecord]):
    """The cases of one domain, and what changes them."""

    def __init__(self, domain: str, cases: Iterable[Case], clock: Clock, lag: Lag) -> None:
        super().__init__((CaseRecord(domain, case) for case in cases), clock, lag)
        self._domain = domain

    def update(self, case_id: str, **properties: Any) -> None:  # noqa: ANN401  to send what no HQ would
        """Set case properties, as a form submission does."""
        with self._lock:
            case = self._database[case_id].content()
            self._modify({**case, "properties": {**case["properties"], **properties}})

    def retype(self, case_id: str, case_type: str) -> None:
        """Change a case's type."""
        with self._lock:
            self._modify({**self._database[case_id].content(), "case_type": case_type})

    def add(self, case: Case) -> None:
        """Add a case: its id, its type, and what else of it matters."""
        with self._lock:
            self._write(CaseRecord(self._domain, with_defaults(case, self._clock.stamp())))

    def count(self, case_type: str | None = None) -> int:
        """Return how many cases (of a type) the search index shows."""
        return len(self.select(() if case_type is None else (case_type,)))

    def case_ids(self, case_type: str | None = None) -> list[str]:
        """Return the ids of cases (of a type) that the search index shows and that still exist."""
        return [record.case_id for record in self._shown_and_stored(case_type)]

    def case_types(self) -> list[str]:
        """Return the case types that have cases, sorted."""
        with self._lock:
            self._catch_up()
            return sorted(case_type for case_type, records in self._by_kind.items() if records)

    def stored_with_external_id(self, external_id: str) -> list[CaseRecord]:
        """Return the cases of that external id as the database has them, which is without lag."""
        with self._lock:
            return [record for record in self._database.values() if record.external_id == external_id]

    def shown_with_external_id(self, external_id: str) -> CaseRecord | None:
        """Return a case of that external id as the search index shows it."""
        with self._lock:
            self._catch_up()
            return next((record for record in self._all if record.external_id == external_id), None)

    def _modify(self, case: Case) -> None:
        stamp = self._clock.stamp()
        case = {**case, "last_modified": stamp, "server_last_modified": stamp, "indexed_on": stamp}
        self._write(CaseRecord(self._domain, case))
