"""Users, owners and locations beside cases and forms: no row lost or doubled, and what is unknown is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, PermissionMissingError, QueryError
from commcare_frames.sandbox import start
from commcare_frames.sandbox.accounts import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

    Join = Callable[..., pd.DataFrame]

JOINS = pytest.mark.parametrize("join", [ccf.add_users, ccf.add_owners, ccf.add_locations])


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox that a test may change, with few cases, which is there in no time."""
    with start(patients=5) as running:
        yield running


def allow(sandbox: Sandbox, *refused: str) -> None:
    account = sandbox._hq.accounts.named("admin@example.org")
    object.__setattr__(account, "roles", {"maternal-health": PERMISSIONS - set(refused)})


def test_forms_get_their_senders(sandbox: Sandbox, domain: Domain) -> None:
    forms = ccf.read_forms("Visit")
    joined = ccf.add_users(forms)
    users = {user["id"]: user for user in sandbox.people("maternal-health").users()}
    gone = {user["id"] for user in sandbox.people("maternal-health").users(active=False)}

    added = ["user.username", "user.name", "user.active", "user.location_id"]
    assert joined.columns.tolist() == [*forms.columns, *added]
    pd.testing.assert_frame_equal(joined[forms.columns], forms)
    for user_id, username, name, active, location_id in joined[["user_id", *added]].itertuples(index=False):
        user = users[user_id]
        assert (username, name) == (user["username"], f"{user['first_name']} {user['last_name']}")
        assert (active, location_id) == (user_id not in gone, user["primary_location"])
    assert not joined["user.active"].all()
    assert joined.attrs == forms.attrs


def test_cases_get_their_owners_whoever_they_are(sandbox: Sandbox, domain: Domain) -> None:
    cases = ccf.read_cases("patient")
    joined = ccf.add_owners(cases)
    people = sandbox.people("maternal-health")
    kinds = {
        "user": {user["id"]: user["username"].partition("@")[0] for user in people.users()},
        "group": {group["id"]: group["name"] for group in people.groups},
        "location": {place["location_id"]: place["name"] for place in sandbox.places("maternal-health").all()},
    }
    assert joined.columns.tolist() == [*cases.columns, "owner.type", "owner.name"]
    pd.testing.assert_frame_equal(joined[cases.columns], cases)
    nobody = joined["owner_id"] == "-"
    assert joined.loc[nobody, ["owner.type", "owner.name"]].isna().all().all()
    known = joined[~nobody]
    assert set(known["owner.type"]) == set(kinds)
    assert all(
        kinds[kind][owner] == name for owner, kind, name in known[["owner_id", "owner.type", "owner.name"]].to_numpy()
    )


