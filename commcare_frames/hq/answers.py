"""Says what an answer of the server means: an error of ours for every answer that is not the one asked for."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from commcare_frames.errors import (
    CommCareError,
    LoginError,
    NotFoundError,
    PermissionMissingError,
    QueryError,
    RateLimitError,
    TwoFactorError,
    WrongServerError,
)
from commcare_frames.hq.resources import RESTORE
from commcare_frames.hq.xml import parse

if TYPE_CHECKING:
    import requests

    from commcare_frames.hq.auth import Auth
    from commcare_frames.hq.resource import Resource

XML_START = b"<?xml"

PASSING_TROUBLE = frozenset(
    {
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

UNCOUNTED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"""What HQ answers before it counts a request against the domain's limits."""

KEY_PAGE = "My Account Settings > API Keys"
NOT_IN_PLAN = b"Feature flag not enabled."
"""What OData feeds answer, with 404, where the plan does not include them."""


class BrokenAnswerError(ValueError):
    """A body that is not what its status claims: cut short, not JSON, a web page."""


def parse_json(body: bytes) -> Any:  # noqa: ANN401  any JSON value
    """Parse a whole JSON body; raise `BrokenAnswerError` for anything else."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_leniently(body)


def _parse_leniently(body: bytes) -> Any:  # noqa: ANN401  any JSON value
    """Parse JSON with halves of emoji in it, which Python writes and orjson does not read."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BrokenAnswerError(describe_body(body)) from error


def describe_body(body: bytes) -> str:
    """Say in a few words what a body that is not the JSON asked for looks like, without quoting data."""
    start = body[:200].lstrip().lower()
    if not start:
        return "an empty body"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page instead of JSON"
    if start[:1] in b"{[":
        return f"JSON that breaks off or is damaged ({len(body):,} bytes)"
    return f"something other than JSON ({len(body):,} bytes)"


def error_text(response: requests.Response) -> str:
    """Return HQ's own words about an error, from whichever key it put them under."""
    try:
        body = parse(response.content) if response.content.startswith(XML_START) else orjson.loads(response.content)
    except ValueError:
        return ""
    if isinstance(body, dict):
        said = (body.get(key) for key in ("error", "error_message", "errors", "message", "error_html"))
        body = next(filter(None, said), "")
    if isinstance(body, dict):
        body = body.get("message", "")
    return "; ".join(map(str, body)) if isinstance(body, list) else str(body)


def lacks_url(response: requests.Response) -> bool:
    """Whether a 404 comes from a server that does not know the URL, not from a missing record.

    A record that is missing is answered with an empty body, JSON or XML, an unknown URL with a web page.
    """
    if response.status_code != HTTPStatus.NOT_FOUND:
        return False
    start = response.content.lstrip()
    return start[:1] == b"<" and not start.startswith(XML_START)


