"""Finds the ancestors of every location, level by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from commcare_frames.tables.paths import to_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]
    """Places of rows in a table; -1 for none."""


@dataclass(frozen=True)
class Levels:
    """What stands above every location.

    Attributes
    ----------
    columns
        For each level, from the top down, the name and the id of the ancestor there: a location's own on its own level,
        missing where it has no ancestor on a level.
    orphans
        Ids of the locations whose parent is not in the table.
    circular
        Ids of the locations that are their own ancestors, or lie below such a one.
    """

    columns: dict[str, pa.Array]
    orphans: list[str]
    circular: list[str]


def levels_of(locations: pa.Table) -> Levels:
    """Find the ancestors of every location.

    Parameters
    ----------
    locations
        Locations with the columns of their layout.

    Returns
    -------
    Levels
        In the order of the table.
    """
    ids = locations["location_id"].to_pylist()
    parents, orphans = _parents(ids, locations["parent_location_id"].to_pylist())
    depths = _depths(parents)
    parents[depths < 0] = -1
    types = locations["location_type_code"].to_pylist()
    codes = _from_the_top(types, np.where(depths < 0, len(ids), depths))
    found = _ancestors(parents, np.array([codes.get(code, -1) for code in types], np.int64), len(codes))
    columns: dict[str, pa.Array] = {}
    for code, level in codes.items():
        places = pa.array(found[:, level], mask=found[:, level] < 0)
        for key, column in (("name", "name"), ("location_id", "location_id")):
            columns[_column(code, key, locations.column_names)] = locations[column].combine_chunks().take(places)
    return Levels(columns, [ids[row] for row in orphans], [ids[row] for row in np.flatnonzero(depths < 0)])


def _parents(ids: list[str], parent_ids: list[str | None]) -> tuple[Places, list[int]]:
    """Return the row of every location's parent, and the rows of those whose parent is not there."""
    rows = {location_id: row for row, location_id in enumerate(ids)}
    parents = np.array([rows.get(parent_id or "", -1) for parent_id in parent_ids], np.int64)
    return parents, [row for row in np.flatnonzero(parents < 0).tolist() if parent_ids[row]]


def _depths(parents: Places) -> Places:
    """Return how many ancestors every location has; -1 where going up never ends."""
    depths = np.where(parents < 0, 0, -1)
    open_rows = np.flatnonzero(depths < 0)
    while len(open_rows):
        above = depths[parents[open_rows]]
        depths[open_rows[above >= 0]] = above[above >= 0] + 1
        left = open_rows[above < 0]
        if len(left) == len(open_rows):
            break
        open_rows = left
    return depths


def _from_the_top(types: list[str | None], depths: Places) -> dict[str, int]:
    """Return the number of every level, counted from the top."""
    shallowest: dict[str, int] = {}
    for code, depth in zip(types, depths.tolist(), strict=True):
        if code:
            shallowest[code] = min(depth, shallowest.get(code, depth))
    return {code: level for level, code in enumerate(sorted(shallowest, key=lambda code: (shallowest[code], code)))}


def _ancestors(parents: Places, levels: Places, number: int) -> Places:
    """Return, for every location and level, the row of the nearest ancestor there; all go up one step at a time."""
    found = np.full((len(parents), number), -1, np.int64)
    rows = here = np.arange(len(parents))
    while len(rows):
        level = levels[here]
        is_new = (level >= 0) & (found[rows, level] < 0)
        found[rows[is_new], level[is_new]] = here[is_new]
        above = parents[here]
        rows, here = rows[above >= 0], above[above >= 0]
    return found


def _column(code: str, key: str, taken: list[str]) -> str:
    """Name the column of a level, so that no other column has that name."""
    name = to_name((code, key))
    return to_name(("type", code, key)) if name in taken else name
