"""What the phone of one user holds: the restore, as frames."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from commcare_frames.arguments import checked
from commcare_frames.connection import resolve
from commcare_frames.errors import NotFoundError, QueryError, ServerFailedError
from commcare_frames.hq.answers import retry_after
from commcare_frames.hq.downloads import Arriving
from commcare_frames.hq.resources import RESTORE
from commcare_frames.read.applications import structure
from commcare_frames.read.frames import frame_of
from commcare_frames.read.naming import find_app
from commcare_frames.read.progress import ProgressLine
from commcare_frames.read.related_tables import Tables
from commcare_frames.tables.dtypes import to_frame, typed
from commcare_frames.tables.restore import RESTORED_CASE, Restore

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    import requests

    from commcare_frames.connection import Domain
    from commcare_frames.hq.client import Client
    from commcare_frames.tables.dtypes import Dtypes

    Take = Callable[[requests.Response], Restore | float]

PENDING, NOT_FOUND = HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND
OPENROSA = "2.1"
"""The version of OpenRosa that is asked for: since 2.0, HQ may say that a large restore takes a while."""

_DEVICE = "commcare_frames"
"""A phone of its own for HQ, so that nothing changes for the user's."""

_SHORTEST, _USUAL = 1.0, 5.0  # seconds


class RestoredTables(Tables):
    """The tables of a restore.

    Attributes
    ----------
    attrs
        Server, domain, user, and the sync token, as of each of its frames.
    """

    def __init__(self, tables: dict[str, pd.DataFrame], attrs: dict[str, Any]) -> None:
        super().__init__(tables)
        self.attrs = attrs


@checked
def read_restore(
    user: str | None = None,
    *,
    app: str | None = None,
    domain: str | Domain | None = None,
    dtypes: Dtypes = "infer",
    progress: bool | None = None,
) -> RestoredTables:
    """Read what the phone of a user is given when it syncs: the cases and lookup tables that this user can see.

    Parameters
    ----------
    user
        A mobile worker's name, such as ``"asha"`` or ``"asha@my-domain.commcarehq.org"``, or a web user's; by default
        whoever is connected.
    app
        The application on the phone, by its name or id; it decides which reports the restore has.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    dtypes
        As in `read_cases`; pins are for the columns of the cases.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    RestoredTables
        A dictionary of frames: ``"cases"`` with the columns of `read_cases` that phones know (``case_id``,
        ``case_type``, ``case_name``, ``external_id``, ``owner_id``, ``date_opened``, ``last_modified``, ``closed``,
        ``user_id`` of who changed it last, the links, the properties), ordered by ``last_modified``, then ``case_id``;
        ``"user"`` with one row; and every fixture under its id, such as ``"item-list:district"`` for lookup table
        ``district``, ``"user-groups"`` or ``"locations"``: the rows as they come, attributes with an ``@``.
        ``.attrs["commcare"]["sync_token"]`` is the sync token.

    Raises
    ------
    NotFoundError
        When there is no such user or application.
    PermissionMissingError
        When this login may not see what that user sees.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/phone/restore/`` (permission "Mobile App Access"). It is made anew for each call, which takes HQ
    minutes for a user with many cases; meanwhile HQ is asked again as often as it says. Nothing is cached. HQ may show
    it as a sync of that user, from a device ``commcare_frames``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> phone = ccf.read_restore(sandbox.mobile_worker.username)
    >>> sorted(phone["cases"]["case_type"].unique())
    ['child', 'household', 'patient', 'visit']
    >>> phone["item-list:district"].columns.tolist()
    ['code', 'name', 'country']
    """
    place = resolve(domain)
    client = place.client
    whose = _username(user, place)
    params = [("version", "2.0"), ("openrosa_version", OPENROSA), ("device_id", _DEVICE)]
    if whose and whose != client.auth.username:
        params.append(("as", whose))
    tail = f"{_app_id(place, app)}/" if app is not None else ""
    with ProgressLine(f"restore of {whose or 'this login'}", client, show=progress, resumes=False) as line:
        restore = _restore(client, params, tail, line)
    return _tables(place, restore, dtypes, {"user": whose if user else None, "app": app})


