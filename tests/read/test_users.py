"""Mobile workers, web users and groups as frames: who left, who is in which group, what HQ adds to their data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CacheError, NotFoundError, PermissionMissingError, QueryError
from commcare_frames.sandbox import start
from commcare_frames.sandbox.accounts import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.organisation import People

COLUMNS = [
    "user_id", "username", "first_name", "last_name", "active", "email", "default_phone_number", "phone_numbers",
    "primary_location", "locations", "groups",
]  # fmt: skip


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox that a test may change, with few cases, which is there in no time."""
    with start(patients=5) as running:
        yield running


@pytest.fixture
def people(fresh_sandbox: Sandbox) -> People:
    return fresh_sandbox.people("maternal-health")


def ids(users: list[dict[str, Any]]) -> set[str]:
    return {user["id"] for user in users}


def test_workers_are_those_active_and_those_deactivated(sandbox: Sandbox, domain: Domain) -> None:
    people = sandbox.people("maternal-health")
    frame = ccf.read_users()

    assert frame.columns.tolist()[: len(COLUMNS)] == COLUMNS
    assert set(frame.loc[frame["active"], "user_id"]) == ids(people.users(active=True))
    assert set(frame.loc[~frame["active"], "user_id"]) == ids(people.users(active=False))
    assert len(frame) == len(people.users())
    assert frame["username"].is_monotonic_increasing
    assert set(ccf.read_users(active=True)["user_id"]) == ids(people.users(active=True))
    assert set(ccf.read_users(active=False)["user_id"]) == ids(people.users(active=False))


def test_every_field_is_there_as_it_is(sandbox: Sandbox, domain: Domain) -> None:
    frame = ccf.read_users().set_index("user_id")
    for user in sandbox.people("maternal-health").users():
        row = frame.loc[user["id"]]
        assert (row["locations"], row["groups"], row["phone_numbers"]) == (
            user["locations"],
            user["groups"],
            user["phone_numbers"],
        )
        assert row["primary_location"] == user["primary_location"]
        for key, value in user["user_data"].items():
            assert str(row[f"user_data.{key}"]).removesuffix(" 00:00:00") == str(value)
    assert str(frame["user_data.commcare_profile"].dtype) == "Int64"
    assert str(frame["user_data.worker_code"].dtype) == "str"
    assert frame["email"].isna().all()
    assert (ccf.read_users(dtypes="string")["email"] == "").all()


def test_odd_data_are_kept_and_unknown_keys_too(fresh_domain: Domain, people: People) -> None:
    data = {"näme": "Zoë <b> 🤰", "list": ["a", 1], "deep": {"er": None, "x": "y"}, "": "0"}
    user_id = people.add("zz", first_name="Ana", user_data=data, phone_numbers=[], default_phone_number=None, new=True)
    bare = people.add("bare")
    people.edit(bare, user_data={}, locations=None, groups=None, language="fr")
    frame = ccf.read_users().set_index("user_id")
    row = frame.loc[user_id]
    assert row["user_data.näme"] == "Zoë <b> 🤰"
    assert row["user_data.list"] == '["a",1]'
    assert (row["user_data.deep.x"], row['user_data.""'], row["new"]) == ("y", 0, True)
    assert pd.isna(row["last_name"])
    assert row["phone_numbers"] == []
    assert frame.loc[bare, "groups"] is None
    assert frame.loc[bare, "language"] == "fr"


def test_changes_and_departures_show_at_the_next_read(fresh_domain: Domain, people: People) -> None:
    first = ccf.read_users()
    leaver, deleted, edited = first.loc[first["active"], "user_id"][:3]
    people.deactivate([leaver])
    people.delete([deleted])
    people.edit(edited, last_name="Renamed")
    second = ccf.read_users().set_index("user_id")
    assert not second.loc[leaver, "active"]
    assert deleted not in second.index
    assert second.loc[edited, "last_name"] == "Renamed"
    assert len(second) == len(first) - 1


