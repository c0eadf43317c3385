"""Lays out the rows of a lookup table: a column for each value that its fields and item attributes may have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.exact import parse, to_text
from commcare_frames.tables.layout import Column
from commcare_frames.tables.paths import to_name
from commcare_frames.tables.records import RecordLayout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from commcare_frames.tables.exact import Record
    from commcare_frames.tables.layout import Path

ROW_ID, FIELDS, ATTRIBUTES, TABLE_ID, SORT_KEY = "row_id", "fields", "item_attributes", "data_type_id", "sort_key"
_REST = "metadata"

LOOKUP_ROWS = RecordLayout(
    name="lookup table rows",
    metadata=(
        Column(ROW_ID, ("id",)),
        Column(FIELDS, ("fields",)),
        Column(ATTRIBUTES, ("item_attributes",), when="sent"),
        Column(TABLE_ID, ("data_type_id",), when="sent"),
        Column(SORT_KEY, ("sort_key",), when="sent"),
    ),
    dropped=frozenset({"resource_uri", "fixture_type"}),
    numbers=frozenset({SORT_KEY}),
)
"""A row as HQ sends it, its fields and attributes as JSON: what they hold depends on the table."""

_TAKEN = frozenset({*(column.name for column in LOOKUP_ROWS.metadata), _REST})


@dataclass(frozen=True)
class LookupTable:
    """A lookup table.

    Attributes
    ----------
    table_id, tag
        What HQ and what forms call it.
    is_global
        Whether all users have it, whatever their location or group.
    fields
        The names of its fields, and of the properties that their values have, such as a language.
    item_attributes
        The names of the attributes of its rows.
    """

    table_id: str
    tag: str
    is_global: bool | None
    fields: Mapping[str, tuple[str, ...]]
    item_attributes: tuple[str, ...]


def table_of(described: Mapping[str, Any]) -> LookupTable:
    """Make sense of HQ's description of a lookup table, of which any key may be missing."""
    fields = [each for each in described.get("fields") or () if isinstance(each, dict) and each.get("field_name")]
    return LookupTable(
        table_id=str(described["id"]),
        tag=str(described.get("tag") or ""),
        is_global={"true": True, "false": False}.get(str(described.get("is_global")).lower()),
        fields={str(each["field_name"]): tuple(map(str, each.get("properties") or ())) for each in fields},
        item_attributes=tuple(map(str, described.get("item_attributes") or ())),
    )


def fields_of(rows: pa.Table) -> list[Record]:
    """Return the fields of each row as HQ sends them."""
    return _objects(rows[FIELDS])


def of_table(rows: pa.Table, table: LookupTable) -> pa.Table:
    """Return those of the rows of all tables that are a table's, in the order in which HQ gives them for it alone."""
    own = rows.filter(pc.equal(rows[TABLE_ID], table.table_id))
    if SORT_KEY not in own.column_names:
        return own
    return own.take(pc.sort_indices(own[SORT_KEY].cast(pa.float64())))


def laid_out(rows: pa.Table, table: LookupTable) -> pa.Table:
    """Return rows with a column for each value of their fields, and for each item attribute.

    Parameters
    ----------
    rows
        Rows in the layout `LOOKUP_ROWS`.
    table
        The table that they are of. What it declares is there also when there are no rows.

    Returns
    -------
    pyarrow.Table
        ``row_id``; the columns of the fields, in the table's order; ``item_attributes.<name>`` and ``sort_key`` where
        the rows have them; what else they have as ``metadata.<name>``.
    """
    records = fields_of(rows)
    cells: dict[str, list[str | None]] = {}
    for name, properties in _properties(records, table).items():
        cells |= _cells(name, properties, records, is_single=not table.fields.get(name))
    attributes = _objects(rows[ATTRIBUTES]) if ATTRIBUTES in rows.column_names else [{}] * rows.num_rows
    for name in dict.fromkeys([*table.item_attributes, *(name for each in attributes for name in each)]):
        cells[to_name((ATTRIBUTES, name))] = [to_text(each.get(name)) for each in attributes]
    made: dict[str, Any] = {ROW_ID: rows[ROW_ID], **{name: pa.array(cells[name], pa.string()) for name in cells}}
    if SORT_KEY in rows.column_names:
        made[SORT_KEY] = rows[SORT_KEY]
    return pa.table(made | {f"{_REST}.{name}": rows[name] for name in rows.column_names if name not in _TAKEN})


def _properties(records: Iterable[Record], table: LookupTable) -> dict[str, tuple[str, ...]]:
    """Return the names of the properties that the values of each field have, those that the table declares first."""
    found = {name: dict.fromkeys(properties) for name, properties in table.fields.items()}
    for record in records:
        for name, field in record.items():
            known = found.setdefault(name, {})
            for value in _values(field):
                known.update(dict.fromkeys(value.get("properties") or {}))
    return {name: tuple(properties) for name, properties in found.items()}


def _cells(
    name: str, properties: tuple[str, ...], records: list[Record], *, is_single: bool
) -> dict[str, list[str | None]]:
    """Return the columns of a field: one for each combination of properties that its values have."""
    plain = _column((name,), 1)
    cells: dict[str, list[str | None]] = {plain: [None] * len(records)} if is_single else {}
    for row, record in enumerate(records):
        times: Counter[Path] = Counter()
        for value in _values(record.get(name)):
            path = _path(name, properties, value.get("properties") or {})
            times[path] += 1
            column = _column(path, times[path])
            cells.setdefault(column, [None] * len(records))[row] = to_text(value.get("field_value"))
    return cells or {plain: [None] * len(records)}


def _values(field: Any) -> list[Record]:  # noqa: ANN401 - any JSON value
    """Return the values of a field, which HQ sends bare where no field of the row has properties or several values."""
    listed = field.get("field_list") if isinstance(field, dict) else None
    return listed if isinstance(listed, list) else [{"field_value": field}]


def _path(name: str, properties: tuple[str, ...], said: Mapping[str, Any]) -> Path:
    keys = [to_text(said.get(each)) or "" for each in properties]
    while keys and not keys[-1]:
        keys.pop()
    return (name, *keys)


def _column(path: Path, time: int) -> str:
    """Return the column of the values with these properties; of several in a row each has its own."""
    name = to_name(path) + (f"[{time}]" if time > 1 else "")
    return f"{FIELDS}.{name}" if path[0] in _TAKEN else name


def _objects(texts: pa.ChunkedArray[Any]) -> list[Record]:
    """Read a column of JSON objects."""
    return parse(b"[%b]" % b",".join((text or "{}").encode() for text in texts.to_pylist()))
