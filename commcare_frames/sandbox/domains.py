"""One project space of the sandbox: its data, its plan, its cases and forms as the API sees them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from commcare_frames.sandbox.form_index import FormIndex
from commcare_frames.sandbox.index import CaseIndex
from commcare_frames.sandbox.report_rows import ReportRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.records import Case
    from commcare_frames.sandbox.search_index import Lag


class Programme(Protocol):
    """What the sandbox reads of a programme: everything of one domain, in HQ's own JSON shapes."""

    @property
    def domain(self) -> str:
        """Name of the domain."""

    @property
    def project_name(self) -> str:
        """What people call the project."""

    @property
    def users(self) -> Sequence[dict[str, Any]]:
        """Mobile workers."""

    @property
    def applications(self) -> Sequence[dict[str, Any]]:
        """Applications as they are now."""

    @property
    def builds(self) -> Sequence[dict[str, Any]]:
        """Earlier versions of the applications."""

    @property
    def lookup_tables(self) -> Sequence[dict[str, Any]]:
        """Lookup tables."""

    @property
    def lookup_items(self) -> Sequence[dict[str, Any]]:
        """Rows of all lookup tables."""

    @property
    def reports(self) -> Sequence[dict[str, Any]]:
        """Definitions of reports."""

    @property
    def data_sources(self) -> Sequence[dict[str, Any]]:
        """Definitions of UCR data sources."""

    def report_columns(self, report_id: str) -> Sequence[dict[str, Any]]:
        """List the columns of a report's data."""

    def report_rows(self, report_id: str) -> Sequence[dict[str, Any]]:
        """Compute all rows of a report."""

    def data_source_rows(self) -> Iterator[dict[str, Any]]:
        """Stream the rows of the data source in ascending ``(inserted_at, doc_id)``."""

    def iter_cases(self) -> Iterator[Case]:
        """Stream the cases in ascending ``(indexed_on, case_id)``."""

    def iter_forms(self) -> Iterator[dict[str, Any]]:
        """Stream the forms in ascending ``(indexed_on, id)``."""


class Domain:
    """One project space.

    Parameters
    ----------
    programme
        Its data.
    clock, lag
        The server's time, and how long changes stay invisible.
    api_access
        Whether its plan includes API access.
    two_factor
        Whether it asks for a two-factor code with every password.
    reports_flagged
        Whether it has the feature flags of configurable reports and of giving out their data sources.
    """

    def __init__(
        self,
        programme: Programme,
        clock: Clock,
        lag: Lag,
        *,
        api_access: bool = True,
        two_factor: bool = False,
        reports_flagged: bool = True,
    ) -> None:
        self.programme = programme
        self.name = programme.domain
        self.api_access = api_access
        self.two_factor = two_factor
        self.reports_flagged = reports_flagged
        self.report_rows = ReportRows(programme)
        self.cases = CaseIndex(self.name, programme.iter_cases(), clock, lag)
        self._clock = clock
        self._lag = lag
        self._lock = threading.Lock()
        self._forms: FormIndex | None = None

    @property
    def forms(self) -> FormIndex:
        """The forms, made when first asked for, as that takes longer than starting the server."""
        with self._lock:
            if self._forms is None:
                self._forms = FormIndex(self.name, self.programme.iter_forms(), self._clock, self._lag)
            return self._forms
