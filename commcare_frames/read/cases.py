"""Cases: as a DataFrame, as a dataset, as a file, and which types of them there are."""

# ruff: noqa: PLC0415  what labels and applications take is loaded by those only who ask for it

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import NotFoundError, QueryError, did_you_mean, warn
from commcare_frames.hq.bulk import fetch_cases
from commcare_frames.hq.resources import CASE_TYPES
from commcare_frames.read.case_queries import ANY_TYPE, CaseQuery, wanted
from commcare_frames.read.lists import read_list
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.tables.flatten import Flattener

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from commcare_frames.hq.resource import Wire
    from commcare_frames.read.labels import LabelsAsked
    from commcare_frames.tables.dtypes import Dtypes

A_MOMENT = timedelta(minutes=1)
"""How old may be what decides that there is no such case type."""


@checked
def read_cases(
    case_type: str | None = None,
    *,
    domain: str | Domain | None = None,
    case_ids: Sequence[str] | None = None,
    external_ids: Sequence[str] | None = None,
    where: Mapping[str, Any] | None = None,
    query: str | None = None,
    since: object = None,
    until: object = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    labels: LabelsAsked = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    connections: int = 1,
) -> pd.DataFrame:
    """Read cases into a DataFrame, one row per case.

    All cases of a type are kept in the cache, and the next call asks HQ only for what changed. A read with a
    filter (`where`, `query`, `since`, `until`) runs on the server and is kept only as long as `max_age` says.

    Parameters
    ----------
    case_type
        The case type, such as ``"patient"``; None for the cases of all types.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    case_ids, external_ids
        Read these cases only, whatever their type.
    where
        Filters by name: ``owner_id``, ``case_name``, ``external_id``, ``closed``, ``properties.<name>``,
        ``indices.<name>`` (cases whose link of that name points to the case id given), or a date with a comparison,
        such as ``date_opened.gte``. A list means any of its values; None means missing or blank.
    query
        A query in HQ's case search language, such as ``"dob < '2020-01-01' and selected(symptoms, 'fever')"``.
    since, until
        Only cases that the server saw change in this time, both ends included; anything that pandas can read as a
        time, UTC where it has no zone. A bare date as `until` includes that day.
    columns
        The columns wanted, in order. ``opened_by``, ``closed_by``, ``user_id``, ``xform_ids`` and
        ``server_date_opened`` are to be had only by being named here, or with ``api_version="v1"`` of `connect`, as
        only version 1 of HQ's case API has them.
    dtypes
        ``"infer"``: a property becomes a number, date, time or boolean if each of its values survives that
        unchanged, and blank is missing. ``"string"``: text as HQ sent it. A mapping, such as ``{"age": "Int64"}``,
        pins columns and infers the rest.
    labels
        Show choices by their labels: ``"en"`` in that language, ``"both"`` beside their values, in columns
        ``<property>.label``. A mapping says more: ``{"lang": "fr", "show": "both", "multi": "indicators"}``.
        A property of one choice becomes an ordered categorical in the order of the choices; one of several choices a
        list of labels, or with ``"indicators"`` a boolean column ``<property>.<value>`` for each choice. A value that
        is no choice stays, after all choices. The choices of a property are those of the questions of its name.
    cache
        True: bring the cached table up to date and read that. False: fetch all, keep nothing. ``"offline"``: read
        what is cached and ask nothing.
    max_age
        Ask nothing if the cached table was refreshed within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.
    connections
        How many stretches of a first pull to read side by side. HQ counts requests, not connections, and more
        connections use up a small project's requests sooner.

    Returns
    -------
    DataFrame
        Columns ``case_id``, ``case_type``, ``case_name``, ``external_id``, ``owner_id`` (str), ``date_opened``,
        ``last_modified``, ``server_last_modified``, ``indexed_on``, ``date_closed`` (datetime64[us, UTC]), ``closed``
        (boolean); ``indices.<name>.case_id``, ``.case_type``, ``.relationship`` for each link (str); then one column
        per case property, in the order of their names. Rows are ordered by ``indexed_on``, then ``case_id``.
        ``frame.attrs["commcare"]`` tells server, domain, what was asked, when it was refreshed, and the rows.

    Raises
    ------
    NotFoundError
        When HQ knows no such case type.
    QueryError
        When HQ cannot answer what is asked.
    DtypeError
        When a value does not fit the dtype pinned to its column.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what has arrived is kept, and the same call
        goes on from there.

    Notes
    -----
    Asks ``/a/{domain}/api/case/v2/`` (permission "Edit Data"), 5,000 cases a request; for ids, ``bulk-fetch/``. For
    labels also ``application/v1/``, once a day at most, and ``fixture/v1/`` for choices that stand in lookup tables
    (permission "Edit Apps"): another language needs no further request.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> patients = ccf.read_cases("patient")
    >>> patients["case_type"].unique().tolist()
    ['patient']
    >>> ccf.read_cases("patient", labels="fr")["marital_status"].cat.categories.tolist()
    ['Mariée', 'Célibataire', 'Veuve', 'Séparée']
    """
    cases = CaseQuery(case_type, where, query, since, until, wanted(columns))
    by_ids = case_ids is not None or external_ids is not None
    if by_ids:
        _refuse_with_ids(cases, cache)
    opened = resolve(domain)
    labeller = None
    if labels is not None:
        from commcare_frames.read.labels import Labeller

        labeller = Labeller.of(opened, labels, dtypes=dtypes, cache=cache, max_age=max_age)
    if by_ids:
        reading, table = _read_by_ids(opened, cases, case_ids or (), external_ids or ())
    else:
        reading = _reading(
            opened,
            cases,
            cache=cache,
            max_age=max_age,
            progress=progress,
            connections=connections,
            is_for_frame=columns is None,
        )
        table = reading.table(None if columns is None else [*columns, "case_id"])
        if not table.num_rows and case_type is not None and cache != "offline":
            table = _empty(reading, case_type, table)
    frame = reading.frame(table, dtypes, cases.columns)
    return labeller.cases(frame, table, case_type) if labeller else frame