def test_owners_take_no_more_requests_than_the_ids_need(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    worker = fresh_sandbox.people("maternal-health").users()[0]
    before = len(fresh_sandbox.log)
    ccf.add_owners(pd.DataFrame({"owner_id": [worker["id"], "-", None, ""]}))
    assert [asked.path for asked in fresh_sandbox.log[before:]] == ["/a/maternal-health/api/domain_usernames/v1/"]


def test_web_users_are_known_by_their_username(sandbox: Sandbox, domain: Domain) -> None:
    web, worker = sandbox.people("maternal-health").web_users[0], sandbox.people("maternal-health").users()[0]
    frame = pd.DataFrame({"opened_by": [web["id"], worker["id"], None]}, index=[7, 3, 7])
    joined = ccf.add_users(frame, on="opened_by")
    assert joined["opened_by.username"].tolist()[:2] == [web["username"], worker["username"]]
    assert joined["opened_by.active"].isna().tolist() == [True, False, True]
    assert str(joined["opened_by.active"].dtype) == "boolean"
    assert joined.index.tolist() == [7, 3, 7]


def test_locations_stand_beside_users_cases_and_forms(sandbox: Sandbox, domain: Domain) -> None:
    places = {place["location_id"]: place for place in sandbox.places("maternal-health").all()}
    workers = ccf.add_locations(ccf.read_users())
    assert [places[each]["name"] for each in workers["primary_location"]] == workers["location.village.name"].tolist()
    assert str(workers["location.latitude"].dtype) == "Float64"

    forms = ccf.add_locations(ccf.add_users(ccf.read_forms("Visit")))
    assert forms["location.country.name"].notna().all()

    cases = ccf.read_cases("patient")
    with pytest.warns(DataWarning, match=r"\d+ of 29\d ids in 'owner_id' are no location's: .*, \.\.\.\."):
        owned = ccf.add_locations(cases, on="owner_id")
    assert owned["case_id"].tolist() == cases["case_id"].tolist()
    assert (owned["location.name"].notna() == owned["owner_id"].isin(places)).all()


@JOINS
def test_unknown_ids_stay_and_are_told(join: Join, domain: Domain) -> None:
    frame = pd.DataFrame({"id": ["x1", "x2", "x1", None, "-"], "kept": range(5)})
    with pytest.warns(DataWarning, match="3 of 3 ids in 'id' are no .*'s: x1, x2."):
        joined = join(frame, on="id")
    assert joined["kept"].tolist() == [0, 1, 2, 3, 4]
    assert joined.drop(columns=["id", "kept"]).isna().all().all()


@JOINS
def test_empty_frames_get_typed_columns(join: Join, domain: Domain) -> None:
    joined = join(pd.DataFrame({"id": pd.Series([], dtype="str")}), on="id")
    assert len(joined) == 0
    assert set(joined.dtypes.map(str)) <= {
        "str",
        "boolean",
        "Float64",
        "Int64",
        "datetime64[us, UTC]",
        "datetime64[us]",
    }


@pytest.mark.parametrize(
    ("join", "frame", "how", "text"),
    [
        (ccf.add_users, {"owner_id": ["x"]}, {}, "no column 'user_id'. Did you mean 'owner_id'"),
        (ccf.add_users, {"user_id": [["x"]]}, {}, "does not hold one id a row"),
        (ccf.add_owners, {"owner_id": [7]}, {}, "does not hold one id a row, as text, but int64"),
        (ccf.add_owners, {"owner_id": ["-"], "owner.name": ["x"]}, {}, "the join would make: owner.name"),
        (ccf.add_locations, {"a": ["x"]}, {}, "has none of 'location_id', 'primary_location'"),
        (
            ccf.add_locations,
            {"owner_id": ["x"], "user.location_id": ["x"]},
            {},
            "It has 'user.location_id', 'owner_id'",
        ),
        (ccf.add_users, {"user_id": ["-"]}, {"server": "https://www.commcarehq.org"}, "The frame is from https://www"),
    ],
)
def test_what_cannot_be_joined_is_told(
    join: Join, frame: dict[str, Any], how: dict[str, str], text: str, domain: Domain
) -> None:
    data = pd.DataFrame(frame)
    data.attrs["commcare"] = how
    with pytest.raises(QueryError, match=text):
        join(data)


def test_the_frame_s_own_domain_is_asked(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    frame = pd.DataFrame({"user_id": [fresh_sandbox.people("child-nutrition").users()[0]["id"]]})
    frame.attrs["commcare"] = {"server": fresh_sandbox.url, "domain": "child-nutrition"}
    assert ccf.add_users(frame)["user.username"].notna().all()
    with pytest.warns(DataWarning, match="1 of 1 ids in 'user_id' are no user's"):
        ccf.add_users(frame, domain=fresh_domain)


def test_what_this_login_may_not_see_is_told_where_it_matters(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    people = fresh_sandbox.people("maternal-health")
    frame = pd.DataFrame({"owner_id": [people.users()[0]["id"], people.groups[0]["id"]]})
    allow(fresh_sandbox, "edit_locations", "edit_commcare_users")
    with pytest.warns(
        DataWarning,
        match=r"1 of 2 ids in 'owner_id' are no .*Locations were not looked for: 403.*Groups were not looked",
    ):
        joined = ccf.add_owners(frame)
    assert joined["owner.type"].fillna("?").tolist() == ["user", "?"]

    allow(fresh_sandbox, "edit_locations")
    with pytest.warns(DataWarning, match="are no user's, location's or group's: x. Locations were not"):
        ccf.add_owners(frame.rename(columns={"owner_id": "id"}).replace(people.groups[0]["id"], "x"), on="id")

    allow(fresh_sandbox, "view_commcare_users")
    web = pd.DataFrame({"user_id": [people.web_users[0]["id"]]})
    with pytest.warns(DataWarning, match='Web users were not looked for: 403.*"View Mobile Workers"'):
        ccf.add_users(web)

    allow(fresh_sandbox, "edit_commcare_users")
    with pytest.raises(PermissionMissingError, match='"Edit Mobile Workers"'):
        ccf.add_users(web)


def test_joins_work_without_a_network(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    cases = ccf.read_cases("patient")
    first = ccf.add_owners(cases)
    users = ccf.add_users(ccf.read_forms("Visit"))
    made = fresh_domain.requests_made
    pd.testing.assert_frame_equal(ccf.add_owners(cases, cache="offline"), first)
    pd.testing.assert_frame_equal(ccf.add_users(ccf.read_forms("Visit", cache="offline"), cache="offline"), users)
    assert fresh_domain.requests_made == made


def test_a_mobile_worker_may_not_look_anybody_up(fresh_sandbox: Sandbox) -> None:
    login = fresh_sandbox.mobile_worker
    ccf.connect("maternal-health", server=fresh_sandbox.url, username=login.username, api_key=login.api_key)
    frame = pd.DataFrame({"user_id": ["x"], "primary_location": ["y"]})
    for join in (ccf.add_users, ccf.add_locations):
        with pytest.raises(PermissionMissingError, match="open to web users only"):
            join(frame)
