"""Case v1: offset pages, its lower-cased filters, its date grammar, its shape."""

from __future__ import annotations

import pytest

BY_STAMP = ["a1", "b1", "b2", "b3", "c1", "d1"]


def ids(ask, *params):
    return ask.ids(*params, path="case/v1/")


def test_every_version_answers_alike(ask):
    answers = [ask(f"{path}/").json() for path in ("case/v1", "v0.5/case", "v0.4/case", "v0.3/case")]
    assert all(answer == answers[0] for answer in answers)


def test_the_shape_of_a_case(ask):
    case = ask("case/v1/c1/").json()
    assert case["id"] == case["case_id"] == "c1"
    assert case["date_modified"] == "2026-02-03T23:30:00.000000Z"
    assert case["properties"]["case_type"] == "home_visit"
    assert (case["user_id"], case["opened_by"], case["closed_by"]) == ("user1", "user1", "user2")
    assert case["xform_ids"] == ["form1"]
    assert case["resource_uri"] == ""
    assert "case_type" not in case


def test_a_missing_date_is_the_sentinel(ask, hq):
    hq.domain("maternal-health").add({"case_id": "e1", "case_type": "patient", "server_date_opened": None})
    assert ask("case/v1/e1/").json()["server_date_opened"] == "1900-01-01"


def test_a_missing_case_is_404_with_an_empty_body(ask):
    answer = ask("case/v1/nope/")
    assert (answer.status_code, answer.content) == (404, b"")


def test_next_and_previous_are_query_only_and_keep_repeated_parameters(ask):
    params = [("order_by", "indexed_on"), ("limit", "2"), ("offset", "2"), ("order_by", "date_modified")]
    meta = ask("case/v1/", params).json()["meta"]
    kept = "?order_by=indexed_on&order_by=date_modified"
    assert meta == {
        "limit": 2, "offset": 2, "total_count": 6,
        "next": f"{kept}&limit=2&offset=4", "previous": f"{kept}&limit=2&offset=0",
    }  # fmt: skip


def test_the_ends_have_no_next_and_no_previous(ask):
    assert ask("case/v1/", {"limit": 2, "offset": 4}).json()["meta"]["next"] is None
    assert ask("case/v1/", {"limit": 2, "offset": 1}).json()["meta"]["previous"] is None


@pytest.mark.parametrize("limit", ["0", "9999"])
def test_limit_0_and_too_large_a_limit_mean_5000(ask, limit):
    assert ask("case/v1/", {"limit": limit}).json()["meta"]["limit"] == 5000


@pytest.mark.parametrize("params", [{"limit": "x"}, {"limit": "-1"}, {"offset": "-1"}, {"offset": "1.5"}])
def test_bad_limits_and_offsets_are_400(ask, params):
    answer = ask("case/v1/", params)
    assert answer.status_code == 400
    assert "Please provide a positive integer" in answer.json()["error"]


def test_beyond_a_million_is_500(ask):
    assert ask("case/v1/", {"offset": "1000000"}).status_code == 500


def test_order_by(ask):
    assert ids(ask, ("order_by", "indexed_on")) == BY_STAMP
    assert ids(ask, ("order_by", "-indexed_on")) == BY_STAMP[::-1]
    assert ids(ask, ("order_by", "server_date_modified")) == BY_STAMP
    assert ask("case/v1/", {"order_by": "case_name"}).status_code == 400


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("type.exact", "home_visit", ["c1"]),
        ("type.exact", "Home_Visit", []),
        ("type", "HOME_VISIT", ["c1"]),
        ("case_type", "patient", ["a1", "b1", "b2", "b3", "d1"]),
        ("name", "B1", ["b1"]),
        ("name.exact", "Name of b1", ["b1"]),
        ("name.exact", "b1", []),
        ("external_id.exact", "x-1", ["b1", "b2"]),
        ("owner_id", "owner1", ["a1", "b1", "b3", "c1", "d1"]),
        ("closed", "True", ["c1"]),
        ("closed_by", "user2", ["c1"]),
        ("user_id", "user1", BY_STAMP),
        ("q", "anything", BY_STAMP),
        ("child_cases__full", "true", BY_STAMP),
        ("format", "json", BY_STAMP),
    ],
)
def test_filters(ask, name, value, found):
    assert ids(ask, (name, value)) == found


def test_filter_values_are_lower_cased_so_mixed_case_finds_nothing(ask):
    assert ids(ask, ("owner_id", "Owner2")) == []


@pytest.mark.parametrize("name", ["case_typ", "Type", "properties.age", "indexed_on.gt"])
def test_an_unknown_parameter_gives_200_and_nothing(ask, name):
    answer = ask("case/v1/", {name: "patient"})
    assert (answer.status_code, answer.json()["meta"]["total_count"]) == (200, 0)


def test_a_repeated_parameter_counts_once_the_last_value(ask):
    assert ids(ask, ("type.exact", "home_visit"), ("type.exact", "patient")) == ["a1", "b1", "b2", "b3", "d1"]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("indexed_on_start", "2026-02-03", ["c1", "d1"]),
        ("indexed_on_start", "2026-02-04T10:00:00", ["d1"]),
        ("indexed_on_start", "2026-02-02T10:00:00.000900", ["b1", "b2", "b3", "c1", "d1"]),
        ("indexed_on_start", "2026-02-02T10:00Z", ["b1", "b2", "b3", "c1", "d1"]),
        ("indexed_on_end", "2026-02-03", ["a1", "b1", "b2", "b3"]),
        ("indexed_on_end", "2026-02-01T10:00:00.000000", ["a1"]),
        ("date_modified_start", "2026-02-04", ["d1"]),
        ("server_date_modified_end", "2026-02-02", ["a1"]),
        ("server_modified_on_start", "2026-02-04", ["d1"]),
    ],
)
def test_dates_are_inclusive_and_a_bare_date_is_midnight(ask, name, value, found):
    assert ids(ask, (name, value)) == found


@pytest.mark.parametrize("value", ["2026-02-02T10:00:00Z", "2026-02-02T10:00:00.000100Z", "2026-02-02T10:00:00+00:00"])
def test_a_zone_after_the_seconds_is_400(ask, value):
    answer = ask("case/v1/", {"indexed_on_start": value})
    assert answer.status_code == 400
    assert answer.json() == {"error": f"Bad query parameter: Unknown date format: {value}"}
