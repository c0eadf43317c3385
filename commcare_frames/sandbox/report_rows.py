"""Keeps the rows of a domain's reports and data source, which take a while to compute."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from commcare_frames.sandbox.domains import Programme

Json = dict[str, Any]


class ReportRows:
    """The rows of one domain's reports and data source, computed when they are first asked for.

    Parameters
    ----------
    programme
        What computes them.
    """

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._lock = threading.Lock()
        self._rows: dict[str, list[Json]] = {}

    def of_report(self, report_id: str) -> list[Json]:
        """Return all rows of a report, in the report's order; not to be changed."""
        return self._of(report_id, lambda: self._programme.report_rows(report_id))

    def of_data_source(self, data_source_id: str) -> list[Json]:
        """Return all rows of the data source in the order of ``(inserted_at, doc_id)``; not to be changed."""
        return self._of(data_source_id, self._programme.data_source_rows)

    def repeat_first(self, report_id: str) -> None:
        """Let a report gain a row at its top, as new data do that belong there."""
        rows = self.of_report(report_id)
        with self._lock:
            self._rows[report_id] = [dict(rows[0]), *rows]

    def _of(self, number: str, compute: Callable[[], Iterable[Json]]) -> list[Json]:
        with self._lock:
            if number not in self._rows:
                self._rows[number] = list(compute())
            return self._rows[number]
