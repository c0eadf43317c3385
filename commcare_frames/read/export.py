"""Cases, forms and reports as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from commcare_frames.arguments import checked
from commcare_frames.read.case_queries import CaseQuery, wanted
from commcare_frames.read.cases import cases_on_disk, dataset_of
from commcare_frames.read.exporting import About, Rows, put_in_place, scratch_folder, write
from commcare_frames.read.files import format_of
from commcare_frames.read.form_export import FormRows
from commcare_frames.read.form_reading import read_submissions
from commcare_frames.read.frame_export import export_frame
from commcare_frames.read.reports import read_report
from commcare_frames.read.review import warn_of_file

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from commcare_frames.connection import Domain
    from commcare_frames.read.reading import Cache
    from commcare_frames.tables.dtypes import Dtypes


@checked
def export_cases(
    path: str | os.PathLike[str],
    case_type: str | None = None,
    *,
    domain: str | Domain | None = None,
    where: Mapping[str, Any] | None = None,
    query: str | None = None,
    since: object = None,
    until: object = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    connections: int = 1,
    neutralise: bool = False,
) -> Path:
    """Write cases to a file, one row per case, also where they are too many for memory.

    The file has the columns and dtypes of `read_cases`, and only its owner may read it. It comes into its place once
    it is whole: an export that fails leaves an earlier file as it was.

    Parameters
    ----------
    path
        Where to; its ending says how:

        ``.parquet``, ``.feather``
            Compressed, with the dtypes of `read_cases`.
        ``.duckdb``
            A DuckDB database with one table, named like the case type, or ``cases`` for all types.
        ``.csv``
            UTF-8. Every value as HQ sent it, missing and blank ones empty; times in UTC.
        ``.xlsx``
            Texts, numbers and dates as such; times in UTC. What Excel would not keep is text: whole numbers of more
            than 15 digits, and dates before March 1900. It is the slowest format, and holds 1,048,575 rows.
    case_type, domain, where, query, since, until, columns, dtypes, cache, max_age, progress, connections
        As in `read_cases`.
    neutralise
        Put an apostrophe before texts in ``.csv`` and ``.xlsx`` that begin with ``=``, ``+``, ``-``, ``@``, a tab or a
        carriage return. In Excel they are text anyway, but a spreadsheet program that opens a CSV file takes them for
        formulas, and whoever can fill in a form could run one on your computer. Not done unless asked for, as it
        changes data: the phone number ``+44...`` becomes ``'+44...``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExportError
        When the file cannot be written, or cannot hold these cases.
    QueryError
        When the path's ending is no format's, or HQ cannot answer what is asked.
    CommCareError
        As `read_cases`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> import pandas as pd
    >>> file = ccf.export_cases(folder / "patients.parquet", "patient")
    >>> len(pd.read_parquet(file)) == len(ccf.read_cases("patient"))
    True
    """
    cases = CaseQuery(case_type, where, query, since, until, wanted(columns))
    path = Path(path).expanduser()
    with put_in_place(path) as file, scratch_folder() as scratch:
        kind = format_of(path)
        reading = cases_on_disk(
            cases, domain, scratch, cache=cache, max_age=max_age, progress=progress, connections=connections
        )
        layout = reading.request.layout
        rows = reading.sound(lambda: Rows.planned(dataset_of(reading, case_type), layout, dtypes, cases.columns))
        write(path, file, kind, rows, About(case_type or "cases"), neutralise=neutralise)
    return path


@checked
def export_forms(
    path: str | os.PathLike[str],
    form: str,
    *,
    repeat: str | None = None,
    app: str | None = None,
    domain: str | Domain | None = None,
    case_id: str | None = None,
    since: object = None,
    until: object = None,
    include_archived: bool = False,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    label_row: bool = False,
    neutralise: bool = False,
) -> Path:
    """Write the submissions of a form, or the entries of one of its repeats, to a file, also where they are many.

    Columns and dtypes are those of `read_forms` or `read_repeats`, rows in the order in which HQ last indexed them. In
    a ``.csv`` file geopoints and answers that do not fit their question stay as HQ sent them.

    Parameters
    ----------
    path
        Where to; its ending says how, as in `export_cases`. A ``.parquet`` or ``.feather`` file says of each column
        its question's ``label``, ``path`` and ``choices``, as metadata of the field; an ``.xlsx`` file has a second
        sheet, ``codebook``.
    form
        The form, as in `read_forms`.
    repeat
        Path of a repeat group, whose entries to write.
    app, domain, case_id, since, until, include_archived, columns, dtypes, cache, max_age, progress
        As in `read_forms`.
    label_row
        In an ``.xlsx`` file, put the questions' labels in a row below the names of the columns.
    neutralise
        As in `export_cases`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExportError
        When the file cannot be written, or cannot hold these submissions.
    CommCareError
        As `read_forms`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> import pyarrow.parquet as pq
    >>> file = ccf.export_forms(folder / "visits.parquet", "Visit")
    >>> pq.read_schema(file).field("examination.hb").metadata[b"label"].decode()
    'Haemoglobin'
    """
    path = Path(path).expanduser()
    chosen = wanted(columns)
    with put_in_place(path) as file, scratch_folder() as scratch:
        kind = format_of(path)
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
            scratch=scratch / "forms",
        )
        forms = FormRows(found, repeat, "string" if kind.as_sent and dtypes == "infer" else dtypes)
        rows, misfits = forms.on_disk(scratch / "pieces", chosen)
        write(path, file, kind, rows, forms.about(repeat or "forms", label_row=label_row), neutralise=neutralise)
    warn_of_file(misfits.rows)
    return path


@checked
def export_report(
    path: str | os.PathLike[str],
    report: str,
    *,
    filters: Mapping[str, Any] | None = None,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    label_row: bool = False,
    neutralise: bool = False,
) -> Path:
    """Write a report to a file.

    Parameters
    ----------
    path
        Where to; its ending says how, as in `export_cases`. A ``.parquet`` or ``.feather`` file says of each column
        what the report calls it, as metadata ``label`` of the field.
    report, filters, domain, columns, dtypes, cache, max_age, progress
        As in `read_report`.
    label_row
        In an ``.xlsx`` file, put what the report calls the columns in a row below their names.
    neutralise
        As in `export_cases`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExportError
        When the file cannot be written, or cannot hold this report.
    CommCareError
        As `read_report`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> import pandas as pd
    >>> file = ccf.export_report(folder / "open.csv", "Open pregnancies")
    >>> len(pd.read_csv(file)) == len(ccf.read_report("Open pregnancies"))
    True
    """
    return export_frame(
        Path(path),
        "report",
        lambda: read_report(
            report,
            filters=filters,
            domain=domain,
            columns=columns,
            dtypes=dtypes,
            cache=cache,
            max_age=max_age,
            progress=progress,
        ),
        neutralise=neutralise,
        label_row=label_row,
    )
