"""Exports for CommCare's Data Export Tool (DET, commcare-export): which were saved, and their tables as DataFrames."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import QueryError
from commcare_frames.hq.answers import BrokenAnswerError
from commcare_frames.hq.resources import DET_CONFIG, DET_EXPORTS
from commcare_frames.hq.stamps import to_stamp
from commcare_frames.read.definitions import Catalogue
from commcare_frames.read.query_files import EXCEL_BEGINS, content_of, sheets_of
from commcare_frames.read.query_sources import SOURCES, records_of
from commcare_frames.read.related_tables import Tables
from commcare_frames.tables.det.columns import to_frame
from commcare_frames.tables.det.places import Place
from commcare_frames.tables.det.query import Table, read_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commcare_frames.hq.client import Answer
    from commcare_frames.hq.resource import Wire
    from commcare_frames.read.definitions import Definition
    from commcare_frames.tables.det.functions import Value
    from commcare_frames.tables.det.query import Source

    Rows = list[list[Value]]

CATALOGUE = Catalogue(DET_EXPORTS, "DET export", "name")


@checked
def list_det_exports(*, domain: str | Domain | None = None, wire: Wire = "json") -> pd.DataFrame:
    """List the exports that were saved for the Data Export Tool (DET), commcare-export.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.

    Returns
    -------
    DataFrame
        Columns ``det_export_id``, ``name``, ``type`` (form or case), ``case_type``, ``xmlns``, ``export_format`` (str),
        ``is_deidentified`` (boolean) and ``det_config_url`` (str), where its query file is, in the order of the names.
        HQ lists the exports for which somebody switched on the DET config file.

    Raises
    ------
    PermissionMissingError
        When the user may not see reports; mobile workers may not ask this.
    CommCareError
        When the server cannot be reached or refuses.

    Notes
    -----
    Asks ``/a/{domain}/api/det_export_instance/v1/`` (permission "Access All Reports").

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> exports = ccf.list_det_exports().set_index("name")
    >>> exports.loc["Patients", "case_type"]
    'patient'
    """
    exports = CATALOGUE.of(resolve(domain), wire=wire).known
    texts = {
        "det_export_id": "id",
        "name": "title",
        **{name: name for name in ("type", "case_type", "xmlns", "export_format")},
    }
    columns = {column: pd.Series([each.get(key) for each in exports], dtype="str") for column, key in texts.items()}
    flags = [None if each.get("is_deidentified") is None else each["is_deidentified"] == "true" for each in exports]
    columns["is_deidentified"] = pd.Series(flags, dtype="boolean")
    columns["det_config_url"] = pd.Series([each.get("det_config_url") for each in exports], dtype="str")
    return pd.DataFrame(columns).sort_values(["name", "det_export_id"], ignore_index=True)


@checked
def read_det_export(
    name_or_path: str | Path, *, domain: str | Domain | None = None, progress: bool | None = None
) -> dict[str, pd.DataFrame]:
    """Run an Excel query of commcare-export, the Data Export Tool (DET), and return its tables.

    The tables have the columns, values and rows that commcare-export 1.16 writes to Excel or SQL for the same file,
    in the same order. All records are read anew at each call, those of sheets with the same source and filters once.

    Parameters
    ----------
    name_or_path
        The path of a query file (.xlsx), or the name or id of an export that was saved on HQ; see `list_det_exports`.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    dict
        Frames by the name of their table, in the order of the sheets. A column has the dtype of its values: texts are
        ``str`` and stay as they are, blank ones too; what functions such as ``str2num`` and ``str2date`` make are
        numbers and times (UTC, without a zone, as commcare-export has them); what is not there is missing; a group of
        answers is JSON. ``Data Type`` in the sheet gives a column its dtype. ``frame.attrs["commcare"]`` tells server,
        domain, query, table, when it was read, and the rows.

    Raises
    ------
    NotFoundError
        When the domain has no such export.
    QueryError
        When the query file is not as it should be, naming sheet and cell, or a function does not take a value.
    PermissionMissingError
        When the user may not read what a sheet asks for.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing, or openpyxl is not installed.

    Warns
    -----
    DataWarning
        When a sheet says no ``Data Source``, a column is blank because commcare-export cannot write its values, values
        do not have the data type that stands beside them, or HQ gave other records than it counted.

    Notes
    -----
    Sheets have the columns ``Data Source``, ``Filter Name``, ``Filter Value``, ``Include Referenced Items``,
    ``Table Name``, ``Field``, ``Source Field``, ``Alternate Source Field 1`` and so on, ``Map Via``, ``Format Via`` and
    ``Data Type``, with a sheet ``Mappings`` beside them. The data sources are ``form``, ``case``, ``user``,
    ``web-user``, ``location``, ``application``, ``messaging-event`` and ``ucr``; each needs the permission that
    reading such records needs.

    A mistake in a sheet, which commcare-export leaves out then, is an error, and so is a filter without a value.
    Mappings hold in sheets of repeats too, where commcare-export fails. The options of its command line, such as
    ``--missing-value`` and ``--with-organization``, have no counterpart.

    Asks ``/a/{domain}/api/det_export_instance/v1/`` (permission "Access All Reports") for a saved export.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> tables = ccf.read_det_export("Patients")
    >>> str(tables["Cases"]["age"].dtype)
    'Int64'
    """
    where = resolve(domain)
    name, content = _query_file(where, name_or_path)
    tables = read_query(sheets_of(content, name), SOURCES)
    _check_names(tables)
    about = {"server": where.server, "domain": where.name, "query": name}
    rows: dict[str, Rows] = {table.name: [] for table in tables}
    for source in dict.fromkeys(table.source for table in tables):
        _add_rows(rows, where, source, [table for table in tables if table.source == source], progress)
    frames = Tables()
    for table in tables:
        if table.name in frames:
            continue
        frame = frames[table.name] = to_frame(table.fields, rows[table.name])
        refreshed_at = to_stamp(datetime.now(UTC))
        frame.attrs["commcare"] = {**about, "table": table.name, "refreshed_at": refreshed_at, "rows": len(frame)}
    return frames


def _query_file(domain: Domain, name_or_path: str | Path) -> tuple[str, bytes]:
    """Return the name and content of a query file, on this computer or on HQ."""
    path = Path(name_or_path)
    if isinstance(name_or_path, Path) or path.suffix.lower() in {".xlsx", ".xls", ".json"}:
        return path.name, content_of(path)
    export = CATALOGUE.of(domain).named(name_or_path)
    return export["title"], _config(domain, export)


def _config(domain: Domain, export: Definition) -> bytes:
    """Fetch the query file of a saved export.

    HQ gives its address with a host or without, and behind a proxy with another host than this one.
    """
    address = urlsplit(export["det_config_url"]).path

    def read(answer: Answer) -> bytes:
        if not answer.body.startswith(EXCEL_BEGINS):
            raise BrokenAnswerError("something other than an Excel file")
        return answer.body

    return domain.client.ask(DET_CONFIG, tail=address, read=read)


def _check_names(tables: Sequence[Table]) -> None:
    """Refuse two sheets that make one table with different columns."""
    first: dict[str, Table] = {}
    for table in tables:
        other = first.setdefault(table.name, table)
        if [field.name for field in other.fields] != [field.name for field in table.fields]:
            raise QueryError(f"{other.where} and {table.where} make one table, {table.name!r}, with different columns.")


def _add_rows(
    rows: dict[str, Rows], domain: Domain, source: Source, tables: Sequence[Table], progress: bool | None
) -> None:
    """Add the rows that the records of a source make in the tables that it is the source of."""
    made: dict[object, list[tuple[str, Rows]]] = {}
    for key, record in records_of(domain, source, progress):
        place = Place(record)
        # A record that changes while all are read comes again, in a later place.
        made.pop(key, None)
        made[key] = [(table.name, list(table.rows(place, domain.server))) for table in tables]
    for parts in made.values():
        for name, part in parts:
            rows[name] += part
