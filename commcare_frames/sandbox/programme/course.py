"""What happened: each household, each woman's pregnancy and each contact with her, before anybody writes it as JSON."""

# ruff: noqa: PLR2004  shares, ages and weeks are what they are here; a name for each would hide the picture

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from .clock import BEGINS, ENDS, sync_delay, utc, working_time
from .draws import Draw, digest, uuid
from .names import full_name
from .people import People, Worker, employ
from .places import Block, Places, Village, place

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEASON = (1.1, 1.05, 1.0, 0.85, 0.8, 0.72, 0.68, 0.8, 1.05, 1.2, 1.25, 1.12)
_SETTLING_MONTHS = 7
_ANC_WEEKS = (22, 28, 33, 37)
_CHILD_WEEKS = (6, 10, 14, 39)
_REINDEXED = ((utc(2025, 2, 9, 1, 30), ("gay", "gon")), (utc(2025, 11, 16, 2, 5), ("pur",)))


@dataclass(slots=True)
class Contact:
    """One form that a mobile worker filled in: on the phone, at HQ, in HQ's index."""

    kind: str
    key: tuple[object, ...]
    at: datetime
    received: datetime
    indexed: datetime
    worker: Worker
    version: int
    number: int = 0
    """Which child the form is about, or the how-manieth visit it is."""

    @property
    def form_id(self) -> str:
        """The id of the form."""
        return uuid(digest(*self.key))


@dataclass(slots=True)
class Household:
    """A household and the form that registered it."""

    number: int
    case_id: str
    village: Village
    contact: Contact


@dataclass(slots=True)
class Course:
    """One woman's way through a pregnancy, as far as it has come."""

    number: int
    case_id: str
    household: Household
    conceived: datetime
    due: datetime
    name: str
    weight: float
    high_risk: bool
    outcome: str = ""
    delivered: datetime | None = None
    babies: int = 0
    closed_reason: str = ""
    gone: datetime | None = None
    contacts: list[Contact] = field(default_factory=list)

    @property
    def village(self) -> Village:
        """Where she lives."""
        return self.household.village

    def of(self, kind: str) -> list[Contact]:
        """List the contacts of one kind, in order of time."""
        return [contact for contact in self.contacts if contact.kind == kind]


