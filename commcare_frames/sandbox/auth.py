"""Finds out who is asking: API key, Basic, Digest, bearer token, two-factor code."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import TYPE_CHECKING
from urllib.request import parse_http_list, parse_keqv_list

from commcare_frames.sandbox.messages import TEXT, RefusalError, Response, empty, error

if TYPE_CHECKING:
    from commcare_frames.sandbox.accounts import Account
    from commcare_frames.sandbox.messages import Request

REALM = "DJANGO"
BASIC_CHALLENGE = {"WWW-Authenticate": 'Basic realm=""'}
KEY_REFUSED = "The username or API key is wrong, or the key has expired or was deactivated."

_NONCE = secrets.token_hex(16)


def authenticate(request: Request, *, key_in_query: bool, says_why: bool = False) -> Account:
    """Return the account behind a request, or refuse with the 401 that HQ gives.

    Parameters
    ----------
    request
        What was asked.
    key_in_query
        Whether ``username=`` and ``api_key=`` in the query are taken as a login.
    says_why
        Whether a wrong key is answered in words, as `user_domains` alone does.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    scheme = scheme.lower()
    if scheme == "basic":
        return _by_basic(request, credentials)
    if scheme == "digest":
        return _by_digest(request, credentials)
    if scheme == "bearer":
        account = request.hq.accounts.of_token(credentials.strip())
        request.username = account.login.username if account else None
        if account is None:
            raise empty(401)
        return account
    if scheme == "apikey":
        username, colon, api_key = credentials.partition(":")
        if not colon:
            raise error(400, f"Invalid API key header: {request.headers['Authorization']}")
        return _by_key(request, username, api_key, says_why=says_why)
    if key_in_query and "username" in request.params and "api_key" in request.params:
        name, api_key = request.params.last("username"), request.params.last("api_key")
        return _by_key(request, name, api_key, says_why=says_why)
    raise _digest_challenge()


def _by_key(request: Request, username: str, api_key: str, *, says_why: bool) -> Account:
    request.username = username
    account = request.hq.accounts.named(username)
    if account is None or not account.key_opens(api_key, request.domain_name):
        raise RefusalError(Response(401, KEY_REFUSED.encode(), TEXT)) if says_why else empty(401)
    return account


def _by_basic(request: Request, credentials: str) -> Account:
    try:
        username, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise empty(401, BASIC_CHALLENGE) from None
    username = username.lower()
    account = request.hq.accounts.named(username)
    request.username = username
    if account and account.key_opens(password, request.domain_name):
        return account
    right = account is not None and bool(password) and password == account.login.password
    return _with_password(request, account, right=right, challenge=BASIC_CHALLENGE)


def _by_digest(request: Request, credentials: str) -> Account:
    said = parse_keqv_list(parse_http_list(credentials))
    username = said.get("username", "").lower()
    account = request.hq.accounts.named(username)
    request.username = username
    right = account is not None and bool(account.login.password) and said.get("nonce") == _NONCE
    if account and right:
        # the client hashes the name as it typed it
        ours = _md5(f"{said['username']}:{REALM}:{account.login.password}")
        asked = _md5(f"{request.method}:{said.get('uri', '')}")
        rest = f"{said.get('nc', '')}:{said.get('cnonce', '')}:{said.get('qop', '')}"
        right = said.get("response") == _md5(f"{ours}:{_NONCE}:{rest}:{asked}")
    challenge = _digest_challenge().response.headers
    return _with_password(request, account, right=right, challenge=challenge)


def _with_password(request: Request, account: Account | None, *, right: bool, challenge: dict[str, str]) -> Account:
    accounts = request.hq.accounts
    username = request.username or ""
    if accounts.locked(username):
        raise error(401, "maximum password attempts exceeded")
    accounts.remember_try(username, right=right)
    if account is None or not right:
        raise empty(401, challenge)
    _check_two_factor(request, account)
    return account


def _check_two_factor(request: Request, account: Account) -> None:
    domain = request.hq.domains.get(request.domain_name or "")
    if domain is None or not domain.two_factor:
        return
    code = request.headers.get("X-CommCareHQ-OTP") or request.params.last("otp")
    request.params = request.params.without("otp")
    if not code:
        raise error(401, "must send X-COMMCAREHQ-OTP header or 'otp' URL parameter")
    if code != account.login.otp:
        raise error(401, "OTP token is incorrect")


def _digest_challenge() -> RefusalError:
    return empty(401, {"WWW-Authenticate": f'Digest realm="{REALM}", nonce="{_NONCE}", qop="auth", algorithm=MD5'})


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
