"""Answers what locations and location types there are, in both versions of HQ's location API."""

from __future__ import annotations

import operator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox import tastypie
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.messages import error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from commcare_frames.sandbox.messages import Request, Response

    Json = dict[str, Any]
    Test = Callable[[Json], bool]

V1_FIELDS = (
    "id", "location_id", "name", "domain", "site_code", "external_id", "created_at", "last_modified",
    "latitude", "longitude", "location_data", "location_type", "parent", "resource_uri",
)  # fmt: skip
V2_FIELDS = (
    "domain", "location_id", "name", "site_code", "last_modified", "latitude", "longitude", "location_data",
    "location_type_code", "location_type_name", "parent_location_id",
)  # fmt: skip
V2_LARGEST = 5000

LOOKUPS: dict[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
V1_FILTERS = {
    **dict.fromkeys(("domain", "site_code", "external_id"), ("exact",)),
    **dict.fromkeys(("created_at", "last_modified", "latitude", "longitude"), tuple(LOOKUPS)),
}
V2_FILTERS = {
    **dict.fromkeys(("domain", "name", "site_code"), ("exact",)),
    "last_modified": ("gt", "gte", "lt", "lte"),
}
PAGING = {"limit", "offset", "format", "order_by"}


def _version_1(request: Request) -> list[Json]:
    _check_order(request, V1_FIELDS, allowed=())
    tests = _tests(dict(request.params.pairs), V1_FIELDS, V1_FILTERS)
    found = [place for place in request.domain.places.all() if all(test(place) for test in tests)]
    base = _base(request)
    return [_in_version_1(place, base, request.domain.places.types) for place in found]


def _in_version_1(place: Json, base: str, types: Iterable[Json]) -> Json:
    number = next(kind["id"] for kind in types if kind["code"] == place["location_type_code"])
    parent_id = place["parent_location_id"]
    addresses = {
        "location_type": f"{base.replace('/location/', '/location_type/')}{number}/",
        "parent": f"{base}{parent_id}/" if parent_id else None,
        "resource_uri": f"{base}{place['location_id']}/",
    }
    return {field: {**place, **addresses}[field] for field in V1_FIELDS}


def _version_2(request: Request) -> list[Json]:
    _check_order(request, V2_FIELDS[:8], allowed=("last_modified",))
    # a dot stands for the two underscores that Django has before a lookup
    asked = {name.replace(".", "__"): value for name, value in request.params.pairs}
    fixed = {name: asked.pop(name, "") for name in ("location_type_code", "parent_location_id")}
    tests = [_test(name, "exact", value) for name, value in fixed.items() if value]
    tests += _tests(asked, V2_FIELDS[:8], V2_FILTERS)
    found = [place for place in request.domain.places.all() if all(test(place) for test in tests)]
    order = request.params.last("order_by")
    if order:
        found.sort(key=lambda place: str(_value("last_modified", place["last_modified"])), reverse=order[0] == "-")
    return [{field: place[field] for field in V2_FIELDS} for place in found]


_LIST_VERSION_2 = tastypie.resource(_version_2, key="location_id", largest=V2_LARGEST)


def _page_of_version_2(request: Request) -> Response:
    made = _LIST_VERSION_2(request)
    if not request.tail and request.params.last("limit") != "1":
        places = request.domain.places
        request.hq.faults.between_pages(places, lambda: [place["location_id"] for place in places.all()])
    return made


def _check_order(request: Request, fields: Collection[str], allowed: Collection[str]) -> None:
    field = request.params.last("order_by").removeprefix("-")
    if field and field not in fields:
        raise error(400, f"No matching '{field}' field for ordering on.")
    if field and field not in allowed:
        raise error(400, f"The '{field}' field does not allow ordering.")


def _tests(asked: Mapping[str, str], fields: Collection[str], filters: Mapping[str, Collection[str]]) -> list[Test]:
    """Return what the parameters demand; tastypie passes over those that name no field."""
    tests = []
    for name, text in asked.items():
        field, _, lookup = name.partition("__")
        lookup = lookup or "exact"
        if field not in fields or name in PAGING:
            continue
        if field not in filters:
            raise error(400, f"The '{field}' field does not allow filtering.")
        if lookup not in filters[field]:
            raise error(400, f"'{lookup}' is not an allowed filter on the '{field}' field.")
        tests.append(_test(field, lookup, text))
    return tests


def _test(field: str, lookup: str, text: str) -> Test:
    compare = LOOKUPS[lookup]
    try:
        wanted = _value(field, text)
    except (ValueError, InvalidOperation):
        raise error(400, "Invalid resource lookup data provided (mismatched type).") from None

    def test(place: Json) -> bool:
        return place[field] is not None and compare(_value(field, place[field]), wanted)

    return test


def _value(field: str, text: str) -> datetime | Decimal | str:
    """Read a value as the database compares it: moments to the microsecond."""
    if field in {"last_modified", "created_at"}:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Decimal(text) if field in {"latitude", "longitude"} else text


def _types(request: Request) -> list[Json]:
    base = _base(request)
    return [
        {
            **kind,
            "parent": kind["parent"] and f"{base}{kind['parent'].rstrip('/').rpartition('/')[2]}/",
            "resource_uri": f"{base}{kind['id']}/",
        }
        for kind in request.domain.places.types
    ]


def _base(request: Request) -> str:
    """Return the address of the list that was asked, or that the object asked stands in."""
    return request.hq.public_url + request.path.removesuffix(request.tail)


def _endpoint(paths: tuple[str, ...], handler: Callable[[Request], Response]) -> Endpoint:
    return Endpoint(paths, handler, permission="edit_locations", throttled=False, needs_locations=True)


ENDPOINTS = [
    _endpoint(api("location", "v1", "v0.5"), tastypie.resource(_version_1, key="location_id")),
    _endpoint(api("location", "v2", "v0.6"), _page_of_version_2),
    _endpoint(api("location_type", "v1", "v0.5"), tastypie.resource(_types)),
]
