"""Lookup tables: as DataFrames, and which of them there are."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.cache.refresh import is_fresh
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import CacheError, CommCareError, PermissionMissingError, warn
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import FIXTURES, LOOKUP_ITEMS, LOOKUP_TABLES
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.definitions import Catalogue
from commcare_frames.read.reading import Cache, Reading, Request, to_age
from commcare_frames.read.records import records_frame
from commcare_frames.tables.applications import options_of
from commcare_frames.tables.lookup_tables import LOOKUP_ROWS, TABLE_ID, fields_of, laid_out, of_table, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from commcare_frames.hq.resource import Wire
    from commcare_frames.tables.dtypes import Dtypes
    from commcare_frames.tables.lookup_tables import LookupTable
    from commcare_frames.tables.structure import Labels, Lookup

CATALOGUE = Catalogue(LOOKUP_TABLES, "lookup table", "tag", ("fields", "item_attributes"))


@checked
def list_lookup_tables(*, domain: str | Domain | None = None, wire: Wire = "json") -> pd.DataFrame:
    """List the lookup tables of a domain.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.

    Returns
    -------
    DataFrame
        ``tag``, which names the table in forms and in `read_lookup_table`; ``fields``, their names;
        ``properties`` of their values, as ``<field>.<property>``; ``item_attributes`` of its rows (all str, several
        names with commas between them); ``is_global`` (boolean): whether all users have it, whatever their location
        or group; ``lookup_table_id`` (str). In the order of the tags.

    Raises
    ------
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/a/{domain}/api/lookup_table/v1/`` (no permission besides "API access").

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.list_lookup_tables()[["tag", "fields", "properties"]].values.tolist()[-1]
    ['vaccine', 'code, name, due_weeks', 'name.lang']
    """
    tables = [table_of(each) for each in CATALOGUE.of(resolve(domain), wire=wire).known]
    columns = {
        "tag": [table.tag for table in tables],
        "fields": [", ".join(table.fields) for table in tables],
        "properties": [
            ", ".join(f"{name}.{each}" for name in table.fields for each in table.fields[name]) for table in tables
        ],
        "item_attributes": [", ".join(table.item_attributes) for table in tables],
        "is_global": [table.is_global for table in tables],
        "lookup_table_id": [table.table_id for table in tables],
    }
    kinds = {"is_global": "boolean"}
    made = {name: pd.Series(values, dtype=kinds.get(name, "str")) for name, values in columns.items()}
    return pd.DataFrame(made).sort_values(["tag", "lookup_table_id"], ignore_index=True)


@checked
def read_lookup_table(
    tag: str,
    *,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read the rows of a lookup table into a DataFrame.

    Parameters
    ----------
    tag
        The table's tag or id; see `list_lookup_tables`.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_cases`.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache
        True: read the rows and keep them. False: keep nothing. ``"offline"``: read what is cached and ask nothing.
    max_age
        Ask nothing for the rows if they were read within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        ``row_id`` (str), HQ's id of the row; then the fields of the table, one column each under its own name. A field
        whose values have a property, such as a language, has a column for each: ``<field>.<value of the property>``,
        as ``name.en``, ``name.fr``; of several properties the values stand there one after the other, as the table
        declares them. A value without them is in ``<field>``, and a second one with the same in
        ``<field>.<...>[2]``. A field named as one of the columns besides is ``fields.<name>``. Where the table has item
        attributes, ``item_attributes.<name>`` and ``sort_key`` (Int64) follow. Rows are in HQ's order.

    Raises
    ------
    NotFoundError
        When the domain has no such lookup table.
    DtypeError
        When a value does not fit the dtype pinned to its column.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what was cached before stays.

    Notes
    -----
    Asks ``/a/{domain}/api/lookup_table/v1/`` and ``fixture/v1/`` (permission "Edit Apps"), 1,000 rows a request.
    Without that permission, and for item attributes, it asks ``lookup_table_item/v1/`` (no permission besides
    "API access"), which gives out the rows of all lookup tables at once: they are kept, and serve the other tables
    for as long as `max_age` says.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> vaccines = ccf.read_lookup_table("vaccine")
    >>> vaccines[["code", "name.fr", "due_weeks"]].values.tolist()[3]
    ['opv1', 'Polio oral 1', 6]
    """
    chosen = wanted(columns)
    where = resolve(domain)
    table, reading = _read(where, tag, wire, cache=cache, max_age=max_age, progress=progress)
    rows = reading.table()
    if TABLE_ID in rows.column_names:
        rows = of_table(rows, table)
    named = replace(reading, request=replace(reading.request, asked={"lookup_table": table.tag}))
    return records_frame(named, laid_out(rows, table), columns=chosen, dtypes=dtypes)


def rows_request(domain: Domain, tag: str, wire: Wire = "json") -> Request:
    """Return what to read for the rows of a lookup table."""
    question = Question(FIXTURES, (("fixture_type", tag),), wire=wire)
    return Request(domain, question, LOOKUP_ROWS, "lookup tables", tag, {"lookup_table": tag})


def lookup_options(domain: Domain, lookup: Lookup, *, cache: Cache, max_age: timedelta) -> dict[str, Labels]:
    """Return the choices that a lookup table has; none, with a warning, when it cannot be read.

    Parameters
    ----------
    domain
        Whose.
    lookup
        The table, and which of its fields are values and labels.
    cache, max_age
        As for `read_lookup_table`.

    Returns
    -------
    dict
        The labels of each value, in the table's order.
    """
    try:
        reading = Reading.of(
            rows_request(domain, lookup.tag), cache=cache, max_age=max_age, progress=False, connections=1
        )
        return options_of(fields_of(reading.table()), lookup)
    except CommCareError as error:
        warn(f"Lookup table {lookup.tag!r} could not be read, so its values have no labels: {error}")
        return {}


def _read(
    domain: Domain, tag: str, wire: Wire, *, cache: Cache, max_age: str | timedelta | None, progress: bool | None
) -> tuple[LookupTable, Reading]:
    def bring(request: Request) -> Reading:
        return Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)

    if cache is True and max_age is not None:
        # Rows that are fresh are served without a request: the list was read just before them.
        with contextlib.suppress(CommCareError):
            table = _table(domain, tag, wire, "offline")
            for request in _requests(domain, table, wire):
                if is_fresh(request.on_disk(request.folder), to_age(max_age)):
                    return table, bring(request)
    table = _table(domain, tag, wire, cache)
    *first, last = _requests(domain, table, wire)
    for request in first:
        with contextlib.suppress(CacheError if cache == "offline" else PermissionMissingError):
            return table, bring(request)
    return table, bring(last)


def _table(domain: Domain, tag: str, wire: Wire, cache: Cache) -> LookupTable:
    return table_of(CATALOGUE.of(domain, cache=cache, wire=wire).named(tag))


def _requests(domain: Domain, table: LookupTable, wire: Wire) -> list[Request]:
    """Return what has the rows of a table, what is best to ask first."""
    of_all = Request(domain, Question(LOOKUP_ITEMS, wire=wire), LOOKUP_ROWS, "rows of lookup tables", "all", {})
    return [of_all] if table.item_attributes else [rows_request(domain, table.tag, wire), of_all]
