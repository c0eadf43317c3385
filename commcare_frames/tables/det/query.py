"""Reads what stands in the sheets of a commcare-export query file: one table each, and mappings of values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import QueryError, did_you_mean, warn
from commcare_frames.tables.det.fields import Field, row_of
from commcare_frames.tables.det.functions import Function, FunctionError, Spot, function_of
from commcare_frames.tables.det.paths import Path, PathError, parse, parse_field, split_source
from commcare_frames.tables.det.sheets import Cell, Sheet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from commcare_frames.tables.det.functions import Value
    from commcare_frames.tables.det.places import Place

MAPPINGS = "Mappings"
KINDS = ("text", "boolean", "datetime", "date", "integer", "json")
ALTERNATES, ALTERNATE = "alternate source fields", "alternate source field"

Mappings = dict[str, dict[Any, Any]]


@dataclass(frozen=True)
class Source:
    """The records that a table is made of: the same source is read once.

    Parameters
    ----------
    name
        What they are, such as ``form``.
    filters
        What HQ is asked to choose them by.
    included
        What HQ is asked to put into each record, such as ``cases``.
    """

    name: str
    filters: tuple[tuple[str, str], ...] = ()
    included: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table that a sheet asks for.

    Parameters
    ----------
    name
        What it is called.
    where
        Its sheet, for errors.
    source
        The records.
    entries
        Where its rows stand in a record; None where a record is a row.
    fields
        Its columns.
    """

    name: str
    where: str
    source: Source
    entries: Path | None
    fields: tuple[Field, ...]

    def rows(self, record: Place, server: str) -> Iterator[list[Value]]:
        """Go through the rows that a record makes.

        Parameters
        ----------
        record
            The record; objects in it get ids, which the rows of later tables see, as in commcare-export.
        server
            Where it is from.
        """
        places = [record] if self.entries is None else self.entries.places(record)
        for place in places:
            yield row_of(self.fields, Spot(place, server))


def read_query(sheets: Mapping[str, Sequence[Sequence[Any]]], sources: Collection[str]) -> list[Table]:
    """Read all sheets of a query file.

    Parameters
    ----------
    sheets
        The rows of cells of each sheet, by its title.
    sources
        The data sources that there are.

    Returns
    -------
    list of Table
        In the order of the sheets.

    Raises
    ------
    QueryError
        When a cell holds what it cannot, naming sheet and cell.

    Warns
    -----
    DataWarning
        When a sheet has no data source, and is left out as commcare-export does.
    """
    mappings = _mappings(Sheet(MAPPINGS, sheets[MAPPINGS])) if MAPPINGS in sheets else {}
    tables = []
    for title, rows in sheets.items():
        sheet = Sheet(title, rows)
        if title == MAPPINGS:
            continue
        if not sheet.column("data source"):
            warn(f'Sheet {title!r} says no "Data Source", so that it makes no table.')
            continue
        tables.append(_table(sheet, mappings, sources))
    if not tables:
        raise QueryError('No sheet of the query file says a "Data Source": it asks for nothing.')
    return tables


def _table(sheet: Sheet, mappings: Mappings, sources: Collection[str]) -> Table:
    cell = sheet.column("data source")[0]
    name, entries = _source(cell, sources)
    included = tuple(str(each.value) for each in sheet.column("include referenced items") if each.is_filled)
    titles = sheet.column("table name")
    return Table(
        name=titles[0].text if titles else sheet.title,
        where=sheet.where,
        source=Source(name, tuple(_filters(sheet)), included),
        entries=entries,
        fields=_fields(sheet, mappings),
    )


def _source(cell: Cell, sources: Collection[str]) -> tuple[str, Path | None]:
    try:
        name, entries = split_source(parse(cell.text))
    except PathError as error:
        raise QueryError(f"{cell.where}: {error}.") from error
    if name not in sources:
        raise QueryError(
            f"{cell.where}: {name!r} is no data source of commcare-export.{did_you_mean(name, sources)} "
            f"They are {', '.join(sources)}."
        )
    return name, entries


def _filters(sheet: Sheet) -> Iterator[tuple[str, str]]:
    longest = max(sheet.column("filter name"), sheet.column("filter value"), key=len)
    for name, value in zip(sheet.beside(longest, "filter name"), sheet.beside(longest, "filter value"), strict=True):
        if not name.is_filled and not value.is_filled:
            continue
        if not name.is_filled or not value.is_filled:
            lacking, other = (name, value) if value.is_filled else (value, name)
            raise QueryError(
                f"{lacking.where}: a filter has a name and a value, and beside {str(other.value)!r} this is "
                f"{'empty' if lacking.value in {None, ''} else f'{lacking.value!r}, which commcare-export leaves out'}."
                " Write it as text, or delete the filter."
            )
        moment = value.value
        yield name.text, moment.isoformat() if isinstance(moment, datetime) else str(moment)


def _fields(sheet: Sheet, mappings: Mappings) -> tuple[Field, ...]:
    names = sheet.column("field")
    if not names:
        raise QueryError(f'{sheet.where} has no "Field": name the columns of its table there.')
    sources, alternates = sheet.beside(names, "source field"), _alternates(sheet, names)
    functions = zip(sheet.beside(names, "map via"), sheet.beside(names, "format via"), strict=True)
    kinds = sheet.beside(names, "data type")
    return tuple(
        Field(
            name=name.text,
            where=name.where,
            paths=(_path(source), *map(_path, others)),
            functions=tuple(_function(cell) for cell in both if cell.is_filled),
            mapping=mappings.get(name.text),
            kind=_kind(kind),
        )
        for name, source, others, both, kind in zip(names, sources, alternates, functions, kinds, strict=True)
    )


def _alternates(sheet: Sheet, names: Sequence[Cell]) -> list[list[Cell]]:
    if sheet.column(ALTERNATES):
        cells = sheet.beside(names, ALTERNATES)
        return [
            [Cell(part.strip(), cell.where) for part in cell.text.split(",")] if cell.is_filled else []
            for cell in cells
        ]
    columns = [sheet.beside(names, title) for title in sorted(sheet.titles(ALTERNATE))]
    return [[column[row] for column in columns if column[row].is_filled] for row in range(len(names))]


def _path(cell: Cell) -> Path:
    try:
        return parse_field(cell.text)
    except PathError as error:
        raise QueryError(f"{cell.where}: {error}.") from error


def _function(cell: Cell) -> Function:
    try:
        return function_of(cell.text)
    except FunctionError as error:
        raise QueryError(f"{cell.where}: {error}.") from error


def _kind(cell: Cell) -> str:
    if not cell.is_filled:
        return ""
    if cell.text not in KINDS:
        raise QueryError(f"{cell.where}: {cell.text!r} is no data type. They are {', '.join(KINDS)}.")
    return cell.text


def _mappings(sheet: Sheet) -> Mappings:
    names = sheet.column("mapping name")
    if not names:
        raise QueryError(f'{sheet.where} has no "Mapping Name", "Source" and "Destination".')
    mappings: Mappings = {}
    for name, source, destination in zip(
        names, sheet.beside(names, "source"), sheet.beside(names, "destination"), strict=True
    ):
        if name.is_filled:
            mappings.setdefault(name.text, {})[source.value] = destination.value
    return mappings
