"""Signs requests with a login, for one server and no other."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.auth import AuthBase, HTTPDigestAuth

from commcare_frames.errors import LoginError, WrongServerError

if TYPE_CHECKING:
    from requests import PreparedRequest

OTP_HEADER = "X-CommCareHQ-OTP"


class Auth(AuthBase):
    """A login bound to one server: it signs requests to that server and refuses all others.

    A class of its own, not a header of the session, because ``~/.netrc`` overrides a session's
    ``Authorization`` header.

    Parameters
    ----------
    server
        Base URL of the server, such as ``https://www.commcarehq.org``.
    username
        The login's name; HQ stores it in lower case and compares it exactly.
    """

    def __init__(self, server: str, username: str | None) -> None:
        self.server = server
        self.username = _header_safe(username, "username").lower() if username else None

    @property
    def is_mobile_worker(self) -> bool:
        """Whether the username is a mobile worker's, ``name@domain.commcarehq.org``."""
        return (self.username or "").endswith(".commcarehq.org")

    def __repr__(self) -> str:
        """Show whose login it is, never the secret."""
        return f"{type(self).__name__}({self.username!r}, {self.server!r})"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign `request`, if it goes to the server that the login belongs to."""
        if _origin(request.url) != _origin(self.server):
            raise WrongServerError(
                f"A request to {_origin(request.url)} was stopped: this login belongs to {self.server} "
                "and is never sent elsewhere."
            )
        return self.sign(request)

    def sign(self, request: PreparedRequest) -> PreparedRequest:
        """Add the login to `request`."""
        raise NotImplementedError


class NoAuth(Auth):
    """No login, for the one question that HQ answers to anybody: whether a login is right."""

    def __init__(self, server: str) -> None:
        super().__init__(server, None)

    def sign(self, request: PreparedRequest) -> PreparedRequest:
        """Leave `request` as it is."""
        return request


class ApiKeyAuth(Auth):
    """``Authorization: ApiKey <username>:<key>``."""

    def __init__(self, server: str, username: str, api_key: str) -> None:
        super().__init__(server, username)
        self._api_key = _header_safe(api_key, "API key")

    def sign(self, request: PreparedRequest) -> PreparedRequest:
        """Add the key to `request`."""
        request.headers["Authorization"] = f"ApiKey {self.username}:{self._api_key}"
        return request


class TokenAuth(Auth):
    """``Authorization: Bearer <token>``, an OAuth access token."""

    def __init__(self, server: str, token: str) -> None:
        super().__init__(server, None)
        self._token = _header_safe(token, "token")

    def sign(self, request: PreparedRequest) -> PreparedRequest:
        """Add the token to `request`."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class PasswordAuth(Auth):
    """A password: Basic at first, Digest once a server asks for that, with a two-factor code if there is one."""

    def __init__(self, server: str, username: str, password: str, otp: str | None = None) -> None:
        super().__init__(server, username)
        self._password = password
        self._otp = otp
        self._digest: HTTPDigestAuth | None = None

    def sign(self, request: PreparedRequest) -> PreparedRequest:
        """Add the password, and the two-factor code, to `request`."""
        if self._otp:
            request.headers[OTP_HEADER] = self._otp
        if self._digest:
            signed: PreparedRequest = self._digest(request)
            return signed
        pair = base64.b64encode(f"{self.username}:{self._password}".encode()).decode()
        request.headers["Authorization"] = f"Basic {pair}"
        return request

    def switch_to_digest(self) -> bool:
        """Use Digest from now on; False when that was the case already."""
        if self._digest:
            return False
        self._digest = HTTPDigestAuth(self.username or "", self._password)
        return True


def _header_safe(text: str, name: str) -> str:
    """Strip blanks around a pasted text, and refuse what HQ never gives out and no header can carry."""
    stripped = text.strip()
    if not stripped.isascii() or not stripped.isprintable() or (name == "username" and ":" in stripped):
        raise LoginError(f"The {name} has characters in it that no {name} of HQ has. Copy it again, without quotes.")
    return stripped


def _origin(url: str | None) -> str:
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}".lower()
