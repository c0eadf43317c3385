"""One project space on one server, as one user: `Domain`, `connect` and `logout`."""

from __future__ import annotations

import getpass
import html
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from commcare_frames import credentials
from commcare_frames.addresses import checked_name, parse_address
from commcare_frames.arguments import checked
from commcare_frames.credentials import Login
from commcare_frames.errors import (
    CommCareError,
    NotConnectedError,
    PermissionMissingError,
    QueryError,
    ServerFailedError,
    WrongServerError,
    did_you_mean,
)
from commcare_frames.hq import resources
from commcare_frames.hq.client import Client
from commcare_frames.hq.resource import API_VERSIONS

if TYPE_CHECKING:
    from commcare_frames.hq.client import Patience
    from commcare_frames.hq.resource import ApiVersion

TRIES_TO_CONNECT = 2


class Domain:
    """A domain (project space) of CommCare HQ, as one user sees it.

    Parameters
    ----------
    name
        The domain's name, the word after ``/a/`` in its web address.
    server
        Base URL of the server.
    login
        The login; without one it is looked for when the server is first asked.
    username
        The user whose login to look for.
    patience
        How long to keep trying when the server is busy.
    api_version
        The version of HQ's APIs to ask; by default the newest that the server knows.
    """

    def __init__(
        self,
        name: str,
        server: str,
        login: Login | None = None,
        *,
        username: str | None = None,
        patience: Patience | None = None,
        api_version: ApiVersion | None = None,
    ) -> None:
        self.name = name
        self.server = server
        self.api_version = api_version
        self._login = login
        self._username = username
        self.patience = patience

    @property
    def host(self) -> str:
        """The server's host name."""
        return urlsplit(self.server).netloc

    @cached_property
    def login(self) -> Login:
        """The login; looked for at first use, so that a cached frame needs none."""
        return credentials.find_login(self.server, self._login, self._username)

    @cached_property
    def client(self) -> Client:
        """What asks the server."""
        return Client(self.login.auth(self.server), self.name, self.patience, self.api_version)

    @property
    def requests_made(self) -> int:
        """How many requests were made so far."""
        return self.client.requests_made if "client" in self.__dict__ else 0

    def sibling(self, name: str) -> Domain:
        """Return another domain of the same server and login."""
        return Domain(
            name,
            self.server,
            self._login,
            username=self._username,
            patience=self.patience,
            api_version=self.api_version,
        )

    def prove(self) -> None:
        """Make one cheap request that fails when this login cannot read this domain."""
        mobile = self.client.auth.is_mobile_worker
        resource = resources.CASE_V2.in_version(self.api_version) if mobile else resources.CASE_TYPES
        try:
            self.client.ask(resource, (("limit", "1"),), attempts=TRIES_TO_CONNECT)
        except PermissionMissingError as error:
            error.args = (f"{error}{did_you_mean(self.name, self._names_of_all())}",)
            raise
        except ServerFailedError as error:
            if "web page" not in str(error):
                raise
            raise WrongServerError(
                f"{self.server} answers with a web page where CommCare HQ's API would answer with JSON. Check the "
                "server address; a network sign-in page (hotel, airport, office) can be the cause too."
            ) from error

    def _names_of_all(self) -> list[str]:
        try:
            answer: dict[str, Any] = self.client.ask(resources.USER_DOMAINS, attempts=1)
        except CommCareError:
            return []
        names = [each["domain_name"] for each in answer["objects"]]
        return [name for name in names if name != self.name]

    def __repr__(self) -> str:
        """Show domain and server, never a secret."""
        return f"Domain({self.name!r}, {self.server!r})"

    def _repr_html_(self) -> str:
        """Show the domain with a link to its pages, never a secret."""
        name, server = html.escape(self.name), html.escape(self.server)
        return f'Domain <a href="{server}/a/{name}/" target="_blank" rel="noopener"><b>{name}</b></a> at {server}'


_connected: list[Domain] = []


@checked
def connect(
    domain: str | None = None,
    *,
    server: str | None = None,
    username: str | None = None,
    api_key: str | None = None,
    password: str | None = None,
    otp: str | None = None,
    token: str | None = None,
    allow_http: bool = False,
    patience: Patience | None = None,
    api_version: ApiVersion | None = None,
) -> Domain:
    """Connect to a domain, and make it the default of every later call.

    What is not given is looked for in ``COMMCARE_SERVER``, ``COMMCARE_DOMAIN``, ``COMMCARE_USERNAME``,
    ``COMMCARE_API_KEY``, ``COMMCARE_PASSWORD`` and ``COMMCARE_TOKEN``, then in the login saved by `login`, then in
    ``~/.netrc``. One cheap request proves that the login opens the domain.

    Parameters
    ----------
    domain
        Name of the domain, or any web address of it copied from the browser.
    server
        ``"www"``, ``"india"``, ``"eu"``, ``"swiss"``, or a URL; ``"www"`` if nothing else is found.
    username
        The e-mail address of the HQ account, or a mobile worker's full name.
    api_key, password
        An API key, or the account's password.
    otp
        A two-factor code, for a password.
    token
        An OAuth access token, instead of username and secret.
    allow_http
        Send the login over an unencrypted connection to a server that is not on this computer.
    patience
        How long to keep trying when the server is busy.
    api_version
        Keep to one version of HQ's APIs: ``"v0.4"``, ``"v0.5"``, ``"v1"`` or ``"v2"``. By default each API is asked in
        the newest version that the server knows. ``"v1"`` and older have cases and locations as version 1 gives them:
        cases with ``opened_by``, ``xform_ids`` and the like, but without `where`, `query` and reading by ids; only
        `get_case` and `read_case_history` ask for version 2 all the same. An API that lacks the version is asked in
        the nearest one that it has.

    Returns
    -------
    Domain
        The connected domain, to be passed as ``domain=`` where several are used.

    Raises
    ------
    NotConnectedError
        When domain or login are not given and not found.
    QueryError
        When an argument is none that can be used, such as an API version that HQ does not have.
    CommCareError
        When the server cannot be reached or refuses the login; the subclass and message tell why.

    Notes
    -----
    Asks ``/a/{domain}/api/domain_cases/v1/``, or case API v2 for a mobile worker.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.connect("maternal-health", server=sandbox.url, username="admin@example.org", api_key=key)
    Domain('maternal-health', 'http://127.0.0.1:...')
    """
    login = _given_login(username, api_key, password, otp, token)
    return open_domain(
        locate(
            domain,
            server=server,
            login=login,
            username=username,
            allow_http=allow_http,
            patience=patience,
            api_version=api_version,
        )
    )


