"""Locations as a frame: their ancestors, what changed since, what was archived, what is odd."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CommCareError, DataWarning, PermissionMissingError
from commcare_frames.hq.pull import Question, range_params
from commcare_frames.hq.resources import CASE_V2, FORM, LOCATIONS
from commcare_frames.read.reading import Reading, Request
from commcare_frames.sandbox import start
from commcare_frames.sandbox.accounts import PERMISSIONS
from commcare_frames.tables.organisation import LOCATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.organisation import Places

OWN = [column.name for column in LOCATION.metadata]


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox that a test may change, with few cases, which is there in no time."""
    with start(patients=5) as running:
        yield running


@pytest.fixture
def places(fresh_sandbox: Sandbox) -> Places:
    return fresh_sandbox.places("maternal-health")


def request(domain: Domain, page: int) -> Request:
    return Request(domain, Question(replace(LOCATIONS, largest_page=page)), LOCATION, "locations", "all", {})


def shown(places: Places) -> dict[str, tuple[str, pd.Timestamp]]:
    return {
        place["location_id"]: (place["name"], pd.Timestamp(place["last_modified"], tz="UTC")) for place in places.all()
    }


def read_in_pages(domain: Domain, page: int) -> dict[str, tuple[str, pd.Timestamp]]:
    reading = Reading.of(request(domain, page), cache=True, max_age=None, progress=False, connections=1)
    return {
        row["location_id"]: (row["name"], pd.Timestamp(row["last_modified"])) for row in reading.table().to_pylist()
    }


def test_each_location_is_a_row_with_its_ancestors(sandbox: Sandbox, domain: Domain) -> None:
    frame = ccf.read_locations()
    truth = {place["location_id"]: place for place in sandbox.places("maternal-health").all()}

    assert set(frame["location_id"]) == set(truth)
    levels = [
        f"{code}.{key}" for code in ("country", "district", "block", "village") for key in ("name", "location_id")
    ]
    assert frame.columns.tolist()[: len(OWN) + 8] == [*OWN, *levels]
    assert frame["site_code"].is_monotonic_increasing
    for row in frame.to_dict("records"):
        place = truth[row["location_id"]]
        above: dict[str, str] = {}
        here: dict[str, Any] | None = place
        while here:
            above[here["location_type_code"]] = here["name"]
            here = truth.get(here["parent_location_id"])
        assert {code: row[f"{code}.name"] for code in above} == above
        assert all(pd.isna(row[f"{code}.name"]) for code in {"country", "district", "block", "village"} - above.keys())
        assert row["last_modified"] == pd.Timestamp(place["last_modified"], tz="UTC")


def test_columns_have_their_types(domain: Domain) -> None:
    frame = ccf.read_locations()
    dtypes = {name: str(dtype) for name, dtype in frame.dtypes.items()}

    assert (dtypes["latitude"], dtypes["longitude"]) == ("Float64", "Float64")
    assert dtypes["last_modified"] == "datetime64[us, UTC]"
    assert dtypes["location_data.population"] == "Int64"
    assert dtypes["location_data.hmis_code"] == "str"
    countries = frame["location_type_code"] == "country"
    assert frame["parent_location_id"].isna().equals(countries)
    assert frame.loc[frame["location_type_code"] == "block", "latitude"].isna().all()
    assert frame.attrs["commcare"]["rows"] == len(frame)


def test_a_caller_may_choose_columns_and_types(domain: Domain) -> None:
    as_sent = ccf.read_locations(dtypes="string")
    few = ccf.read_locations(columns=["district.name", "latitude", "location_id"], max_age="1h")
    pinned = ccf.read_locations(dtypes={"location_data.population": "Float64", "latitude": "str"}, max_age="1h")

    assert (as_sent["parent_location_id"] == "").sum() == 3
    assert as_sent["latitude"].dropna().str.fullmatch(r"-?\d+\.\d{10}").all()
    assert few.columns.tolist() == ["district.name", "latitude", "location_id"]
    assert str(few["latitude"].dtype) == "Float64"
    assert (str(pinned["location_data.population"].dtype), str(pinned["latitude"].dtype)) == ("Float64", "str")