def test_who_leaves_between_the_two_lists_stands_once(fresh_domain: Domain, people: People) -> None:
    first = ccf.read_users(active=True)
    leaver = first["user_id"][0]
    people.deactivate([leaver])
    ccf.read_users(active=False)
    frame = ccf.read_users(cache="offline")
    assert frame["user_id"].is_unique
    assert not frame.set_index("user_id").loc[leaver, "active"]
    assert frame.attrs["commcare"]["refreshed_at"] == first.attrs["commcare"]["refreshed_at"]


def test_a_group_is_named_or_given_by_its_id(sandbox: Sandbox, domain: Domain) -> None:
    people = sandbox.people("maternal-health")
    gone = ids(people.users(active=False))
    group = next(each for each in people.groups if gone.intersection(each["users"]))
    by_name, by_id = ccf.read_users(group=group["name"]), ccf.read_users(group=group["id"])
    pd.testing.assert_frame_equal(by_name, by_id)
    assert by_name.attrs["commcare"]["group"] == group["name"]
    assert "active" not in by_name.attrs["commcare"]
    assert set(by_name["user_id"]) == set(group["users"])
    assert set(ccf.read_users(group=group["id"], active=False)["user_id"]) == gone.intersection(group["users"])


@pytest.mark.parametrize(
    ("group", "error", "text"),
    [
        ("Gaya Sadr", NotFoundError, "no group 'Gaya Sadr'. Did you mean 'Gaya Sadar'"),
        (" ", QueryError, "is no group: give its name or its id"),
        (7, QueryError, "group is a group's name or its id"),
    ],
)
def test_a_wrong_group_is_told(group: Any, error: type[Exception], text: str, domain: Domain) -> None:
    with pytest.raises(error, match=text):
        ccf.read_users(group=group)


def test_groups_of_one_name_are_told_apart_by_their_ids(fresh_domain: Domain, people: People) -> None:
    people.groups = [{**people.groups[0], "id": "g1", "name": "Twin"}, {**people.groups[0], "id": "g2", "name": "Twin"}]
    with pytest.raises(QueryError, match="2 groups are called 'Twin'. Name one by its id: g1, g2"):
        ccf.read_users(group="Twin")


def test_a_wrong_activity_is_told(domain: Domain) -> None:
    with pytest.raises(QueryError, match="active='yes' is nothing that read_users takes: active is True or False"):
        ccf.read_users(active="yes")  # type: ignore[arg-type]


def test_extras_are_numbers(fresh_sandbox: Sandbox, fresh_domain: Domain, people: People) -> None:
    user_id = people.users()[0]["id"]
    fresh_sandbox.forms("maternal-health").submit({"form": {"@xmlns": "x"}, "metadata": {"userID": user_id}})
    frame = ccf.read_users(extras=True).set_index("user_id")
    assert str(frame["extras.submitted_last_30"].dtype) == "Int64"
    assert frame.loc[user_id, "extras.submitted_last_30"] >= 1
    assert not [name for name in ccf.read_users() if name.startswith("extras.")]


def test_more_workers_than_a_page_holds(fresh_sandbox: Sandbox, fresh_domain: Domain, people: People) -> None:
    for number in range(1100):
        people.add(f"w{number:04d}")
    made = fresh_domain.requests_made
    frame = ccf.read_users()
    assert len(frame) == len(people.users())
    assert fresh_domain.requests_made - made == 3


def test_web_users_have_a_role_and_its_permissions(sandbox: Sandbox, domain: Domain) -> None:
    frame = ccf.read_web_users().set_index("user_id")
    users = sandbox.people("maternal-health").web_users
    assert set(frame.index) == ids(users)
    for user in users:
        row = frame.loc[user["id"]]
        assert (row["role"], row["is_admin"], row["active"]) == (user["role"], user["is_admin"], True)
        assert {name: row[f"permissions.{name}"] for name in user["permissions"]} == user["permissions"]
        assert row["locations"] == user["assigned_location_ids"]
    assert str(frame["permissions.edit_data"].dtype) == "boolean"
    assert frame["primary_location"].notna().sum() == 1