def open_domain(domain: Domain) -> Domain:
    """Prove that the login opens a domain, and make it the default of every later call."""
    domain.prove()
    _connected[:] = [domain]
    return domain


def resolve(domain: str | Domain | None, *, named: bool = True) -> Domain:
    """Return the domain that a call means: the one named, else the last one connected, else as `connect` finds it.

    Without `named` it may be one without a name, which serves for what HQ answers whatever the domain.
    """
    if isinstance(domain, Domain):
        return domain
    if domain is None and _connected:
        return _connected[0]
    if domain is not None and _connected and "/" not in domain:
        return _connected[0] if domain == _connected[0].name else _connected[0].sibling(checked_name(domain))
    return locate(domain, named=named)


def ask_login(server: str | None = None) -> Domain:
    """Ask for server, domain and login in the terminal, connect, and offer to remember the login.

    Parameters
    ----------
    server
        The server; asked for when left out.

    Returns
    -------
    Domain
        The connected domain, the default of every later call.

    Raises
    ------
    CommCareError
        As `connect`.
    """
    server = server or input("Server (www, india, eu, swiss or a URL) [www]: ").strip() or "www"
    domain = input("Domain (the word after /a/ in your project's web address): ").strip()
    username = input("Username (your e-mail address on HQ): ").strip()
    api_key = getpass.getpass("API key (HQ: My Account Settings > API Keys; empty to use a password): ").strip()
    password = None if api_key else getpass.getpass("Password: ")
    opened = connect(domain, server=server, username=username, api_key=api_key or None, password=password)
    if input("Remember this login on this computer? [Y/n]: ").strip().lower() in {"", "y", "yes"}:
        kept = _given_login(username, api_key or None, password, None, None)
        if kept:
            print(f"Kept in {credentials.save_login(opened.server, opened.name, kept)}.")  # noqa: T201
    return opened


@checked
def logout(server: str | None = None) -> bool:
    """Forget the saved login for a server, and the connection to it.

    Parameters
    ----------
    server
        The server; by default that of the last connection, or of the login saved last.

    Returns
    -------
    bool
        Whether a login had been saved.
    """
    if server is None:
        server = _connected[0].server if _connected else credentials.saved_server()
    if server is None:
        return False
    where = parse_address(server, allow_http=True).server
    _connected[:] = [each for each in _connected if each.server != where]
    return credentials.forget_login(where)


def locate(
    domain: str | None = None,
    *,
    server: str | None = None,
    login: Login | None = None,
    username: str | None = None,
    named: bool = True,
    allow_http: bool = False,
    patience: Patience | None = None,
    api_version: ApiVersion | None = None,
) -> Domain:
    """Find server and domain as `connect` does, without asking the server anything.

    Parameters
    ----------
    domain, server, username, allow_http, patience, api_version
        As for `connect`.
    login
        The login, if the caller gave one.
    named
        Whether a domain has to be found.

    Returns
    -------
    Domain
        Not proven to exist or to be open to the login.

    Raises
    ------
    NotConnectedError
        When no domain is named anywhere and one has to be.
    """
    if api_version is not None and api_version not in API_VERSIONS:
        raise QueryError(
            f"api_version={api_version!r} is none of HQ's: {', '.join(map(repr, API_VERSIONS))}, or None for "
            "the newest that the server knows."
        )
    pasted = parse_address(domain, allow_http=allow_http) if domain and "/" in domain else None
    place = server or (pasted and pasted.server) or os.environ.get("COMMCARE_SERVER") or credentials.saved_server()
    address = parse_address(place or "www", allow_http=allow_http)
    name = (
        (pasted.domain if pasted else domain)
        or address.domain
        or os.environ.get("COMMCARE_DOMAIN")
        or credentials.saved_domain(address.server)
    )
    if not name and named:
        raise NotConnectedError(
            f"No domain was named for {address.server}: connect with connect('my-domain'), or set COMMCARE_DOMAIN. "
            "It is the word after /a/ in your project's web address; list_domains() shows those you may open."
        )
    checked = checked_name(name) if name else ""
    return Domain(checked, address.server, login, username=username, patience=patience, api_version=api_version)


def _given_login(
    username: str | None, api_key: str | None, password: str | None, otp: str | None, token: str | None
) -> Login | None:
    given = [name for name, value in {"api_key": api_key, "password": password, "token": token}.items() if value]
    if len(given) > 1:
        raise QueryError(f"Pass one of {' and '.join(given)}, not both.")
    user = username or os.environ.get("COMMCARE_USERNAME")
    if api_key:
        return Login("api_key", api_key, user)
    if password:
        return Login("password", password, user, otp)
    return Login("token", token) if token else None
