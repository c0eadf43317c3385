"""Answers who is asking and what there is: identity, whether a login is right, domains, case types, applications."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox import tastypie
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.messages import HTML, Params, RefusalError, Response, answer, empty
from commcare_frames.sandbox.people import V04_FIELDS

if TYPE_CHECKING:
    from commcare_frames.sandbox.accounts import Account
    from commcare_frames.sandbox.messages import Request


def _identity(request: Request) -> Response:
    return answer(_described(_account(request)))


def _described(account: Account) -> dict[str, Any]:
    username = account.login.username
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_DNS, username).hex,
        "username": username,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "email": username,
    }


def _sign_on(request: Request) -> Response:
    """Answer with the user whose name and password were sent; a name without ``@`` is a mobile worker's."""
    form = Params.parse(request.body.decode())
    for field in ("username", "password"):
        if field not in form:
            raise RefusalError(Response(400, f"Missing required parameter: {field}".encode(), HTML))
    username, password = form.last("username"), form.last("password")
    if "@" not in username:
        username = f"{username}@{request.domain.name}.commcarehq.org"
    account = request.hq.accounts.named(username.lower())
    if account is None or not account.login.password or password != account.login.password:
        raise empty(403)
    if request.domain.name not in account.roles:
        raise empty(403)
    known = [*request.domain.people.users(), *request.domain.people.web_users]
    user = next((user for user in known if user["username"] == account.login.username), _described(account))
    return answer({**{field: user[field] for field in V04_FIELDS if field in user}, "resource_uri": ""})


def _user_domains(request: Request) -> Response:
    if request.tail:
        raise empty(404)
    domains = [
        {"domain_name": domain.name, "project_name": domain.programme.project_name}
        for domain in request.hq.domains.values()
        if domain.api_access and domain.name in _account(request).roles
    ]
    return answer({"meta": {"total_count": len(domains)}, "objects": domains})


def _case_types(request: Request) -> list[dict[str, Any]]:
    return [{"case_type": name, "placeholder": ""} for name in request.domain.cases.case_types()]


def _applications(request: Request) -> Response:
    programme = request.domain.programme
    if request.tail:
        return tastypie.detail(request, [*programme.applications, *programme.builds])
    meta = {"limit": None, "next": None, "offset": 0, "previous": None, "total_count": len(programme.applications)}
    return answer({"meta": meta, "objects": programme.applications})


def _account(request: Request) -> Account:
    if request.account is None:
        raise empty(401)
    return request.account


ENDPOINTS = [
    Endpoint(("/api/identity/v1/", "/api/v0.5/identity/"), _identity, throttled=False, any_role=True),
    Endpoint(api("sso", "v1", "v0.5", "v0.4"), _sign_on, methods=("POST",), is_open=True),
    Endpoint(
        ("/api/user_domains/v1/", "/api/v0.5/user_domains/", "/hq/admin/api/global/user_domains/"),
        _user_domains,
        throttled=False,
        any_role=True,
    ),
    Endpoint(
        api("domain_cases", "v1", "v0.5"),
        tastypie.resource(_case_types, key="case_type", default=100),
        throttled=False,
    ),
    Endpoint(api("application", "v1", "v0.5", "v0.4"), _applications),
]
