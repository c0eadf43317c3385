"""Answers the restore: all that one user's phone holds, as OpenRosa XML."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from commcare_frames.sandbox.endpoints import Endpoint
from commcare_frames.sandbox.messages import HTML, RefusalError, Response, web_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.sandbox.domains import Domain
    from commcare_frames.sandbox.messages import Request

Json = dict[str, Any]

XML = "text/xml; charset=utf-8"
PERMISSION = "access_mobile_endpoints"
RETRY_AFTER = "1"
ASYNC_SINCE = (2, 0)
"""The version of OpenRosa from which a client is asked to come back for its restore."""

_RESPONSE = '<OpenRosaResponse xmlns="http://openrosa.org/http/response">{}</OpenRosaResponse>'
_CASE_XMLNS = "http://commcarehq.org/case/transaction/v2"


def _serve(request: Request) -> Response:
    domain, account = request.domain, request.account
    assert account is not None  # noqa: S101  the checks have passed
    if PERMISSION not in account.roles.get(domain.name, ()):
        return web_page(403, "No permission")
    app_id = request.tail.strip("/")
    if app_id and app_id not in {app["id"] for app in (*domain.programme.applications, *domain.programme.builds)}:
        return web_page(404, "404 Error")
    username = request.params.last("as") or account.login.username
    user = next((user for user in domain.programme.users if user["username"] == username), None)
    if user is None and username != account.login.username:
        raise RefusalError(_refused(request, username))
    if _comes_back(request) and request.hq.faults.restore_pends():
        return _pending(username)
    body = _RESPONSE.format("".join(_restore(domain, user or {"username": username})))
    return Response(200, f"<?xml version='1.0' encoding='UTF-8'?>\n{body}\n".encode(), XML)


def _refused(request: Request, username: str) -> Response:
    text = f"Invalid restore as user {username}"
    if request.hq.accounts.named(username):
        text = f"{username} was not in the domain {request.domain.name}"
    return Response(401, text.encode(), HTML)


def _comes_back(request: Request) -> bool:
    version = request.params.last("openrosa_version")
    return bool(version) and tuple(map(int, version.split("."))) >= ASYNC_SINCE


def _pending(username: str) -> Response:
    body = _RESPONSE.format(
        f'<message nature="ota_restore_pending">Asynchronous restore under way for {escape(username)}</message>'
        '<Sync xmlns="http://commcarehq.org/sync"><progress total="100" done="25"/></Sync>'
    )
    return Response(202, body.encode(), XML, {"Retry-After": RETRY_AFTER})


def _restore(domain: Domain, user: Json) -> Iterator[str]:
    name = user["username"].partition("@")[0]
    token = uuid.uuid5(uuid.NAMESPACE_URL, f"{domain.name}/{name}").hex
    yield f'<message nature="ota_restore_success">Successfully restored account {escape(name)}!</message>'
    yield f'<Sync xmlns="http://commcarehq.org/sync"><restore_id>{token}</restore_id></Sync>'
    yield _registration(user, name)
    yield from _lookup_tables(domain, user)
    yield from _groups(domain, user)
    for case in _cases(domain, user):
        yield _case(case)


def _registration(user: Json, name: str) -> str:
    data = {
        **user.get("user_data", {}),
        "commcare_first_name": user.get("first_name", ""),
        "commcare_last_name": user.get("last_name", ""),
        "commcare_phone_number": user.get("default_phone_number", ""),
    }
    entries = "".join(f"<data key={quoteattr(key)}>{escape(str(value))}</data>" for key, value in data.items())
    return (
        '<Registration xmlns="http://openrosa.org/user/registration">'
        f"<username>{escape(name)}</username><password/><uuid>{user.get('id', '')}</uuid><date>2024-01-08</date>"
        f"<user_data>{entries}</user_data></Registration>"
    )


def _lookup_tables(domain: Domain, user: Json) -> Iterator[str]:
    programme = domain.programme
    for table in programme.lookup_tables:
        tag = table["tag"]
        rows = "".join(
            f"<{tag}>{''.join(_fields(item))}</{tag}>"
            for item in programme.lookup_items
            if item["data_type_id"] == table["id"]
        )
        of_user = f' user_id="{user.get("id", "")}"' if not table["is_global"] else ""
        yield f'<fixture id="item-list:{tag}"{of_user}><{tag}_list>{rows}</{tag}_list></fixture>'


def _fields(item: Json) -> Iterator[str]:
    for field, values in item["fields"].items():
        for value in values["field_list"]:
            attributes = "".join(f" {key}={quoteattr(each)}" for key, each in value["properties"].items())
            yield f"<{field}{attributes}>{escape(value['field_value'])}</{field}>"


def _groups(domain: Domain, user: Json) -> Iterator[str]:
    mine = [group for group in domain.programme.groups if group["id"] in user.get("groups", ())]
    groups = "".join(f'<group id="{group["id"]}"><name>{escape(group["name"])}</name></group>' for group in mine)
    yield f'<fixture id="user-groups" user_id="{user.get("id", "")}"><groups>{groups}</groups></fixture>'


def _cases(domain: Domain, user: Json) -> list[Json]:
    """Return the open cases of a user, and the cases that they are linked to."""
    owners = {user.get("id"), *user.get("groups", ()), *user.get("locations", ())}
    found = {
        record.case_id: record.content()
        for record in domain.cases.select()
        if record.owner_id in owners and not record.closed
    }
    linked = list(found.values())
    while linked:
        for link in linked.pop()["indices"].values():
            record = domain.cases.get(link["case_id"])
            if record and record.case_id not in found:
                found[record.case_id] = record.content()
                linked.append(found[record.case_id])
    return list(found.values())


def _case(case: Json) -> str:
    update = {"date_opened": case["date_opened"], **case["properties"]}
    if case["external_id"]:
        update["external_id"] = case["external_id"]
    links = "".join(
        f'<{name} case_type="{link["case_type"]}" relationship="{link["relationship"]}">{link["case_id"]}</{name}>'
        for name, link in case["indices"].items()
    )
    create = "".join(_element(name, case[name]) for name in ("case_type", "case_name", "owner_id"))
    return (
        f'<case case_id="{case["case_id"]}" date_modified="{case["last_modified"]}" user_id="{case["user_id"]}" '
        f'xmlns="{_CASE_XMLNS}"><create>{create}</create>'
        f"<update>{''.join(_element(name, value) for name, value in update.items())}</update>"
        f"{f'<index>{links}</index>' if links else ''}{'<close/>' if case['closed'] else ''}</case>"
    )


def _element(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>"


ENDPOINTS = [
    Endpoint(
        ("/a/{domain}/phone/restore/",),
        _serve,
        tastypie=False,
        throttled=False,
        any_role=True,
    )
]
