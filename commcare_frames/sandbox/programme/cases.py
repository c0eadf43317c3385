"""The cases that the forms of the programme left behind, as HQ holds them, oldest in HQ's index first."""

# ruff: noqa: PLR2004  shares, ages and weeks are what they are here; a name for each would hide the picture

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any
from uuid import UUID

from .answers import (
    Answers,
    baby_answers,
    child_visit_answers,
    closing_answers,
    delivery_answers,
    household_answers,
    registration_answers,
    visit_answers,
)
from .clock import microseconds, stamp
from .course import Contact, Course, Household, World, case_indexed, course, household
from .draws import Draw, digest, uuid
from .questionnaires import kept

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from .places import Village

CASE_TYPES = ("household", "patient", "child", "visit")
_HOUSEHOLD, _PATIENT, _CHILD, _VISIT = range(4)
_ENTRY = Struct(">Q16sBIB")
"""A case in the order of HQ's index, small enough to sort hundreds of thousands: when, id, case type, whose, which."""


def child_id(world: World, patient: int, order: int) -> str:
    """Make the case id of a child."""
    return uuid(digest(world.root, "child", patient, order))


def visit_id(world: World, patient: int, number: int) -> str:
    """Make the case id of a visit."""
    return uuid(digest(world.root, "visit case", patient, number))


def visit_closed(patient: Course, number: int) -> bool:
    """Whether the form of a visit closed the visit as well; some workers forgot at first."""
    return number != 1 or patient.number % 5 != 0


def child_closed(contact: Contact) -> bool:
    """Whether this contact was the last that is planned with a child."""
    return contact.kind == "child_visit" and contact.number % 10 == 3


def iter_cases(world: World, case_types: Collection[str]) -> Iterator[dict[str, Any]]:
    """Go through the cases of these types in ascending order of `indexed_on`, then of `case_id`."""
    for entry in sorted(_index(world, case_types)):
        _, _, kind, number, which = _ENTRY.unpack(entry)
        if kind == _HOUSEHOLD:
            yield household_case(world, number)
        elif kind == _PATIENT:
            yield patient_case(world, course(world, number))
        elif kind == _CHILD:
            yield child_case(world, course(world, number), which)
        else:
            yield visit_case(world, course(world, number), which)


def _index(world: World, case_types: Collection[str]) -> Iterator[bytes]:
    if "household" in case_types:
        for number in range(world.households):
            home = household(world, number)
            last = _household_contacts(world, home)[-1]
            yield _entry(case_indexed(last, home.village.block), home.case_id, _HOUSEHOLD, number)
    if {"patient", "child", "visit"}.isdisjoint(case_types):
        return
    for number in range(world.patients):
        patient = course(world, number)
        block = patient.village.block
        if "patient" in case_types:
            yield _entry(case_indexed(_mother_contacts(patient)[-1], block), patient.case_id, _PATIENT, number)
        if "child" in case_types:
            for order in range(patient.babies):
                last = _child_contacts(patient, order)[-1]
                yield _entry(case_indexed(last, block), child_id(world, number, order), _CHILD, number, order)
        if "visit" in case_types:
            for contact in patient.of("visit"):
                case_id = visit_id(world, number, contact.number)
                yield _entry(case_indexed(contact, block), case_id, _VISIT, number, contact.number)


def _entry(indexed: datetime, case_id: str, kind: int, number: int, which: int = 0) -> bytes:
    return _ENTRY.pack(microseconds(indexed), UUID(case_id).bytes, kind, number, which)


def _household_contacts(world: World, home: Household) -> list[Contact]:
    registrations = (course(world, patient).contacts[0] for patient in world.patients_of(home.number))
    return [home.contact, *sorted(registrations, key=lambda contact: contact.received)]


def _mother_contacts(patient: Course) -> list[Contact]:
    return [contact for contact in patient.contacts if contact.kind != "child_visit"]


