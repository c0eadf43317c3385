"""OData feeds, the exports that HQ gives to Power BI and Tableau, as DataFrames."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import LoginError, NotFoundError, QueryError, warn
from commcare_frames.hq.auth import TokenAuth
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import ODATA_CASES, ODATA_FORMS
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.rows import rows_frame
from commcare_frames.tables.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.tables.dtypes import Dtypes

RESOURCES = {"cases": ODATA_CASES, "forms": ODATA_FORMS}
KEYS = {"cases": "caseid", "forms": "formid"}
NUMBER = "number"
"""Tells the rows of a table apart that are no cases or forms: ``"12.3"``, which is no decimal."""
MISSING = "---"
"""What HQ writes where a case or form does not have what a column shows."""

ID = re.compile(r"[\w.-]+")
PATH = re.compile(
    r"/a/(?P<domain>[^/]+)/api/(?:v0\.\d+/odata/(?P<old>cases|forms)|odata/(?P<new>cases|forms)/v\d+)"
    r"/(?P<id>[\w.-]+)(?:/(?P<table>\d+))?(?:/(?:feed|\$metadata)?)?/?"
)


@dataclass(frozen=True)
class Feed:
    """A table of an OData feed: whether of cases or forms, the feed's id, and the table's number."""

    kind: str
    id: str
    table: int

    @property
    def question(self) -> Question:
        """What to ask HQ."""
        table = f"{self.table}/" if self.table else ""
        return Question(RESOURCES[self.kind], (), f"{self.id}/{table}feed")

    @property
    def asked(self) -> dict[str, Any]:
        """What is asked, for people and for the frame's `attrs`."""
        return {"feed": self.id, "of": self.kind, **({"table": self.table} if self.table else {})}


@checked
def read_odata(
    feed: str,
    *,
    kind: Literal["cases", "forms"] | None = None,
    table: int | None = None,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read an OData feed into a DataFrame, all its pages.

    A feed is an export that somebody set up on HQ for Power BI, Tableau or Excel: what it leaves out is not here.
    HQ never says what changed in it, so that each call reads it anew: `max_age` saves that.

    Parameters
    ----------
    feed
        The feed's URL, as HQ shows it with "Copy OData Feed Link", or its id.
    kind
        Whether it is of ``"cases"`` or ``"forms"``, which a URL says and an id does not.
    table
        The number of the table, which a URL says too: 0, the default, has a row per case or form, the others one per
        entry of a repeat group or the like.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        ``"infer"``: a column becomes a number, date, time or boolean if each of its values survives that unchanged;
        blank is missing, and so is ``---``, which HQ writes where a case or form does not have it. ``"string"``: text
        as HQ sent it. A mapping, such as ``{"age": "Int64"}``, pins columns and infers the rest.
    cache
        True: read the feed and keep it. False: keep nothing. ``"offline"``: read what is cached and ask nothing.
    max_age
        Ask nothing if the feed was read within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        The feed's columns under the labels that they have on HQ, in the feed's order.

    Raises
    ------
    NotFoundError
        When the domain has no such feed or table.
    PermissionMissingError
        When the domain's plan does not include OData feeds, or the user lacks the permission.
    QueryError
        When the URL is none of a feed of this domain, or an id comes without `kind`.
    LoginError
        When the login is a token, which HQ does not take for feeds.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what was cached before stays.

    Warns
    -----
    DataWarning
        When cases or forms came twice, so that others may be missing: they changed while the pages were read.

    Notes
    -----
    Asks ``/a/{domain}/api/odata/{kind}/v1/{id}/feed`` (permission "Access All Reports", or those to view its kind of
    export and OData feeds), 10,000 cases or forms a request. The login is sent to the server of `domain` only, whatever
    a link of the feed says.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> patients = ccf.read_odata("fe55b39111772a9699ef29467cdc67ec", kind="cases")
    >>> str(patients["Due date"].dtype)
    'datetime64[us]'
    """
    chosen = wanted(columns)
    where = resolve(domain)
    found = _feed(where, feed, kind, table)
    if cache != "offline" and isinstance(where.client.auth, TokenAuth):
        raise LoginError(f"{where.host} takes no token for OData feeds. Connect with an API key or a password.")
    name = f"{found.kind} {found.id} {found.table}"
    request = Request(where, found.question, ROWS, "odata feeds", name, found.asked)
    try:
        reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    except NotFoundError as error:
        raise NotFoundError(
            f"Domain {where.name!r} has no OData feed of {found.kind} with the id {found.id!r}"
            f"{f' and a table {found.table}' if found.table else ''}. HQ lists its feeds and their links under "
            "Data > PowerBi/Tableau Integration.",
            status_code=error.status_code,
        ) from error
    _tell_doubts(reading, found)
    if dtypes != "string" and found.table and NUMBER in (chosen or reading.store.manifest.columns):
        dtypes = {NUMBER: "str", **({} if dtypes == "infer" else dtypes)}
    return rows_frame(reading, dtypes, chosen, missing=MISSING)


def _feed(domain: Domain, feed: str, kind: str | None, table: int | None) -> Feed:
    """Read what a caller says of a feed."""
    if not feed.strip():
        raise QueryError(f"{feed!r} is no OData feed: give its URL, as HQ shows it, or its id.")
    named = feed.strip()
    if "/" in named:
        found = _of_url(domain, named)
        if kind not in {None, found.kind} or table not in {None, found.table}:
            raise QueryError(f"{named} says itself which kind and table it is of: leave out kind and table.")
        return found
    if not ID.fullmatch(named):
        raise QueryError(f"{feed!r} is no OData feed: give its URL, as HQ shows it, or its id.")
    if kind not in RESOURCES:
        raise QueryError(f"kind={kind!r} does not say what the feed {named!r} is of: give kind='cases' or 'forms'.")
    return Feed(kind, named, _table_number(table))


def _of_url(domain: Domain, url: str) -> Feed:
    parts = urlsplit(url)
    parsed = PATH.fullmatch(parts.path)
    if parsed is None:
        raise QueryError(
            f"{url} is no URL of an OData feed, such as {domain.server}/a/{domain.name}/api/odata/cases/v1/<id>/feed."
        )
    if parts.netloc and f"{parts.scheme}://{parts.netloc}".lower() != domain.server.lower():
        raise QueryError(
            f"The feed is on {parts.netloc}, and the login is for {domain.host}: it is not sent elsewhere. Connect to "
            f"{parts.netloc} first."
        )
    if parsed["domain"] != domain.name:
        raise QueryError(
            f"The feed is of domain {parsed['domain']!r}, not of {domain.name!r}: pass domain={parsed['domain']!r}."
        )
    return Feed(parsed["new"] or parsed["old"], parsed["id"], int(parsed["table"] or 0))


def _table_number(table: int | None) -> int:
    if table is None:
        return 0
    if table < 0:
        raise QueryError(f"table={table!r} is no number of a table: they are 0, 1, 2, ...")
    return table


def _tell_doubts(reading: Reading, feed: Feed) -> None:
    """Warn of cases or forms that moved from one page to another."""
    key = KEYS[feed.kind]
    ids = reading.table([key])
    if feed.table or key not in ids.column_names:
        return
    twice = ids.num_rows - len(ids[key].unique())
    if twice:
        warn(
            f"{twice:,} of {ids.num_rows:,} rows of the OData feed {feed.id!r} came twice, as {feed.kind} changed "
            "while its pages were read. Others may be missing: read it again later."
        )
