"""Mobile workers and web users as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import USERNAMES, USERS, WEB_USERS
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.groups import group_id_of
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.records import blanks_missing, records_frame, records_table
from commcare_frames.tables.organisation import USER, USERNAME, WEB_USER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.hq.resource import Wire
    from commcare_frames.tables.dtypes import Dtypes


@checked
def read_users(
    *,
    active: bool | None = None,
    group: str | None = None,
    extras: bool = False,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read mobile workers into a DataFrame, one row per worker.

    HQ does not say when a worker was changed: all are read anew at every call, unless `max_age` allows otherwise.

    Parameters
    ----------
    active
        True for those who may work, False for those who were deactivated, None for both.
    group
        Name or id of a group: only its members.
    extras
        Also count each worker's forms of the last thirty days and of the last month, which HQ takes long for.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_cases`; it concerns the ``user_data``.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same, but for ``user_data`` whose
        names begin with a digit, which HQ leaves out of XML.
    cache, max_age, progress
        As in `read_cases`.

    Returns
    -------
    DataFrame
        Columns ``user_id``, ``username``, ``first_name``, ``last_name`` (str), ``active`` (boolean), ``email``,
        ``default_phone_number`` (str), ``phone_numbers`` (lists), ``primary_location`` (str), ``locations`` and
        ``groups`` (lists of ids), and what HQ adds to that; then ``user_data.<field>`` for each field, HQ's own
        among them (``user_data.commcare_project``), and ``extras.<count>`` (Int64). Rows are ordered by username.

    Raises
    ------
    NotFoundError
        When there is no such group.
    QueryError
        When several groups have that name.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/user/v1/`` (permission "Edit Mobile Workers"), once for active workers and once for the
    others, 1,000 a request: one who is activated just between the two comes with the next call only. HQ's own filter
    by group leaves out who was deactivated: the members are picked here, by the groups that each worker's record names.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> workers = ccf.read_users()
    >>> workers["active"].value_counts().index.tolist()
    [True, False]
    >>> ccf.read_users(group="Gaya Sadar")["username"].tolist()
    ['gay01-1@maternal-health.commcarehq.org', 'gay01-2@maternal-health.commcarehq.org']
    """
    chosen = wanted(columns)
    opened = resolve(domain)
    group_id = (
        None
        if group is None
        else group_id_of(group, opened, wire=wire, cache=cache, max_age=max_age, progress=progress)
    )
    readings = [
        Reading.of(
            _request(opened, active=each, extras=extras, wire=wire),
            cache=cache,
            max_age=max_age,
            progress=progress,
            connections=1,
        )
        for each in ([True, False] if active is None else [active])
    ]
    table = _together(readings)
    if group_id is not None:
        members = [group_id in (groups or ()) for groups in table["groups"].to_pylist()]
        table = table.filter(pa.array(members, pa.bool_()))
    table = blanks_missing(table, USER, dtypes)
    frame = records_frame(readings[0], table, columns=chosen, dtypes=dtypes, beside=readings[1:])
    said = {"active": active, "group": group}
    frame.attrs["commcare"] |= {name: value for name, value in said.items() if value is not None}
    return frame


def _request(domain: Domain, *, active: bool, extras: bool, wire: Wire) -> Request:
    params = (("archived", "true"),) * (not active) + (("extras", "true"),) * extras
    what = ("active" if active else "deactivated") + " with extras" * extras
    return Request(domain, Question(USERS, params, wire=wire), USER, "users", what, {})


def _together(readings: Sequence[Reading]) -> pa.Table:
    """Return the workers of several readings; of one who changed in between, what was read last."""
    in_order = sorted(readings, key=lambda reading: reading.store.manifest.refreshed_at or "")
    together = pa.concat_tables(map(_marked, in_order), promote_options="default")
    last = {user_id: row for row, user_id in enumerate(together["user_id"].to_pylist())}
    together = together.take(pa.array(last.values(), pa.int64())).select(USER.ordered(together.column_names))
    return together.sort_by([("username", "ascending"), ("user_id", "ascending")])


def _marked(reading: Reading) -> pa.Table:
    """Return workers with what HQ tells only by the list that they are in."""
    table = records_table(reading)
    is_active = "archived" not in dict(reading.request.question.params)
    flags = pa.array([is_active] * table.num_rows, pa.bool_())
    return table.set_column(table.column_names.index("active"), "active", flags)


@checked
def read_web_users(
    *,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read web users and what they may do into a DataFrame, one row per user.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_cases`; it concerns ``permissions`` and ``user_data``.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same, but for ``user_data`` whose
        names begin with a digit, which HQ leaves out of XML.
    cache, max_age, progress
        As in `read_cases`; users are read anew at every call, unless `max_age` allows otherwise.

    Returns
    -------
    DataFrame
        Columns ``user_id``, ``username``, ``first_name``, ``last_name`` (str), ``active`` (boolean), ``email``,
        ``role`` (str), ``is_admin`` (boolean), ``default_phone_number`` (str), ``phone_numbers`` (lists),
        ``primary_location`` (str), ``locations`` (lists of ids), and what HQ adds to that; then
        ``permissions.<flag>`` for each flag of the role (boolean), ``user_data.<field>`` for each field. Rows are
        ordered by username.

    Raises
    ------
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/web-user/v1/`` (permission "Edit Web Users"), 1,000 users a request.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> users = ccf.read_web_users()
    >>> users.loc[users["permissions.edit_data"], "role"].unique().tolist()
    ['Data Manager', 'Admin', 'M&E Officer']
    """
    chosen = wanted(columns)
    request = Request(resolve(domain), Question(WEB_USERS, wire=wire), WEB_USER, "web users", "all", {})
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    table = blanks_missing(records_table(reading), WEB_USER, dtypes)
    return records_frame(reading, table, columns=chosen, dtypes=dtypes)


def usernames(
    domain: Domain, *, cache: Cache, max_age: str | timedelta | None, progress: bool | None
) -> dict[str, str]:
    """Return the names of all users of a domain by id: of web users too, of mobile workers without the domain.

    It takes a request for 1,000 users, which HQ does not count, and a permission less.
    """
    request = Request(domain, Question(USERNAMES), USERNAME, "usernames", "all", {})
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    table = reading.table()
    return dict(zip(table["user_id"].to_pylist(), table["username"].to_pylist(), strict=True))
