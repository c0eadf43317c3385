"""Answers who the mobile workers, web users and groups of a domain are."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox import tastypie
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.faults import CANNED_ERROR
from commcare_frames.sandbox.messages import RefusalError, Response, answer, error
from commcare_frames.sandbox.xml import wants_xml

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.sandbox.endpoints import Handler
    from commcare_frames.sandbox.messages import Request

Json = dict[str, Any]

V04_FIELDS = (
    "id", "username", "first_name", "last_name", "default_phone_number", "email", "phone_numbers", "groups",
    "user_data", "extras", "role", "is_admin", "permissions",
)  # fmt: skip
BULK_FIELDS = ("id", "email", "username", "first_name", "last_name", "phone_numbers")
NO_USER = "The object 'None' has an empty attribute 'get_id' and doesn't allow a default or null value."


def _users(request: Request) -> list[Json]:
    people, group = request.domain.people, request.params.last("group")
    if request.tail:
        found = people.users()
    elif group:
        # whether archived=true or not, HQ gives a group's active members
        members = next((each["users"] for each in people.groups if each["id"] == group), None)
        if members is None:
            raise error(400, f"Project {request.domain.name} has no group with id={group}")
        found = [user for user in people.users(active=True) if user["id"] in members]
    else:
        found = people.users(active=not _flag(request, "archived"))
    if _flag(request, "extras"):
        counts = _activity(request)
        found = [{**user, "extras": {name: count[user["id"]] for name, count in counts.items()}} for user in found]
    return [_shown(request, user) for user in found]


def _shown(request: Request, user: Json) -> Json:
    """Return a user as the version of the API that was called has it."""
    base = request.path.removesuffix(request.tail)
    if wants_xml(request):
        user = {**user, "user_data": {key: value for key, value in user["user_data"].items() if not key[:1].isdigit()}}
    if "/v0.4/" in base:
        return {**{field: user[field] for field in V04_FIELDS if field in user}, "resource_uri": ""}
    return {**user, "resource_uri": f"{base}{user['id']}/"}


def _flag(request: Request, name: str) -> bool:
    return request.params.last(name).lower() in {"true", "t", "yes", "y", "1"}


def _activity(request: Request) -> dict[str, Counter[str]]:
    """Count the forms of each user in the last thirty days and in the last calendar month, as HQ's search does."""
    now = datetime.fromtimestamp(request.hq.clock.now(), UTC)
    this_month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    spans = {"last_30": (now - timedelta(days=30), now), "last_month": (last_month, this_month)}
    counts: dict[str, Counter[str]] = {f"{what}_{span}": Counter() for span in spans for what in MOMENTS}
    earliest = min(start for start, _ in spans.values()).timestamp() * 1000
    for record in request.domain.forms.select():
        if record.received_on < earliest or record.archived:
            continue
        form = record.content()
        metadata = form["metadata"] or {}
        for span, (start, end) in spans.items():
            for what, moment in MOMENTS.items():
                text = moment(form, metadata)
                counts[f"{what}_{span}"][str(metadata.get("userID"))] += bool(text) and start <= _time(text) <= end
    return counts


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


MOMENTS: dict[str, Callable[[Json, Json], str]] = {
    "submitted": lambda form, _metadata: form["received_on"],
    "completed": lambda _form, metadata: metadata.get("timeEnd") or "",
}


def _web_users(request: Request) -> list[Json]:
    # not `username`, which is part of a login wherever it stands in a query
    name = request.params.last("web_username")
    found = request.domain.people.web_users
    return [_shown(request, user) for user in found if not name or request.tail or user["username"] == name]


def _bulk_users(request: Request) -> Response:
    if request.tail:
        raise RefusalError(answer({"error_message": CANNED_ERROR}, 500))
    people, page = request.domain.people, tastypie.Page.asked(request.params)
    wanted = request.params.all("fields")
    for field in wanted:
        if field not in BULK_FIELDS:
            raise error(400, f"{field} is not a valid field")
    word = request.params.last("q").strip("*").lower()
    found = [
        {field: user[field] for field in wanted or BULK_FIELDS} | ({} if wanted else {"resource_uri": ""})
        for user in [*people.users(active=True), *people.web_users]
        if word in " ".join(str(user[field]) for field in BULK_FIELDS[1:5]).lower()
    ]
    cut = found[page.offset : page.offset + page.limit]
    # HQ cuts the page out of what is a page already, and counts that
    shown = cut[page.offset : page.offset + page.limit]
    return page.answer([json.dumps(user).encode() for user in shown], len(cut), len(shown))


def _groups(request: Request) -> list[Json]:
    base = request.path.removesuffix(request.tail)
    return [{**group, "resource_uri": f"{base}{group['id']}/"} for group in request.domain.people.groups]


def _usernames(request: Request) -> list[Json]:
    """Name every user, also web users and who was deactivated; mobile workers without their domain."""
    people = request.domain.people
    return [
        {"user_id": user["id"], "user_name": user["username"].lower().removesuffix(_host(request))}
        for user in [*people.users(), *people.web_users]
    ]


def _host(request: Request) -> str:
    return f"@{request.domain.name}.commcarehq.org"


def _or_no_user(handler: Handler) -> Handler:
    """Answer as HQ does where a user that does not exist is taken apart like one that does."""

    def handle(request: Request) -> Response:
        try:
            return handler(request)
        except RefusalError as refusal:
            if refusal.response.status == HTTPStatus.NOT_FOUND:
                raise error(400, NO_USER) from None
            raise

    return handle


ENDPOINTS = [
    Endpoint(
        api("user", "v1", "v0.5", "v0.4"), _or_no_user(tastypie.resource(_users)), permission="edit_commcare_users"
    ),
    Endpoint(
        api("web-user", "v1", "v0.5", "v0.4"), _or_no_user(tastypie.resource(_web_users)), permission="edit_web_users"
    ),
    Endpoint(api("bulk-user", "v1", "v0.5"), _bulk_users, permission="edit_commcare_users"),
    Endpoint(api("group", "v1", "v0.5", "v0.4"), tastypie.resource(_groups), permission="edit_commcare_users"),
    Endpoint(
        api("domain_usernames", "v1", "v0.5"),
        tastypie.resource(_usernames, key="user_id"),
        permission="view_commcare_users",
        throttled=False,
    ),
]
