"""The programme's time: from its first day to its last, and how HQ and phones write an instant."""

# ruff: noqa: PLR2004  shares, ages and weeks are what they are here; a name for each would hide the picture

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .draws import Draw

SUNDAY = 6


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Make an instant in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


BEGINS = utc(2023, 9, 1)
ENDS = utc(2026, 6, 22)
"""Nothing is entered on a phone after this; what was entered offline reaches HQ within the following week."""


def stamp(when: datetime) -> str:
    """Write an instant as HQ does in cases and forms, for example `2025-03-02T10:15:00.120000Z`."""
    return when.isoformat(timespec="microseconds")[:-6] + "Z"


def naive_stamp(when: datetime) -> str:
    """Write an instant as HQ does where it leaves the `Z` out."""
    return when.isoformat(timespec="microseconds")[:-6]


def sql_stamp(when: datetime) -> str:
    """Write an instant as HQ does where its database gives it out: also without microseconds that are zero."""
    return when.isoformat()[:-6]


def day(when: datetime) -> str:
    """Write the day of an instant."""
    return when.isoformat()[:10]


def microseconds(when: datetime) -> int:
    """Count the microseconds since the programme began."""
    since = when - BEGINS
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def working_time(draw: Draw, when: datetime, offset_minutes: int) -> datetime:
    """Move an instant into the working hours of its day, away from most Sundays."""
    if when.weekday() == SUNDAY and draw.chance(0.85):
        when += timedelta(days=1)
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    morning = 8 * 60 - offset_minutes
    return midnight + timedelta(minutes=morning, milliseconds=int(draw.random() * 34_200_000))


def sync_delay(draw: Draw) -> timedelta:
    """Tell how long a form waited on the phone: mostly minutes, sometimes days without a connection."""
    share = draw.random()
    if share < 0.72:
        return timedelta(seconds=20 + int(draw.random() * 1_200))
    if share < 0.93:
        return timedelta(seconds=3_600 + int(draw.random() * 50_000))
    return timedelta(seconds=86_400 + int(draw.random() * 430_000))
