"""Mobile workers, web users and groups as HQ gives them, in the shapes of its OpenAPI facts."""

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


@pytest.mark.parametrize(
    ("name", "path", "component", "left_out"),
    [
        # these need feature flags, or are for writing
        ("user-v1", "user/v1/", "User", {"connect_username", "password", "language", "role",
                                         "require_account_confirmation", "send_confirmation_email_now"}),
        ("web-user-v1", "web-user/v1/", "WebUserListItem", set()),
        ("group-v1", "group/v1/", "Group", set()),
        ("bulk-user-v1", "bulk-user/v1/", "BulkUser", set()),
    ],
)  # fmt: skip
def test_lists_agree_with_the_published_description(
    ask_whole: Ask, name: str, path: str, component: str, left_out: set[str]
) -> None:
    described: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())

    def validate(answer: Any, where: str) -> None:
        schema = described["paths"][where]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        OAS30ReadValidator({**schema, "components": described["components"]}).validate(answer)

    page = ask_whole(path, {"limit": 1000}).json()
    for each in page["objects"]:
        assert each.keys() == described["components"]["schemas"][component]["properties"].keys() - left_out
        # null for most web users, and a number: neither is foreseen by the description
        each.pop("primary_location_id", None)
        each.get("user_data", {}).pop("commcare_profile", None)
    validate(page, f"/a/{{domain}}/api/{path}")
    if name != "bulk-user-v1":
        one = page["objects"][-1]
        detail = ask_whole(f"{path}{one['id']}/").json()
        assert detail["id"] == one["id"]
        assert detail["resource_uri"] == f"/a/maternal-health/api/{path}{one['id']}/"


def test_deactivated_workers_are_listed_instead_of_the_active_ones(ask_whole: Ask, whole: Sandbox) -> None:
    active = {user["id"] for user in objects(ask_whole, "user/v1/")}
    gone = {user["id"] for user in objects(ask_whole, "user/v1/", archived="true")}
    assert gone
    assert not active & gone
    assert active | gone == {user["id"] for user in whole.people("maternal-health").users()}
    one = next(iter(gone))
    assert ask_whole(f"user/v1/{one}/").json()["id"] == one


