"""Forms: submissions as a DataFrame, their repeats and cases as related tables, as a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import QueryError
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.form_frames import resolve_repeat
from commcare_frames.read.form_reading import read_by_ids, read_submissions
from commcare_frames.read.related_tables import RelatedTables
from commcare_frames.tables.paths import to_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd
    import pyarrow.dataset as ds

    from commcare_frames.connection import Domain
    from commcare_frames.read.form_frames import FormFrames
    from commcare_frames.read.labels import LabelsAsked
    from commcare_frames.read.reading import Cache
    from commcare_frames.tables.dtypes import Dtypes

BESIDE = ("cases", "attachments")


@checked
def read_forms(
    form: str | None = None,
    *,
    app: str | None = None,
    domain: str | Domain | None = None,
    form_ids: Sequence[str] | None = None,
    case_id: str | None = None,
    since: object = None,
    until: object = None,
    include_archived: bool = False,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    labels: LabelsAsked = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read the submissions of a form into a DataFrame, one row per submission.

    All submissions of a form are kept in the cache, and the next call asks HQ only for what changed. A read with a
    filter (`case_id`, `since`, `until`) runs on the server and is kept only as long as `max_age` says.

    Parameters
    ----------
    form
        The form: its xmlns, its name in any language (``"Registration"``, or ``"Pregnancy > Registration"`` where
        several modules have one), or its unique id; None for the submissions of all forms.
    app
        Only submissions made with this application: its name or id.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    form_ids
        Read these submissions only, archived ones too. HQ takes one request for each, and they are never taken from
        the cache; an id that HQ does not know is named in a warning.
    case_id
        Only submissions that touched this case.
    since, until
        Only submissions that HQ received in this time, both ends included; anything that pandas can read as a time,
        UTC where it has no zone. A bare date as `until` includes that day.
    include_archived
        Read archived submissions as well.
    columns
        The columns wanted, in order.
    dtypes
        ``"infer"``: an answer has the type of its question, or where that says nothing, the type that each of its
        values survives unchanged; blank is missing. ``"string"``: text as HQ sent it. A mapping, such as
        ``{"age": "Int64"}``, pins columns and leaves the rest as with ``"infer"``.
    labels
        Show choices by their labels: ``"en"`` in that language, ``"both"`` beside their values, in columns
        ``<question>.label``; as in `read_cases`.
    cache
        True: bring the cached table up to date and read that. False: fetch all, keep nothing. ``"offline"``: read
        what is cached and ask nothing.
    max_age
        Ask nothing if the cached table was refreshed within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        First ``form_id``, ``xmlns``, ``form_name``, ``app_id`` (str), ``received_on``, ``started_on``,
        ``completed_on`` (datetime64[us, UTC]), ``username``, ``user_id``, ``device_id``, ``app_version``, ... and
        ``case_id`` (str): the case of the form's own case block, or the only one that it touched. Then one column per
        question outside repeats under its path (``group.question``), in the form's order, and ``<repeat>.count``
        (Int64). A geopoint is four columns: ``<question>.latitude``, ``.longitude`` (degrees), ``.altitude``,
        ``.accuracy`` (metres). A question named like one of the first columns is ``form.<question>``. Rows are
        ordered by ``received_on``, then ``form_id``.

    Raises
    ------
    NotFoundError
        When HQ knows no such form.
    QueryError
        When several forms have that name, or HQ cannot answer what is asked.
    DtypeError
        When a value does not fit the dtype pinned to its column.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what has arrived is kept, and the same call
        goes on from there.

    Warns
    -----
    DataWarning
        When answers do not fit the type of their question (`review` lists them), when questions moved as the form was
        edited, or when the applications cannot be read, so that what repeats is told by the submissions alone.

    Notes
    -----
    Asks ``/a/{domain}/api/form/v1/`` (permission "Edit Data"), 1,000 forms a request, and once a day
    ``/a/{domain}/api/application/v1/``.

    To the case of each form, and to who sent it: ``forms.merge(cases, on="case_id", how="left",
    validate="many_to_one")``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> visits = ccf.read_forms("Visit")
    >>> visits["form_name"].unique().tolist()
    ['Visit']
    """
    chosen = wanted(columns)
    if form_ids is not None:
        _refuse_with_ids(form, app, case_id, since, until)
        found = read_by_ids(form_ids, domain, progress, cache=cache)
        return found.merged(dtypes, chosen, labels)
    found = read_submissions(
        form,
        app=app,
        domain=domain,
        case_id=case_id,
        since=since,
        until=until,
        include_archived=include_archived,
        cache=cache,
        max_age=max_age,
        progress=progress,
    )
    if form is None:
        return found.merged(dtypes, chosen, labels)
    return found.frames(dtypes, labels).main(chosen)


