"""The list of case v2: order, cursor, filters, dates, quirks."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

ALL = ["a1", "b1", "b2", "b3", "c1", "d1"]


def cursor_of(page):
    return base64.b64decode(parse_qs(urlsplit(page["next"]).query)["cursor"][0]).decode()


def ids_of(pages):
    return [case["case_id"] for page in pages for case in page["cases"]]


def test_the_order_is_by_millisecond_then_by_id(ask):
    assert ask.ids() == ALL


def test_pages_of_any_size_give_every_case_once(ask):
    for limit in range(1, 8):
        assert ids_of(ask.pages({"limit": limit})) == ALL


def test_a_full_last_page_leads_to_an_empty_one_without_next(ask):
    pages = ask.pages({"limit": 3})
    assert [len(page["cases"]) for page in pages] == [3, 3, 0]
    assert "next" not in pages[-1]


def test_a_page_that_is_not_full_is_the_last(ask):
    assert [len(page["cases"]) for page in ask.pages({"limit": 4})] == [4, 2]


def test_every_page_tells_the_whole_match(ask):
    assert {page["matching_records"] for page in ask.pages({"limit": 2})} == {6}


def test_next_is_absolute_and_new_scheme_even_when_the_old_was_called(ask, hq):
    page = ask("v0.6/case/", {"limit": 2}).json()
    assert page["next"].startswith(f"{hq.url}/a/maternal-health/api/case/v2/?cursor=")


def test_the_cursor_holds_the_parameters_and_the_last_row(ask):
    page = ask("case/v2/", {"limit": 1, "case_type": "patient"}).json()
    assert cursor_of(page) == "limit=1&case_type=patient&indexed_on.gte=1769940000000&last_case_id=a1"


def test_with_a_cursor_all_other_parameters_are_ignored(ask, hq):
    page = ask("case/v2/", {"limit": 2}).json()
    more = ask(page["next"].removeprefix(hq.url) + "&limit=1&case_type=none&nonsense=1").json()
    assert ids_of([more]) == ["b2", "b3"]


def test_a_cursor_that_is_none_is_refused(ask):
    assert ask("case/v2/", {"cursor": "%%%"}).status_code == 400


def test_own_indexed_on_gte_delivers_page_one_twice_and_then_goes_on(ask):
    pages = ask.pages({"limit": 2, "indexed_on.gte": "2026-02-02"})
    assert ids_of(pages) == ["b1", "b2", "b1", "b2", "b3", "c1", "d1"]


def test_own_indexed_on_gt_delivers_everything_once(ask):
    assert ids_of(ask.pages({"limit": 2, "indexed_on.gt": "2026-02-01T10:00:00.000Z"})) == ALL[1:]


def test_a_case_reindexed_during_the_pull_comes_again_at_the_end(ask, hq):
    first = ask("case/v2/", {"limit": 4}).json()
    hq.domain("maternal-health").reindex(["a1"])
    second = ask(first["next"].removeprefix(hq.url)).json()
    assert ids_of([first, second]) == ["a1", "b1", "b2", "b3", "c1", "d1", "a1"]


def test_limit_0_counts(ask):
    page = ask("case/v2/", {"limit": 0, "case_type": "patient"}).json()
    assert page == {"matching_records": 5, "cases": []}


def test_the_default_limit_is_20(ask, hq):
    for number in range(30):
        hq.domain("maternal-health").add({"case_id": f"z{number:02}", "case_type": "patient"})
    assert len(ask.ids()) == 20


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"limit": "5001"}, "You cannot request more than 5000 cases per request."),
        ({"limit": "ten"}, "not a valid limit"),
        ({"limit": "-1"}, "not a valid limit"),
        ({"colour": "red"}, "'colour' is not a valid parameter."),
        ({"format": "json"}, "'format' is not a valid parameter."),
        ({"order_by": "indexed_on"}, "'order_by' is not a valid parameter."),
        ({"last_modified": "2026-01-01"}, "'last_modified' is not a valid parameter."),
        ({"last_modified.after": "2026-01-01"}, "not a valid date comparison"),
        ({"indexed_on.gt": "tomorrow"}, "Cannot parse datetime 'tomorrow'"),
        ({"query": "age >"}, "Bad query: "),
        ({"fields": "case_id", "exclude": "properties"}, "You cannot specify both 'fields' and 'exclude'"),
    ],
)
def test_a_bad_parameter_is_400_and_named(ask, params, words):
    answer = ask("case/v2/", params)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ([("case_type", "home_visit")], ["c1"]),
        ([("case_type", "HOME_VISIT")], []),
        ([("case_type", "patient"), ("case_type", "home_visit")], ALL),
        ([("owner_id", "Owner2")], ["b2"]),
        ([("owner_id", "owner1"), ("owner_id", "Owner2"), ("case_type", "home_visit")], ["c1"]),
        ([("case_name", "Name of b1")], ["b1"]),
        ([("external_id", "x-1")], ["b1", "b2"]),
        ([("closed", "TRUE")], ["c1"]),
        ([("closed", "f")], ["a1", "b1", "b2", "b3", "d1"]),
        ([("closed", "")], ["a1", "b1", "b2", "b3", "d1"]),
        ([("properties.age", "25")], ["b3"]),
        ([("properties.age", "")], ["b2", "c1", "d1"]),
        ([("properties.age", "25"), ("properties.age", "9")], ["a1", "b3"]),
        ([("indices.parent", "a1")], ["c1"]),
        ([("indices.mother", "a1")], []),
        ([("include_deprecated", "false")], ALL[:-1]),
        ([("include_deprecated", "true")], ALL),
        ([("query", "age > 9")], ["b1", "b3"]),
    ],
)
def test_filters(ask, params, found):
    assert ask.ids(*params) == found


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("indexed_on.gt", "2026-02-02", ["c1", "d1"]),
        ("indexed_on.gte", "2026-02-02", ALL[1:]),
        ("indexed_on.lt", "2026-02-02", ["a1"]),
        ("indexed_on.lte", "2026-02-02", ["a1", "b1", "b2", "b3"]),
        ("indexed_on.lte", "2026-02-03", ["a1", "b1", "b2", "b3", "c1"]),
        ("indexed_on.gt", "2026-02-02T10:00:00.000900Z", ["c1", "d1"]),
        ("indexed_on.gte", "2026-02-02T10:00:00.000900Z", ALL[1:]),
        ("indexed_on.lte", "2026-02-02T11:00:00+01:00", ["a1", "b1", "b2", "b3"]),
        ("indexed_on.gt", "2026-02-02 10:00", ["c1", "d1"]),
        ("indexed_on.gt", "Feb 3, 2026", ["c1", "d1"]),
        ("last_modified.gte", "2026-02-03", ["c1", "d1"]),
        ("server_last_modified.lt", "2026-02-02", ["a1"]),
        ("date_opened.gt", "2026-01-01", []),
        ("date_opened.lte", "2026-01-01", ALL),
        ("date_closed.gt", "2000-01-01", ["c1"]),
    ],
)
def test_dates_compare_at_milliseconds_and_a_bare_date_is_the_whole_day(ask, name, value, found):
    assert ask.ids((name, value)) == found


def test_a_repeated_date_filter_is_either(ask):
    assert ask.ids(("indexed_on.lt", "2026-02-02"), ("indexed_on.lt", "2026-02-03")) == ["a1", "b1", "b2", "b3"]


def test_two_indexed_on_filters_make_a_window(ask):
    assert ask.ids(("indexed_on.gt", "2026-02-01"), ("indexed_on.lte", "2026-02-02")) == ["b1", "b2", "b3"]


def test_a_change_is_found_by_a_filter_that_was_asked_before(ask, hq):
    assert ask.ids(("properties.age", "99")) == []
    hq.domain("maternal-health").update("a1", age="99")
    assert ask.ids(("properties.age", "99")) == ["a1"]


def test_text_survives_the_way(ask):
    assert ask("case/v2/d1").json()["properties"]["name"] == "Zoë <&> 🤰"