def _username(user: str | None, domain: Domain) -> str | None:
    """Return the name that a user signs in with."""
    if user is None:
        return domain.client.auth.username
    if not user.strip():
        raise QueryError(f"user={user!r} is no name: give a mobile worker's or a web user's.")
    name = user.strip().lower()
    return name if "@" in name else f"{name}@{domain.name}.commcarehq.org"


def _app_id(domain: Domain, app: str) -> str:
    applications = structure(domain)
    return find_app(applications, app).app_id if applications else app


def _restore(client: Client, params: list[tuple[str, str]], tail: str, line: ProgressLine) -> Restore:
    """Fetch a restore, coming back for it until HQ has it ready."""
    shown = 0

    def heed(count: int) -> None:
        nonlocal shown
        line.advance(max(count - shown, 0))
        shown = max(shown, count)

    def take(response: requests.Response) -> Restore | float:
        if response.status_code == PENDING:
            return max(retry_after(response) or _USUAL, _SHORTEST)
        return Restore.read(Arriving(response), heed)

    # Or HQ may give what it made up to an hour ago. Not when coming back, which would make it begin anew.
    made = _asked(client, [*params, ("overwrite_cache", "true")], tail, take)
    waited = 0.0
    while not isinstance(made, Restore):
        if waited >= client.patience.longest_wait:
            raise ServerFailedError(
                f"{client.host} is still preparing the restore after {waited / 60:.0f} minutes. It goes on with that: "
                "run the same call again later."
            )
        client.pause(RESTORE, made, "prepares the restore")
        waited += made
        made = _asked(client, params, tail, take)
    return made


def _asked(client: Client, params: list[tuple[str, str]], tail: str, take: Take) -> Restore | float:
    try:
        return client.ask(RESTORE, params, tail=tail, take=take)
    except NotFoundError as error:
        if tail and error.status_code == NOT_FOUND:
            error.args = (f"{client.host} has no restore for application {tail.rstrip('/')!r}: {error}",)
        raise


def _tables(domain: Domain, restore: Restore, dtypes: Dtypes, asked: dict[str, Any]) -> RestoredTables:
    about: dict[str, Any] = {"server": domain.server, "domain": domain.name, "kind": "restore"}
    about |= {name: value for name, value in asked.items() if value is not None}
    about |= {"sync_token": restore.token}
    cases = restore.cases.sort_by([("last_modified", "ascending"), ("case_id", "ascending")])
    cases = cases.select(RESTORED_CASE.ordered(cases.column_names))
    tables = {
        "cases": frame_of(
            cases,
            RESTORED_CASE,
            dtypes=dtypes,
            attributes={**about, "rows": cases.num_rows},
            columns=None,
            known=cases.column_names,
        ),
        "user": _plain(_user(restore), dtypes, {**about, "rows": 1}),
    }
    for name, fixture in restore.fixtures.items():
        table = fixture.table
        of_fixture = {**about, "fixture": name, "rows": table.num_rows}
        tables[name] = _plain(table, dtypes, of_fixture | ({"is": fixture.attributes} if fixture.attributes else {}))
    return RestoredTables(tables, {"commcare": about})


def _user(restore: Restore) -> pa.Table:
    user = {name: value for name, value in restore.user.items() if name != "user_data"}
    user |= {f"user_data.{name}": value for name, value in restore.user.get("user_data", {}).items()}
    return pa.table({name: pa.array([value], pa.string()) for name, value in user.items()})


def _plain(table: pa.Table, dtypes: Dtypes, attributes: dict[str, Any]) -> pd.DataFrame:
    """Return a table whose columns nobody can pin as a frame."""
    asked = dtypes if isinstance(dtypes, str) else "infer"
    names = table.column_names
    made = typed(table, asked, id_column=names[0], values=names.__contains__) if names else table
    frame = to_frame(made)
    frame.attrs["commcare"] = attributes
    return frame