@dataclass(frozen=True)
class World:
    """Everything that is fixed before the first household is registered."""

    root: str
    domain: str
    patients: int
    places: Places
    people: People
    months: tuple[tuple[tuple[Block, ...], datetime], ...]
    enrolment: tuple[float, ...]

    @property
    def households(self) -> int:
        """How many households there are."""
        return -(-self.patients * 7 // 10)

    def household_of(self, patient: int) -> int:
        """Tell in which household a patient lives."""
        return patient * self.households // self.patients

    def patients_of(self, household: int) -> range:
        """Tell which patients live in a household."""
        first, after = (-(-number * self.patients // self.households) for number in (household, household + 1))
        return range(first, after)


def found(domain: str, seed: int, patients: int) -> World:
    """Set up a world: its places, its workers, and how enrolment runs month by month in each district."""
    root = f"{seed}/{domain}"
    places = place(root)
    months, weights = zip(*_enrolment_months(places), strict=True)
    return World(root, domain, patients, places, employ(root, domain, places), months, tuple(accumulate(weights)))


def _enrolment_months(places: Places) -> Iterator[tuple[tuple[tuple[Block, ...], datetime], float]]:
    for district in places.districts:
        blocks = places.blocks_of(district)
        first = district.opens
        open_for = (ENDS.year - first.year) * 12 + ENDS.month - first.month
        for age in range(open_for + 1):
            year, month = divmod(first.month - 1 + age, 12)
            start = utc(first.year + year, month + 1, 1)
            settled = min(1.0, (age + 1) / _SETTLING_MONTHS) * (1 + 0.012 * age)
            part = (ENDS - start).days / 30 if start.month == ENDS.month and start.year == ENDS.year else 1.0
            yield (blocks, start), district.reach * _SEASON[start.month - 1] * settled * part


def household(world: World, number: int) -> Household:
    """Tell the story of one household."""
    draw = Draw(world.root, "household", number)
    blocks, month = world.months[bisect_right(world.enrolment, draw.random() * world.enrolment[-1])]
    village = draw.lean(world.places.villages_of(draw.lean(blocks)))
    room = min(28, (ENDS - month).days - 2)
    offset = village.block.district.country.offset_minutes
    opened = working_time(draw, month + timedelta(days=draw.whole(0, max(room, 0))), offset)
    contact = _contact(
        world, draw, village, kind="household", key=(world.root, "household form", number), at=opened, after=BEGINS
    )
    return Household(number, uuid(digest(world.root, "household", number)), village, contact)


def course(world: World, number: int) -> Course:
    """Tell the story of one patient."""
    home = household(world, world.household_of(number))
    draw = Draw(world.root, "patient", number)
    met = _first_meeting(draw, number - world.patients_of(home.number).start, home)
    programme_years = (met - BEGINS).days / 365
    week = min(34.0, max(5.0, draw.bell(17.5 - 1.6 * programme_years, 6)))
    conceived = met - timedelta(days=int(week * 7))
    patient = Course(
        number=number,
        case_id=uuid(digest(world.root, "patient", number)),
        household=home,
        conceived=conceived,
        due=conceived + timedelta(days=280),
        name=full_name(draw, home.village.block.district.country.language),
        weight=draw.bell(51, 6.5),
        high_risk=draw.chance(0.22),
    )
    _decide(patient, draw, met, week)
    _meet(world, patient, draw, met)
    return patient


def _first_meeting(draw: Draw, place_in_household: int, home: Household) -> datetime:
    at_once = home.contact.at + timedelta(milliseconds=600_000 * (1 + place_in_household) + draw.whole(0, 500_000))
    if not place_in_household or draw.chance(0.4):
        return at_once
    offset = home.village.block.district.country.offset_minutes
    later = working_time(draw, home.contact.at + timedelta(days=draw.whole(20, 400)), offset)
    return later if later < ENDS else at_once


def _decide(patient: Course, draw: Draw, met: datetime, week: float) -> None:
    """Settle how the pregnancy ends and whether the programme loses the woman before."""
    patient.outcome, patient.babies = "live_birth", 2 if draw.chance(0.013) else 1
    delivered = patient.due + timedelta(days=int(draw.bell(-4 - 8 * patient.high_risk, 9)))
    if week < 20 and draw.chance(0.045):
        patient.outcome, patient.babies = "miscarriage", 0
        delivered = met + timedelta(days=draw.whole(6, int((26 - week) * 7)))
    elif draw.chance(0.03 if patient.high_risk else 0.012):
        patient.outcome, patient.babies = "stillbirth", 0
    patient.delivered = max(delivered, met + timedelta(days=2))
    if draw.chance(0.17 - 0.025 * (met.year - 2023)):
        patient.gone = met + (patient.delivered - met) * draw.random()
        patient.closed_reason = draw.lean(("lost_to_follow_up", "migrated", "lost_to_follow_up", "refused"))


def _meet(world: World, patient: Course, draw: Draw, met: datetime) -> None:
    """Let the worker meet the woman, and keep what came about before the programme's last day."""
    village, offset = patient.village, patient.village.block.district.country.offset_minutes
    entered, received = BEGINS, patient.household.contact.received
    for kind, planned, number in sorted(_plan(world, patient, draw, met), key=lambda meeting: meeting[1]):
        at = planned if kind == "registration" else working_time(draw, planned, offset)
        at = max(at, entered + timedelta(minutes=9))
        if at >= ENDS:
            break
        key = (world.root, kind, patient.number, number)
        contact = _contact(world, draw, village, kind=kind, key=key, at=at, after=received)
        contact.number = number
        patient.contacts.append(contact)
        entered, received = contact.at, contact.received
    kinds = {contact.kind for contact in patient.contacts}
    if "delivery" not in kinds:
        patient.outcome, patient.delivered, patient.babies = "", None, 0
    if "closing" not in kinds:
        patient.closed_reason, patient.gone = "", None


def _plan(world: World, patient: Course, draw: Draw, met: datetime) -> Iterator[tuple[str, datetime, int]]:
    diligence = world.people.visiting(patient.village, met).diligence
    delivered = patient.delivered or patient.due
    until = patient.gone or delivered
    yield "registration", met, 0
    for order, week in enumerate(_ANC_WEEKS):
        planned = patient.conceived + timedelta(days=week * 7 + int(draw.bell(2, 7)))
        if draw.chance(diligence) and met + timedelta(days=10) < planned < until:
            yield "visit", planned, order + 1
    if patient.gone:
        if draw.chance(0.7):
            yield "closing", patient.gone + timedelta(days=draw.whole(35, 130)), 0
        return
    reported = delivered + timedelta(days=int(draw.random() * draw.random() * 16))
    yield "delivery", reported, 0
    if patient.outcome == "live_birth" and draw.chance(diligence):
        yield "visit", max(delivered + timedelta(days=draw.whole(6, 20)), reported + timedelta(days=1)), 9
    for child in range(patient.babies):
        for order, week in enumerate(_CHILD_WEEKS):
            if draw.chance(diligence * (0.9 - 0.16 * order)):
                yield "child_visit", delivered + timedelta(days=week * 7 + draw.whole(0, 12)), child * 10 + order
    if draw.chance(0.78):
        patient.closed_reason = "pregnancy_ended" if patient.outcome != "live_birth" else "completed"
        yield "closing", delivered + timedelta(days=42 + int(draw.random() * draw.random() * 90)), 0


def _contact(
    world: World, draw: Draw, village: Village, *, kind: str, key: tuple[object, ...], at: datetime, after: datetime
) -> Contact:
    worker = world.people.visiting(village, at)
    received = max(at + sync_delay(draw), after) + timedelta(microseconds=1 + int(draw.random() * 999_000))
    indexed = received + timedelta(microseconds=900_000 + int(draw.random() * draw.random() * 38_000_000))
    return Contact(kind, key, at, received, indexed, worker, worker.version(at))


def case_indexed(contact: Contact, block: Block) -> datetime:
    """Tell when HQ last indexed a case that this contact changed last: with it, or when HQ re-indexed the district."""
    indexed = contact.indexed
    for moment, districts in _REINDEXED:
        if block.district.code in districts and indexed < moment:
            indexed = moment + timedelta(seconds=41 * block.number, microseconds=137_204)
    return indexed
