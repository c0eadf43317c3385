"""The messages of the programme as HQ's messaging API gives them: reminders, surveys, broadcasts, e-mails, failures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from .answers import registration_answers
from .application import app_id
from .clock import ENDS, day, naive_stamp, utc
from .course import Course, course
from .draws import Draw, hex_id
from .organisation import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .course import World
    from .places import Country

Json = dict[str, Any]

_BACKENDS = {"hi": "MOBILE_BACKEND_INFOBIP", "am": "MOBILE_BACKEND_ETHIO", "fr": "MOBILE_BACKEND_TWILIO"}
_SURVEYS_SINCE = utc(2024, 6, 1)
_REMINDERS = {
    "hi": "नमस्ते {name}, आपकी अगली जाँच {date} को है। कृपया समय पर आएँ।",
    "am": "ሰላም {name}, ቀጣይ ምርመራዎ {date} ነው።",
    "fr": "Bonjour {name}, votre prochaine visite est le {date}. À bientôt !",
}
_BROADCASTS = {
    "hi": "गाँव स्वास्थ्य दिवस {date} को है 🤰",
    "am": "የጤና ቀን {date}",
    "fr": "Journée de la santé le {date}, venez nombreuses !",
}
_FAILURES = {
    "NO_PHONE_NUMBER": "Contact has no phone number.",
    "NO_TWO_WAY_PHONE_NUMBER": "Contact has no two-way phone number.",
    "EMAIL_BOUNCED": "Email Bounced",
}
_GATEWAY_FAILED = "Gateway error: Invalid Destination Number"


class _Part(NamedTuple):
    """A message, or what happened without one: when, which way, what it said, how it went."""

    at: datetime
    direction: str
    content: str
    status: str
    error: str = ""


def messaging_events(world: World) -> list[Json]:
    """List all events in the order in which they came about, which is that of their ids."""
    events = [event for number in range(world.patients) for event in _of_patient(world, course(world, number))]
    events += [*_broadcasts(world), *_emails(world)]
    message_id = 40_001
    ordered = sorted(events, key=lambda event: (event["date"], str(event["recipient"]["recipient_id"])))
    for number, event in enumerate(ordered, 7_001):
        event["id"] = number
        for message in event["messages"]:
            message["message_id"] = message_id
            message_id += 1
    return ordered


def _of_patient(world: World, patient: Course) -> Iterator[Json]:
    phone = registration_answers(world, patient)["phone"]
    language = patient.village.block.district.country.language
    for visit in patient.of("visit"):
        draw = Draw(*visit.key, "reminder")
        at = visit.at.replace(hour=4, minute=30, second=0, microsecond=draw.whole(0, 999_999)) - timedelta(days=2)
        text = _REMINDERS[language].format(name=patient.name.strip(), date=day(visit.at))
        status, error = draw.pick((("delivered", ""),) * 6 + (("sent", ""),) * 3 + (("error", _GATEWAY_FAILED),))
        sent = _Part(at + timedelta(seconds=draw.whole(1, 90)), "outgoing", text, status, error)
        yield _to_patient(world, patient, phone, "sms", [sent], at=at, source="Visit in two days")
        if visit.at > _SURVEYS_SINCE and phone and draw.chance(0.15):
            yield _survey(world, patient, phone, draw, visit.at + timedelta(days=7))


def _survey(world: World, patient: Course, phone: str, draw: Draw, at: datetime) -> Json:
    parts = [_Part(at + timedelta(seconds=2), "outgoing", "Any bleeding? 1) yes 2) no", "delivered")]
    answered = draw.chance(0.7)
    if answered:
        later = at + timedelta(minutes=draw.whole(1, 600))
        parts.append(_Part(later, "incoming", draw.pick(("1", "2", "2", "02", " No")), "received"))
        parts.append(_Part(later + timedelta(seconds=3), "outgoing", "Thank you.", "sent"))
    event = _to_patient(world, patient, phone, "sms-survey", parts, at=at, source="Danger signs")
    event["status"] = "completed" if answered else "not-completed"
    event["form"] = {
        "app_id": app_id(world.root),
        "form_definition_id": hex_id(world.root, "survey form"),
        "form_name": "Programme > Surveys > Danger signs",
        "form_submission_id": hex_id(world.root, "survey", patient.number, at) if answered else None,
    }
    return event


def _broadcasts(world: World) -> Iterator[Json]:
    """Announce a health day to some women of each district; HQ writes down all of one broadcast at once."""
    for district in world.places.districts:
        draw = Draw(world.root, "broadcast", district.code)
        at = ENDS - timedelta(days=draw.whole(20, 200), microseconds=draw.whole(0, 999_999))
        there = [
            patient
            for patient in (course(world, number) for number in range(0, world.patients, 7))
            if patient.village.block.district == district and patient.contacts[0].at < at
        ]
        for patient in there[:40]:
            phone = registration_answers(world, patient)["phone"]
            text = _BROADCASTS[district.country.language].format(date=day(at + timedelta(days=3)))
            sent = _Part(at + timedelta(seconds=5), "outgoing", text, "sent")
            yield _to_patient(
                world, patient, phone, "sms", [sent], at=at, source="Health day", kind="immediate-broadcast"
            )


def _emails(world: World) -> Iterator[Json]:
    for year, month in ((2025, 10), (2025, 11), (2025, 12), (2026, 1), (2026, 2), (2026, 3), (2026, 4), (2026, 5)):
        for login, first_name, last_name, role in ROLES:
            if role in {"M&E Officer", "Data Manager"}:
                draw = Draw(world.root, "email", login, year, month)
                at = utc(year, month, 1, 6) + timedelta(seconds=draw.whole(0, 30), microseconds=draw.whole(1, 999_999))
                status = draw.pick(("email-delivered", "email-delivered", "email-sent", "error"))
                content = f"Dear {first_name},\n\n{draw.whole(0, 90)} visits are overdue.\n"
                event = _event(world, "email", at, [_Part(at, "outgoing", content, status)], status)
                event["messages"][0] |= {"date_modified": None, "backend": "email"}
                event["messages"][0]["email_address"] = f"{login}@health-ngo.example.org"
                event["error"] = _error("EMAIL_BOUNCED", "550 no such user") if status == "error" else None
                person = {
                    "recipient_id": hex_id("web user", login),
                    "type": "web-user",
                    "name": f"{first_name} {last_name}",
                }
                event |= {"recipient": person, "source": _source(world, "scheduled-broadcast", "Overdue visits")}
                yield event


def _to_patient(
    world: World,
    patient: Course,
    phone: str,
    content_type: str,
    parts: list[_Part],
    *,
    at: datetime,
    source: str,
    kind: str = "conditional-alert",
) -> Json:
    status = "error" if any(part.status == "error" for part in parts) else "completed"
    event = _event(world, content_type, at, parts if phone else [], status if phone else "error")
    event |= {
        "case_id": patient.case_id,
        "error": None if phone else _error("NO_PHONE_NUMBER", None),
        "recipient": {"recipient_id": patient.case_id, "type": "case", "name": patient.name},
        "source": _source(world, kind, source),
    }
    country = patient.village.block.district.country
    for message in event["messages"]:
        message |= {"backend": _BACKENDS[country.language], "phone_number": _international(phone, country)}
    return event


def _international(phone: str, country: Country) -> str:
    """Write a number as HQ does before it sends to it."""
    digits = phone.replace(" ", "").lstrip("0")
    return digits if digits.startswith("+") else f"+{country.dial}{digits}"


def _event(world: World, content_type: str, at: datetime, parts: list[_Part], status: str) -> Json:
    last = max((part.at for part in parts), default=at)
    return {
        "id": 0,
        "content_type": content_type,
        "date": naive_stamp(at),
        "date_last_activity": naive_stamp(last),
        "case_id": None,
        "domain": world.domain,
        "error": None,
        "form": None,
        "messages": [_message(content_type, part) for part in parts],
        "recipient": {},
        "source": {},
        "status": status,
    }


def _message(content_type: str, part: _Part) -> Json:
    at = naive_stamp(part.at)
    message = {
        "message_id": 0,
        "date": at[:-3],
        "date_modified": at,
        "type": "email" if content_type == "email" else "sms",
        "direction": part.direction,
        "content": part.content,
        "status": part.status,
        "backend": "",
    }
    return message | ({"error_message": part.error} if part.error else {})


def _error(code: str, detail: str | None) -> Json:
    return {"code": code, "message": _FAILURES[code], "message_detail": detail}


def _source(world: World, kind: str, name: str) -> Json:
    return {"source_id": str(1 + Draw(world.root, "source", name).whole(0, 9_000)), "type": kind, "name": name}