@checked
def read_repeats(
    form: str,
    repeat: str,
    *,
    app: str | None = None,
    domain: str | Domain | None = None,
    case_id: str | None = None,
    since: object = None,
    until: object = None,
    include_archived: bool = False,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    labels: LabelsAsked = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read the entries of a repeat group into a DataFrame, one row per entry.

    Parameters
    ----------
    form
        The form, as in `read_forms`.
    repeat
        Path of the repeat group, such as ``"children"`` or ``"household.children.vaccinations"``.
    app, domain, case_id, since, until, include_archived, columns, dtypes, labels, cache, max_age, progress
        As in `read_forms`.

    Returns
    -------
    DataFrame
        First the keys: ``form_id`` (str), for a repeat within others ``<path of each>_entry`` (Int64), and ``entry``
        (Int64, from 1). Then one column per question, under its path within the repeat.

    Raises
    ------
    QueryError
        When the form has no such repeat; the message names those it has.
    CommCareError
        As `read_forms`.

    Notes
    -----
    Joins back with ``entries.merge(forms, on="form_id", validate="many_to_one")``. Entries are cached with their forms:
    reading several repeats of a form costs no more requests than reading it.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> children = ccf.read_repeats("Register household", "children")
    >>> children.columns[:2].tolist()
    ['form_id', 'entry']
    """
    chosen = wanted(columns)
    found = read_submissions(
        form,
        app=app,
        domain=domain,
        case_id=case_id,
        since=since,
        until=until,
        include_archived=include_archived,
        cache=cache,
        max_age=max_age,
        progress=progress,
    )
    frames = found.frames(dtypes, labels)
    return frames.repeat(resolve_repeat(repeat, frames.repeats), chosen)


@checked
def read_form_tables(
    form: str | None = None,
    *,
    app: str | None = None,
    domain: str | Domain | None = None,
    case_id: str | None = None,
    since: object = None,
    until: object = None,
    include_archived: bool = False,
    dtypes: Dtypes = "infer",
    labels: LabelsAsked = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> dict[str, pd.DataFrame] | dict[str, dict[str, pd.DataFrame]]:
    """Read all tables of a form: its submissions, each of its repeats, the cases they touched, their attachments.

    Parameters
    ----------
    form
        The form, as in `read_forms`; None for the tables of every form.
    app, domain, case_id, since, until, include_archived, dtypes, labels, cache, max_age, progress
        As in `read_forms`.

    Returns
    -------
    dict
        Frames by name: ``""`` the submissions as `read_forms` gives them, each repeat under its path as `read_repeats`
        gives it, ``"cases"`` with a row for every case that a submission opened, changed or closed, and
        ``"attachments"`` with ``name``, ``content_type``, ``length`` (bytes) and ``url``. Without `form`, such a
        dictionary for each form, by its xmlns; ``""`` for submissions without one.

    Raises
    ------
    CommCareError
        As `read_forms`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> list(ccf.read_form_tables("Register household"))
    ['', 'children', 'children.vaccinations', 'cases', 'attachments']
    """
    found = read_submissions(
        form,
        app=app,
        domain=domain,
        case_id=case_id,
        since=since,
        until=until,
        include_archived=include_archived,
        cache=cache,
        max_age=max_age,
        progress=progress,
    )
    if form is None:
        return {xmlns: _tables(frames) for xmlns, frames in found.by_form(dtypes, labels)}
    return _tables(found.frames(dtypes, labels))


@checked
def scan_forms(
    form: str | None = None,
    *,
    app: str | None = None,
    domain: str | Domain | None = None,
    case_id: str | None = None,
    since: object = None,
    until: object = None,
    include_archived: bool = False,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> ds.Dataset:
    """Bring submissions up to date like `read_forms`, and return them as a dataset without loading it.

    Parameters
    ----------
    form, app, domain, case_id, since, until, include_archived, cache, max_age, progress
        As in `read_forms`.

    Returns
    -------
    pyarrow.dataset.Dataset
        One row per submission: metadata as in `read_forms`, and every answer as text, as HQ sent it. What came as a
        list, as the entries of a repeat do when there are several, is JSON in a column that ends with ``[]``; case
        blocks are JSON in columns that end with ``{}``.

    Raises
    ------
    CommCareError
        As `read_forms`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.scan_forms("Visit").count_rows() == len(ccf.read_forms("Visit"))
    True
    """
    found = read_submissions(
        form,
        app=app,
        domain=domain,
        case_id=case_id,
        since=since,
        until=until,
        include_archived=include_archived,
        cache=cache,
        max_age=max_age,
        progress=progress,
    )
    return found.dataset()


def _tables(frames: FormFrames) -> dict[str, pd.DataFrame]:
    tables = {"": frames.main()}
    for path in frames.repeats:
        name = to_name(path)
        tables[f"form.{name}" if name in BESIDE else name] = frames.repeat(path)
    return RelatedTables({**tables, "cases": frames.cases(), "attachments": frames.attachments()})


def _refuse_with_ids(*others: object) -> None:
    if any(other is not None for other in others):
        raise QueryError("form_ids says which submissions are meant: leave out form, app, case_id, since and until.")