def retry_after(response: requests.Response) -> float | None:
    """Seconds in ``Retry-After``, whole or fractional; None where it is missing or unreadable."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def error_of(response: requests.Response, resource: Resource, auth: Auth, domain: str | None) -> CommCareError:
    """Build the error that an answer other than success stands for.

    Parameters
    ----------
    response
        The answer.
    resource, auth, domain
        What was asked, as whom, of which domain.

    Returns
    -------
    CommCareError
        With the status code, ready to be raised.
    """
    status = response.status_code
    host = urlsplit(auth.server).netloc
    error: CommCareError
    if 300 <= status < 400:  # noqa: PLR2004
        error = _redirected(response, host)
    elif status == HTTPStatus.UNAUTHORIZED:
        error = _unauthorized(response, resource, host, domain, auth)
    elif status == HTTPStatus.FORBIDDEN:
        error = _forbidden(resource, host, domain, auth)
    elif status == HTTPStatus.NOT_FOUND:
        error = _not_found(response, resource, host, domain)
    elif status == HTTPStatus.NOT_ACCEPTABLE and resource is RESTORE:
        error = LoginError(f"{host} gives no restore to {_who(auth)}: the account is deactivated or was deleted.")
    elif status == HTTPStatus.BAD_REQUEST:
        error = QueryError(f"{host} did not accept the query to its {resource.title}: {error_text(response)}")
    else:
        error = WrongServerError(
            f"{status} from {host} for the {resource.title}, which CommCare HQ does not answer. "
            "Check the server address, and any proxy in between."
        )
    error.status_code = status
    return error


def _redirected(response: requests.Response, host: str) -> CommCareError:
    target = urlsplit(response.headers.get("Location", ""))
    if "login" in target.path:
        return LoginError(
            f"{host} sent the request to its login page: it did not take the login for an API login. "
            f"Check username and key under {KEY_PAGE}."
        )
    if not target.netloc:
        return WrongServerError(f"{host} redirects to {target.path}, which CommCare HQ's API does not do.")
    place = f"{target.scheme}://{target.netloc}"
    return WrongServerError(
        f"{host} redirects to {place}. The login was not sent there. "
        f"If that is your project's server, connect with server={place!r}."
    )


def _unauthorized(
    response: requests.Response, resource: Resource, host: str, domain: str | None, auth: Auth
) -> CommCareError:
    text = error_text(response)
    lowered = text.lower()
    if "otp" in lowered:
        wrong = "incorrect" in lowered
        return TwoFactorError(
            f"{host} {'rejected the two-factor code' if wrong else 'asks for a two-factor code'} "
            f"for domain {domain!r}. Pass a fresh code with otp=..., or use an API key, which needs no code: "
            f"create one under {KEY_PAGE}."
        )
    if "temporarily cut off" in lowered:
        limited = RateLimitError(
            f"{host} has cut off API access of domain {domain!r} because of too many requests. "
            "Waiting does not help: ask Dimagi support to switch it on again."
        )
        limited.retryable = False
        return limited
    if "subscription" in lowered:
        return PermissionMissingError(
            f"{host} says that the plan of domain {domain!r} does not include API access. "
            f"HQ answers the same for a domain that does not exist: check the spelling of {domain!r} "
            "(it is the word after /a/ in the web address), then the plan under Project Settings > Subscription."
        )
    if "maximum password attempts" in lowered:
        return LoginError(f"{host} has locked this login after too many wrong passwords. Reset the password on HQ.")
    if text and ("permission" in lowered or "not authorized" in lowered):
        return PermissionMissingError(
            f"{host} refuses the {resource.title} of domain {domain!r} to {_who(auth)}: {text}. "
            f"It takes {describe_need(resource)}."
        )
    says_why = resource.path == RESTORE.path and bool(response.content)
    return _no_restore(response, host) if says_why else LoginError(_rejected(host, auth, domain))


def _no_restore(response: requests.Response, host: str) -> CommCareError:
    """Say why a right login gets no restore, which HQ does in plain words, as a 401 like a wrong one."""
    text = response.text.strip()
    if text.startswith("Invalid restore as user"):
        return NotFoundError(f"{host}: {text}. No user is called that: read_users() shows the mobile workers.")
    return PermissionMissingError(f"{host} gives no restore: {text[:300]}.")


def _rejected(host: str, auth: Auth, domain: str | None) -> str:
    where = f" for domain {domain!r}" if domain else ""
    kind = type(auth).__name__
    if kind == "ApiKeyAuth":
        return (
            f"401 from {host}{where}: the username or key is wrong, or the key is expired, deactivated, limited to "
            f"another domain or limited to another IP address; HQ does not say which. Check it under {KEY_PAGE}."
        )
    if kind == "TokenAuth":
        return (
            f"401 from {host}{where}: the token is wrong or older than 15 minutes, which is as long as "
            "HQ's access tokens last. Get a new one."
        )
    return (
        f"401 from {host}{where}: the username or password is wrong, or the account is deactivated or signs in "
        f"through single sign-on, which has no password. An API key always works: see {KEY_PAGE}."
    )


def _forbidden(resource: Resource, host: str, domain: str | None, auth: Auth) -> CommCareError:
    if auth.is_mobile_worker and resource.web_users_only:
        return PermissionMissingError(
            f"403 from {host}: the {resource.title} is open to web users only, and {auth.username!r} is a mobile "
            "worker. Connect as a web user; a mobile worker may read cases (Case API v2) only."
        )
    return PermissionMissingError(
        f"403 from {host} for the {resource.title}: the login is right, but {_who(auth)} is no member of domain "
        f"{domain!r}, or what this takes is missing: {describe_need(resource)}. Ask an administrator of the project."
    )


def describe_need(resource: Resource) -> str:
    """Say what a user and a domain need for a resource."""
    permissions = needed_permissions(resource)
    if not permissions:
        return "a member of that domain"
    return f"a role with {permissions} in that domain (Project Settings > Roles & Permissions){needed_beside(resource)}"


def needed_permissions(resource: Resource) -> str:
    """Name the permissions that a role needs for a resource."""
    names = ("API access" if resource.is_api else None, resource.permission)
    return " and ".join(f'"{name}"' for name in names if name)


def needed_beside(resource: Resource) -> str:
    """Say what else a resource takes: of the domain's plan, or a feature flag."""
    if resource.plan_feature is not None:
        return f", and a plan of the domain that includes {resource.plan_feature}"
    if resource.feature_flag is None:
        return ""
    whose = "user" if resource.flag_of_user else "domain"
    return f", and the feature flag {resource.feature_flag} on the {whose}, which Dimagi's support switches on"


def _not_found(response: requests.Response, resource: Resource, host: str, domain: str | None) -> CommCareError:
    if lacks_url(response) and not resource.is_page_when_missing:
        return WrongServerError(
            f"{host} does not know the {resource.title}. Either it is not a CommCare HQ server "
            "or it runs a version without that API."
        )
    if response.content == NOT_IN_PLAN:
        return PermissionMissingError(
            f"{host} says that the plan of domain {domain!r} does not include the {resource.title}. "
            "See Project Settings > Subscription for a plan with OData feeds (Power BI and Tableau integration)."
        )
    said = error_text(response).rstrip(".")
    return NotFoundError(f"{host}: {said or f'nothing found by the {resource.title}'}.")


def _who(auth: Auth) -> str:
    return repr(auth.username) if auth.username else "the token's user"
