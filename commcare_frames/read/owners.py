"""Puts beside cases and forms who sent or owns them, and where that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import CacheError, PermissionMissingError, QueryError, did_you_mean, warn
from commcare_frames.read.groups import read_groups
from commcare_frames.read.links import named, put_beside
from commcare_frames.read.locations import read_locations
from commcare_frames.read.users import read_users, usernames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from commcare_frames.read.reading import Cache

NOT_TO_BE_HAD = (PermissionMissingError, CacheError)
"""What keeps users, locations or groups from being read, but not from being done without."""

NOBODY = ("", "-")
"""What stands for no owner at all."""

PLACES = ("location_id", "primary_location", "user.location_id", "owner.location_id", "owner_id")
"""The columns of our frames that may hold ids of locations."""


@checked
def add_users(
    frame: pd.DataFrame,
    *,
    on: str = "user_id",
    domain: str | Domain | None = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Put beside each row the user whose id it has: the sender of a form, the owner of a case.

    Parameters
    ----------
    frame
        Forms, cases, members of groups, or anything else with ids of users.
    on
        The column with the ids; for cases ``"owner_id"``.
    domain
        A domain's name or a `Domain`; by default the one that the frame is from.
    cache, max_age, progress
        As in `read_users`, which is called.

    Returns
    -------
    DataFrame
        Every row once, in the same order, with four more columns, called after `on`: ``user.username``, ``user.name``,
        ``user.location_id`` (str) and ``user.active`` (boolean), or ``owner.username``, and so on. Of web users only
        the username is there. All are missing where the id is no user's.

    Raises
    ------
    QueryError
        When the frame has no such column, or has columns already that would be added.
    CommCareError
        When users cannot be read.

    Warns
    -----
    DataWarning
        When rows have an id that is no user's.

    Notes
    -----
    Asks what `read_users` asks, and ``/a/{domain}/api/domain_usernames/v1/`` where ids are not mobile workers'.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> visits = ccf.add_users(ccf.read_forms("Visit"))
    >>> visits[["user.username", "user.name", "user.active", "user.location_id"]].notna().all().all().item()
    True
    """
    ids = _ids(frame, on)
    opened = _domain_of(frame, domain)
    workers = read_users(domain=opened, cache=cache, max_age=max_age, progress=progress)
    first, last = (workers[name].fillna("") for name in ("first_name", "last_name"))
    name = (first + " " + last).str.strip()
    users = pd.DataFrame(
        {
            "user_id": workers["user_id"],
            "username": workers["username"],
            "name": name.where(name != ""),
            "active": workers["active"],
            "location_id": workers["primary_location"],
        }
    )
    others = set(ids) - set(users["user_id"])
    refused = []
    if others:
        try:
            names = usernames(opened, cache=cache, max_age=max_age, progress=progress)
        except NOT_TO_BE_HAD as error:
            names = {}
            refused.append(f"Web users were not looked for: {error}")
        more = pd.DataFrame([(each, names[each]) for each in sorted(others & names.keys())], columns=users.columns[:2])
        users = pd.concat([users, more.reindex(columns=users.columns).astype(users.dtypes)], ignore_index=True)
    _tell_unknown(ids, set(users["user_id"]), on, "user's", refused)
    return _beside(frame, users, on=on, prefix=on.removesuffix("_id"))


