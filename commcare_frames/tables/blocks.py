"""Makes tables of the JSON that forms carry beside answers: the cases they touched, and their attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.leaves import unpack
from commcare_frames.tables.paths import to_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commcare_frames.tables.exact import Record
    from commcare_frames.tables.layout import Path

_CASE_COLUMNS = {
    ("@case_id",): "case_id",
    ("@date_modified",): "date_modified",
    ("@user_id",): "user_id",
    ("@xmlns",): "xmlns",
}
_ATTACHMENT_FIELDS = ("content_type", "length", "url")


def cases_of(blocks: Sequence[tuple[pa.Table, Path]]) -> pa.Table:
    """Return one row per case block.

    Parameters
    ----------
    blocks
        Keys of rows with a column ``json`` of case blocks, one or a list of them, and the path where they stand.

    Returns
    -------
    pyarrow.Table
        The keys, ``path``, ``case_id``, then ``create.``, ``update.``, ``index.`` and what else the blocks have.
    """
    tables = [table for keys, path in blocks if (table := _cases_at(keys, path)).num_rows]
    if not tables:
        return pa.table({name: pa.array([], pa.string()) for name in ("form_id", "path", "case_id")})
    return pa.concat_tables(tables, promote_options="default")


def _cases_at(keys: pa.Table, path: Path) -> pa.Table:
    given = keys.filter(pc.is_valid(keys["json"]))
    lengths, leaves = unpack(given["json"].to_pylist())
    owners = np.repeat(np.arange(given.num_rows), lengths)
    table = given.drop_columns(["json"]).take(pa.array(owners))
    table = table.append_column("path", pa.array([to_name(path)] * table.num_rows, pa.string()))
    columns: dict[str, pa.Array[Any]] = {_case_column(place): texts for place, texts in leaves.texts.items()}
    columns |= {_case_column(place) + ending: texts for (place, ending), texts in leaves.json.items()}
    first = [name for name in _CASE_COLUMNS.values() if name in columns]
    for name in [*first, *sorted(columns.keys() - set(first))]:
        table = table.append_column(name, columns[name])
    return table


def _case_column(path: Path) -> str:
    if path in _CASE_COLUMNS:
        return _CASE_COLUMNS[path]
    if path[0] == "index" and path[1:]:
        # As the links of cases are named.
        return to_name((*path[:2], *([key.removeprefix("@") for key in path[2:]] or ["case_id"])))
    return to_name(path)


def attachments_of(keys: pa.Table, details: pa.ChunkedArray[Any] | None) -> pa.Table:
    """Return one row per attachment: the form's key, ``name``, ``content_type``, ``length`` and ``url``."""
    found: list[tuple[Any, str, Record]] = []
    if details is not None:
        for form_id, text in zip(keys["form_id"].to_pylist(), details.to_pylist(), strict=True):
            found += [(form_id, name, about) for name, about in (orjson.loads(text) if text else {}).items()]
    columns: dict[str, pa.Array[Any]] = {
        "form_id": pa.array([form_id for form_id, _, _ in found], pa.string()),
        "name": pa.array([name for _, name, _ in found], pa.string()),
    }
    for field in _ATTACHMENT_FIELDS:
        kind = pa.int64() if field == "length" else pa.string()
        columns[field] = pa.array([about.get(field) for _, _, about in found], kind)
    return pa.table(columns)
