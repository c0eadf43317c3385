"""Groups of mobile workers, and who is in them, as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import NotFoundError, QueryError, did_you_mean
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import GROUPS
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.records import blanks_missing, records_frame, records_table
from commcare_frames.tables.organisation import GROUP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.hq.resource import Wire
    from commcare_frames.tables.dtypes import Dtypes


@checked
def read_groups(
    *,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read groups of mobile workers into a DataFrame, one row per group.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_cases`; it concerns the ``metadata``.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache, max_age, progress
        As in `read_cases`; groups are read anew at every call, unless `max_age` allows otherwise.

    Returns
    -------
    DataFrame
        Columns ``group_id``, ``name`` (str), ``case_sharing``, ``reporting`` (boolean), ``users`` (lists of ids), and
        ``metadata.<key>`` for each key. Rows are ordered by name.

    Raises
    ------
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/group/v1/`` (permission "Edit Mobile Workers"), 1,000 groups a request.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> groups = ccf.read_groups()
    >>> groups.loc[groups["reporting"], "name"].tolist()
    ['Workers of Ethiopia', 'Workers of India', 'Workers of Sénégal']
    """
    chosen = wanted(columns)
    reading = _reading(resolve(domain), wire=wire, cache=cache, max_age=max_age, progress=progress)
    table = blanks_missing(records_table(reading), GROUP, dtypes)
    return records_frame(reading, table, columns=chosen, dtypes=dtypes)


@checked
def read_group_members(
    *,
    domain: str | Domain | None = None,
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read who is in which group, one row per group and mobile worker.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire, cache, max_age, progress
        As in `read_groups`, whose table it is.

    Returns
    -------
    DataFrame
        Columns ``group_id``, ``group_name``, ``user_id`` (str), ordered by the group's name; members in HQ's order,
        those who were deactivated included. A group without members has no row.

    Raises
    ------
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/group/v1/`` (permission "Edit Mobile Workers"), 1,000 groups a request.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> members = ccf.read_group_members()
    >>> members["group_name"].value_counts()["Gaya Sadar"].item()
    2
    >>> ccf.add_users(members)["user.username"].notna().all().item()
    True
    """
    groups = read_groups(
        columns=["group_id", "name", "users"],
        domain=domain,
        wire=wire,
        cache=cache,
        max_age=max_age,
        progress=progress,
    )
    members = groups.explode("users", ignore_index=True).dropna(subset="users").reset_index(drop=True)
    members = members.rename(columns={"name": "group_name", "users": "user_id"}).astype({"user_id": "str"})
    members.attrs = {"commcare": {**groups.attrs["commcare"], "rows": len(members)}}
    return members


def group_id_of(
    group: str,
    domain: Domain,
    *,
    wire: Wire,
    cache: Cache,
    max_age: str | timedelta | None,
    progress: bool | None,
) -> str:
    """Return the id of the group of that name or id."""
    if not group.strip():
        raise QueryError(f"group={group!r} is no group: give its name or its id, as read_groups() shows them.")
    groups = read_groups(
        domain=domain, columns=["group_id", "name"], wire=wire, cache=cache, max_age=max_age, progress=progress
    )
    if group in groups["group_id"].to_numpy():
        return group
    ids = groups.loc[groups["name"] == group, "group_id"].tolist()
    if len(ids) > 1:
        raise QueryError(f"{len(ids)} groups are called {group!r}. Name one by its id: {', '.join(ids)}.")
    if not ids:
        names = groups["name"].dropna().tolist()
        raise NotFoundError(
            f"Domain {domain.name!r} has no group {group!r}.{did_you_mean(group, names)} "
            f"Its groups are {', '.join(map(repr, names)) or 'none yet'}."
        )
    return str(ids[0])


def _reading(
    domain: Domain, *, wire: Wire, cache: Cache, max_age: str | timedelta | None, progress: bool | None
) -> Reading:
    request = Request(domain, Question(GROUPS, wire=wire), GROUP, "groups", "all", {})
    return Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
