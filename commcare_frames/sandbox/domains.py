"""One project space of the sandbox: its data, its plan, its cases and forms as the API sees them."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from commcare_frames.sandbox.event_log import EventLog
from commcare_frames.sandbox.form_index import FormIndex
from commcare_frames.sandbox.index import CaseIndex
from commcare_frames.sandbox.organisation import People, Places
from commcare_frames.sandbox.report_rows import ReportRows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.records import Case
    from commcare_frames.sandbox.search_index import Lag


class FeedTable(Protocol):
    """A table of an OData feed."""

    @property
    def columns(self) -> Sequence[tuple[str, tuple[str, ...]]]:
        """The labels of its columns and where their values stand; ``"#entry"`` is a row of `repeat`."""

    @property
    def repeat(self) -> tuple[str, ...]:
        """Path of the entries that are its rows; empty where its rows are cases or forms."""


class Feed(Protocol):
    """An OData feed."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def kind(self) -> str:
        """``"cases"`` or ``"forms"``."""

    @property
    def of(self) -> str:
        """The case type, or the xmlns."""

    @property
    def tables(self) -> Sequence[FeedTable]:
        """Its tables, of which the first has a row per case or form."""


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
        """Mobile workers, those who were deactivated included."""

    @property
    def deactivated(self) -> Collection[str]:
        """Ids of the mobile workers who were deactivated."""

    @property
    def web_users(self) -> Sequence[dict[str, Any]]:
        """Web users."""

    @property
    def groups(self) -> Sequence[dict[str, Any]]:
        """Groups of mobile workers."""

    @property
    def locations(self) -> Sequence[dict[str, Any]]:
        """Locations, with the keys of both versions of HQ's API, those that were archived included."""

    @property
    def archived(self) -> Collection[str]:
        """Ids of the locations that were archived."""

    @property
    def location_types(self) -> Sequence[dict[str, Any]]:
        """Levels of locations."""

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

    @property
    def odata_feeds(self) -> Sequence[Feed]:
        """OData feeds."""

    @property
    def saved_exports(self) -> Sequence[dict[str, Any]]:
        """Exports that were saved for the Data Export Tool, with their tables."""

    def messaging_events(self) -> Sequence[dict[str, Any]]:
        """Compute the messaging events, in the order of their ids."""

    def device_logs(self) -> Sequence[dict[str, Any]]:
        """Compute what phones logged, in the order in which the database gives it out."""

    def audit_events(self) -> Iterator[tuple[str, datetime]]:
        """Stream who used the website at which instant."""

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
    odata
        Whether its plan includes OData feeds.
    has_locations
        Whether its plan includes locations.
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
        odata: bool = True,
        has_locations: bool = True,
    ) -> None:
        self.programme = programme
        self.name = programme.domain
        self.api_access = api_access
        self.two_factor = two_factor
        self.reports_flagged = reports_flagged
        self.odata = odata
        self.has_locations = has_locations
        self.report_rows = ReportRows(programme)
        self.cases = CaseIndex(self.name, programme.iter_cases(), clock, lag)
        self._clock = clock
        self._lag = lag
        self._lock = threading.Lock()
        self._forms: FormIndex | None = None
        self._events: EventLog | None = None

    @property
    def events(self) -> EventLog:
        """The messaging events, made when first asked for."""
        with self._lock:
            if self._events is None:
                self._events = EventLog(self.programme.messaging_events(), self._clock)
            return self._events

    @cached_property
    def device_logs(self) -> Sequence[dict[str, Any]]:
        """What phones logged."""
        return self.programme.device_logs()

    @cached_property
    def audit_events(self) -> Sequence[tuple[str, datetime]]:
        """Who used the website at which instant."""
        return list(self.programme.audit_events())

    @cached_property
    def people(self) -> People:
        """The mobile workers, web users and groups."""
        return People(self.programme)

    @cached_property
    def places(self) -> Places:
        """The locations."""
        return Places(self.programme, self._clock)

    @property
    def forms(self) -> FormIndex:
        """The forms, made when first asked for, as that takes longer than starting the server."""
        with self._lock:
            if self._forms is None:
                self._forms = FormIndex(self.name, self.programme.iter_forms(), self._clock, self._lag)
            return self._forms
