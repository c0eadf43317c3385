"""What the phones of mobile workers logged, and when web users were active on HQ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import QueryError
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import ACTION_TIMES, DEVICE_LOGS
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.plain_filters import PlainFilters
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.records import read_records
from commcare_frames.read.rows import rows_frame
from commcare_frames.read.times import span
from commcare_frames.tables.device_logs import DEVICE_LOG
from commcare_frames.tables.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.hq.resource import Wire
    from commcare_frames.tables.dtypes import Dtypes

FILTERS = PlainFilters("device logs", {"user_id": (), "username": (), "type": (), "xform_id": (), "device_id": ()})
DAY_TYPES = {
    "local_date": "datetime64[us]",
    "user": "str",
    "user_id": "str",
}
TIMES = ("UTC_start_time", "UTC_end_time")


@checked
def read_device_logs(
    *,
    domain: str | Domain | None = None,
    where: Mapping[str, Any] | None = None,
    since: object = None,
    until: object = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read the device logs, what the phones of mobile workers noted of themselves, into a DataFrame.

    HQ never says what is new, so that each call reads all anew, and there may be millions of entries: `since` and
    `where` run on HQ and make it quick.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    where
        Filters by name, each with one value: ``user_id``, ``username`` (as on the phone, without ``@`` and domain),
        ``type`` (``"login"``, ``"exception"``, ...), ``xform_id``, ``device_id``.
    since, until
        Only entries made in this time by the phone's clock, both ends included; anything that pandas can read as a
        time, UTC where it has no zone. A bare date as `until` includes that day.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_messages`.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache
        True: read the entries and keep them. False: keep nothing. ``"offline"``: read what is cached and ask nothing.
        Entries that were read with filters are kept only where `max_age` is given.
    max_age
        Ask nothing if the entries were read with these filters within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        Columns ``id`` (str), ``date`` by the phone's clock, which may be wrong, ``server_date`` of their arrival
        (datetime64[us, UTC]), ``type``, ``msg``, ``username``, ``user_id``, ``device_id``, ``app_version``,
        ``xform_id`` (str), which the entries that came together have in common, and ``i`` (Int64), their order in it.
        Rows are ordered by ``date``, ``xform_id`` and ``id``.

    Raises
    ------
    QueryError
        When there is no such filter, or it does not take such a value.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what was cached before stays.

    Warns
    -----
    DataWarning
        When entries came twice, so that others may be missing: HQ gives them out in no certain order.

    Notes
    -----
    Asks ``/a/{domain}/api/device-log/v1/`` (permission "Edit Data"), 1,000 entries a request, which HQ does not count
    against the domain's limits.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> crashes = ccf.read_device_logs(where={"type": "exception"}, since="2026-01-01")
    >>> crashes["type"].unique().tolist()
    ['exception']
    """
    params = (*FILTERS.params(where), *span(("date__gte", "date__lte"), since, until))
    asked = _asked(where=dict(where) if where else None, since=since, until=until)
    what = None if params else "all"
    request = Request(resolve(domain), Question(DEVICE_LOGS, params, wire=wire), DEVICE_LOG, "device logs", what, asked)
    return read_records(request, columns=columns, dtypes=dtypes, cache=cache, max_age=max_age, progress=progress)


@checked
def read_action_times(
    *,
    users: Sequence[str] | None = None,
    domain: str | Domain | None = None,
    since: object = None,
    until: object = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read on which days web users were active on HQ, from when to when, into a DataFrame.

    HQ never says what is new, so that each call reads all anew.

    Parameters
    ----------
    users
        Only these users, by their usernames.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    since, until
        Only days whose activity began in this time, both ends included; anything that pandas can read as a time, UTC
        where it has no zone. A bare date as `until` includes that day.
    columns
        The columns wanted, in order.
    dtypes
        ``"infer"``: as below. ``"string"``: text as HQ sent it, but for the times. A mapping, such as
        ``{"user": "category"}``, pins columns.
    cache
        True: read the days and keep them. False: keep nothing. ``"offline"``: read what is cached and ask nothing.
        What was read with filters is kept only where `max_age` is given.
    max_age
        Ask nothing if the days were read with these filters within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        One row per user and day: ``local_date``, the day in the domain's time zone (datetime64[us]), ``user``,
        ``user_id`` (str), ``UTC_start_time`` and ``UTC_end_time`` (datetime64[us, UTC]), the first and the last instant
        of activity. Rows are ordered by ``local_date``, then ``user``.

    Raises
    ------
    PermissionMissingError
        When the user lacks the permission or the feature flag.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what was cached before stays.

    Notes
    -----
    Asks ``/a/{domain}/api/action_times/v1/`` (permission "View Web Users", feature flag ACTION_TIMES_API on the user),
    10,000 days a request, which HQ does not count against the domain's limits.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> days = ccf.read_action_times(users=["data.manager@health-ngo.example.org"], since="2026-06-01")
    >>> days.groupby("user").size().to_dict()
    {'data.manager@health-ngo.example.org': 11}
    """
    chosen = wanted(columns)
    if users is not None and not len(users):
        raise QueryError("users is an empty list, which nobody can match.")
    ends = span(("UTC_start_time_start", "UTC_start_time_end"), since, until)
    params = (*(("users", user) for user in users or ()), *ends)
    asked = _asked(users=None if users is None else list(users), since=since, until=until)
    what = None if params else "all"
    request = Request(resolve(domain), Question(ACTION_TIMES, params), ROWS, "action times", what, asked)
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    always = (*DAY_TYPES, *TIMES)
    days = rows_frame(reading, _typed(dtypes, chosen), chosen, always=always, times=TIMES)
    return days if chosen is not None else days[[*always, *(name for name in days if name not in always)]]


def _asked(**said: Any) -> dict[str, Any]:  # noqa: ANN401  whatever a caller gives
    """Return what was asked, for people and for the frame's `attrs`."""
    kept = {name: value for name, value in said.items() if value is not None}
    return {name: value if isinstance(value, list | dict) else str(value) for name, value in kept.items()}


def _typed(dtypes: Dtypes, columns: Sequence[str] | None) -> Dtypes:
    """Return what a caller said of dtypes, with the columns pinned that HQ promises."""
    if dtypes != "infer" and not isinstance(dtypes, Mapping):
        return dtypes
    pins = {name: dtype for name, dtype in DAY_TYPES.items() if columns is None or name in columns}
    return {**pins, **(dtypes if isinstance(dtypes, Mapping) else {})}
