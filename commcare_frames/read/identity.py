"""Who HQ says that one is, which domains that login may open, and whether a login is right."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import LoginError, PermissionMissingError, QueryError
from commcare_frames.hq.auth import NoAuth
from commcare_frames.hq.client import Client
from commcare_frames.hq.resources import IDENTITY, SIGN_ON, USER_DOMAINS
from commcare_frames.read.lists import read_list

if TYPE_CHECKING:
    import pandas as pd

    from commcare_frames.hq.resource import Wire


@checked
def whoami(*, domain: str | Domain | None = None) -> dict[str, str]:
    """Say who HQ takes this login for.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`, whose login is meant; by default the last one connected.

    Returns
    -------
    dict
        ``id``, ``username``, ``first_name``, ``last_name`` and ``email`` of the web user.

    Raises
    ------
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/api/identity/v1/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.whoami()["username"]
    'admin@example.org'
    """
    answer: dict[str, str] = resolve(domain, named=False).client.ask(IDENTITY)
    return answer


@checked
def list_domains(*, domain: str | Domain | None = None, wire: Wire = "json") -> pd.DataFrame:
    """List the domains that this login may open.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`, whose login is meant; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.

    Returns
    -------
    DataFrame
        Columns ``domain`` and ``project_name`` (str), in alphabetical order. HQ leaves out domains whose plan does
        not let other programs connect.

    Raises
    ------
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/api/user_domains/v1/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> "maternal-health" in ccf.list_domains()["domain"].tolist()
    True
    """
    return read_list(
        resolve(domain, named=False), USER_DOMAINS, {"domain_name": "domain", "project_name": "project_name"}, wire
    )


@checked
def check_login(username: str, password: str, *, domain: str | Domain | None = None) -> dict[str, Any]:
    """Check a username and password of a member of a domain, without signing in as that user.

    Parameters
    ----------
    username
        The account's e-mail address, or a mobile worker's name, with or without ``@domain.commcarehq.org``.
    password
        The account's password; an API key is none. It is sent, and kept nowhere.
    domain
        A domain's name or a `Domain`; by default the last one connected.

    Returns
    -------
    dict
        The user as HQ describes it: ``id``, ``username``, ``first_name``, ``last_name``, ``email`` and more, such as
        ``user_data`` of a mobile worker.

    Raises
    ------
    LoginError
        When username or password are wrong, or the user is no member of the domain: HQ does not say which.
    CommCareError
        When the server cannot be reached or refuses.

    Notes
    -----
    Asks ``/a/{domain}/api/sso/v1/``, which anybody may ask, so that no login is needed besides the one to check.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.check_login("admin@example.org", "sandbox-admin")["username"]
    'admin@example.org'
    """
    if not (username.strip() and password):
        raise QueryError("check_login needs a username and a password, both as text.")
    asked = resolve(domain)
    client = Client(NoAuth(asked.server), asked.name, asked.patience, asked.api_version)
    name = username.strip().lower()
    try:
        user: dict[str, Any] = client.ask(SIGN_ON, body={"username": name, "password": password})
    except PermissionMissingError as error:
        if error.status_code != HTTPStatus.FORBIDDEN:
            raise
        raise LoginError(
            f"{client.host} says that {name!r} with this password is no member of domain {asked.name!r}: one of the "
            "three is wrong, or the account is deactivated. An API key is no password.",
            status_code=error.status_code,
        ) from None
    finally:
        client.close()
    return user