def test_only_what_changed_is_asked_for(fresh_sandbox: Sandbox, fresh_domain: Domain, places: Places) -> None:
    first = ccf.read_locations()
    village = places.all()[-1]
    before = len(fresh_sandbox.log)
    places.edit(village["location_id"], name="Nouveau nom 🌍")
    added = places.add("Ward", "village", village["parent_location_id"], latitude="1.5000000000", longitude="2")
    second = ccf.read_locations().set_index("location_id")

    asked = fresh_sandbox.log[before:]
    assert len(asked) == 2
    assert dict(asked[0].query).keys() == {"last_modified.gte", "order_by", "limit"}
    assert len(second) == len(first) + 1
    assert second.loc[village["location_id"], "village.name"] == "Nouveau nom 🌍"
    assert second.loc[added, "block.location_id"] == village["parent_location_id"]
    assert (second.loc[added, "latitude"], second.loc[added, "longitude"]) == (1.5, 2.0)


def test_a_renamed_ancestor_shows_below_without_their_having_changed(fresh_domain: Domain, places: Places) -> None:
    ccf.read_locations()
    district = next(place for place in places.all() if place["location_type_code"] == "district")
    places.edit(district["location_id"], name="Renamed")
    frame = ccf.read_locations()
    assert (frame["district.name"] == "Renamed").sum() == (
        frame["district.location_id"] == district["location_id"]
    ).sum()


def test_archived_and_deleted_locations_are_found_and_come_back(fresh_domain: Domain, places: Places) -> None:
    ccf.read_locations()
    archived, deleted = (place["location_id"] for place in places.all()[-2:])
    places.archive([archived])
    places.delete([deleted])
    assert set(ccf.read_locations()["location_id"]) == set(shown(places))
    places.unarchive([archived])
    assert archived in set(ccf.read_locations()["location_id"])


