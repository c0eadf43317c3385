"""`read_device_logs` and `read_action_times`: all pages and no more, filters that run on HQ, permissions and flags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CacheError, PermissionMissingError, QueryError
from commcare_frames.hq.client import Patience
from commcare_frames.hq.resources import ACTION_TIMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Login

from commcare_frames.sandbox import Sandbox
from commcare_frames.sandbox.programme import Programme, build

QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=5)
USERS = ["data.manager@health-ngo.example.org", "o.sene@health-ngo.example.org"]


def as_(sandbox: Sandbox, login: Login) -> Domain:
    return ccf.connect(
        "maternal-health", server=sandbox.url, username=login.username, api_key=login.api_key, patience=QUICK
    )


def asked_of(sandbox: Sandbox, path: str, start: int) -> list[list[tuple[str, str]]]:
    return [each.query for each in sandbox.log[start:] if path in each.path]


@pytest.fixture
def odd() -> Iterator[Any]:
    """Serves other data than the programme's, and connects to them."""
    running: list[Sandbox] = []

    def serve(**methods: Any) -> Domain:
        usual = build("maternal-health", project_name="x", patients=5)
        kind = type("Changed", (Programme,), {name: lambda _, found=found: found for name, found in methods.items()})
        running.append(Sandbox([kind(**vars(usual))]))
        return as_(running[-1], running[-1].admin)

    yield serve
    for sandbox in running:
        sandbox.stop()


def entry(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "xform_id": "x1", "i": number, "msg": f"said {number}", "type": "login",
        "date": f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}", "server_date": "2026-01-01T01:00:00",
        "domain": "maternal-health", "device_id": "d", "app_version": "v", "username": "007", "user_id": "u",
        "resource_uri": "", **changes,
    }  # fmt: skip


# Device logs


def test_all_entries_are_read_and_next_is_not_trusted(domain: Domain, sandbox: Sandbox) -> None:
    start = len(sandbox.log)
    logs = ccf.read_device_logs()

    assert {name: str(dtype) for name, dtype in logs.dtypes.items()} == {
        "id": "str", "date": "datetime64[us, UTC]", "server_date": "datetime64[us, UTC]", "type": "str", "msg": "str",
        "username": "str", "user_id": "str", "device_id": "str", "app_version": "str", "xform_id": "str", "i": "Int64",
    }  # fmt: skip
    assert logs["id"].is_unique
    assert logs["date"].is_monotonic_increasing
    asked = asked_of(sandbox, "/device-log/", start)
    assert [dict(each).get("offset", "0") for each in asked] == [str(1000 * page) for page in range(len(asked))]
    assert len(asked) == len(logs) // 1000 + 1, "a page that is not full is the last one"


@pytest.mark.parametrize(("entries", "requests"), [(0, 1), (999, 1), (1000, 2), (1001, 2)])
def test_a_page_that_is_full_is_followed_by_one_that_may_be_empty(odd: Any, entries: int, requests: int) -> None:
    domain = odd(device_logs=[entry(number) for number in range(entries)])
    made = domain.requests_made
    logs = ccf.read_device_logs()

    assert (len(logs), domain.requests_made - made) == (entries, requests)
    assert str(logs["date"].dtype) == "datetime64[us, UTC]"
    assert str(logs["i"].dtype) == "Int64"


def test_odd_entries_lose_nothing(odd: Any) -> None:
    odd(device_logs=[entry(1, username=None, msg="💥 é\n", battery={"level": 7}), entry(2, server_date=None)])
    logs = ccf.read_device_logs()

    assert logs["msg"].tolist() == ["💥 é\n", "said 2"]
    assert logs["username"].isna().tolist() == [True, False]
    assert logs["username"].tolist()[1] == "007"
    assert logs["battery.level"].tolist()[0] == 7
    assert logs["server_date"].isna().tolist() == [False, True]


def test_entries_that_come_twice_are_told(odd: Any) -> None:
    moved = [entry(number) for number in range(1000)] + [entry(3), entry(4)]
    odd(device_logs=moved)
    with pytest.warns(ccf.DataWarning, match=r"2 of 1,000 rows of device logs .* came twice.*others may be missing"):
        assert len(ccf.read_device_logs()) == 1000