@checked
def add_owners(
    frame: pd.DataFrame,
    *,
    on: str = "owner_id",
    domain: str | Domain | None = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Put beside each case who owns it, be that a user, a location or a group.

    Parameters
    ----------
    frame
        Cases, or anything else with ids of owners.
    on
        The column with the ids.
    domain
        A domain's name or a `Domain`; by default the one that the frame is from.
    cache, max_age, progress
        As in `read_cases`; for users, locations and groups.

    Returns
    -------
    DataFrame
        Every row once, in the same order, with two more columns, called after `on`: ``owner.type`` (str): ``"user"``,
        ``"location"`` or ``"group"``; and ``owner.name`` (str): the username, without the domain, or the name.
        Both are missing where the id is none of theirs.

    Raises
    ------
    QueryError
        When the frame has no such column, or has columns already that would be added.
    CommCareError
        When the server cannot be reached or keeps failing.

    Warns
    -----
    DataWarning
        When rows have an id that is none of theirs, or whose owner this login may not see.

    Notes
    -----
    Asks ``/a/{domain}/api/domain_usernames/v1/`` (permission "View Mobile Workers"); as far as ids are left over also
    what `read_locations` and `read_groups` ask. Which of them this login may not ask is told where it matters.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> cases = ccf.add_owners(ccf.read_cases("patient"))
    >>> sorted(cases["owner.type"].dropna().unique())
    ['group', 'location', 'user']
    """
    ids = _ids(frame, on)
    opened = _domain_of(frame, domain)
    sources: dict[str, Callable[[], dict[str, str]]] = {
        "user": lambda: usernames(opened, cache=cache, max_age=max_age, progress=progress),
        "location": lambda: _names(
            read_locations(
                domain=opened, columns=["location_id", "name"], cache=cache, max_age=max_age, progress=progress
            )
        ),
        "group": lambda: _names(
            read_groups(domain=opened, columns=["group_id", "name"], cache=cache, max_age=max_age, progress=progress)
        ),
    }
    owners: list[tuple[str, str, str]] = []
    left, refused = set(ids), []
    for kind, read in sources.items():
        if not left:
            break
        try:
            names = read()
        except NOT_TO_BE_HAD as error:
            refused.append(f"{kind.capitalize()}s were not looked for: {error}")
            continue
        owners += [(each, kind, names[each]) for each in sorted(left & names.keys())]
        left -= names.keys()
    found = pd.DataFrame(owners, columns=["id", "type", "name"], dtype="str")
    _tell_unknown(ids, set(ids) - left, on, "user's, location's or group's", refused)
    return _beside(frame, found, on=on, prefix=on.removesuffix("_id"))


@checked
def add_locations(
    frame: pd.DataFrame,
    *,
    on: str | None = None,
    domain: str | Domain | None = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Put beside each row the location whose id it has, with all levels above it.

    Parameters
    ----------
    frame
        Cases that locations own, mobile workers, or forms and cases after `add_users`.
    on
        The column with the ids, such as ``"owner_id"``, ``"primary_location"`` or ``"user.location_id"``; may be left
        out where the frame has only one of those.
    domain
        A domain's name or a `Domain`; by default the one that the frame is from.
    cache, max_age, progress
        As in `read_locations`, which is called.

    Returns
    -------
    DataFrame
        Every row once, in the same order, with the columns of `read_locations` as ``location.<column>``, such as
        ``location.name`` and ``location.district.name``. All are missing where the id is no location's.

    Raises
    ------
    QueryError
        When it is not clear which column is meant, or the frame has columns already that would be added.
    CommCareError
        When locations cannot be read.

    Warns
    -----
    DataWarning
        When rows have an id that is no location's.

    Notes
    -----
    Asks what `read_locations` asks.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> workers = ccf.add_locations(ccf.read_users())
    >>> sorted(workers["location.country.name"].unique())
    ['Ethiopia', 'India', 'Sénégal']
    """
    on = _place_column(frame) if on is None else on
    ids = _ids(frame, on)
    places = read_locations(domain=_domain_of(frame, domain), cache=cache, max_age=max_age, progress=progress)
    _tell_unknown(ids, set(places["location_id"]), on, "location's")
    return _beside(frame, places, on=on, prefix="location")


def _ids(frame: pd.DataFrame, on: str) -> pd.Series[str]:
    """Return the ids in a column, those that stand for nobody left out."""
    if on not in frame.columns:
        raise QueryError(
            f"The frame has no column {on!r}.{did_you_mean(on, map(str, frame.columns))} "
            "Say with on='...' which column has the ids."
        )
    ids = frame[on].dropna()
    if not ids.map(lambda value: isinstance(value, str)).all():
        raise QueryError(f"Column {on!r} does not hold one id a row, as text, but {frame[on].dtype}.")
    return ids[~ids.isin(NOBODY)]


def _place_column(frame: pd.DataFrame) -> str:
    have = [name for name in PLACES if name in frame.columns]
    if len(have) == 1:
        return have[0]
    which = f"It has {', '.join(map(repr, have))}." if have else f"It has none of {', '.join(map(repr, PLACES))}."
    raise QueryError(f"Which column of the frame has the ids of locations? {which} Say on='...'.")


def _domain_of(frame: pd.DataFrame, domain: str | Domain | None) -> Domain:
    """Return the domain that a call names, else the one that a frame is from."""
    about = frame.attrs.get("commcare", {})
    opened = resolve(about.get("domain") if domain is None else domain)
    if domain is None and about.get("server", opened.server) != opened.server:
        raise QueryError(
            f"The frame is from {about['server']}, and the connection is to {opened.server}: connect there, "
            "or say with domain=... where its users and locations are."
        )
    return opened


def _names(frame: pd.DataFrame) -> dict[str, str]:
    """Return the second column of a frame by the first."""
    ids, names = (frame[name] for name in frame.columns)
    return dict(zip(ids, names, strict=True))


def _tell_unknown(ids: pd.Series[str], known: set[str], on: str, whose: str, refused: Sequence[str] = ()) -> None:
    """Warn of ids that nothing is known of."""
    unknown = ids[~ids.isin(known)]
    if len(unknown):
        why = " ".join(["", *refused])
        warn(f"{len(unknown):,} of {len(ids):,} ids in {on!r} are no {whose}: {named(unknown)}.{why}")


def _beside(frame: pd.DataFrame, found: pd.DataFrame, *, on: str, prefix: str) -> pd.DataFrame:
    """Put what was found beside the rows, without its ids, its first column, which the rows have already."""
    key = str(found.columns[0])
    return put_beside(frame, found, on=on, key=key, prefix=prefix).drop(columns=f"{prefix}.{key}")
