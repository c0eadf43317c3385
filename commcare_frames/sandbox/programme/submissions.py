"""The forms that mobile workers sent, as HQ's form API gives them, oldest in HQ's index first."""

# ruff: noqa: PLR2004  shares, ages and weeks are what they are here; a name for each would hide the picture

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache, partial
from struct import Struct
from typing import TYPE_CHECKING, Any
from uuid import UUID

from .answers import Answers, baby_answers, child_visit_answers, household_answers, supervision_answers
from .cases import (
    child_closed,
    child_id,
    household_known_as,
    mother_answers,
    owner_beside,
    patient_known_as,
    visit_closed,
    visit_id,
)
from .clock import ENDS, microseconds, sync_delay, utc, working_time
from .course import Contact, Course, World, course, household
from .draws import Draw, digest, uuid
from .envelope import case_block, envelope
from .questionnaires import FORMS, kept
from .questions import GROUP, REPEAT, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

Json = dict[str, Any]

_HOUSEHOLD, _DUPLICATE, _CONTACT, _SUPERVISION = range(4)
_ENTRY = Struct(">Q16sBIB")
"""A form in the order of HQ's index: when, id, kind, whose, which of them."""
_EMPTY_GROUPS_SINCE = 25
_PATIENTS_AT_A_TIME = 4096
"""Of 10,000 patients, about so many are with the programme at one time."""


def iter_forms(world: World) -> Iterator[Json]:
    """Go through all forms, archived ones included, in ascending order of `indexed_on`, then of `id`."""
    known = lru_cache(_PATIENTS_AT_A_TIME)(partial(course, world))
    for entry in sorted(_index(world, known)):
        _, _, kind, number, which = _ENTRY.unpack(entry)
        if kind == _CONTACT:
            patient = known(number)
            yield _contact_form(world, patient, patient.contacts[which])
        elif kind == _SUPERVISION:
            yield _supervision_form(world, number, which)
        else:
            yield _household_form(world, number, archived=kind == _DUPLICATE)


def _index(world: World, known: Callable[[int], Course]) -> Iterator[bytes]:
    for number in range(world.households):
        contact = household(world, number).contact
        yield _entry(contact, _HOUSEHOLD, number, 0)
        if _was_sent_twice(number):
            yield _entry(_duplicate(world, contact, number), _DUPLICATE, number, 0)
    for number in range(world.patients):
        for which, contact in enumerate(known(number).contacts):
            yield _entry(contact, _CONTACT, number, which)
    for number, worker in enumerate(world.people.workers):
        for month in range(_months_since(worker.block.district.opens)):
            yield _entry(_supervision(world, number, month), _SUPERVISION, number, month)


def _entry(contact: Contact, kind: int, number: int, which: int) -> bytes:
    indexed = edited_on(contact) or contact.indexed
    return _ENTRY.pack(microseconds(indexed), UUID(contact.form_id).bytes, kind, number, which)


def edited_on(contact: Contact) -> datetime | None:
    """Tell when somebody at HQ corrected the form, if anybody did; HQ then indexed it again at once."""
    chance, wait = digest(*contact.key, "edited")[:2]
    if chance > 4:
        return None
    edited = contact.indexed + timedelta(days=wait % 20 + 1, milliseconds=wait * 73_113)
    return edited if edited < ENDS else None


def _was_sent_twice(household_number: int) -> bool:
    return household_number % 60 == 7


def _duplicate(world: World, contact: Contact, number: int) -> Contact:
    soon = timedelta(minutes=3)
    return Contact(
        contact.kind,
        (world.root, "household form sent twice", number),
        contact.at + soon,
        contact.received + soon,
        contact.indexed + soon,
        contact.worker,
        contact.version,
    )


def _household_form(world: World, number: int, *, archived: bool) -> Json:
    home = household(world, number)
    contact, case_id = home.contact, home.case_id
    if archived:
        contact = _duplicate(world, contact, number)
        case_id = uuid(digest(world.root, "household archived", number))
    answers = household_answers(world, home)
    body = nest(FORMS["household"].questions, contact.version, answers)
    owner_id, external_id = household_known_as(world, home)
    body["case"] = case_block(
        contact,
        case_id,
        create={
            "case_name": answers["head_name"],
            "case_type": "household",
            "owner_id": owner_id,
            "external_id": external_id,
        },
        update=_update(contact, "household", answers),
    )
    return envelope(world, contact, body, edited=edited_on(contact), archived=archived)


def _contact_form(world: World, patient: Course, contact: Contact) -> Json:
    if contact.kind == "child_visit":
        answers = child_visit_answers(world, patient, contact)
    else:
        answers = mother_answers(world, patient, contact)
    if contact.kind == "delivery":
        answers["babies"] = [baby_answers(world, patient, order) for order in range(patient.babies)]
    body = nest(FORMS[contact.kind].questions, contact.version, answers)
    _add_cases(world, patient, contact, answers, body)
    photo = body.get("photo")
    return envelope(world, contact, body, edited=edited_on(contact), village=patient.village, photo=photo)