def _child_contacts(patient: Course, order: int) -> list[Contact]:
    return [
        contact
        for contact in patient.contacts
        if contact.kind == "delivery" or (contact.kind == "child_visit" and contact.number // 10 == order)
    ]


def _saved(contact: Contact, case_type: str, answers: Answers) -> dict[str, str]:
    return {name: answers[name] for name in kept(contact.kind, contact.version, case_type) if name in answers}


def _owner(draw: Draw, contact: Contact, village: Village) -> str:
    share = draw.random()
    if share < 0.7:
        return contact.worker.user_id
    if share < 0.88:
        return village.location_id
    return contact.worker.group_id if share < 0.993 else "-"


def household_known_as(world: World, home: Household) -> tuple[str, str]:
    """Return the owner and the external id of a household."""
    draw = Draw(world.root, "household case", home.number)
    return _owner(draw, home.contact, home.village), f"HH-{home.number + 1:05d}"


def patient_known_as(world: World, patient: Course) -> tuple[str, str | None]:
    """Return the owner and the external id of a patient; some are blank, some were never given."""
    draw = Draw(world.root, "patient case", patient.number)
    share = draw.random()
    owner = _owner(draw, patient.contacts[0], patient.village)
    code = f"{patient.village.block.district.code.upper()}-{registration_answers(world, patient)['registration_id']}"
    return owner, code if share < 0.85 else "" if share < 0.93 else None


def owner_beside(world: World, patient: Course, contact: Contact) -> str:
    """Return the owner of a case that a form opens beside its patient."""
    return _owner(Draw(world.root, "patient case", patient.number), contact, patient.village)


def _case(
    *,
    case_id: str,
    case_type: str,
    case_name: str,
    external_id: str | None,
    owner_id: str,
    village: Village,
    contacts: list[Contact],
    closed: bool,
    properties: dict[str, str],
    indices: dict[str, dict[str, str]],
) -> dict[str, Any]:
    first, last = contacts[0], contacts[-1]
    modified = stamp(last.at)
    return {
        "case_id": case_id,
        "case_type": case_type,
        "case_name": case_name,
        "external_id": external_id,
        "owner_id": owner_id,
        "date_opened": stamp(first.at),
        "last_modified": modified,
        "server_last_modified": stamp(last.received),
        "indexed_on": stamp(case_indexed(last, village.block)),
        "closed": closed,
        "date_closed": modified if closed else None,
        "is_deprecated": False,
        "properties": properties,
        "indices": indices,
        "opened_by": first.worker.user_id,
        "closed_by": last.worker.user_id if closed else None,
        "user_id": last.worker.user_id,
        "xform_ids": [contact.form_id for contact in contacts],
        "server_date_opened": stamp(first.received),
    }


def _index_to(case_id: str, case_type: str, relationship: str) -> dict[str, str]:
    return {"case_id": case_id, "case_type": case_type, "relationship": relationship}


def household_case(world: World, number: int) -> dict[str, Any]:
    """Write a household, touched by its own registration and by those of its mothers."""
    home = household(world, number)
    answers = household_answers(world, home)
    owner_id, external_id = household_known_as(world, home)
    return _case(
        case_id=home.case_id,
        case_type="household",
        case_name=answers["head_name"],
        external_id=external_id,
        owner_id=owner_id,
        village=home.village,
        contacts=_household_contacts(world, home),
        closed=False,
        properties=_saved(home.contact, "household", answers),
        indices={},
    )


def patient_case(world: World, patient: Course) -> dict[str, Any]:
    """Write a patient: what her registration said, overwritten by what every later form said."""
    touched = _mother_contacts(patient)
    answers = registration_answers(world, patient)
    properties = _saved(touched[0], "patient", answers)
    for contact in touched[1:]:
        properties |= _saved(contact, "patient", mother_answers(world, patient, contact))
    owner_id, external_id = patient_known_as(world, patient)
    return _case(
        case_id=patient.case_id,
        case_type="patient",
        case_name=answers["name"],
        external_id=external_id,
        owner_id=owner_id,
        village=patient.village,
        contacts=touched,
        closed=touched[-1].kind == "closing",
        properties=properties,
        indices={"parent": _index_to(patient.household.case_id, "household", "child")},
    )


def mother_answers(world: World, patient: Course, contact: Contact) -> Answers:
    """Answer any form about a mother."""
    if contact.kind == "registration":
        return registration_answers(world, patient)
    if contact.kind == "visit":
        return visit_answers(world, patient, contact)
    if contact.kind == "delivery":
        return delivery_answers(world, patient, contact)
    return closing_answers(world, patient, contact)


def child_case(world: World, patient: Course, order: int) -> dict[str, Any]:
    """Write a child, opened by the delivery form of its mother."""
    contacts = _child_contacts(patient, order)
    birth = baby_answers(world, patient, order)
    properties = _saved(contacts[0], "child", birth)
    for contact in contacts[1:]:
        properties |= _saved(contact, "child", child_visit_answers(world, patient, contact))
    return _case(
        case_id=child_id(world, patient.number, order),
        case_type="child",
        case_name=birth["baby_name"] or f"Baby of {birth['mother_name']}",
        external_id="",
        owner_id=owner_beside(world, patient, contacts[0]),
        village=patient.village,
        contacts=contacts,
        closed=child_closed(contacts[-1]),
        properties=properties,
        indices={"mother": _index_to(patient.case_id, "patient", "child")},
    )


def visit_case(world: World, patient: Course, number: int) -> dict[str, Any]:
    """Write a visit, opened and mostly closed by one form."""
    contact = next(contact for contact in patient.of("visit") if contact.number == number)
    answers = visit_answers(world, patient, contact)
    return _case(
        case_id=visit_id(world, patient.number, number),
        case_type="visit",
        case_name=f"{answers['visit_type'].upper()} {answers['visit_date']}",
        external_id=None,
        owner_id=owner_beside(world, patient, contact),
        village=patient.village,
        contacts=[contact],
        closed=visit_closed(patient, number),
        properties=_saved(contact, "visit", answers),
        indices={"parent": _index_to(patient.case_id, "patient", "extension")},
    )
