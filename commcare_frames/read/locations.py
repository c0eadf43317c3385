"""Locations with what stands above them, and their levels, as DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import warn
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import LOCATION_TYPES, LOCATIONS, LOCATIONS_V1
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.records import blanks_missing, records_frame, records_table
from commcare_frames.tables.levels import Levels, levels_of
from commcare_frames.tables.organisation import LOCATION, LOCATION_TYPE, LOCATION_V1

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.hq.resource import Wire
    from commcare_frames.tables.dtypes import Dtypes
    from commcare_frames.tables.records import RecordLayout

SHOWN = 5
_VERSION_1 = (LOCATIONS_V1, LOCATION_V1, "locations v1")
_VERSION_2 = (LOCATIONS, LOCATION, "locations")


@checked
def read_locations(
    *,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read locations into a DataFrame, one row per location, with its ancestors beside it.

    All locations are kept in the cache, and the next call asks HQ only for what changed. HQ hides archived locations,
    and so does the frame.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_cases`; it concerns the ``location_data``.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache, max_age, progress
        As in `read_cases`.

    Returns
    -------
    DataFrame
        Columns ``location_id``, ``name``, ``site_code``, ``location_type_code``, ``location_type_name``,
        ``parent_location_id`` (str, missing at the top), ``latitude``, ``longitude`` (Float64), ``last_modified``
        (datetime64[us, UTC]); for each level, from the top down, ``<type code>.name`` and
        ``<type code>.location_id`` (str) of the ancestor there, a location's own on its own level; then
        ``location_data.<field>`` for each field. Rows are ordered by site code.

    Raises
    ------
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what has arrived is kept, and the same call
        goes on from there.

    Warns
    -----
    DataWarning
        When locations have a parent that HQ does not show, or are their own ancestors.

    Notes
    -----
    Asks ``/a/{domain}/api/location/v2/`` (permission "Edit Locations", and a plan that includes locations), 5,000
    locations a request, which HQ does not count against the domain's requests. A connection that keeps to version 1
    asks ``location/v1/`` and ``location_type/v1/``, 1,000 a request, and has ``external_id`` and ``created_at`` too.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> places = ccf.read_locations()
    >>> places.loc[places["name"] == "Gaya Sadar", ["country.name", "district.name", "block.name"]].to_numpy().tolist()
    [['India', 'Gaya', 'Gaya Sadar']]
    """
    chosen = wanted(columns)
    where = resolve(domain)
    is_v1 = LOCATIONS.in_version(where.api_version) is LOCATIONS_V1
    resource, layout, kind = _VERSION_1 if is_v1 else _VERSION_2
    request = Request(where, Question(resource, wire=wire), layout, kind, "all", {})
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    table = records_table(reading)
    if is_v1:
        types = Reading.of(_of_types(where, wire), cache=cache, max_age=max_age, progress=progress, connections=1)
        table = _by_names(table, types.table())
    table = blanks_missing(table, layout, dtypes)
    levels = levels_of(table)
    _tell(levels)
    table = _with_levels(table, levels, layout)
    if dtypes == "infer" or isinstance(dtypes, Mapping):
        pins = {"latitude": "Float64", "longitude": "Float64", **dict.fromkeys(levels.columns, "str")}
        ours = {name: kind for name, kind in pins.items() if chosen is None or name in chosen}
        dtypes = {**ours, **(dtypes if isinstance(dtypes, Mapping) else {})}
    return records_frame(reading, table, columns=chosen, dtypes=dtypes)


@checked
def read_location_types(
    *,
    domain: str | Domain | None = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read the levels of locations into a DataFrame, one row per level.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    columns
        The columns wanted, in order.
    dtypes
        As in `read_cases`.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache, max_age, progress
        As in `read_cases`; levels are read anew at every call, unless `max_age` allows otherwise.

    Returns
    -------
    DataFrame
        Columns ``location_type_id`` (Int64), ``code``, ``name``, ``parent_code`` (str, missing at the top),
        ``administrative``, ``shares_cases``, ``view_descendants`` (boolean), from the top down.

    Raises
    ------
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/location_type/v1/`` (permission "Edit Locations", and a plan that includes locations), which
    HQ does not count against the domain's requests.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.read_location_types()["code"].tolist()
    ['country', 'district', 'block', 'village']
    """
    chosen = wanted(columns)
    request = _of_types(resolve(domain), wire)
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    table = blanks_missing(_from_the_top(records_table(reading)), LOCATION_TYPE, dtypes)
    return records_frame(reading, table, columns=chosen, dtypes=dtypes)


def _of_types(domain: Domain, wire: Wire) -> Request:
    return Request(domain, Question(LOCATION_TYPES, wire=wire), LOCATION_TYPE, "location types", "all", {})


def _by_names(locations: pa.Table, types: pa.Table) -> pa.Table:
    """Return locations of version 1 with the names of their types and the ids of their parents, not their addresses."""
    of_type = {row["location_type_id"]: (row["code"], row["name"]) for row in types.to_pylist()}
    numbers = [_number(address) for address in locations["location_type_code"].to_pylist()]
    named = [of_type.get(number or "", (None, None)) for number in numbers]
    made = {
        "location_type_code": [code for code, _ in named],
        "location_type_name": [name for _, name in named],
        "parent_location_id": [_number(address) for address in locations["parent_location_id"].to_pylist()],
    }
    for name, texts in made.items():
        place = locations.column_names.index(name)
        locations = locations.set_column(place, name, pa.array(texts, pa.string()))
    return locations


def _with_levels(table: pa.Table, levels: Levels, layout: RecordLayout) -> pa.Table:
    """Put the levels between a location's own columns and its data."""
    own = [column.name for column in layout.metadata]
    for name, ancestors in levels.columns.items():
        table = table.append_column(name, ancestors)
    data = [name for name in table.column_names if name not in own and name not in levels.columns]
    return table.select([*own, *levels.columns, *data])


def _tell(levels: Levels) -> None:
    """Warn of locations whose ancestors cannot all be told."""
    for ids, what in (
        (levels.orphans, "have a parent that HQ does not show: it was archived, or this login may not see it"),
        (levels.circular, "are their own ancestors, or below such a location"),
    ):
        if ids:
            some = ", ".join(ids[:SHOWN]) + (", ..." if len(ids) > SHOWN else "")
            warn(f"{len(ids):,} locations {what}. Their levels are missing from there on: {some}.")


def _from_the_top(types: pa.Table) -> pa.Table:
    """Return levels below their parents, each parent by its code instead of the address that HQ gives."""
    rows = types.to_pylist()
    parents = {row["location_type_id"]: _number(row["parent_code"]) for row in rows}
    codes = {row["location_type_id"]: row["code"] for row in rows}

    def depth(number: str) -> int:
        above: list[str] = []
        while (parent := parents.get(number)) is not None and parent not in above:
            above.append(parent)
            number = parent
        return len(above)

    rows.sort(key=lambda row: (depth(row["location_type_id"]), int(row["location_type_id"])))
    named = [{**row, "parent_code": codes.get(_number(row["parent_code"]))} for row in rows]
    return pa.Table.from_pylist(named, schema=types.schema)


def _number(address: str | None) -> str | None:
    return address.rstrip("/").rpartition("/")[2] if address else None
