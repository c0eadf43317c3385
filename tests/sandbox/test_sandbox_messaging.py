"""Messaging events: filters, the cursor with its empty last page, and what it does to events of one instant."""

from __future__ import annotations

import hashlib
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from asking import Ask

from commcare_frames.sandbox import start
from commcare_frames.sandbox.programme import build

NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")


@pytest.fixture(scope="module")
def whole():
    with start(patients=60) as sandbox:
        yield sandbox


@pytest.fixture
def ask(whole):
    whole.faults.clear()
    return Ask(whole)


@pytest.fixture
def events(whole):
    return whole.events("maternal-health")


def pages(ask, most=400, **params):
    page = ask("messaging-event/v1/", params).json()
    found = [page]
    while page["meta"]["next"]:
        assert len(found) < most, "the pull does not end"
        page = ask(page["meta"]["next"].removeprefix(ask.sandbox.url)).json()
        found.append(page)
    return found


def ids(ask, **params):
    return [event["id"] for event in ask("messaging-event/v1/", {"limit": 1000, **params}).json()["objects"]]


def distinct(events):
    """Events without those that share their instant with others, which the cursor cannot be trusted with."""
    last = [event["date_last_activity"] for event in events.all()]
    return len(last) == len(set(last))


def test_both_url_schemes_answer_alike_and_a_single_event_is_as_in_the_list(ask):
    new, old = (ask(path).json() for path in ("messaging-event/v1/", "v0.5/messaging-event/"))
    assert new["objects"] == old["objects"]
    assert len(new["objects"]) == new["meta"]["limit"] == 20
    event = new["objects"][0]
    assert ask(f"messaging-event/v1/{event['id']}/").json() == event
    missing = ask("messaging-event/v1/1/")
    assert (missing.status_code, missing.content) == (404, b"")


def test_events_have_hq_s_shape_and_dates_without_a_zone(ask):
    for event in ask("messaging-event/v1/", {"limit": 1000}).json()["objects"]:
        assert list(event) == [
            "id", "content_type", "date", "date_last_activity", "case_id", "domain", "error", "form", "messages",
            "recipient", "source", "status",
        ]  # fmt: skip
        assert event["recipient"].keys() == {"recipient_id", "type", "name"}
        assert event["source"].keys() == {"source_id", "type", "name"}
        assert NAIVE.fullmatch(event["date_last_activity"])
        assert event["date"] <= event["date_last_activity"]
        for message in event["messages"]:
            assert NAIVE.fullmatch(message["date"])
            assert ("phone_number" in message) != ("email_address" in message)


def test_the_cursor_gives_every_event_and_ends_with_an_empty_page(ask, events):
    found = pages(ask, limit=50, source="conditional-alert")
    listed = [event["id"] for page in found for event in page["objects"]]
    assert found[-1] == {"objects": [], "meta": {"limit": 50, "next": None}}
    assert [len(page["objects"]) for page in found[:-2]] == [50] * (len(found) - 2)
    assert listed == [event["id"] for event in events.all() if event["source"]["type"] == "conditional-alert"]
    address = urlsplit(found[0]["meta"]["next"])
    assert address.netloc == ask.sandbox.url.removeprefix("http://")
    assert parse_qs(address.query).keys() == {"cursor"}


def test_what_is_sent_beside_a_cursor_says_nothing(ask):
    cursor = parse_qs(urlsplit(pages(ask, limit=200)[0]["meta"]["next"]).query)["cursor"][0]
    alone, beside = (
        ask("messaging-event/v1/", {"cursor": cursor, **more}).json() for more in ({}, {"limit": 3, "status": "error"})
    )
    assert alone == beside


def test_events_of_one_instant_at_the_edge_of_a_page_lead_to_the_same_page_again(ask, events):
    now = "2026-11-01T10:00:00.000001"
    same = [events.add(date_last_activity=now) for _ in range(3)]
    latest = {"date_last_activity.gte": now, "limit": 2}
    first = ask("messaging-event/v1/", latest).json()
    second = ask(first["meta"]["next"].removeprefix(ask.sandbox.url)).json()
    third = ask(second["meta"]["next"].removeprefix(ask.sandbox.url)).json()
    assert [event["id"] for event in first["objects"]] == same[:2]
    assert second == third, "the last event of the instant never comes"
    assert [event["id"] for event in second["objects"]] == same[:2]


def test_the_order_is_that_of_the_last_activity_either_way(ask):
    for order in ({}, {"order_by": "date_last_activity"}, {"order_by": "-date_last_activity"}):
        stamps = [event["date_last_activity"] for event in ask("messaging-event/v1/", order).json()["objects"]]
        assert stamps == sorted(stamps, reverse="-" in order.get("order_by", ""))
    refused = ask("messaging-event/v1/", {"order_by": "date"})
    assert (refused.status_code, refused.json()) == (400, {"error": "No matching 'date' field for ordering"})