@checked
def scan_cases(
    case_type: str | None = None,
    *,
    domain: str | Domain | None = None,
    where: Mapping[str, Any] | None = None,
    query: str | None = None,
    since: object = None,
    until: object = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    connections: int = 1,
) -> ds.Dataset:
    """Bring cases up to date like `read_cases`, and return them as a dataset without loading it.

    DuckDB, Polars, Dask and Spark can query it, also where it is larger than memory.

    Parameters
    ----------
    case_type, domain, where, query, since, until, cache, max_age, progress, connections
        As in `read_cases`.

    Returns
    -------
    pyarrow.dataset.Dataset
        The columns of `read_cases`, with times and ``closed`` typed and every property as text, as HQ sent it. Each
        case stands there once, in no promised order.

    Raises
    ------
    CommCareError
        As `read_cases`.

    Notes
    -----
    DuckDB reads a dataset by the name of its variable, and Polars with ``polars.scan_pyarrow_dataset``. Dask is given
    the parts one by one, each with the columns of all: ``dask.dataframe.read_parquet`` would take those of the first.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> patients = ccf.scan_cases("patient")
    >>> patients.count_rows() == len(ccf.read_cases("patient"))
    True

    With Dask, out of core:

    >>> import dask.dataframe as dd, pandas as pd
    >>> lazy = dd.from_map(
    ...     lambda part, schema: part.to_table(schema=schema).to_pandas(types_mapper=pd.ArrowDtype),
    ...     list(patients.get_fragments()),
    ...     schema=patients.schema,
    ...     meta=patients.schema.empty_table().to_pandas(types_mapper=pd.ArrowDtype),
    ... )
    >>> len(lazy) == patients.count_rows()
    True
    """
    cases = CaseQuery(case_type, where, query, since, until)
    reading = _reading(resolve(domain), cases, cache=cache, max_age=max_age, progress=progress, connections=connections)
    return dataset_of(reading, case_type)


@checked
def list_case_types(*, domain: str | Domain | None = None, wire: Wire = "json") -> pd.DataFrame:
    """List the case types of which the domain has cases.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.

    Returns
    -------
    DataFrame
        Column ``case_type`` (str), in alphabetical order.

    Raises
    ------
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/a/{domain}/api/domain_cases/v1/``, which HQ does not count against the domain's requests.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.list_case_types()["case_type"].tolist()
    ['child', 'household', 'patient', 'visit']
    """
    return read_list(resolve(domain), CASE_TYPES, {"case_type": "case_type"}, wire)


def cases_on_disk(
    cases: CaseQuery,
    domain: str | Domain | None,
    scratch: Path,
    *,
    cache: Cache,
    max_age: str | timedelta | None,
    progress: bool | None,
    connections: int,
) -> Reading:
    """Bring cases up to date for a streamed export; what is not cached lies in `scratch` meanwhile."""
    return _reading(
        resolve(domain),
        cases,
        cache=cache,
        max_age=max_age,
        progress=progress,
        connections=connections,
        scratch=scratch,
    )