def test_a_group_gives_its_active_members_whatever_else_is_asked(ask_whole: Ask) -> None:
    gone = {user["id"] for user in objects(ask_whole, "user/v1/", archived="true")}
    group = next(each for each in objects(ask_whole, "group/v1/") if gone.intersection(each["users"]))
    members = {user["id"] for user in objects(ask_whole, "user/v1/", group=group["id"])}
    assert members == set(group["users"]) - gone
    again = {user["id"] for user in objects(ask_whole, "user/v1/", group=group["id"], archived="true")}
    assert again == members
    answer = ask_whole("user/v1/", {"group": "nope"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Project maternal-health has no group with id=nope")


@pytest.mark.parametrize("path", ["user/v1/", "web-user/v1/", "v0.5/user/"])
def test_an_unknown_user_is_a_400(ask_whole: Ask, path: str) -> None:
    answer = ask_whole(f"{path}nobody/")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The object 'None' has an empty attribute")
    assert ask_whole("group/v1/nothing/").status_code == 404


def test_extras_count_a_worker_s_forms(fresh_sandbox: Sandbox) -> None:
    ask = Ask(fresh_sandbox)
    user_id = objects(ask, "user/v1/")[0]["id"]
    assert "extras" not in objects(ask, "user/v1/")[0]
    before = objects(ask, "user/v1/", extras="true")[0]["extras"]
    fresh_sandbox.forms("maternal-health").submit(
        {"form": {"@xmlns": "x"}, "metadata": {"userID": user_id, "timeEnd": "2020-01-01T00:00:00"}}
    )
    after = objects(ask, "user/v1/", extras="true")[0]["extras"]
    assert after.keys() == {f"{what}_last_{span}" for what in ("submitted", "completed") for span in ("30", "month")}
    changed = {name for name in after if after[name] == before[name] + 1}
    assert changed == {"submitted_last_30"}


def test_older_versions_have_fewer_fields(ask_whole: Ask) -> None:
    newest, v05, v04 = (objects(ask_whole, path)[0] for path in ("user/v1/", "v0.5/user/", "v0.4/user/"))
    assert newest.keys() == v05.keys()
    assert v05["resource_uri"] == f"/a/maternal-health/api/v0.5/user/{v05['id']}/"
    assert newest.keys() - v04.keys() == {"eulas", "locations", "primary_location"}
    assert "eulas" not in objects(ask_whole, "v0.4/web-user/")[0]


def test_a_web_user_is_found_by_login(ask_whole: Ask) -> None:
    everybody = objects(ask_whole, "web-user/v1/")
    one = everybody[2]
    assert objects(ask_whole, "web-user/v1/", web_username=one["username"]) == [one]
    assert objects(ask_whole, "web-user/v1/", web_username="nobody@example.org") == []
    assert {user["role"] for user in everybody} > {"Admin", "Read Only"}


def test_the_bulk_list_has_nothing_after_its_first_page(ask_whole: Ask) -> None:
    everybody = objects(ask_whole, "bulk-user/v1/")
    first = ask_whole("bulk-user/v1/", {"limit": 7}).json()
    second = ask_whole("bulk-user/v1/", {"limit": 7, "offset": 7}).json()
    assert first["objects"] == everybody[:7]
    assert (first["meta"]["total_count"], second["objects"]) == (7, [])
    assert ask_whole(f"bulk-user/v1/{everybody[0]['id']}/").status_code == 500
    chosen = objects(ask_whole, "bulk-user/v1/", fields=["username", "email"], q="meera*")
    assert [set(each) for each in chosen] == [{"username", "email"}]
    refused = ask_whole("bulk-user/v1/", {"fields": "password"})
    assert (refused.status_code, refused.json()["error"]) == (400, "password is not a valid field")


def test_usernames_are_those_of_everybody_without_their_domain(ask_whole: Ask, whole: Sandbox) -> None:
    names = {each["user_id"]: each["user_name"] for each in objects(ask_whole, "domain_usernames/v1/")}
    people = whole.people("maternal-health")
    for user in people.users():
        assert names[user["id"]] == user["username"].partition("@")[0]
    for user in people.web_users:
        assert names[user["id"]] == user["username"]
    assert len(names) == len(people.users()) + len(people.web_users)


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("user/v1/", "edit_commcare_users"),
        ("bulk-user/v1/", "edit_commcare_users"),
        ("group/v1/", "edit_commcare_users"),
        ("web-user/v1/", "edit_web_users"),
        ("domain_usernames/v1/", "view_commcare_users"),
    ],
)
def test_each_list_needs_its_permission(fresh_sandbox: Sandbox, path: str, permission: str) -> None:
    ask = Ask(fresh_sandbox)
    assert ask(path, login=fresh_sandbox.mobile_worker).status_code == 403
    account = fresh_sandbox._hq.accounts._by_username["admin@example.org"]
    object.__setattr__(account, "roles", {"maternal-health": PERMISSIONS - {permission}})
    answer = ask(path)
    assert (answer.status_code, answer.content) == (403, b"")
    object.__setattr__(account, "roles", {"maternal-health": frozenset({"access_api", permission})})
    assert ask(path).status_code == 200


def test_only_the_list_of_usernames_is_not_throttled(fresh_sandbox: Sandbox) -> None:
    ask = Ask(fresh_sandbox)
    fresh_sandbox.faults.throttle("maternal-health", 0)
    statuses = {path: {ask(path).status_code for _ in range(12)} for path in ("domain_usernames/v1/", "group/v1/")}
    assert statuses == {"domain_usernames/v1/": {200}, "group/v1/": {200, 429}}
