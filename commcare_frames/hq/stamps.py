"""Change stamps as HQ writes them: UTC times as ISO text, which HQ's index compares to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def to_stamp(time: datetime) -> str:
    """Write a time as a stamp, cut to the millisecond."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def end_of_millisecond(stamp: str) -> str:
    """Return the last microsecond of the millisecond that a stamp lies in."""
    return to_stamp(to_time(stamp)).removesuffix("Z") + "999Z"


def to_time(stamp: str) -> datetime:
    """Read a stamp; one without a zone is UTC."""
    time = datetime.fromisoformat(stamp)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def to_milliseconds(stamp: str) -> int:
    """Return a stamp as whole milliseconds since 1970."""
    return (to_time(stamp) - EPOCH) // MILLISECOND


def from_milliseconds(milliseconds: int) -> str:
    """Return the stamp that lies so many milliseconds after the beginning of 1970."""
    return to_stamp(EPOCH + milliseconds * MILLISECOND)


def earlier(stamp: str, by: timedelta) -> str:
    """Return the stamp that lies `by` before `stamp`."""
    return to_stamp(to_time(stamp) - by)


def from_http_date(date: str | None) -> datetime | None:
    """Read the ``Date`` header of an answer; None where it is missing or unreadable."""
    try:
        return parsedate_to_datetime(date) if date else None
    except ValueError:
        return None