def test_filters_of_device_logs_run_on_hq(domain: Domain, sandbox: Sandbox) -> None:
    whole = ccf.read_device_logs()
    name = whole["username"].dropna().iloc[0]
    start = len(sandbox.log)
    found = ccf.read_device_logs(where={"username": name, "type": "login"}, since="2025-01-01", until="2025-12-31")

    kept = (whole["username"] == name) & (whole["type"] == "login") & whole["date"].between("2025-01-01", "2026-01-01")
    pd.testing.assert_frame_equal(found, whole[kept].reset_index(drop=True))
    assert not found.empty
    assert dict(asked_of(sandbox, "/device-log/", start)[0]) == {
        "username": name, "type": "login", "date__gte": "2025-01-01T00:00:00.000000",
        "date__lte": "2025-12-31T23:59:59.999999", "limit": "1000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"user": "x"}, r"cannot filter device logs by 'user'.*Did you mean"),
        ({"date__gte": "2026"}, r"since= and until="),
        ({"type": ["login", "user"]}, r"one value"),
        ({"user_id": None}, r"whose user_id is missing"),
    ],
)
def test_filters_that_hq_would_pass_over_are_errors(domain: Domain, where: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        ccf.read_device_logs(where=where)


def test_device_logs_offline_columns_and_age(domain: Domain) -> None:
    with pytest.raises(CacheError):
        ccf.read_device_logs(cache="offline")
    first = ccf.read_device_logs(columns=["msg", "i"], dtypes={"i": "Float64"})
    assert [str(dtype) for dtype in first.dtypes] == ["str", "Float64"]
    made = domain.requests_made
    assert len(ccf.read_device_logs(max_age="1h")) == len(ccf.read_device_logs(cache="offline")) == len(first)
    assert domain.requests_made == made


def test_who_may_not_read_device_logs_is_told_why(sandbox: Sandbox) -> None:
    as_(sandbox, sandbox.no_edit)
    with pytest.raises(PermissionMissingError, match=r'Device Log API.*"API access" and "Edit Data"'):
        ccf.read_device_logs()
    as_(sandbox, sandbox.mobile_worker)
    with pytest.raises(PermissionMissingError, match="open to web users only"):
        ccf.read_device_logs()


# Action times


def test_every_day_of_every_user_is_a_row(domain: Domain, sandbox: Sandbox) -> None:
    days = ccf.read_action_times()

    assert {name: str(dtype) for name, dtype in days.dtypes.items()} == {
        "local_date": "datetime64[us]", "user": "str", "user_id": "str", "UTC_start_time": "datetime64[us, UTC]",
        "UTC_end_time": "datetime64[us, UTC]",
    }  # fmt: skip
    assert not days[["local_date", "user"]].duplicated().any()
    assert (days["UTC_start_time"] <= days["UTC_end_time"]).all()
    assert days.equals(days.sort_values(["local_date", "user"], ignore_index=True))
    assert days.attrs["commcare"]["rows"] == len(days)


def test_the_cursor_of_action_times_is_followed(
    domain: Domain, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ccf.read_action_times()
    monkeypatch.setattr("commcare_frames.read.activity.ACTION_TIMES", replace(ACTION_TIMES, largest_page=1000))
    start = len(sandbox.log)

    pd.testing.assert_frame_equal(ccf.read_action_times(), whole)
    asked = asked_of(sandbox, "/action_times/", start)
    assert [[name for name, _ in each] for each in asked] == [["limit"]] + [["cursor"]] * (len(asked) - 1)
    assert len(asked) == -(-len(whole) // 1000) > 1


def test_users_and_times_run_on_hq(domain: Domain, sandbox: Sandbox) -> None:
    whole = ccf.read_action_times()
    start = len(sandbox.log)
    found = ccf.read_action_times(users=USERS, since="2026-05-01", until="2026-05-31")

    kept = whole["user"].isin(USERS) & whole["UTC_start_time"].between("2026-05-01", "2026-06-01")
    pd.testing.assert_frame_equal(found, whole[kept].reset_index(drop=True))
    assert asked_of(sandbox, "/action_times/", start)[0] == [
        *(("users", user) for user in USERS), ("UTC_start_time_start", "2026-05-01T00:00:00.000000"),
        ("UTC_start_time_end", "2026-05-31T23:59:59.999999"), ("limit", "10000"),
    ]  # fmt: skip


def test_no_days_are_typed_and_odd_users_lose_nothing(odd: Any) -> None:
    odd(audit_events=[])
    none = ccf.read_action_times()
    assert none.empty
    assert [str(dtype) for dtype in none.dtypes] == [
        "datetime64[us]", "str", "str", "datetime64[us, UTC]", "datetime64[us, UTC]",
    ]  # fmt: skip
    at = pd.Timestamp("2026-01-01T10:00:00Z").to_pydatetime()
    odd(audit_events=[("007", at), ("gone@example.org", at)])
    days = ccf.read_action_times(cache=False)
    assert days["user"].tolist() == ["007", "gone@example.org"]
    assert days["user_id"].isna().all()
    assert list(ccf.read_action_times(columns=["user", "UTC_end_time"]).columns) == ["user", "UTC_end_time"]
    assert ccf.read_action_times(dtypes="string")["local_date"].tolist() == ["2026-01-01"] * 2
    assert str(ccf.read_action_times(dtypes={"user": "category"})["user"].dtype) == "category"


@pytest.mark.parametrize("users", ["data.manager@health-ngo.example.org", []])
def test_users_are_a_list_of_names(domain: Domain, users: Any) -> None:
    with pytest.raises(QueryError, match="users"):
        ccf.read_action_times(users=users)


def test_who_lacks_the_flag_or_the_permission_is_told(sandbox: Sandbox) -> None:
    for login in (sandbox.no_edit, sandbox.only_api):
        as_(sandbox, login)
        with pytest.raises(
            PermissionMissingError, match=r'"View Web Users".*the feature flag ACTION_TIMES_API on the user'
        ):
            ccf.read_action_times()


def test_old_servers_answer_too(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox.faults.old_scheme_only = True
    assert not ccf.read_device_logs(where={"type": "exception"}).empty
    assert not ccf.read_action_times(users=USERS).empty
    assert {each.path for each in fresh_sandbox.log if "v0.5/" in each.path} >= {
        "/a/maternal-health/api/v0.5/device-log/", "/a/maternal-health/api/v0.5/action_times/",
    }  # fmt: skip
