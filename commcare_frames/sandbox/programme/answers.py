"""What mobile workers answered: the answers of each form by the name of the question, messy as real ones are."""

# ruff: noqa: PLR2004  shares, ages and weeks are what they are here; a name for each would hide the picture

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .choices import CHOICES, values
from .clock import day
from .draws import Draw
from .names import full_name
from .people import phone_number

if TYPE_CHECKING:
    from datetime import datetime

    from .course import Contact, Course, Household, World
    from .people import Worker
    from .places import Block, Village

Answers = dict[str, Any]
"""Text by question; for a repeat, its entries."""

VACCINES = ("bcg", "opv0", "hepb0", "opv1", "penta1", "opv2", "penta2", "opv3", "penta3", "measles1")
_VALUES = {name: values(name) for name in CHOICES}
_NOTES = (
    'Lives behind the school, ask for the "big house"',
    "Called twice, no answer 📵",
    "Very happy 😊, wants to come with her sister-in-law",
    "पति शहर में काम करते हैं, सास से मिलें",
    "ባለቤቷ ከከተማ ውጭ ነው",
    "Habite près du marché ; préfère être vue l'après-midi",
    "First pregnancy.\nAfraid of the hospital, explain again at the next visit.",
    "=SUM(visits) copied from the paper register",
    "+ card lost, new one given",
    "BP taken twice: 130/85, then 124/80",
)
_ELSEWHERE = {
    "hi": ("Delhi", "Patna", "Surat"),
    "am": ("አዲስ አበባ", "Bahir Dar"),
    "fr": ("Dakar", "Saint-Louis", "Bamako"),
}


def facilities(block: Block) -> tuple[str, str]:
    """Name the health centre of a block and the hospital of its district, by their codes."""
    district = block.district.code.upper()
    return f"{district}-PHC-{block.code[-2:]}", f"{district}-HOSP"


def position(draw: Draw, village: Village) -> str:
    """Give a position as phones do: latitude, longitude, altitude, accuracy; empty where there was no signal."""
    if draw.random() < 0.1:
        return ""
    latitude = village.latitude + (draw.random() - 0.5) * 0.02
    longitude = village.longitude + (draw.random() - 0.5) * 0.02
    return f"{latitude:.7f} {longitude:.7f} {draw.random() * 400:.1f} {4 + draw.random() * 20:.1f}"


def household_answers(world: World, household: Household) -> Answers:
    """Answer the form that registers a household."""
    draw, village = Draw(world.root, "household answers", household.number), household.village
    country = village.block.district.country
    water = draw.some(_VALUES["water"], 0.4)
    return {
        "head_name": full_name(draw, country.language, man=True),
        "phone": phone_number(draw, country) if draw.chance(0.8) else "",
        "language": country.language,
        "gps": position(draw, village),
        "village": village.name,
        "village_code": village.code,
        "roof": draw.lean(_VALUES["roof"]),
        "water_source": " ".join(water),
        "toilet": draw.pick(("yes", "no")),
        "bed_nets": str(draw.whole(0, 4)),
        "members": str(draw.whole(2, 11)),
        "children": [_small_child(draw, country.language, household) for _ in range(draw.lean((0, 1, 2, 3)))],
        "wealth_score": f"{len(water) * 1.7 + draw.random():.2f}",
        "registered_on": day(household.contact.at),
    }


def _small_child(draw: Draw, language: str, household: Household) -> Answers:
    months = draw.whole(0, 59)
    born = household.contact.at - timedelta(days=months * 30)
    return {
        "child_name": full_name(draw, language).split()[0],
        "sex": draw.pick("fm"),
        "age_months": str(months),
        "vaccinations": [
            {"vaccine": vaccine, "given_on": day(born + timedelta(days=40 * order))}
            for order, vaccine in enumerate(VACCINES[: draw.whole(0, min(4, 1 + months))])
        ],
    }


