"""Answers the messaging event API: filters, its cursor that reads the last event again, single events."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.messages import Params, RefusalError, Response, answer, empty, error, web_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.sandbox.messages import Request

    Json = dict[str, Any]
    Test = Callable[[Json], int]
    """Tells how often HQ finds an event: once for each of its messages that match."""

USUAL_PAGE, LARGEST_PAGE = 20, 1_000
BY_ACTIVITY, LAST_ID = "date_last_activity", "last_object_id"
CONTENT_TYPES = {
    "none", "sms", "sms-callback", "sms-survey", "ivr-survey", "phone-verification", "manual-sms", "api-sms",
    "chat-sms", "email", "fcm-notification",
}  # fmt: skip
SOURCES = {
    "broadcast", "scheduled-broadcast", "immediate-broadcast", "keyword", "reminder", "conditional-alert",
    "unrecognized", "forwarded-message", "other",
}  # fmt: skip
STATUSES = {"in-progress", "completed", "not-completed", "error", "email-sent", "email-delivered"}
ALSO = {
    "sms": {"phone-verification", "manual-sms", "api-sms", "chat-sms"},
    "sms-survey": {"ivr-survey"},
    "broadcast": {"scheduled-broadcast", "immediate-broadcast"},
    "reminder": {"conditional-alert"},
    "other": {"forwarded-message"},
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PHONE = re.compile(r"\+?\d+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _serve(request: Request) -> Response:
    events = request.domain.events
    if request.tail:
        number = request.tail.strip("/")
        event = events.get(int(number)) if number.isdigit() else None
        if event is None:
            raise empty(404)
        return answer(event)
    # A cursor's parameters take the place of those that were sent.
    by_cursor = "cursor" in request.params
    params = Params.of_cursor(request.params.last("cursor")) if by_cursor else request.params
    limit = _limit(params)
    order = params.last("order_by") or BY_ACTIVITY
    if order.removeprefix("-") != BY_ACTIVITY:
        raise error(400, f"No matching '{order}' field for ordering")
    tests = [test for name, value in dict(params.pairs).items() if (test := _test(name, value))]
    ordered = events.all()
    if order.startswith("-"):
        ordered.sort(key=lambda event: event[BY_ACTIVITY], reverse=True)
    found = [event for event in ordered for _ in range(min((test(event) for test in tests), default=1))]
    page = _page(found, params, limit) if by_cursor else found[:limit]
    made = answer({"objects": page, "meta": {"limit": limit, "next": _next(request, params, page)}})
    made.records = len(page)
    return made


def _limit(params: Params) -> int:
    text = params.last("limit", str(USUAL_PAGE))
    try:
        limit = int(text)
        if limit <= 0:
            raise ValueError(text)
    except ValueError:
        raise error(400, f"Invalid limit '{text}' provided. Please provide a positive integer.") from None
    return min(limit, LARGEST_PAGE)


def _page(found: list[Json], params: Params, limit: int) -> list[Json]:
    """Return a later page, as HQ does: of events that were active at the same instant it repeats or loses some."""
    page = found[: limit + 1]
    if page and str(page[0]["id"]) == params.last(LAST_ID):
        return page[1:]
    return page[:-1]


def _next(request: Request, params: Params, page: list[Json]) -> str | None:
    if not page:
        return None
    edge = f"{BY_ACTIVITY}.{'lte' if params.last('order_by').startswith('-') else 'gte'}"
    kept = params.without(edge, LAST_ID)
    kept.pairs += [(edge, page[-1][BY_ACTIVITY]), (LAST_ID, str(page[-1]["id"]))]
    path = "v0.5/messaging-event" if request.hq.faults.old_scheme_only else "messaging-event/v1"
    server = request.hq.faults.next_host or request.hq.public_url
    query = Params([("cursor", kept.to_cursor())]).encode()
    return f"{server}/a/{request.domain_name}/api/{path}/?{query}"


def _test(name: str, value: str) -> Test | None:
    """Return what a filter asks of an event; a parameter that is none says nothing."""
    field, dot, comparison = name.partition(".")
    if dot and field in {"date", BY_ACTIVITY}:
        return _dated(field, comparison, value)
    if name == "content_type":
        return _among(lambda event: event["content_type"], value, CONTENT_TYPES)
    if name == "source":
        return _among(lambda event: event["source"]["type"], value, SOURCES)
    if name == "status":
        return _of_status(value)
    return _PLAIN[name](value.strip()) if name in _PLAIN else None


def _dated(field: str, comparison: str, text: str) -> Test:
    if comparison not in COMPARISONS:
        raise error(400, f"'{comparison}' is not a valid type of date range.")
    try:
        edge = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise error(400, f"Cannot parse datetime '{text}'") from None
    if comparison == "lte" and _DAY.fullmatch(text):
        edge += timedelta(days=1) - timedelta(microseconds=1)
    compare = COMPARISONS[comparison]
    return lambda event: compare(datetime.fromisoformat(event[field]), edge)


def _among(get: Callable[[Json], str], text: str, known: set[str]) -> Test:
    """Return whether an event is one of those named; HQ passes over names that it does not know, but not over all."""
    chosen = set(text.split(",")) & known
    if not chosen:
        raise RefusalError(web_page(500, "500 Error"))
    chosen |= {also for name in chosen for also in ALSO.get(name, ())}
    return lambda event: get(event) in chosen


def _of_status(status: str) -> Test:
    if status not in STATUSES:
        raise error(400, f"'{status}' is an invalid value for the 'status' filter")
    if status != "error":
        return lambda event: event["status"] == status

    def failed(event: Json) -> int:
        # HQ joins the messages, and finds an event again for each that failed.
        return sum(message["status"] == "error" for message in event["messages"]) or event["status"] == "error"

    return failed


def _of_number(number: str) -> Test:
    _check("phone_number", number, _PHONE)
    return lambda event: sum(number in message.get("phone_number", "") for message in event["messages"])


def _of_address(address: str) -> Test:
    _check("email_address", address, _EMAIL)
    return lambda event: sum(address == message.get("email_address") for message in event["messages"])


def _check(name: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise error(400, f"'{value}' is an invalid value for the '{name}' filter")


_PLAIN: dict[str, Callable[[str], Test]] = {
    "error_code": lambda code: lambda event: (event["error"] or {}).get("code") == code,
    "case_id": lambda case_id: lambda event: event["case_id"] == case_id,
    "phone_number": _of_number,
    "email_address": _of_address,
}


ENDPOINTS = [Endpoint(api("messaging-event", "v1", "v0.5"), _serve, permission="edit_data", tastypie=False)]