def test_groups_and_their_members(sandbox: Sandbox, domain: Domain) -> None:
    groups = {group["id"]: group for group in sandbox.people("maternal-health").groups}
    frame = ccf.read_groups().set_index("group_id")
    assert set(frame.index) == set(groups)
    assert frame["name"].is_monotonic_increasing
    for group_id, group in groups.items():
        row = frame.loc[group_id]
        assert row["users"] == group["users"]
        assert (row["case_sharing"], row["reporting"]) == (group["case_sharing"], group["reporting"])
        assert row["metadata.level"] == group["metadata"]["level"]

    members = ccf.read_group_members()
    assert members.columns.tolist() == ["group_id", "group_name", "user_id"]
    assert {group_id: each["user_id"].tolist() for group_id, each in members.groupby("group_id")} == {
        group_id: group["users"] for group_id, group in groups.items()
    }
    assert members.attrs["commcare"]["rows"] == len(members)


def test_nobody_anywhere_gives_empty_frames_with_types(fresh_domain: Domain, people: People) -> None:
    people.delete(ids(people.users()))
    people.web_users, people.groups = [], [{**people.groups[0], "users": []}]
    assert ccf.read_users().columns.tolist() == COLUMNS
    assert str(ccf.read_users()["active"].dtype) == "boolean"
    assert len(ccf.read_web_users()) == 0
    members = ccf.read_group_members()
    assert (len(members), members.dtypes.map(str).unique().tolist()) == (0, ["str"])
    people.groups = []
    assert ccf.read_groups()["name"].tolist() == ccf.read_group_members()["user_id"].tolist() == []


def test_both_schemes_and_no_network(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    readers = (ccf.read_users, ccf.read_web_users, ccf.read_groups)
    new = [read(cache=False) for read in readers]
    fresh_sandbox.faults.old_scheme_only = True
    old = [read() for read in readers]
    made = fresh_domain.requests_made
    kept = [read(cache="offline") for read in readers]
    for frames in zip(new, old, kept, strict=True):
        pd.testing.assert_frame_equal(frames[0], frames[1])
        pd.testing.assert_frame_equal(frames[1], frames[2])
    assert fresh_domain.requests_made == made
    with pytest.raises(CacheError, match="Nothing is cached"):
        ccf.read_users(extras=True, cache="offline")


def test_columns_are_chosen_also_where_others_hold_numbers(domain: Domain) -> None:
    frame = ccf.read_users(columns=["username", "user_data.cadre"])
    assert frame.columns.tolist() == ["username", "user_data.cadre"]


@pytest.mark.parametrize(
    ("read", "permission", "name"),
    [
        (ccf.read_users, "edit_commcare_users", "Edit Mobile Workers"),
        (ccf.read_groups, "edit_commcare_users", "Edit Mobile Workers"),
        (ccf.read_group_members, "edit_commcare_users", "Edit Mobile Workers"),
        (ccf.read_web_users, "edit_web_users", "Edit Web Users"),
    ],
)
def test_the_permission_is_named(read: Any, permission: str, name: str, fresh_sandbox: Sandbox) -> None:
    account = fresh_sandbox._hq.accounts.named("admin@example.org")
    object.__setattr__(account, "roles", {"maternal-health": PERMISSIONS - {permission}})
    for login, text in ((fresh_sandbox.admin, f'"{name}"'), (fresh_sandbox.mobile_worker, "open to web users only")):
        ccf.connect("maternal-health", server=fresh_sandbox.url, username=login.username, api_key=login.api_key)
        with pytest.raises(PermissionMissingError, match=text):
            read()