def registration_answers(world: World, patient: Course) -> Answers:
    """Answer the form that registers a mother."""
    draw, village = Draw(world.root, "registration", patient.number), patient.village
    random, contact = draw.random, patient.contacts[0]
    country, at = village.block.district.country, patient.contacts[0].at
    age = 15 + int((random() + random()) * 14.5)
    married = random() < 0.93
    weight, height = f"{patient.weight:.1f}", f"{draw.bell(153, 5.5):.1f}"
    births = min(int(random() * random() * (age - 13) / 2.2), 7)
    scheme = random() < 0.4
    answers = {
        "name": patient.name,
        "registration_id": f"{patient.number + 1:05d}",
        "consent": "true" if random() < 0.985 else "false",
        "dob": day(at - timedelta(days=age * 365 + int(random() * 365))),
        "age": str(age),
        "phone": phone_number(draw, country) if random() < 0.78 else "",
        "language": country.language if random() < 0.95 else "en",
        "education": draw.lean(_VALUES["education"]),
        "occupation": draw.lean(_VALUES["occupation"]),
        "marital_status": "married" if married else draw.pick(_VALUES["marital_status"][1:]),
        "national_id": str(10**19 + int(random() * 9e9) * 10**9 + patient.number) if random() < 0.35 else "",
        "ration_card": f"{draw.whole(0, 40):02d}-{draw.whole(1, 9999):04d}-{draw.whole(0, 9):02d}",
        "scheme": "yes" if scheme else "no",
        "village": village.name,
        "village_code": village.code,
        "district": village.block.district.name,
        "gps": position(draw, village),
        "distance_km": f"{0.3 + random() * random() * 22:.1f}",
        "nearest_facility": facilities(village.block)[random() < 0.12],
        "transport": draw.lean(_VALUES["transport"]),
        "lmp": day(patient.conceived),
        "edd": day(patient.due),
        "weeks": str((at - patient.conceived).days // 7),
        "gravida": str(births + 1 + (random() < 0.15)),
        "parity": str(births),
        "height_cm": height,
        "weight_kg": weight,
        "bmi": f"{float(weight) * 10_000 / float(height) / float(height):.2f}",
        "muac_cm": f"{draw.bell(24.5, 1.8):.1f}",
        "hb": f"{draw.bell(10.8, 1.1):.1f}",
        "high_risk": "yes" if patient.high_risk else "no",
        "risk_factors": " ".join(draw.some(_VALUES["risk_factors"], 0.3)) if patient.high_risk else "",
        "registered_on": day(at),
        "reg_time": local_time(at, country.offset_minutes, country.offset),
        "user_id": contact.worker.short,
        "last_modified": day(at),
    }
    answers["contact_phone_number"] = answers["phone"]
    if answers["phone"]:
        answers["whatsapp"] = "yes" if random() < 0.45 else "no"
    if married:
        answers["husband_name"] = full_name(draw, country.language, man=True)
        answers["husband_phone"] = phone_number(draw, country) if random() < 0.5 else ""
    if scheme:
        answers["bank_account"] = f"{draw.whole(0, 999_999_999):011d}"
    if random() < 0.5:
        answers["blood_group"] = draw.lean(_VALUES["blood_group"])
    if random() < 0.4:
        answers["tests_done"] = " ".join(draw.some(_VALUES["tests"], 0.6))
    if random() < 0.3:
        answers["preferred_time"] = f"{draw.whole(7, 19):02d}:{draw.pick(('00', '15', '30'))}:00.000{country.offset}"
    if random() < 0.12:
        answers["photo"] = f"{1_500_000_000_000 + int(random() * 1e11)}.jpg"
    if random() < 0.1:
        answers["notes"] = draw.pick(_NOTES)
    return answers


def local_time(when: datetime, offset_minutes: int, offset: str) -> str:
    """Write a time of day as the phone does, in its own zone."""
    return f"{(when + timedelta(minutes=offset_minutes)).time().isoformat(timespec='milliseconds')}{offset}"


def visit_answers(world: World, patient: Course, contact: Contact) -> Answers:
    """Answer a visit to a mother, before or after the birth."""
    draw, village = Draw(world.root, "visit answers", patient.number, contact.number), patient.village
    random, at = draw.random, contact.at
    before_birth = patient.delivered is None or at < patient.delivered
    weeks = (at - patient.conceived).days / 7
    systolic = int(draw.bell(124 if patient.high_risk else 112, 9))
    referred = random() < (0.2 if patient.high_risk else 0.04)
    number = sum(other.kind == "visit" and other.at <= at for other in patient.contacts)
    answers: Answers = {
        "visit_date": day(at),
        "visit_type": "anc" if before_birth else "pnc",
        "visits": str(number),
        "visit_number": str(number),
        "last_visit": day(at),
        "weight_kg": f"{patient.weight + (0.35 * (weeks - 16) if before_birth else 3.0) + draw.bell(0, 0.4):.1f}",
        "bp_systolic": str(systolic),
        "bp_diastolic": str(int(systolic * 0.65 + random() * 6)),
        "hb": f"{draw.bell(11.0, 0.9):.1f}",
        "danger_signs": " ".join(draw.some(_VALUES["danger_signs"], 0.15 if patient.high_risk else 0.04)),
        "ifa_tablets": draw.pick(("30", "60", "90", "0")),
        "ifa_side_effects": draw.lean(_VALUES["side_effects"]),
        "tt_doses": str(min(number, 2)),
        "usg_done": "yes" if random() < 0.5 else "no",
        "medicines": [
            {"medicine": medicine, "quantity": str(draw.whole(1, 9) * 10)}
            for medicine in draw.some(_VALUES["medicine"], 0.25)
        ],
        "referred": "yes" if referred else "no",
        "next_visit": day(at + timedelta(days=28)),
        "position": position(draw, village),
        "last_modified": day(at),
    }
    if before_birth:
        answers["fundal_height_cm"] = str(int(weeks + random() * 2 - 1))
        answers["fetal_heart_rate"] = str(draw.whole(118, 158))
        answers["birth_plan"] = " ".join(draw.some(_VALUES["birth_plan"], 0.5))
    if referred:
        answers["referral_facility"] = facilities(village.block)[1]
        answers["referral_date"] = day(at)
    if random() < 0.15:
        answers["comment"] = draw.pick(_NOTES)
    return answers


def delivery_answers(world: World, patient: Course, contact: Contact) -> Answers:
    """Answer the form about a delivery, all but its entries for the babies."""
    draw, delivered = Draw(world.root, "delivery", patient.number), patient.delivered or contact.at
    random, alive = draw.random, patient.outcome == "live_birth"
    trend = 0.12 * (delivered.year - 2023)
    answers: Answers = {
        "delivery_date": day(delivered),
        "delivery_outcome": patient.outcome,
        "delivery_weeks": str((delivered - patient.conceived).days // 7),
        "children_born": str(patient.babies),
        "complications": "none" if random() < 0.86 else " ".join(draw.some(_VALUES["complications"][1:], 0.5)),
        "last_modified": day(contact.at),
    }
    if patient.outcome != "miscarriage":
        answers["delivery_place"] = "facility" if random() < 0.5 + trend else draw.lean(("home", "home", "on_the_way"))
        answers["delivery_mode"] = "caesarean" if random() < 0.11 else "vaginal"
    if alive:
        answers["breastfed_1h"] = "yes" if random() < 0.66 else "no"
        answers["fp-method"] = draw.lean(_VALUES["family_planning"])
    return answers


def baby_answers(world: World, patient: Course, order: int) -> Answers:
    """Answer the part of the delivery form about one baby."""
    draw, village = Draw(world.root, "baby", patient.number, order), patient.village
    language = village.block.district.country.language
    delivered = patient.delivered or patient.due
    weeks_early = (patient.due - delivered).days / 7
    return {
        "baby_name": full_name(draw, language).split()[0] if draw.chance(0.7) else "",
        "sex": draw.pick("fm"),
        "birth_weight_kg": f"{max(0.9, draw.bell(2.85 - 0.1 * weeks_early, 0.3) - 0.4 * (patient.babies - 1)):.2f}",
        "birth_order": str(order + 1),
        "dob": day(delivered),
        "mother_name": patient.name,
        "village": village.name,
        "twin": "yes" if patient.babies > 1 else "no",
    }


def child_visit_answers(world: World, patient: Course, contact: Contact) -> Answers:
    """Answer a visit to a child."""
    child, order = divmod(contact.number, 10)
    draw = Draw(world.root, "child visit", patient.number, contact.number)
    weeks = (contact.at - (patient.delivered or contact.at)).days // 7
    given = 3 + 2 * order + (order == 3)
    share = draw.random()
    return {
        "last_visit": day(contact.at),
        "age_weeks": str(weeks),
        "weight_kg": f"{2.8 + min(weeks, 13) * 0.2 + max(weeks - 13, 0) * 0.1 + draw.bell(0, 0.4) - 0.3 * child:.1f}",
        "muac_cm": f"{draw.bell(12.8, 0.6):.1f}",
        "growth": "normal" if share < 0.78 else "moderate" if share < 0.95 else "severe",
        "feeding": draw.lean(_VALUES["feeding"]),
        "vaccines": " ".join(vaccine for vaccine in VACCINES[:given] if draw.chance(0.9)),
        "next_visit": day(contact.at + timedelta(days=28)) if order < 3 else "",
    }


def closing_answers(world: World, patient: Course, contact: Contact) -> Answers:
    """Answer the form that ends the follow-up of a mother."""
    draw = Draw(world.root, "closing", patient.number)
    answers = {"closed_reason": patient.closed_reason, "last_modified": day(contact.at)}
    if patient.closed_reason == "lost_to_follow_up" and patient.gone:
        answers["lost_since"] = day(patient.gone)
    if patient.closed_reason == "migrated":
        answers["migrated_to"] = draw.pick(_ELSEWHERE[patient.village.block.district.country.language])
    return answers


def supervision_answers(draw: Draw, worker: Worker, at: datetime) -> Answers:
    """Answer a supervisor's monthly form, which is about a mobile worker and touches no case."""
    stock = draw.some(_VALUES["medicine"], 0.7)
    return {
        "worker": worker.short,
        "stock": " ".join(stock),
        "score": str(min(10, max(0, int(draw.bell(worker.diligence * 11, 1.5))))),
        "remarks": draw.pick(_NOTES) if draw.chance(0.2) else "",
        "stock_check/item": [
            {
                "@id": medicine,
                "units_left": str(draw.whole(0, 40) * 5),
                "expires_on": day(at + timedelta(days=draw.whole(20, 700))) if draw.chance(0.9) else "",
            }
            for medicine in stock
        ],
    }
