"""Reads the times that callers give, as UTC."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from commcare_frames.errors import QueryError


def span(ends: tuple[str, str], since: object, until: object) -> list[tuple[str, str]]:
    """Return the bounds of a stretch of time, as HQ's filters take them, without a zone.

    Parameters
    ----------
    ends
        What to call the two bounds.
    since, until
        Anything that pandas reads as a time, UTC where it has no zone; a bare date as `until` means its whole day.

    Returns
    -------
    list of tuple of str
        The names of the bounds that are given, and their times.
    """
    bounds = [(ends[0], "since", since), (ends[1], "until", until)]
    times = [(end, _time(name, value)) for end, name, value in bounds if value is not None]
    if len(times) == len(ends) and times[0][1] > times[1][1]:
        raise QueryError(f"since={since!r} is later than until={until!r}.")
    return [(end, f"{time:%Y-%m-%dT%H:%M:%S.%f}") for end, time in times]


def _time(name: str, value: Any) -> pd.Timestamp:  # noqa: ANN401  anything that pandas reads as a time
    try:
        time = pd.Timestamp(value)
        if pd.isna(time):
            raise ValueError(value)
    except (ValueError, TypeError) as error:
        raise QueryError(
            f"{name}={value!r} is no time that pandas can read: write '2025-03-31' or '2025-03-31 14:00'."
        ) from error
    is_day = isinstance(value, str) and len(value.strip()) <= len("2025-03-31") and ":" not in value
    if name == "until" and (is_day or (isinstance(value, date) and not isinstance(value, datetime))):
        time += timedelta(days=1) - timedelta(microseconds=1)
    return time.tz_convert("UTC") if time.tz else time.tz_localize("UTC")
