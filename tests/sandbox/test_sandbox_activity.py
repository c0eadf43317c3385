"""Device logs, whose pages never end, and action times, with a cursor and a flag of the user."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from asking import Ask

from commcare_frames.sandbox import start


@pytest.fixture(scope="module")
def whole():
    with start(patients=60) as sandbox:
        yield sandbox


@pytest.fixture
def ask(whole):
    whole.faults.clear()
    return Ask(whole)


def logs(ask, **params):
    found, offset = [], 0
    while page := ask("device-log/v1/", {"limit": 1000, "offset": offset, **params}).json()["objects"]:
        found += page
        offset += 1000
    return found


def test_next_never_ends_and_nothing_is_counted(ask):
    first = ask("device-log/v1/").json()
    assert first["meta"] == {
        "limit": 20, "next": "?limit=20&offset=20", "offset": 0, "previous": None, "total_count": None,
    }  # fmt: skip
    beyond = ask("device-log/v1/", {"limit": 20, "offset": 1_000_000}).json()
    assert (beyond["objects"], beyond["meta"]["next"]) == ([], "?limit=20&offset=1000020")
    assert beyond["meta"]["previous"] == "?limit=20&offset=999980"


def test_entries_have_hq_s_fields_in_both_schemes_and_alone(ask):
    entry = ask("device-log/v1/").json()["objects"][0]
    assert entry.keys() == {
        "id", "xform_id", "i", "msg", "type", "date", "server_date", "domain", "device_id", "app_version", "username",
        "user_id", "resource_uri",
    }  # fmt: skip
    assert ask("v0.5/device-log/").json()["objects"][0] == entry
    assert ask(f"device-log/v1/{entry['id']}/").json() == entry


def test_filters_choose_entries(ask):
    everything = logs(ask)
    one = everything[7]
    for name in ("user_id", "username", "type", "xform_id", "device_id"):
        assert logs(ask, **{name: one[name]}) == [entry for entry in everything if entry[name] == one[name]]
    for name, value, keep in (
        ("date__gte", "2026-05-01", lambda date: date >= "2026-05-01"),
        ("date__lt", "2024-01-01T00:00:00Z", lambda date: date < "2024-01-01"),
        ("date__range", "2025-01-01,2025-03-01", lambda date: "2025-01-01" <= date <= "2025-03-01"),
        ("date", one["date"], lambda date: date == one["date"]),
    ):
        expected = [entry for entry in everything if keep(entry["date"])]
        assert logs(ask, **{name: value}) == expected
        assert 0 < len(expected) < len(everything)
    assert logs(ask, nonsense="x") == everything


@pytest.mark.parametrize("params", [{"date__gte": "soon"}, {"date__in": "2026-01-01"}])
def test_a_date_that_makes_no_sense_is_a_400(ask, params):
    assert ask("device-log/v1/", params).status_code == 400


def test_who_may_ask_for_device_logs(ask, whole):
    for login in (whole.no_edit, whole.mobile_worker):
        refused = ask("device-log/v1/", login=login)
        assert (refused.status_code, refused.content) == (403, b"")


def days(ask, **params):
    page = ask("action_times/v1/", params).json()
    found = page["objects"]
    while page["meta"]["next"]:
        page = ask(f"action_times/v1/{page['meta']['next']}").json()
        found += page["objects"]
    return found


def test_a_cursor_leads_through_the_days_and_counts_what_is_left(ask):
    everything = ask("action_times/v1/").json()
    assert everything["meta"]["limit"] == 10_000
    assert everything["meta"]["total_count"] == len(everything["objects"]) > 2_000
    assert everything["objects"] == sorted(everything["objects"], key=lambda day: (day["local_date"], day["user"]))
    assert days(ask, limit=900) == everything["objects"]
    first = ask("action_times/v1/", {"limit": 900}).json()
    assert first["meta"]["next"].startswith("?cursor=")
    second = ask(f"action_times/v1/{first['meta']['next']}").json()
    assert second["meta"]["total_count"] == first["meta"]["total_count"] - 900
    cursor = parse_qs(urlsplit(first["meta"]["next"]).query)["cursor"][0]
    assert b"limit=900" in base64.b64decode(cursor)


def test_users_days_and_times_choose(ask):
    everything = days(ask)
    users = sorted({day["user"] for day in everything})[:2]
    assert days(ask, users=users) == [day for day in everything if day["user"] in users]
    assert {day["local_date"] for day in days(ask, **{"local_date.gte": "2026-06-01"})} == {
        day["local_date"] for day in everything if day["local_date"] >= "2026-06-01"
    }
    found = days(ask, UTC_start_time_start="2026-06-01", UTC_start_time_end="2026-06-03T08:00:00")
    assert found == [day for day in everything if "2026-06-01" <= day["UTC_start_time"] <= "2026-06-03T08:00:00"]
    assert len(found) > 3


def test_a_day_is_one_of_the_time_zone_asked_for(ask):
    utc, here = (days(ask, local_timezone=zone) for zone in ("UTC", "America/Los_Angeles"))
    assert {day["UTC_start_time"] for day in utc} != {day["UTC_start_time"] for day in here}


def test_odd_questions(ask):
    assert ask("action_times/v1/", {"limit": 10_001}).json() == {"error": "Limit may not exceed 10000."}
    assert ask("action_times/v1/", {"limit": "x"}).json() == {"error": "limit must be a positive integer."}
    assert ask("action_times/v1/", {"offset": 1}).status_code == 500


def test_who_may_ask_for_action_times(ask, whole):
    unflagged = ask("action_times/v1/", login=whole.no_edit)
    assert (unflagged.status_code, unflagged.json()) == (
        403, {"error": "You don't have permission to access this API"},
    )  # fmt: skip
    for login in (whole.only_api, whole.mobile_worker):
        refused = ask("action_times/v1/", login=login)
        assert (refused.status_code, refused.content) == (403, b"")
