"""Three reports and a data source of the programme, with their rows, as HQ's report and UCR APIs give them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from .choices import values
from .clock import day, naive_stamp
from .course import Course, World, course, household
from .draws import hex_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json = dict[str, Any]
Column = tuple[str, str, str]

_OUTCOMES = values("outcome")
_ENROLMENT: tuple[Column, ...] = (
    ("month", "Month", "field"),
    ("district", "District", "field"),
    ("village", "Village", "field"),
    ("registrations", "Registrations", "field"),
    ("high_risk", "High risk", "field"),
    ("outcome", "Outcome", "expanded"),
)
_OPEN: tuple[Column, ...] = (
    ("name", "Name", "field"),
    ("district", "District", "field"),
    ("village", "Village", "field"),
    ("edd", "Due", "field"),
    ("high_risk", "High risk", "field"),
    ("visits", "Visits", "field"),
    ("last_visit", "Last visit", "field"),
)
_WORK: tuple[Column, ...] = (
    ("month", "Month", "field"),
    ("worker", "Mobile worker", "field"),
    ("district", "District", "field"),
    ("forms", "Forms sent", "field"),
    ("visits", "Visits", "field"),
    ("same_day", "Sent within a day", "percent"),
)
_DISTRICT = {"type": "dynamic_choice_list", "datatype": "string", "slug": "district"}
_MONTH = {"type": "date", "datatype": "date", "slug": "month"}
_DEFINITIONS: dict[str, tuple[str, tuple[Column, ...], list[Json]]] = {
    "enrolment": (
        "Enrolment and outcomes by village and month",
        _ENROLMENT,
        [_MONTH, _DISTRICT, {"type": "numeric", "datatype": "integer", "slug": "registrations"}],
    ),
    "open": (
        "Open pregnancies",
        _OPEN,
        [
            _DISTRICT,
            {"type": "choice_list", "datatype": "string", "slug": "high_risk"},
            {"type": "date", "datatype": "date", "slug": "edd"},
        ],
    ),
    "work": ("Work of mobile workers", _WORK, [_MONTH, _DISTRICT]),
}


def report_id(root: str, key: str) -> str:
    """Make the id of a report."""
    return hex_id(root, "report", key)


def reports(world: World) -> list[Json]:
    """List the reports with their filters and columns."""
    return [
        {
            "id": report_id(world.root, key),
            "title": title,
            "filters": filters,
            "columns": [{"column_id": slug, "display": header, "type": kind} for slug, header, kind in columns],
            "resource_uri": (f"/a/{world.domain}/api/simplereportconfiguration/v1/{report_id(world.root, key)}/"),
        }
        for key, (title, columns, filters) in _DEFINITIONS.items()
    ]


def report_columns(world: World, number: str) -> list[Json]:
    """List the columns of a report's data: an expanded column is one per value."""
    columns: list[Json] = []
    for slug, header, kind in _DEFINITIONS[_key(world, number)][1]:
        if kind == "expanded":
            columns += [
                {"header": f"{header}-{value}", "slug": f"{slug}-{value}", "expand_column_value": value}
                for value in _OUTCOMES
            ]
        else:
            columns.append({"header": header, "slug": slug})
    return columns


def report_rows(world: World, number: str) -> list[Json]:
    """Compute all rows of a report, in the report's order."""
    key = _key(world, number)
    patients = (course(world, patient) for patient in range(world.patients))
    if key == "enrolment":
        return _enrolment_rows(patients)
    return _open_rows(patients) if key == "open" else _work_rows(world, patients)


def _key(world: World, number: str) -> str:
    return next(key for key in _DEFINITIONS if report_id(world.root, key) == number)


def _enrolment_rows(patients: Iterable[Course]) -> list[Json]:
    counts: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for patient in patients:
        village = patient.village
        month = f"{day(patient.contacts[0].at)[:7]}-01"
        row = counts[month, village.block.district.name, village.name]
        row["registrations"] += 1
        row["high_risk"] += patient.high_risk
        row[f"outcome-{patient.outcome}"] += 1
    return [
        {
            "month": month,
            "district": district,
            "village": village,
            "registrations": row["registrations"],
            "high_risk": row["high_risk"],
            **{f"outcome-{value}": row[f"outcome-{value}"] for value in _OUTCOMES},
        }
        for (month, district, village), row in sorted(counts.items())
    ]


def _open_rows(patients: Iterable[Course]) -> list[Json]:
    rows = [
        {
            "name": patient.name,
            "district": patient.village.block.district.name,
            "village": patient.village.name,
            "edd": day(patient.due),
            "high_risk": "yes" if patient.high_risk else "no",
            "visits": len(patient.of("visit")),
            "last_visit": day(visits[-1].at) if (visits := patient.of("visit")) else None,
        }
        for patient in patients
        if {"delivery", "closing"}.isdisjoint(contact.kind for contact in patient.contacts)
    ]
    return sorted(rows, key=lambda row: str(row["edd"]))


def _work_rows(world: World, patients: Iterable[Course]) -> list[Json]:
    counts: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    registrations = (household(world, number).contact for number in range(world.households))
    contacts = (contact for patient in patients for contact in patient.contacts)
    for contact in (*registrations, *contacts):
        worker = contact.worker
        row = counts[f"{day(contact.at)[:7]}-01", worker.username, worker.block.district.name]
        row["forms"] += 1
        row["visits"] += contact.kind == "visit"
        row["same_day"] += (contact.received - contact.at).days < 1
    return [
        {
            "month": month,
            "worker": worker,
            "district": district,
            "forms": row["forms"],
            "visits": row["visits"],
            "same_day": f"{100 * row['same_day'] // row['forms']}%",
        }
        for (month, worker, district), row in sorted(counts.items())
    ]


def data_sources(world: World) -> list[Json]:
    """List the UCR data sources."""
    number = hex_id(world.root, "data source", "pregnancies")
    names = ("opened_on", "district", "village", "lmp", "edd", "high_risk", "outcome", "visits")
    return [
        {
            "id": number,
            "display_name": "Pregnancies",
            "configured_filter": {"type": "boolean_expression", "property_value": "patient"},
            "configured_indicators": [{"column_id": name, "type": "expression"} for name in names],
            "resource_uri": f"/a/{world.domain}/api/ucr_data_source/v1/{number}/",
        }
    ]


def pregnancy_rows(world: World) -> Iterator[Json]:
    """Go through the rows of the data source, in ascending order of `inserted_at`, then of `doc_id`."""
    order = sorted(
        (patient.contacts[-1].indexed, patient.case_id, patient.number)
        for patient in (course(world, number) for number in range(world.patients))
    )
    for inserted_at, case_id, number in order:
        patient = course(world, number)
        yield {
            "id": case_id,
            "doc_id": case_id,
            "inserted_at": naive_stamp(inserted_at),
            "opened_on": naive_stamp(patient.contacts[0].at),
            "district": patient.village.block.district.name,
            "village": patient.village.code,
            "lmp": day(patient.conceived),
            "edd": day(patient.due),
            "high_risk": int(patient.high_risk),
            "outcome": patient.outcome or None,
            "visits": len(patient.of("visit")),
        }