@pytest.mark.parametrize("fault", ["reindexed_per_page", "deleted_per_page"])
def test_locations_that_change_while_they_are_read_page_by_page(
    fault: str, fresh_sandbox: Sandbox, fresh_domain: Domain, places: Places
) -> None:
    setattr(fresh_sandbox.faults, fault, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # that data are changing is told where it is noticed
        read_in_pages(fresh_domain, 25)
        fresh_sandbox.faults.clear()
        assert read_in_pages(fresh_domain, 25) == shown(places)
    assert fresh_domain.requests_made < 250


def test_nothing_is_taken_for_deleted_at_a_border_between_microseconds(fresh_domain: Domain, places: Places) -> None:
    """Ours are compared by the millisecond, HQ's by the microsecond: a border may lie within a millisecond."""
    ids = [place["location_id"] for place in places.all()]
    for number, location_id in enumerate(ids):
        milli, micro = divmod(number, 3)
        fraction = f".{100 + milli:03d}{(0, 400, 999)[micro]:03d}".removesuffix(".000000")
        places.edit(location_id, last_modified=f"2025-03-01T10:00:00{fraction}")
    assert read_in_pages(fresh_domain, 4) == shown(places)
    places.delete(ids[40:42])
    assert read_in_pages(fresh_domain, 4) == shown(places)


def test_a_range_ends_with_the_millisecond_where_stamps_are_exact() -> None:
    stamps = ("2024-01-01T10:00:00.123456Z", "2024-01-02T00:00:00Z")
    assert range_params(LOCATIONS, *stamps) == (
        ("last_modified.gte", "2024-01-01T10:00:00.124"),
        ("last_modified.lte", "2024-01-02T00:00:00.000999"),
    )
    assert range_params(FORM, None, "2024-01-02T00:00:00.000Z") == (("indexed_on_end", "2024-01-02T00:00:00.000"),)
    assert range_params(CASE_V2, "2024-01-02T00:00:00.000Z", None) == (("indexed_on.gt", "2024-01-02T00:00:00.000Z"),)


def test_a_parent_that_hq_hides_is_told(fresh_domain: Domain, places: Places) -> None:
    block = next(place for place in places.all() if place["location_type_code"] == "block")
    places.archive([block["location_id"]])
    with pytest.warns(DataWarning, match=r"6 locations have a parent that HQ does not show.*, \.\.\.\."):
        frame = ccf.read_locations()
    below = frame[frame["parent_location_id"] == block["location_id"]]
    assert below["district.name"].isna().all()
    assert below["village.name"].notna().all()


def test_a_location_above_itself_is_told(fresh_domain: Domain, places: Places) -> None:
    block = next(place for place in places.all() if place["location_type_code"] == "block")
    village = next(place for place in places.all() if place["parent_location_id"] == block["location_id"])
    places.edit(block["location_id"], parent_location_id=village["location_id"])
    with pytest.warns(DataWarning, match="7 locations are their own ancestors, or below such a location"):
        ccf.read_locations()


def test_odd_data_are_kept(fresh_domain: Domain, places: Places) -> None:
    odd = {"name": "a name", "é #1": "x", "": "blank", "n": 1.5, "deep": {"er": [1, 2]}, "empty": ""}
    location_id = places.add("", "village", places.all()[-1]["parent_location_id"], location_data=odd)
    places.edit(location_id, name=None, site_code="")
    row = ccf.read_locations().set_index("location_id").loc[location_id]
    assert pd.isna(row["name"])
    assert row["location_data.name"] == "a name"
    assert row["location_data.é #1"] == "x"
    assert row['location_data.""'] == "blank"
    assert row["location_data.deep.er"] == "[1,2]"
    assert row["location_data.n"] == 1.5


def test_no_locations_are_an_empty_frame_with_types(fresh_domain: Domain, places: Places) -> None:
    places.delete([place["location_id"] for place in places.all()])
    frame = ccf.read_locations()
    assert frame.columns.tolist() == OWN
    assert (len(frame), str(frame["latitude"].dtype), str(frame["name"].dtype)) == (0, "Float64", "str")


def test_both_schemes_and_no_network(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    new = ccf.read_locations(cache=False)
    fresh_sandbox.faults.old_scheme_only = True
    old = ccf.read_locations()
    pd.testing.assert_frame_equal(new, old)
    made = fresh_domain.requests_made
    pd.testing.assert_frame_equal(ccf.read_locations(cache="offline"), old)
    assert fresh_domain.requests_made == made


def test_levels_come_from_the_top_down(sandbox: Sandbox, domain: Domain) -> None:
    types = ccf.read_location_types()
    assert types["code"].tolist() == ["country", "district", "block", "village"]
    assert types["parent_code"].tolist()[1:] == ["country", "district", "block"]
    assert pd.isna(types["parent_code"][0])
    assert types["location_type_id"].tolist() == [1, 2, 3, 4]
    assert types["shares_cases"].tolist() == [False, False, False, True]
    assert ccf.read_location_types(columns=["name"])["name"].tolist() == ["Country", "District", "Block", "Village"]


def test_levels_are_ordered_by_what_is_above_them_not_by_their_numbers(
    fresh_sandbox: Sandbox, fresh_domain: Domain, places: Places
) -> None:
    places.types = [
        {**kind, "id": 10 - kind["id"], "parent": kind["parent"] and f"/x/{11 - kind['id']}/"} for kind in places.types
    ]
    fresh_sandbox.faults.old_scheme_only = True
    types = ccf.read_location_types()
    assert types["code"].tolist() == ["country", "district", "block", "village"]
    assert types["location_type_id"].tolist() == [9, 8, 7, 6]


@pytest.mark.parametrize("read", [ccf.read_locations, ccf.read_location_types])
def test_the_permission_is_named(read: Any, fresh_sandbox: Sandbox) -> None:
    account = fresh_sandbox._hq.accounts.named("admin@example.org")
    object.__setattr__(account, "roles", {"maternal-health": PERMISSIONS - {"edit_locations"}})
    admin, worker = fresh_sandbox.admin, fresh_sandbox.mobile_worker
    ccf.connect("maternal-health", server=fresh_sandbox.url, username=admin.username, api_key=admin.api_key)
    with pytest.raises(PermissionMissingError, match=r'"Edit Locations".*a plan of the domain that includes locations'):
        read()
    ccf.connect("maternal-health", server=fresh_sandbox.url, username=worker.username, api_key=worker.api_key)
    with pytest.raises(PermissionMissingError, match="open to web users only"):
        read()


def test_a_plan_without_locations_is_told(sandbox: Sandbox, domain: Domain) -> None:
    with pytest.raises(CommCareError, match="a plan of the domain that includes locations") as refused:
        ccf.read_locations(domain="child-nutrition")
    assert refused.value.status_code == 403
