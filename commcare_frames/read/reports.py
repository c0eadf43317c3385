"""Reports: as DataFrames, filtered on HQ, and which of them there are."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import CommCareError, NotFoundError, QueryError, ServerFailedError
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import REPORT_DATA, REPORTS
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.definitions import Catalogue, read_rows
from commcare_frames.read.reading import Cache, Request
from commcare_frames.read.report_filters import CHOICES, SEPARATOR, describe, to_params
from commcare_frames.read.rows import rows_frame
from commcare_frames.tables.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from commcare_frames.hq.resource import Wire
    from commcare_frames.read.definitions import Definition
    from commcare_frames.tables.dtypes import Dtypes

CATALOGUE = Catalogue(REPORTS, "report", "title", ("filters", "columns"))
MOST_SEEN = 10


@checked
def list_reports(*, domain: str | Domain | None = None, wire: Wire = "json") -> pd.DataFrame:
    """List the reports of the domain, and how each can be filtered.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.

    Returns
    -------
    DataFrame
        Columns ``report_id``, ``title``, ``filters`` (the name and type of each) and ``columns`` (their names), all
        str, in the order of the titles. A column that HQ expands into one per value has one name here.

    Raises
    ------
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/a/{domain}/api/simplereportconfiguration/v1/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> reports = ccf.list_reports().set_index("title")
    >>> reports.loc["Open pregnancies", "filters"]
    'district (dynamic_choice_list), high_risk (choice_list), edd (date)'
    """
    reports = CATALOGUE.of(resolve(domain), wire=wire).known
    columns = {
        "report_id": [report["id"] for report in reports],
        "title": [report["title"] for report in reports],
        "filters": [describe(report["filters"]) for report in reports],
        "columns": [", ".join(str(column["column_id"]) for column in report["columns"]) for report in reports],
    }
    return pd.DataFrame(columns, dtype="str").sort_values(["title", "report_id"], ignore_index=True)


@checked
def read_report(
    report: str,
    *,
    filters: Mapping[str, Any] | None = None,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read a report into a DataFrame, all its pages.

    HQ gives out 50 rows a request and never says what changed, so that each call reads the report anew: `max_age`
    saves that. A large report is quicker to read from its data source, with `read_data_source`.

    Parameters
    ----------
    report
        The report's title or id; see `list_reports`.
    filters
        Filters by name, which run on HQ: a choice or a list of choices (None for rows without one), ``(start, end)``
        for dates, both included, ``(operator, operand)`` for numbers, such as ``(">=", 10)``.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        ``"infer"``: a column of numbers is one, and a column of texts becomes a number, date, time or boolean if each
        of its values survives that unchanged. ``"string"``: text as HQ sent it. A mapping, such as
        ``{"age": "Int64"}``, pins columns and infers the rest.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache
        True: read the report and keep it. False: keep nothing. ``"offline"``: read what is cached and ask nothing.
        A report that was read with filters is kept only where `max_age` is given.
    max_age
        Ask nothing if the report was read with these filters within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        The report's columns under their names on HQ, in the report's order; a column that HQ expands has one column
        per value. ``frame.attrs["commcare"]`` tells server, domain, report, filters, when it was read, the rows, and
        under ``"headers"`` what the report calls each column.

    Raises
    ------
    NotFoundError
        When the domain has no such report.
    QueryError
        When there is no such filter, or it does not take such a value.
    DtypeError
        When a value does not fit the dtype pinned to its column.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what was cached before stays.

    Warns
    -----
    DataWarning
        When the report's data changed while its pages were read, and again at a second reading.

    Notes
    -----
    Asks ``/a/{domain}/api/configurablereportdata/v1/{report_id}/`` (permission "Access All Reports").

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> due = ccf.read_report("Open pregnancies", filters={"high_risk": "yes", "edd": ("2026-01-01", "2026-12-31")})
    >>> due["high_risk"].unique().tolist()
    ['yes']
    >>> due.attrs["commcare"]["headers"]["edd"]
    'Due'
    """
    chosen = wanted(columns)
    where = resolve(domain)

    def find(how: Cache) -> Request:
        return report_request(where, CATALOGUE.of(where, cache=how, wire=wire).named(report), filters, wire)

    try:
        reading = read_rows(find, cache=cache, max_age=max_age, progress=progress)
    except NotFoundError as error:
        if error.status_code is None:
            raise
        raise NotFoundError(
            f"{where.host} lists the report {report!r} of domain {where.name!r}, and has no data of it: it may have "
            "been deleted at this moment, or its data source may have been.",
            status_code=error.status_code,
        ) from error
    except ServerFailedError as error:
        if error.status_code != HTTPStatus.INTERNAL_SERVER_ERROR or not filters:
            raise
        definition = CATALOGUE.of(where, cache="offline" if cache else False, wire=wire).named(report)
        raise _refused(where, definition, filters, error) from error
    return rows_frame(reading, dtypes, chosen)


def report_request(
    domain: Domain, definition: Definition, filters: Mapping[str, Any] | None, wire: Wire = "json"
) -> Request:
    """Return what to read for a caller of `read_report`."""
    params = to_params(definition, filters)
    asked: dict[str, Any] = {"report": definition["title"], "report_id": definition["id"]}
    if params:
        asked["filters"] = {name: value.split(SEPARATOR) if SEPARATOR in value else value for name, value in params}
    question = Question(REPORT_DATA, params, _tail(definition), wire)
    return Request(domain, question, ROWS, "reports", None if params else definition["id"], asked)


def _tail(definition: Definition) -> str:
    return quote(definition["id"], safe="") + "/"


def _refused(
    domain: Domain, definition: Definition, filters: Mapping[str, Any], error: ServerFailedError
) -> CommCareError:
    """Return what a failure with filters means: theirs, if HQ gives out the report without them."""
    limit = (("limit", str(REPORT_DATA.largest_page)),)
    try:
        page: dict[str, Any] = domain.client.ask(REPORT_DATA, limit, tail=_tail(definition), attempts=1)
    except CommCareError:
        return error
    used = [each for each in definition["filters"] if each["slug"] in filters]
    said = "; ".join(_takes(each, page["data"]) for each in used)
    return QueryError(
        f"{domain.host} fails at the report {definition['title']!r} with these filters, and not without them: most "
        f"likely a value does not suit its filter. HQ does not say which. {said}.",
        status_code=error.status_code,
    )


def _takes(described: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what a filter takes, as far as the first rows of the report show it."""
    name, kind = described["slug"], described["type"]
    text = f"{name!r} is a {kind} of the type {described.get('datatype', 'string')}"
    seen = sorted({str(row[name]) for row in rows if row.get(name) is not None}) if kind in CHOICES else []
    if not seen:
        return text
    more = ", ..." if len(seen) > MOST_SEEN else ""
    return f"{text}, and the report's first rows have {', '.join(map(repr, seen[:MOST_SEEN]))}{more}"
