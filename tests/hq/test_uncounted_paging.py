"""Pages of resources that HQ does not count: where the next one begins, and which one is the last."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.errors import CommCareError
from commcare_frames.hq.answers import BrokenAnswerError
from commcare_frames.hq.client import Answer
from commcare_frames.hq.paging import first_params, read_page
from commcare_frames.hq.pull import range_params
from commcare_frames.hq.resources import ACTION_TIMES, DEVICE_LOGS, MESSAGING_EVENTS, ODATA_CASES

if TYPE_CHECKING:
    from commcare_frames.hq.paging import Page
    from commcare_frames.hq.resource import Resource

Pairs = tuple[tuple[str, str], ...]
CURSOR = "https://www.commcarehq.org/a/demo/api/messaging-event/v1/?cursor=b25l"


def page_of(resource: Resource, asked: Pairs, body: dict[str, Any]) -> Page:
    return read_page(resource, asked, Answer(json.dumps(body).encode(), None))


def events(*stamps: str, limit: int = 2) -> dict[str, Any]:
    objects = [{"id": number, "date_last_activity": stamp} for number, stamp in enumerate(stamps)]
    return {"objects": objects, "meta": {"limit": limit, "next": CURSOR if stamps else None}}


def test_the_next_page_of_events_begins_at_the_last_stamp_and_leaves_the_cursor_alone() -> None:
    asked = first_params(MESSAGING_EVENTS, (("status", "error"),), 2)
    assert asked == (("status", "error"), ("order_by", "date_last_activity"), ("limit", "2"))
    following = page_of(
        MESSAGING_EVENTS, asked, events("2026-01-01T00:00:00.1", "2026-01-01T00:00:00.200001")
    ).following
    assert following == (*asked, ("date_last_activity.gte", "2026-01-01T00:00:00.200001"))
    third = page_of(MESSAGING_EVENTS, following, events("2026-01-01T00:00:00.200001", "2026-01-02T00:00:00")).following
    assert third == (*asked, ("date_last_activity.gte", "2026-01-02T00:00:00"))


@pytest.mark.parametrize("stamps", [(), ("2026-01-01T00:00:00",)])
def test_a_page_that_could_have_held_more_is_the_last_whatever_next_says(stamps: tuple[str, ...]) -> None:
    assert page_of(MESSAGING_EVENTS, (("limit", "2"),), events(*stamps)).following is None


def test_the_server_s_own_limit_counts_not_the_one_asked_for() -> None:
    asked = (("limit", "5000"),)
    assert page_of(MESSAGING_EVENTS, asked, events("2026-01-01T00:00:00", "2026-01-02T00:00:00")).following


def test_more_events_of_one_instant_than_a_page_holds_are_an_error_not_a_loop() -> None:
    asked = (("limit", "2"), ("date_last_activity.gte", "2026-01-01T00:00:00"))
    with pytest.raises(CommCareError, match=r"2 or more records of the Messaging Event API have the same"):
        page_of(MESSAGING_EVENTS, asked, events("2026-01-01T00:00:00", "2026-01-01T00:00:00"))


def test_a_stretch_of_events_is_asked_for_without_a_zone() -> None:
    assert range_params(MESSAGING_EVENTS, "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z") == (
        ("date_last_activity.gt", "2026-01-01T00:00:00.000"), ("date_last_activity.lte", "2026-02-01T00:00:00.000"),
    )  # fmt: skip


@pytest.mark.parametrize("meta", [{}, {"limit": None, "next": CURSOR}, {"next": CURSOR}])
def test_a_page_without_its_limit_is_no_page(meta: dict[str, Any]) -> None:
    body = {"objects": [{"id": 1, "date_last_activity": "2026-01-01T00:00:00"}], "meta": meta}
    with pytest.raises(BrokenAnswerError):
        page_of(MESSAGING_EVENTS, (), body)


@pytest.mark.parametrize(("rows", "following"), [(3, "23"), (2, None), (0, None)])
def test_device_logs_end_with_a_page_that_is_not_full_though_next_never_ends(rows: int, following: str | None) -> None:
    meta = {"limit": 3, "next": "?limit=3&offset=23", "offset": 20, "total_count": None}
    page = page_of(DEVICE_LOGS, (("limit", "3"), ("offset", "20")), {"meta": meta, "objects": [{}] * rows})
    assert page.total is None
    assert page.following == (following and (("limit", "3"), ("offset", following)))


def test_what_is_left_after_a_cursor_is_not_taken_for_the_whole() -> None:
    meta = {"limit": 1, "next": "?cursor=bGltaXQ9MQ%3D%3D", "total_count": 7}
    page = page_of(ACTION_TIMES, (("users", "a"), ("limit", "1")), {"meta": meta, "objects": [{}]})
    assert (page.total, page.following) == (None, (("cursor", "bGltaXQ9MQ=="),))
    meta = {**meta, "next": None}
    assert page_of(ACTION_TIMES, (), {"meta": meta, "objects": [{}]}).following is None


@pytest.mark.parametrize("host", ["https://www.commcarehq.org", "http://evil.example.org", ""])
def test_only_the_query_of_a_link_counts(host: str) -> None:
    link = f"{host}/a/demo/api/odata/cases/v1/x/feed?limit=2&offset=2&name=%C3%A9+1&empty="
    page = page_of(ODATA_CASES, (("limit", "2"),), {"value": [{}, {}], "@odata.nextLink": link})
    assert page.following == (("limit", "2"), ("offset", "2"), ("name", "é 1"), ("empty", ""))


def test_a_page_without_rows_is_followed_as_long_as_there_is_a_link() -> None:
    link = "https://www.commcarehq.org/x?limit=2&offset=4"
    assert page_of(ODATA_CASES, (("limit", "2"),), {"value": [], "@odata.nextLink": link}).following
    assert page_of(ODATA_CASES, (("limit", "2"),), {"value": [{}]}).following is None


@pytest.mark.parametrize("link", ["https://www.commcarehq.org/next", "https://www.commcarehq.org/x?limit=2"])
def test_a_link_that_leads_nowhere_is_an_error_not_a_loop(link: str) -> None:
    with pytest.raises(BrokenAnswerError):
        page_of(ODATA_CASES, (("limit", "2"),), {"value": [{}], "@odata.nextLink": link})


instants = st.integers(0, 12).map("2026-01-01T00:00:00.{:06}".format)


@given(st.lists(instants, max_size=40), st.integers(1, 5))
def test_every_event_comes_unless_too_many_share_an_instant(stamps: list[str], limit: int) -> None:
    """Follow the pages of a server that orders by stamp, then by id."""
    resource = replace(MESSAGING_EVENTS, largest_page=limit)
    there = sorted((stamp, number) for number, stamp in enumerate(stamps))
    asked: Pairs | None = first_params(resource, (), limit)
    seen: set[int] = set()
    requests = 0
    try:
        while asked is not None:
            start = dict(asked).get("date_last_activity.gte", "")
            found = [pair for pair in there if pair[0] >= start][:limit]
            objects = [{"id": number, "date_last_activity": stamp} for stamp, number in found]
            page = page_of(resource, asked, {"objects": objects, "meta": {"limit": limit, "next": CURSOR}})
            seen.update(number for _, number in found)
            asked = page.following
            requests += 1
    except CommCareError:
        assert max(map(stamps.count, stamps)) >= limit
    else:
        assert seen == set(range(len(stamps)))
    assert requests <= len(stamps) + 1
