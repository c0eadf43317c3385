"""Finds the endpoint a URL names and lets a request pass HQ's checks in HQ's order."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commcare_frames.sandbox.auth import authenticate
from commcare_frames.sandbox.faults import CANNED_ERROR
from commcare_frames.sandbox.messages import (
    HTML,
    RefusalError,
    Response,
    answer,
    empty,
    error,
    web_page,
)
from commcare_frames.sandbox.xml import as_xml, wants_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.sandbox.messages import Request

    Handler = Callable[[Request], Response]

logger = logging.getLogger(__name__)

PLAN_LACKS_API = "Your current subscription does not have access to this feature"
CUT_OFF = "API access has been temporarily cut off due to too many requests.  To re-enable, please contact support."


@dataclass(frozen=True)
class Endpoint:
    """One API of HQ.

    Parameters
    ----------
    paths
        URL paths in both schemes, ``{domain}`` standing for the domain; what follows is the request's `tail`.
    handler
        Makes the answer, once all checks have passed.
    permission
        Role permission needed beside ``access_api``.
    methods
        HTTP methods answered.
    tastypie
        Whether it is a tastypie resource or a plain Django view, which check and refuse differently.
    throttled
        Whether its requests count against the rate limit.
    any_role
        Whether not even ``access_api`` is needed.
    is_open
        Whether anybody may ask, without a login.
    has_subpaths
        Whether more than an id may follow its path, without a slash at the end.
    needs_locations
        Whether the domain's plan has to include locations.
    serves_xml
        Whether it answers in XML where that is asked for, as tastypie resources do unless HQ forbids it.
    """

    paths: tuple[str, ...]
    handler: Handler
    permission: str | None = None
    methods: tuple[str, ...] = ("GET",)
    tastypie: bool = True
    throttled: bool = True
    any_role: bool = False
    is_open: bool = False
    has_subpaths: bool = False
    needs_locations: bool = False
    serves_xml: bool = True


def api(name: str, new: str, *old: str) -> tuple[str, ...]:
    """Return the paths of an API of a domain in the new scheme and the old ones."""
    return (f"/a/{{domain}}/api/{name}/{new}/", *(f"/a/{{domain}}/api/{version}/{name}/" for version in old))


class Router:
    """All endpoints of the server."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._routes = [
            (re.compile(path.replace("{domain}", r"(?P<domain>[\w.:-]+)") + "(?P<tail>.*)"), endpoint)
            for endpoint in endpoints
            for path in endpoint.paths
        ]

    def answer(self, request: Request) -> Response:
        """Answer a request, whatever it asks."""
        found = self._find(request)
        if found is None:
            return web_page(404, "404 Error")
        endpoint, route = found
        in_xml = endpoint.tastypie and endpoint.serves_xml and wants_xml(request)
        if not request.path.endswith("/") and (_ends_with_slash(endpoint) or not route["tail"]):
            query = f"?{request.params.encode()}" if request.params.pairs else ""
            return Response(301, b"", HTML, {"Location": f"{request.path}/{query}"})
        request.domain_name = route.groupdict().get("domain")
        request.tail = route["tail"]
        try:
            response = _served(endpoint, request)
            return as_xml(response) if in_xml else response
        except Exception:
            logger.exception("The sandbox failed at %s %s", request.method, request.path)
            return answer({"error_message": CANNED_ERROR}, 500) if endpoint.tastypie else web_page(500, "500 Error")

    def _find(self, request: Request) -> tuple[Endpoint, re.Match[str]] | None:
        for path in (request.path, request.path + "/"):
            for pattern, endpoint in self._routes:
                route = pattern.fullmatch(path)
                if route and not (request.hq.faults.old_scheme_only and _is_new(pattern)):
                    return endpoint, route
        return None


def _served(endpoint: Endpoint, request: Request) -> Response:
    try:
        return _serve_tastypie(endpoint, request) if endpoint.tastypie else _serve_view(endpoint, request)
    except RefusalError as refusal:
        return refusal.response


def _is_new(pattern: re.Pattern[str]) -> bool:
    return bool(re.search(r"/api/[\w/-]+/v\d+/", pattern.pattern))


def _ends_with_slash(endpoint: Endpoint) -> bool:
    return endpoint.tastypie and not endpoint.has_subpaths


def _serve_tastypie(endpoint: Endpoint, request: Request) -> Response:
    hq, domain = request.hq, request.hq.domains.get(request.domain_name or "")
    if request.method == "OPTIONS":
        return _options(endpoint)
    if endpoint.needs_locations and (domain is None or not domain.has_locations):
        raise empty(403)
    if request.domain_name in hq.faults.cut_off:
        raise error(401, CUT_OFF)
    if request.domain_name is not None and (domain is None or not domain.api_access):
        raise error(401, PLAN_LACKS_API)
    if request.method not in endpoint.methods:
        allowed = ",".join(endpoint.methods)
        return Response(405, allowed.encode(), HTML, {"Allow": allowed})
    if not endpoint.is_open:
        _admit(endpoint, request)
    if endpoint.throttled and hq.faults.limits.seconds_to_wait(request.domain_name) is not None:
        raise empty(429)
    if request.tail.strip("/").count("/") and not endpoint.has_subpaths:
        return web_page(404, "404 Error")
    response = endpoint.handler(request)
    if endpoint.throttled:
        hq.faults.limits.count(request.domain_name)
    return response


def _admit(endpoint: Endpoint, request: Request) -> None:
    """Find out who asks a tastypie resource, and refuse whoever may not."""
    request.account = authenticate(request, key_in_query=True, says_why="user_domains" in request.path)
    if _missing_permissions(endpoint, request) or not request.account.web_user:
        raise empty(403)


def _serve_view(endpoint: Endpoint, request: Request) -> Response:
    hq = request.hq
    if request.method == "OPTIONS":
        return _options(endpoint)
    request.account = authenticate(request, key_in_query=False)
    if request.domain_name not in request.account.roles or request.domain_name not in hq.domains:
        raise empty(403)
    if _missing_permissions(endpoint, request):
        return web_page(403, "No permission")
    if not request.domain.api_access:
        return web_page(403, "Upgrade required")
    if endpoint.throttled:
        wait = hq.faults.limits.seconds_to_wait(request.domain_name)
        if wait is not None:
            raise empty(429, {"Retry-After": f"{wait:.2f}"})
        hq.faults.limits.count(request.domain_name)
    if request.method not in endpoint.methods:
        raise error(405, "Request method not allowed")
    return endpoint.handler(request)


def _missing_permissions(endpoint: Endpoint, request: Request) -> bool:
    """Whether the account is no member of the domain or its role there lacks a permission."""
    if endpoint.any_role or request.account is None:
        return False
    needed = {"access_api", endpoint.permission} - {None}
    return not needed <= request.account.roles.get(request.domain_name or "", frozenset())


def _options(endpoint: Endpoint) -> Response:
    allowed = ", ".join(endpoint.methods)
    headers = {"Allow": allowed, "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": allowed}
    return Response(200, b"", HTML, headers)