@pytest.mark.parametrize("limit", ["0", "-1", "x", ""])
def test_a_limit_is_a_positive_number(ask, limit):
    refused = ask("messaging-event/v1/", {"limit": limit})
    said = f"Invalid limit '{limit}' provided. Please provide a positive integer."
    assert (refused.status_code, refused.json()) == (400, {"error": said})


def test_too_large_a_limit_is_cut(ask):
    assert ask("messaging-event/v1/", {"limit": 5000}).json()["meta"]["limit"] == 1000


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ({"content_type": "email"}, lambda event: event["content_type"] == "email"),
        ({"content_type": "sms-survey,email"}, lambda event: event["content_type"] in {"sms-survey", "email"}),
        ({"content_type": "email,nonsense"}, lambda event: event["content_type"] == "email"),
        ({"source": "reminder"}, lambda event: event["source"]["type"] == "conditional-alert"),
        ({"source": "broadcast"}, lambda event: event["source"]["type"].endswith("-broadcast")),
        ({"status": "email-sent"}, lambda event: event["status"] == "email-sent"),
        ({"error_code": "NO_PHONE_NUMBER"}, lambda event: (event["error"] or {}).get("code") == "NO_PHONE_NUMBER"),
        ({"date.gte": "2026-01-01", "date.lt": "2026-02-01"}, lambda event: event["date"].startswith("2026-01")),
        ({"date.lte": "2026-01-31", "date.gt": "2025-12-31T23:59:59.999999"},
         lambda event: event["date"].startswith("2026-01")),
        ({"email_address": " data.manager@health-ngo.example.org"},
         lambda event: event["recipient"]["name"] == "Ravi Prasad"),
    ],
)  # fmt: skip
def test_filters_choose_events(ask, events, filters, keep):
    expected = [event["id"] for event in events.all() if keep(event)]
    assert ids(ask, **filters) == expected
    assert 0 < len(expected) < len(events.all())


def test_case_and_number_choose_events_and_a_number_counts_for_each_message(ask, events):
    survey = next(event for event in events.all() if len(event["messages"]) > 1)
    number = survey["messages"][0]["phone_number"]
    assert survey["id"] in ids(ask, case_id=survey["case_id"])
    assert ids(ask, phone_number=number[4:]).count(survey["id"]) == len(survey["messages"])


def test_the_status_error_finds_failed_messages_too(ask, events):
    message = {**events.all()[0]["messages"][0], "status": "error"}
    number = events.add(status="in-progress", messages=[message, message])
    assert ids(ask, status="error").count(number) == 2


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"status": "sent"}, "'sent' is an invalid value for the 'status' filter"),
        ({"phone_number": "12a"}, "'12a' is an invalid value for the 'phone_number' filter"),
        ({"email_address": "nobody"}, "'nobody' is an invalid value for the 'email_address' filter"),
        ({"date.after": "2026-01-01"}, "'after' is not a valid type of date range."),
        ({"date_last_activity.gte": "soon"}, "Cannot parse datetime 'soon'"),
    ],
)
def test_a_value_that_makes_no_sense_is_a_400(ask, params, said):
    refused = ask("messaging-event/v1/", params)
    assert (refused.status_code, refused.json()) == (400, {"error": said})


def test_hq_fails_at_a_kind_that_it_does_not_know(ask):
    assert ask("messaging-event/v1/", {"source": "nonsense"}).status_code == 500


def test_who_may_ask(ask, whole):
    refused = ask("messaging-event/v1/", login=whole.no_edit)
    assert (refused.status_code, refused.headers["Content-Type"][:9]) == (403, "text/html")
    assert ask("messaging-event/v1/", login=whole.mobile_worker).status_code == 200
    refused = ask("messaging-event/v1/", method="POST", json={})
    assert (refused.status_code, refused.json()) == (405, {"error": "Request method not allowed"})
    whole.faults.throttle("maternal-health", 0)
    answers = [ask("messaging-event/v1/", {"limit": 1}) for _ in range(12)]
    assert "Retry-After" in answers[-1].headers


def test_the_data_are_these_on_every_platform_and_python():
    programme = build(project_name="x", patients=60)
    content = [programme.messaging_events(), programme.device_logs()]
    content.append([(user, at.isoformat()) for user, at in programme.audit_events()])
    content.append(programme.odata_feeds)
    text = json.dumps(content)
    assert text == json.dumps([*content[:3], build(project_name="x", patients=60).odata_feeds])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "7607dd9ec6dbfa74"


def test_messages_fit_the_programme(events, whole):
    cases = whole.domain("maternal-health")
    found = events.all()
    assert len({event["id"] for event in found}) == len(found)
    for event in found:
        if event["case_id"]:
            assert cases.get(event["case_id"]) is not None
        if (event["error"] or {}).get("code") == "NO_PHONE_NUMBER":
            assert event["messages"] == []
    assert {"error", "delivered", "received"} <= {message["status"] for event in found for message in event["messages"]}
