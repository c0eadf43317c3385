"""What the phones of the mobile workers logged, and when the web users were active on HQ."""

# ruff: noqa: PLR2004  shares, days and hours are what they are here; a name for each would hide the picture

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .clock import BEGINS, ENDS, SUNDAY, naive_stamp, utc
from .draws import Draw, digest, hex_id, uuid
from .organisation import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .course import World
    from .people import Worker

Json = dict[str, Any]

_LOGGED = (
    ("login", "login as {user}"),
    ("resources", "Staging area now at version {version}"),
    ("user", "Sync: {count} cases received"),
    ("form-entry", "Form Entry Completed: {form}"),
    ("maintenance", "Log file sent; 0 bytes left"),
    ("error-workflow", "Failed to submit: java.net.UnknownHostException: www.commcarehq.org"),
    ("exception", "java.lang.NullPointerException\n\tat org.commcare.activities.FormEntryActivity.onResume 💥"),
)
_DAYS = (0.0, 0.72, 0.68, 0.6, 0.75, 0.5, 0.1)


def device_logs(world: World) -> list[Json]:
    """List what the phones logged, in the order in which it reached HQ, which is that of the ids."""
    entries = [entry for number in range(len(world.people.workers)) for entry in _of_worker(world, number)]
    ordered = sorted(entries, key=lambda entry: (entry["server_date"], entry["xform_id"], entry["i"]))
    return [{"id": number, **entry, "resource_uri": ""} for number, entry in enumerate(ordered, 900_001)]


def _of_worker(world: World, number: int) -> Iterator[Json]:
    worker = world.people.workers[number]
    year, month = worker.block.district.opens.year, worker.block.district.opens.month
    while (begun := utc(year, month, 1, 5)) < ENDS and worker.is_here(begun):
        draw = Draw(world.root, "device log", worker.short, year, month)
        sent = begun + timedelta(days=draw.whole(1, 25), seconds=draw.whole(0, 40_000), microseconds=draw.whole(0, 9))
        # Now and then a phone's clock is years behind.
        wrong = timedelta(days=365 * 9) if draw.chance(0.02) else timedelta()
        xform_id = uuid(digest(world.root, "device log", worker.short, year, month))
        for place in range(draw.whole(2, 5)):
            at = sent - timedelta(minutes=37 * (5 - place)) - wrong
            yield {"xform_id": xform_id, "i": place, **_entry(world, worker, draw, at, sent)}
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _entry(world: World, worker: Worker, draw: Draw, at: datetime, sent: datetime) -> Json:
    kind, text = draw.lean(_LOGGED)
    said = text.format(user=worker.short, version=worker.version(sent), count=draw.whole(0, 80), form="Visit")
    known = kind != "resources"
    return {
        "msg": said,
        "type": kind,
        "date": _brief(at),
        "server_date": _brief(sent),
        "domain": world.domain,
        "device_id": f"commcare_{hex_id(worker.user_id, 'phone')[:16]}",
        "app_version": f'CommCare Android, version "2.57.4"(464980). App v{worker.version(sent)}.',
        "username": worker.short if known else None,
        "user_id": worker.user_id if known else None,
    }


def _brief(when: datetime) -> str:
    """Write an instant as HQ does, without microseconds where there are none."""
    return naive_stamp(when).removesuffix(".000000")


def audit_events(world: World) -> Iterator[tuple[str, datetime]]:
    """Tell who used HQ's website at which instant, person by person."""
    for login, *_ in ROLES:
        for number in range((ENDS - BEGINS).days):
            date = BEGINS + timedelta(days=number)
            draw = Draw(world.root, "audit", login, number)
            if date.weekday() != SUNDAY and draw.chance(_DAYS[date.weekday()]):
                begun = date + timedelta(hours=4, seconds=draw.whole(0, 14_000))
                for _ in range(draw.whole(1, 5)):
                    yield f"{login}@health-ngo.example.org", begun
                    begun += timedelta(seconds=draw.whole(20, 9_000), microseconds=draw.whole(0, 999_999))
