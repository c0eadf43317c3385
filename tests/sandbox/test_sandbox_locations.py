"""Locations and their types as HQ gives them, in the shapes of its OpenAPI facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asking import Ask, objects
from openapi_schema_validator import OAS30ReadValidator

from commcare_frames.sandbox.accounts import PERMISSIONS

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

FOLDER = Path(__file__).parent / "openapi"


def names(ask: Ask, **params: str) -> list[str]:
    return [place["name"] for place in objects(ask, "location/v2/", **params)]


@pytest.mark.parametrize(
    ("name", "path", "component", "key"),
    [
        ("location-v1", "location/v1/", "Location", "location_id"),
        ("location-v2", "location/v2/", "Location", "location_id"),
        ("location-type-v1", "location_type/v1/", "LocationType", "pk"),
    ],
)
def test_lists_agree_with_the_published_description(
    ask_whole: Ask, name: str, path: str, component: str, key: str
) -> None:
    described: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())

    def validate(answer: Any, where: str) -> None:
        schema = described["paths"][where]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        OAS30ReadValidator({**schema, "components": described["components"]}).validate(answer)

    page = ask_whole(path, {"limit": 1000}).json()
    validate(page, f"/a/{{domain}}/api/{path}")
    assert page["objects"]
    for each in page["objects"]:
        assert each.keys() == described["components"]["schemas"][component]["properties"].keys()
    one = page["objects"][-1]
    detail = ask_whole(f"{path}{one['id' if key == 'pk' else key]}/").json()
    validate(detail, f"/a/{{domain}}/api/{path}{{{key}}}/")
    assert detail == one


def test_version_1_names_parents_and_types_by_whole_addresses(ask_whole: Ask, whole: Sandbox) -> None:
    places = objects(ask_whole, "location/v1/")
    addresses = {place["resource_uri"] for place in places}
    kinds = {kind["resource_uri"]: kind for kind in objects(ask_whole, "location_type/v1/")}
    assert {place["parent"] for place in places} <= addresses | {None}
    assert {place["location_type"] for place in places} == set(kinds)
    assert {kind["parent"] for kind in kinds.values()} <= {*kinds, None}
    assert all(address.startswith(f"{whole.url}/a/maternal-health/api/location/v1/") for address in addresses)
    old = objects(ask_whole, "v0.5/location/")[-1]
    assert old["resource_uri"] == f"{whole.url}/a/maternal-health/api/v0.5/location/{old['location_id']}/"
    assert old["location_type"] == f"{whole.url}/a/maternal-health/api/v0.5/location_type/4/"


def test_version_2_names_them_by_ids(ask_whole: Ask) -> None:
    places = {place["location_id"]: place for place in objects(ask_whole, "location/v2/")}
    roots = [place for place in places.values() if not place["parent_location_id"]]
    assert {place["location_type_code"] for place in roots} == {"country"}
    assert {place["parent_location_id"] for place in places.values()} <= {*places, ""}
    assert objects(ask_whole, "v0.6/location/") == list(places.values())


def test_stamps_have_no_zone_and_no_zeros(ask_whole: Ask) -> None:
    stamps = {len(place["last_modified"]) for place in objects(ask_whole, "location/v2/")}
    assert stamps == {len("2024-03-11T19:29:16"), len("2024-03-11T19:29:16.845849")}


def test_archived_locations_are_hidden(fresh_sandbox: Sandbox) -> None:
    ask, places = Ask(fresh_sandbox), fresh_sandbox.places("maternal-health")
    assert not [name for name in names(ask) if "fermé" in name]
    village = places.all()[-1]
    places.archive([village["location_id"]])
    for path in ("location/v1/", "location/v2/"):
        assert village["location_id"] not in {place["location_id"] for place in objects(ask, path)}
        answer = ask(f"{path}{village['location_id']}/")
        assert (answer.status_code, answer.content) == (404, b"")
    places.unarchive([village["location_id"]])
    assert ask(f"location/v2/{village['location_id']}/").json()["last_modified"] > village["last_modified"]


def test_version_2_filters(fresh_sandbox: Sandbox) -> None:
    ask, places = Ask(fresh_sandbox), fresh_sandbox.places("maternal-health")
    gaya = next(place for place in places.all() if place["name"] == "Gaya")
    assert names(ask, name="Gaya") == ["Gaya"]
    assert names(ask, name="gaya") == []
    assert names(ask, site_code=gaya["site_code"]) == ["Gaya"]
    assert names(ask, location_type_code="country") == ["India", "Ethiopia", "Sénégal"]
    assert names(ask, parent_location_id=gaya["location_id"]) == ["Gaya Sadar", "Gaya Uttar", "Gaya Dakshin"]
    assert len(names(ask, unknown="x")) == len(places.all())

    stamp = "2027-01-01T10:00:00.123456"
    places.edit(gaya["location_id"], last_modified=stamp)
    assert names(ask, **{"last_modified.gte": stamp}) == ["Gaya"]
    assert names(ask, **{"last_modified.gt": "2027-01-01T10:00:00.123455Z"}) == ["Gaya"]
    assert names(ask, **{"last_modified.gt": f"{stamp}Z"}) == []
    assert names(ask, last_modified__gt="2027-01-01") == ["Gaya"]
    assert "Gaya" not in names(ask, **{"last_modified.lt": f"{stamp}Z"})
    assert "Gaya" in names(ask, **{"last_modified.lte": "2027-01-01T12:00:00.123456+02:00"})
    assert names(ask, order_by="last_modified")[-1] == "Gaya"
    assert names(ask, order_by="-last_modified")[0] == "Gaya"


@pytest.mark.parametrize(
    ("path", "params", "text"),
    [
        ("location/v2/", {"last_modified": "2024-01-01"}, "'exact' is not an allowed filter"),
        ("location/v2/", {"latitude.gt": "1"}, "The 'latitude' field does not allow filtering."),
        ("location/v2/", {"last_modified.gt": "soon"}, "Invalid resource lookup data"),
        ("location/v2/", {"order_by": "name"}, "The 'name' field does not allow ordering."),
        ("location/v2/", {"order_by": "indexed_on"}, "No matching 'indexed_on' field for ordering on."),
        ("location/v1/", {"name": "Gaya"}, "The 'name' field does not allow filtering."),
        ("location/v1/", {"site_code__gt": "a"}, "'gt' is not an allowed filter on the 'site_code' field."),
    ],
)
def test_what_cannot_be_filtered_or_ordered_is_a_400(
    ask_whole: Ask, path: str, params: dict[str, str], text: str
) -> None:
    answer = ask_whole(path, params)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_version_1_filters(ask_whole: Ask, whole: Sandbox) -> None:
    places = whole.places("maternal-health").all()
    some = next(place for place in places if place["external_id"])
    found = objects(ask_whole, "location/v1/", external_id=some["external_id"])
    assert some["location_id"] in {place["location_id"] for place in found}
    north = objects(ask_whole, "location/v1/", latitude__gt="20")
    assert 0 < len(north) < len(places)
    assert all(float(place["latitude"]) > 20 for place in north)
    modified = objects(ask_whole, "location/v1/", last_modified__gte=some["last_modified"])
    assert {place["location_id"] for place in modified} >= {some["location_id"]}
    assert len(modified) < len(places)


def test_pages_of_version_2_are_the_largest(ask_whole: Ask) -> None:
    limits = [
        ask_whole(path, {"limit": "0"}).json()["meta"]["limit"]
        for path in ("location/v1/", "location/v2/", "location_type/v1/")
    ]
    assert limits == [1000, 5000, 1000]
    assert ask_whole("location/v2/").json()["meta"]["next"] == "?limit=20&offset=20"


@pytest.mark.parametrize("path", ["location/v1/", "location/v2/", "location_type/v1/"])
def test_a_plan_without_locations_is_a_bare_403_before_anything_else(ask_whole: Ask, path: str) -> None:
    for how in ({}, {"authorization": "ApiKey nobody:nothing"}):
        answer = ask_whole(f"/a/child-nutrition/api/{path}", **how)
        assert (answer.status_code, answer.content) == (403, b"")
    assert ask_whole(f"/a/paused-project/api/{path}").status_code == 403


@pytest.mark.parametrize("path", ["location/v1/", "location/v2/", "location_type/v1/"])
def test_locations_need_a_permission_and_are_not_throttled(fresh_sandbox: Sandbox, path: str) -> None:
    ask = Ask(fresh_sandbox)
    fresh_sandbox.faults.throttle("maternal-health", 0)
    assert {ask(path).status_code for _ in range(12)} == {200}
    assert ask(path, authorization="ApiKey nobody:nothing").status_code == 401
    assert ask(path, login=fresh_sandbox.mobile_worker).status_code == 403
    account = fresh_sandbox._hq.accounts._by_username["admin@example.org"]
    object.__setattr__(account, "roles", {"maternal-health": PERMISSIONS - {"edit_locations"}})
    assert ask(path).status_code == 403