def dataset_of(reading: Reading, case_type: str | None) -> ds.Dataset:
    """Return the cases of a reading, not loaded; raise for a case type that nobody knows."""
    if not reading.store.manifest.rows and case_type is not None and reading.cache != "offline":
        return ds.dataset(_empty(reading, case_type, reading.table()))
    return reading.dataset()


def _reading(
    domain: Domain,
    cases: CaseQuery,
    *,
    cache: Cache,
    max_age: str | timedelta | None,
    progress: bool | None,
    connections: int,
    scratch: Path | None = None,
    is_for_frame: bool = False,
) -> Reading:
    if connections < 1:
        raise QueryError(f"connections={connections} is too few: one reader at least is needed.")
    cases = cases.on(domain)
    whole = case_request(domain, replace(cases, columns=None), narrow=False)
    use_whole = cases.is_whole and whole.layout is cases.layout and cache is not False
    if cases.columns is not None and not (use_whole and whole.on_disk(whole.folder).manifest.refreshed_at):
        request = case_request(domain, cases, narrow=True)
    else:
        request = whole

    def bring(request: Request) -> Reading:
        return Reading.of(
            request,
            cache=cache,
            max_age=max_age,
            progress=progress,
            connections=connections,
            scratch=scratch,
            is_for_frame=is_for_frame,
        )

    try:
        return bring(request)
    except QueryError as error:
        if request is whole or "fields" not in str(error):
            raise
        return bring(case_request(domain, cases, narrow=False))


def case_request(domain: Domain, cases: CaseQuery, *, narrow: bool) -> Request:
    """Return what to read for a caller of `read_cases`; `narrow` as in `CaseQuery.question`."""
    cases = cases.on(domain)
    question = cases.question(narrow=narrow)
    is_whole_table = cases.is_whole and cases.columns is None
    what = (cases.case_type or ANY_TYPE) if is_whole_table else None
    kind = "cases v1" if cases.is_v1 else "cases"
    return Request(domain, question, cases.layout, kind, what, cases.asked)


def _empty(reading: Reading, case_type: str, table: pa.Table) -> pa.Table:
    """Return the columns of a case type without cases; raise for one that nobody knows."""
    domain = reading.request.domain
    in_use = list_case_types(domain=domain)["case_type"].tolist()
    if case_type in in_use:
        return table
    from commcare_frames.read.applications import structure

    properties = structure(domain, cache=reading.cache, max_age=A_MOMENT, required=True).case_properties()
    if case_type not in properties:
        if any(map(reading.request.layout.is_value, reading.store.manifest.columns)):
            return table  # there were such cases once
        reading.forget()
        known = sorted({*in_use, *properties})
        raise NotFoundError(
            f"Domain {domain.name!r} has no case type {case_type!r}.{did_you_mean(case_type, known)} "
            f"Its case types are {', '.join(known) or 'none yet'}."
        )
    for name in properties[case_type]:
        if name not in table.column_names:
            table = table.append_column(name, pa.array([], pa.string()))
    return table


def _refuse_with_ids(cases: CaseQuery, cache: Cache) -> None:
    if cases.case_type is not None or not cases.is_whole:
        raise QueryError(
            "HQ finds cases by id whatever they are: case_ids and external_ids cannot be combined with a case type "
            "or with where, query, since or until."
        )
    cases.refuse_ids()
    if cache == "offline":
        raise QueryError("Cases are read by id from HQ only; offline, read the case type and pick rows from it.")


def _read_by_ids(
    domain: Domain, cases: CaseQuery, case_ids: Sequence[str], external_ids: Sequence[str]
) -> tuple[Reading, pa.Table]:
    cases.on(domain).refuse_ids()
    request = case_request(domain, cases, narrow=False)
    store = request.in_memory()
    flattener = Flattener(cases.layout)
    store.append(flattener.table(b"[]"), running=None)
    for kind, ids in (("case_ids", case_ids), ("external_ids", external_ids)):
        missing: list[str] = []
        for fetched in fetch_cases(domain.client, ids, kind=kind):
            store.append(flattener.table(fetched.records), running=None)
            missing += fetched.missing
        if missing:
            warn(f"HQ has no case with {len(missing):,} of the {kind.replace('_', ' ')}: {', '.join(missing)}.")
    return Reading(request, store, cache=False), store.read()
