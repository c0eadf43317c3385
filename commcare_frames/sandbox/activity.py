"""Answers what phones logged, in pages without an end, and on which days web users were active, by cursor."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from commcare_frames.sandbox import tastypie
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.faults import CANNED_ERROR
from commcare_frames.sandbox.messages import Params, RefusalError, Response, answer, error
from commcare_frames.sandbox.messaging import COMPARISONS
from commcare_frames.sandbox.tastypie import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.sandbox.messages import Request

    Json = dict[str, Any]

LARGEST_PAGE = 10_000
EXACT = ("user_id", "username", "type", "xform_id", "device_id")
NOT_ALLOWED = "You don't have permission to access this API"
ASKED_OF_DAYS = {"users", "limit", "local_timezone", "cursor", "format", "local_date"}
ASKED_OF_DAYS |= {"UTC_start_time_start", "UTC_start_time_end"}


def _device_logs(request: Request) -> Response:
    logs = request.domain.device_logs
    if request.tail:
        return tastypie.detail(request, logs)
    page = Page.asked(request.params)
    tests = [test for name, value in request.params.pairs if (test := _test(name, value))]
    matching = [each for each in logs if all(test(each) for test in tests)]
    shown = matching[page.offset : page.offset + page.limit]
    meta = {
        "limit": page.limit,
        "next": page.link(page.offset + page.limit),
        "offset": page.offset,
        "previous": page.link(page.offset - page.limit) if page.offset >= page.limit else None,
        "total_count": None,
    }
    made = answer({"meta": meta, "objects": shown})
    made.records = len(shown)
    return made


def _test(name: str, value: str) -> Callable[[Json], bool] | None:
    """Return what a filter asks of an entry; tastypie passes over names that are no fields."""
    if name in EXACT:
        return lambda entry: entry[name] == value
    field, _, comparison = name.partition("__")
    if field != "date":
        return None
    if comparison == "range":
        start, end = (_moment(each) for each in value.split(","))
        return lambda entry: start <= _moment(entry["date"]) <= end
    if comparison not in {"", *COMPARISONS}:
        raise error(400, f"'{comparison}' is not an allowed filter on the 'date' field.")
    compare = COMPARISONS[comparison] if comparison else lambda one, other: one == other
    edge = _moment(value)
    return lambda entry: compare(_moment(entry["date"]), edge)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise error(400, "Invalid resource lookup data provided (mismatched type).") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _action_times(request: Request) -> Response:
    if request.account is None or not request.account.has_flags:
        raise error(403, NOT_ALLOWED)
    by_cursor = "cursor" in request.params
    params = Params.of_cursor(request.params.last("cursor")) if by_cursor else request.params
    after = (params.last("cursor_local_date"), params.last("cursor_user"))
    params = params.without("cursor_local_date", "cursor_user")
    if {name.partition(".")[0] for name, _ in params.pairs} - ASKED_OF_DAYS:
        raise RefusalError(answer({"error_message": CANNED_ERROR}, 500))
    limit = _limit(params)
    zone = params.last("local_timezone", "UTC")
    left = [day for day in _days(request, params, zone) if (day["local_date"], day["user"]) > after]
    shown = left[:limit]
    meta: Json = {"limit": limit, "next": None, "offset": 0, "previous": None}
    meta |= {"local_date_timezone": zone, "total_count": len(left)}
    if len(left) > limit:
        params.pairs += [("cursor_local_date", shown[-1]["local_date"]), ("cursor_user", shown[-1]["user"])]
        meta["next"] = f"?{Params([('cursor', params.to_cursor())]).encode()}"
    return Response(body=json.dumps({"meta": meta, "objects": shown}).encode(), records=len(shown))


def _limit(params: Params) -> int:
    try:
        limit = int(params.last("limit", "0")) or LARGEST_PAGE
        if limit < 0:
            raise ValueError(limit)
    except ValueError:
        raise error(400, "limit must be a positive integer.") from None
    if limit > LARGEST_PAGE:
        raise error(400, f"Limit may not exceed {LARGEST_PAGE}.")
    return limit


def _days(request: Request, params: Params, zone: str) -> Sequence[Json]:
    """Return the days on which each user was active, in a time zone, from the first to the last instant."""
    here = ZoneInfo(zone) if zone != "UTC" else UTC
    users, ids = params.all("users"), {user["username"]: user["id"] for user in request.domain.programme.web_users}
    days: dict[tuple[str, str], list[datetime]] = {}
    for user, at in request.domain.audit_events:
        if not users or user in users:
            days.setdefault((at.astimezone(here).date().isoformat(), user), []).append(at)
    dates = [(name.partition(".")[2], value) for name, value in params.pairs if name.startswith("local_date.")]
    start, end = params.last("UTC_start_time_start"), params.last("UTC_start_time_end")
    return [
        {
            "UTC_end_time": _brief(max(times)),
            "UTC_start_time": _brief(min(times)),
            "local_date": date,
            "user": user,
            "user_id": ids.get(user),
        }
        for (date, user), times in sorted(days.items())
        if all(COMPARISONS[comparison](date, value) for comparison, value in dates)
        and (not start or min(times) >= _moment(start))
        and (not end or min(times) <= _moment(end))
    ]


def _brief(moment: datetime) -> str:
    """Write an instant without zone, and without microseconds where there are none."""
    return moment.replace(tzinfo=None).isoformat()


ENDPOINTS = [
    Endpoint(api("device-log", "v1", "v0.5"), _device_logs, permission="edit_data", throttled=False),
    Endpoint(api("action_times", "v1", "v0.5"), _action_times, permission="view_web_users", throttled=False),
]
