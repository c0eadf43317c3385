"""A believable maternal and child health programme: everything that one CommCare domain holds, in HQ's own JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import (
    activity,
    application,
    cases,
    course,
    feeds,
    lookups,
    messaging,
    organisation,
    reports,
    saved_exports,
    submissions,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

__all__ = ["Programme", "build"]

Json = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Programme:
    """The data of one domain, in the shapes of HQ's APIs.

    Addresses in it are paths on the server (`/a/<domain>/api/...`): the server that shows them knows its own host.

    Attributes
    ----------
    domain
        Name of the domain in addresses.
    project_name
        Name of the domain for people.
    world
        What is fixed before the first case: seed, size, places, workers.
    case_types
        Case types that `iter_cases` gives.
    users
        Mobile workers, the deactivated ones included.
    deactivated
        Ids of the mobile workers who left.
    locations
        Places, with the keys of both versions of HQ's location API, those that were closed included.
    archived
        Ids of the places that were closed.
    applications
        Applications as HQ lists them.
    builds
        Released builds of the applications, in full, as HQ gives them by their own id.
    reports
        Report definitions; `report_columns` and `report_rows` give the data of one.
    data_sources
        UCR data sources; `data_source_rows` gives the rows of the only one.
    odata_feeds
        OData feeds of the cases and forms.
    saved_exports
        Exports that were saved for the Data Export Tool.
    """

    domain: str
    project_name: str
    world: course.World
    case_types: frozenset[str]
    users: list[Json]
    deactivated: frozenset[str]
    web_users: list[Json]
    groups: list[Json]
    locations: list[Json]
    archived: frozenset[str]
    location_types: list[Json]
    lookup_tables: list[Json]
    lookup_items: list[Json]
    applications: list[Json]
    builds: list[Json]
    reports: list[Json]
    data_sources: list[Json]
    odata_feeds: list[feeds.Feed]
    saved_exports: list[Json]

    def iter_cases(self) -> Iterator[Json]:
        """Go through the cases in ascending order of `indexed_on`, then of `case_id`."""
        return cases.iter_cases(self.world, self.case_types)

    def iter_forms(self) -> Iterator[Json]:
        """Go through the forms of all case types in ascending order of `indexed_on`, then of `id`."""
        return submissions.iter_forms(self.world)

    def messaging_events(self) -> list[Json]:
        """Compute the messaging events in the order in which they came about, which is that of their ids."""
        return messaging.messaging_events(self.world)

    def device_logs(self) -> list[Json]:
        """Compute what phones logged in the order in which it reached HQ, which is that of the ids."""
        return activity.device_logs(self.world)

    def audit_events(self) -> Iterator[tuple[str, datetime]]:
        """Go through the instants at which web users used HQ, person by person."""
        return activity.audit_events(self.world)

    def report_columns(self, report_id: str) -> list[Json]:
        """List the columns of a report's data."""
        return reports.report_columns(self.world, report_id)

    def report_rows(self, report_id: str) -> list[Json]:
        """Compute all rows of a report."""
        return reports.report_rows(self.world, report_id)

    def data_source_rows(self) -> Iterator[Json]:
        """Go through the rows of the data source in ascending order of `inserted_at`, then of `doc_id`."""
        return reports.pregnancy_rows(self.world)


def build(
    domain: str = "maternal-health",
    *,
    project_name: str,
    patients: int = 1200,
    seed: int = 2024,
    case_types: Collection[str] | None = None,
) -> Programme:
    """Build the programme of one domain; the same arguments give the same data everywhere.

    Parameters
    ----------
    domain
        Name of the domain in addresses; another domain has other people and cases.
    project_name
        Name of the domain for people.
    patients
        Number of patient cases. Households are 0.7 of it, children about 0.6, visits about 2 per patient.
    seed
        Seed of all draws.
    case_types
        Case types to give; all four if left out. Forms are not affected.

    Returns
    -------
    The programme. Its cases and forms are made while they are read.

    Raises
    ------
    ValueError
        If a case type is not one of the programme's.
    """
    if unknown := set(case_types or ()).difference(cases.CASE_TYPES):
        message = f"no case type {sorted(unknown)} in the programme: it has {', '.join(cases.CASE_TYPES)}"
        raise ValueError(message)
    world = course.found(domain, seed, patients)
    return Programme(
        domain=domain,
        project_name=project_name,
        world=world,
        case_types=frozenset(cases.CASE_TYPES if case_types is None else case_types),
        users=organisation.users(world),
        deactivated=organisation.deactivated(world),
        web_users=organisation.web_users(world),
        groups=organisation.groups(world),
        locations=organisation.locations(world),
        archived=organisation.archived(world),
        location_types=organisation.location_types(domain),
        lookup_tables=lookups.lookup_tables(world),
        lookup_items=lookups.lookup_items(world),
        applications=application.applications(world.root),
        builds=application.builds(world.root),
        reports=reports.reports(world),
        data_sources=reports.data_sources(world),
        odata_feeds=feeds.odata_feeds(world),
        saved_exports=saved_exports.saved_exports(world),
    )
