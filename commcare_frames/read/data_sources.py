"""UCR data sources, the tables behind reports: as DataFrames, and which of them there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import CacheError, PermissionMissingError, warn
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import DATA_SOURCE_ROWS, DATA_SOURCES
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.definitions import Catalogue, read_rows
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.rows import rows_frame
from commcare_frames.tables.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from commcare_frames.read.definitions import Definition
    from commcare_frames.tables.dtypes import Dtypes

CATALOGUE = Catalogue(DATA_SOURCES, "data source", "display_name")
ALWAYS = ("doc_id", "inserted_at")
ID = re.compile("[0-9a-f]{32}")


@checked
def list_data_sources(*, domain: str | Domain | None = None) -> pd.DataFrame:
    """List the domain's UCR data sources, the tables that its reports are made from.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.

    Returns
    -------
    DataFrame
        Columns ``data_source_id`` and ``display_name`` (str), in the order of the names.

    Raises
    ------
    PermissionMissingError
        When the domain lacks the feature flag for configurable reports, or the user the permission.
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/a/{domain}/api/ucr_data_source/v1/`` (permission "Create and Edit Configurable Reports", feature flag
    USER_CONFIGURABLE_REPORTS).

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.list_data_sources()["display_name"].tolist()
    ['Pregnancies']
    """
    sources = CATALOGUE.of(resolve(domain)).known
    columns = {
        "data_source_id": [source["id"] for source in sources],
        "display_name": [source["title"] for source in sources],
    }
    return pd.DataFrame(columns, dtype="str").sort_values(["display_name", "data_source_id"], ignore_index=True)


@checked
def read_data_source(
    data_source: str,
    *,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read all rows of a UCR data source into a DataFrame.

    It is the quickest way to much data where HQ opens it: 10,000 rows a request. HQ never says what changed, so that
    each call reads all rows anew: `max_age` saves that.

    Parameters
    ----------
    data_source
        The data source's name or id; see `list_data_sources`.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_report`.
    cache
        True: read the rows and keep them. False: keep nothing. ``"offline"``: read what is cached and ask nothing.
    max_age
        Ask nothing if the rows were read within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        The columns of the data source under their names on HQ, among them ``doc_id``, the id of the form or case that
        a row comes from, and ``inserted_at``, in whose order the rows are. A form or case may have several rows.

    Raises
    ------
    NotFoundError
        When the domain has no such data source.
    PermissionMissingError
        When the domain lacks the feature flag for giving out data sources, or the user the permission.
    DtypeError
        When a value does not fit the dtype pinned to its column.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what was cached before stays.

    Warns
    -----
    DataWarning
        When rows came twice or may be missing, as HQ's way of paging allows.

    Notes
    -----
    Asks ``/a/{domain}/api/ucr/v1/`` (permission "Edit Data", feature flag EXPORT_DATA_SOURCE_DATA).

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> pregnancies = ccf.read_data_source("Pregnancies")
    >>> str(pregnancies["visits"].dtype)
    'Int64'
    """
    chosen = wanted(columns)
    where = resolve(domain)

    def find(how: Cache) -> Request:
        return _request(where, _definition(where, data_source, how))

    reading = read_rows(find, cache=cache, max_age=max_age, progress=progress)
    _tell_doubts(reading)
    return rows_frame(reading, dtypes, chosen, always=ALWAYS)


def _definition(domain: Domain, name: str, cache: Cache) -> Definition:
    try:
        return CATALOGUE.of(domain, cache=cache).named(name)
    except (PermissionMissingError, CacheError):
        # Who may read the rows may not always see the list.
        if not ID.fullmatch(name):
            raise
        return {"id": name, "title": ""}


def _request(domain: Domain, source: Definition) -> Request:
    asked = {"data_source": source["title"] or source["id"], "data_source_id": source["id"]}
    question = Question(DATA_SOURCE_ROWS, (("data_source_id", source["id"]),))
    return Request(domain, question, ROWS, "data sources", source["id"], asked)


def _tell_doubts(reading: Reading) -> None:
    """Warn of what HQ's paging, by time of insertion and id, may have lost or given twice."""
    table = reading.table(ALWAYS)
    if not set(ALWAYS) <= set(table.column_names):
        return  # without a row there is nothing to doubt
    rows = table.to_pandas()
    versions = rows.drop_duplicates()
    changed = int(versions["doc_id"].duplicated().sum())
    title = reading.request.title
    if changed:
        warn(
            f"{changed:,} documents of {title!r} were written anew while it was read, and came with their old rows and "
            "their new ones. Of each doc_id keep the rows with the latest inserted_at, or read it again later."
        )
    if len(versions) < len(rows) and len(rows) > DATA_SOURCE_ROWS.largest_page:
        warn(
            f"{title!r} has several rows for one document, and HQ's pages of {DATA_SOURCE_ROWS.largest_page:,} rows "
            "may end in the midst of them: the others are then lost. Compare with its report where every row counts."
        )
