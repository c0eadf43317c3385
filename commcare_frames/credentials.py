"""Where a username and key come from, and where a saved login is kept."""

# ruff: noqa: PLC0415  the keyring takes its time to load, and a login from elsewhere needs none

from __future__ import annotations

import contextlib
import json
import netrc
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import platformdirs

from commcare_frames.errors import NotConnectedError
from commcare_frames.hq.auth import ApiKeyAuth, PasswordAuth, TokenAuth

if TYPE_CHECKING:
    from commcare_frames.hq.auth import Auth

Kind = Literal["api_key", "password", "token"]

SERVICE = "commcare_frames"
LAST = "last server"


@dataclass(frozen=True)
class Login:
    """A way to sign in to one server.

    Parameters
    ----------
    kind, secret
        What the secret is, and the secret itself, which no text shows.
    username
        The login's name; None for a token, which says by itself whose it is.
    otp
        A two-factor code, for a password.
    source
        Where the login was found, for messages.
    """

    kind: Kind
    secret: str = field(repr=False)
    username: str | None = None
    otp: str | None = field(default=None, repr=False)
    source: str = "the arguments"

    def auth(self, server: str) -> Auth:
        """Return what signs requests to `server`."""
        if self.kind == "token":
            return TokenAuth(server, self.secret)
        if not self.username:
            raise NotConnectedError(
                f"A {self.kind.replace('_', ' ')} needs a username (the e-mail address of the HQ account): pass "
                "username=... or set COMMCARE_USERNAME."
            )
        if self.kind == "password":
            return PasswordAuth(server, self.username, self.secret, self.otp)
        return ApiKeyAuth(server, self.username, self.secret)


def find_login(server: str, given: Login | None, username: str | None = None) -> Login:
    """Find a login for a server: as given, from the environment, saved, or from ``~/.netrc``.

    Parameters
    ----------
    server
        Base URL of the server.
    given
        The login in the caller's arguments, if there is one.
    username
        The user to sign in as, if the caller named one.

    Returns
    -------
    Login
        The first that is found.

    Raises
    ------
    NotConnectedError
        When there is none; the message names the places.
    """
    login = given or _from_environment(server, username) or _saved(server, username) or _from_netrc(server)
    if login is None:
        whose = f" for {username!r}" if username else ""
        raise NotConnectedError(
            f"No login{whose} was found for {server}. It was looked for in the arguments (username and api_key, or "
            "password, or token), in COMMCARE_USERNAME with COMMCARE_API_KEY, COMMCARE_PASSWORD or COMMCARE_TOKEN, "
            f"among the logins saved with login(), and in {_netrc_path()}. "
            "An API key is made on HQ under My Account Settings > API Keys."
        )
    return login


def save_login(server: str, domain: str | None, login: Login) -> str:
    """Keep a login for later sessions and say where it is kept.

    Parameters
    ----------
    server, domain
        What the login opens; the domain is the one to open when none is named.
    login
        The login; a two-factor code is not kept.

    Returns
    -------
    str
        The place, in words.
    """
    import keyring

    value = json.dumps({"domain": domain, "kind": login.kind, "username": login.username, "secret": login.secret})
    try:
        keyring.set_password(SERVICE, _name(server), value)
        keyring.set_password(SERVICE, LAST, server)
    except keyring.errors.KeyringError:
        _write_file({**_read_file(), _name(server): value, LAST: server})
        return f"{_file()}, readable by you only, as this computer has no keyring"
    return f"this computer's keyring ({keyring.get_keyring().name})"


def forget_login(server: str) -> bool:
    """Remove a saved login from everywhere; False when there was none."""
    import keyring

    found = False
    with contextlib.suppress(keyring.errors.KeyringError):
        keyring.delete_password(SERVICE, _name(server))
        found = True
    kept = _read_file()
    if kept.pop(_name(server), None) is not None:
        _write_file(kept)
        found = True
    return found


def saved_server() -> str | None:
    """Return the server of the login that was saved last."""
    return _look_up(LAST)


def saved_domain(server: str) -> str | None:
    """Return the domain that was saved with the login for a server."""
    value = _look_up(_name(server))
    domain: str | None = json.loads(value)["domain"] if value else None
    return domain


def _from_environment(server: str, username: str | None) -> Login | None:
    # Keys in the environment belong to the server named there, if one is.
    if urlsplit(os.environ.get("COMMCARE_SERVER", server)).netloc not in {"", urlsplit(server).netloc}:
        return None
    user = username or os.environ.get("COMMCARE_USERNAME")
    if secret := os.environ.get("COMMCARE_API_KEY"):
        return Login("api_key", secret, user, source="COMMCARE_API_KEY")
    if secret := os.environ.get("COMMCARE_PASSWORD"):
        return Login("password", secret, user, source="COMMCARE_PASSWORD")
    if secret := os.environ.get("COMMCARE_TOKEN"):
        return Login("token", secret, source="COMMCARE_TOKEN")
    return None


def _saved(server: str, username: str | None) -> Login | None:
    value = _look_up(_name(server))
    if value is None:
        return None
    saved = json.loads(value)
    if username and saved["username"] != username:
        return None
    return Login(saved["kind"], saved["secret"], saved["username"], source="the saved login")


def _from_netrc(server: str) -> Login | None:
    try:
        entry = netrc.netrc(_netrc_path()).authenticators(urlsplit(server).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None
    if entry is None or not entry[2]:
        return None
    # HQ takes an API key as a Basic password too, so one kind serves both.
    return Login("password", entry[2], entry[0], source=str(_netrc_path()))


def _netrc_path() -> Path:
    return Path(os.environ.get("NETRC", "~/.netrc")).expanduser()


def _name(server: str) -> str:
    return urlsplit(server).netloc


def _look_up(name: str) -> str | None:
    import keyring

    try:
        value = keyring.get_password(SERVICE, name)
    except keyring.errors.KeyringError:
        value = None
    return value if value is not None else _read_file().get(name)


def _file() -> Path:
    return platformdirs.user_config_path("commcare_frames") / "logins.json"


def _read_file() -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(_file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotConnectedError(
            f"The file of saved logins, {_file()}, cannot be read ({type(error).__name__}). Delete it and sign in "
            "again with login()."
        ) from None
    return kept


def _write_file(logins: dict[str, str]) -> None:
    path = _file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(logins, file)
    temporary.replace(path)