def _add_cases(world: World, patient: Course, contact: Contact, answers: Answers, body: Json) -> None:
    if contact.kind == "child_visit":
        update = _update(contact, "child", answers)
        case_id = child_id(world, patient.number, contact.number // 10)
        body["case"] = case_block(contact, case_id, update=update, close=child_closed(contact))
        return
    update = _update(contact, "patient", answers)
    if contact.kind == "registration":
        home = patient.household.case_id
        owner_id, external_id = patient_known_as(world, patient)
        create = {"case_name": patient.name, "case_type": "patient", "owner_id": owner_id}
        if external_id is not None:
            create["external_id"] = external_id
        index = {"parent": ("household", "child", home)}
        registered = case_block(contact, patient.case_id, create=create, update=update, index=index)
        body["case"] = [registered, case_block(contact, home)]
        return
    body["case"] = case_block(contact, patient.case_id, update=update, close=contact.kind == "closing")
    if contact.kind == "visit":
        body["subcase_0"] = {"case": _visit_block(world, patient, contact, answers)}
    if contact.kind == "delivery":
        for order, baby in enumerate(_entries(body.get("babies", []))):
            baby["case"] = _birth_block(world, patient, contact, answers["babies"][order], order)


def _visit_block(world: World, patient: Course, contact: Contact, answers: Answers) -> Json:
    return case_block(
        contact,
        visit_id(world, patient.number, contact.number),
        create={
            "case_name": f"{answers['visit_type'].upper()} {answers['visit_date']}",
            "case_type": "visit",
            "owner_id": owner_beside(world, patient, contact),
        },
        update=_update(contact, "visit", answers),
        close=visit_closed(patient, contact.number),
        index={"parent": ("patient", "extension", patient.case_id)},
    )


def _birth_block(world: World, patient: Course, contact: Contact, baby: Answers, order: int) -> Json:
    return case_block(
        contact,
        child_id(world, patient.number, order),
        create={
            "case_name": baby["baby_name"] or f"Baby of {patient.name}",
            "case_type": "child",
            "owner_id": owner_beside(world, patient, contact),
        },
        update=_update(contact, "child", baby),
        index={"mother": ("patient", "child", patient.case_id)},
    )


def _update(contact: Contact, case_type: str, answers: Answers) -> dict[str, str]:
    names = kept(contact.kind, contact.version, case_type)
    return {name: answers[name] for name in names if name in answers}


def _entries(repeat: Json | list[Json]) -> list[Json]:
    return [repeat] if isinstance(repeat, dict) else repeat


def nest(questions: tuple[Question, ...], version: int, answers: Answers) -> Json:
    """Lay answers out as their version of the form does: one entry of a repeat is a dict, several are a list."""
    body: Json = {}
    for question in questions:
        if not question.is_in(version):
            continue
        if question.type == GROUP:
            group = nest(question.children, version, answers)
            if group or version >= _EMPTY_GROUPS_SINCE:
                body[question.name] = group or ""
        elif question.type == REPEAT:
            entries = [nest(question.children, version, entry) for entry in answers.get(question.name, ())]
            container, _, item = question.name.partition("/")
            if item:
                body[container] = _iteration(item, [entry["@id"] for entry in answers[question.name]], entries)
            elif entries:
                body[question.name] = _one_or_several(entries)
        elif question.name in answers:
            body[question.name] = answers[question.name]
    return body


def _iteration(item: str, ids: list[str], entries: list[Json]) -> Json:
    """Lay out a model iteration, whose container says which ids it went through, even if there were none."""
    container: Json = {"@count": str(len(ids)), "@current_index": str(len(ids)), "@ids": " ".join(ids)}
    numbered = [
        {"@id": one, "@index": str(place), **entry} for place, (one, entry) in enumerate(zip(ids, entries, strict=True))
    ]
    if numbered:
        container[item] = _one_or_several(numbered)
    return container


def _one_or_several(entries: list[Json]) -> Json | list[Json]:
    return entries[0] if len(entries) == 1 else entries


def _months_since(opens: datetime) -> int:
    return (ENDS.year - opens.year) * 12 + ENDS.month - opens.month


def _supervision(world: World, number: int, month: int) -> Contact:
    worker = world.people.workers[number]
    district = worker.block.district
    draw = Draw(world.root, "supervision", number, month)
    years, before = divmod(district.opens.month - 1 + month, 12)
    planned = utc(district.opens.year + years, before + 1, draw.whole(4, 26))
    at = working_time(draw, planned, district.country.offset_minutes)
    received = at + sync_delay(draw)
    indexed = received + timedelta(milliseconds=draw.whole(900, 30_000))
    key = (world.root, "supervision", number, month)
    return Contact("supervision", key, at, received, indexed, worker, worker.version(at))


def _supervision_form(world: World, number: int, month: int) -> Json:
    contact = _supervision(world, number, month)
    draw = Draw(world.root, "supervision answers", number, month)
    answers = supervision_answers(draw, contact.worker, contact.at)
    body = nest(FORMS["supervision"].questions, contact.version, answers)
    return envelope(world, contact, body, edited=edited_on(contact), by_phone=not _was_on_paper(contact))


def _was_on_paper(contact: Contact) -> bool:
    """Whether a form was filled in on paper and sent by a program that knows of no metadata."""
    return digest(*contact.key, "on paper")[0] < 8
