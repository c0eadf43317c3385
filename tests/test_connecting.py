"""Connecting: what is looked for where, what one cheap request proves, and what every refusal says."""

from __future__ import annotations

import json
import logging
import pickle
import stat
from typing import TYPE_CHECKING

import pytest

import commcare_frames as ccf
from commcare_frames import connection, credentials
from commcare_frames.addresses import parse_address
from commcare_frames.errors import (
    LoginError,
    NotConnectedError,
    PermissionMissingError,
    QueryError,
    ServerUnreachableError,
    TwoFactorError,
    WrongServerError,
)
from commcare_frames.hq.client import Patience

if TYPE_CHECKING:
    from pathlib import Path

    from commcare_frames.sandbox import Sandbox

DOMAIN = "maternal-health"
QUICK = Patience(attempts=2, first_wait=0.01)


@pytest.mark.parametrize(
    ("text", "server", "domain"),
    [
        ("www", "https://www.commcarehq.org", None),
        ("India", "https://india.commcarehq.org", None),
        ("eu", "https://eu.commcarehq.org", None),
        ("swiss", "https://swiss.commcarehq.org", None),
        ("hq.example.org", "https://hq.example.org", None),
        ("https://HQ.example.org:8443/", "https://hq.example.org:8443", None),
        ("https://www.commcarehq.org/a/my-domain/dashboard/project/", "https://www.commcarehq.org", "my-domain"),
        ("www.commcarehq.org/a/my-domain", "https://www.commcarehq.org", "my-domain"),
        ("http://localhost:8000", "http://localhost:8000", None),
        ("http://127.0.0.1:8000/a/demo/", "http://127.0.0.1:8000", "demo"),
        ("https://user:secret@hq.example.org/a/demo", "https://hq.example.org", "demo"),
    ],
)
def test_an_address_is_understood_as_people_write_it(text: str, server: str, domain: str | None) -> None:
    address = parse_address(text)

    assert (address.server, address.domain) == (server, domain)


@pytest.mark.parametrize("text", ["inda", "ftp://hq.example.org", "", "not a server"])
def test_what_is_no_server_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(QueryError, match="no server: give 'www', 'india'"):
        parse_address(text)


def test_a_misspelled_server_is_recognised() -> None:
    with pytest.raises(QueryError, match="Did you mean 'india'"):
        parse_address("inda")


def test_an_unencrypted_server_elsewhere_needs_the_switch() -> None:
    with pytest.raises(QueryError, match="readable on the way"):
        parse_address("http://hq.example.org")

    assert parse_address("http://hq.example.org", allow_http=True).server == "http://hq.example.org"


def test_connecting_takes_one_request_and_becomes_the_default(fresh_sandbox: Sandbox) -> None:
    admin = fresh_sandbox.admin
    domain = ccf.connect(DOMAIN, server=fresh_sandbox.url, username=admin.username, api_key=admin.api_key)

    assert len(fresh_sandbox.log) == domain.requests_made == 1
    assert connection.resolve(None) is domain


def test_a_pasted_web_address_names_server_and_domain(sandbox: Sandbox) -> None:
    admin = sandbox.admin
    domain = ccf.connect(
        f"{sandbox.url}/a/{DOMAIN}/apps/view/abc/", username=admin.username.upper(), api_key=f" {admin.api_key}\n"
    )

    assert (domain.name, domain.server) == (DOMAIN, sandbox.url)


@pytest.mark.parametrize("secret", ["api_key", "password", "token"])
def test_each_way_of_signing_in_works(sandbox: Sandbox, secret: str) -> None:
    login = sandbox.oauth if secret == "token" else sandbox.admin
    user = {} if secret == "token" else {"username": login.username}
    ccf.connect(DOMAIN, server=sandbox.url, **user, **{secret: getattr(login, secret)})

    assert len(ccf.list_case_types())


def test_two_secrets_at_once_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(QueryError, match="one of api_key and password"):
        ccf.connect(DOMAIN, server=sandbox.url, username="a@b.org", api_key="x", password="y")


def test_a_wrong_key_is_refused_with_every_meaning_of_401(sandbox: Sandbox) -> None:
    with pytest.raises(LoginError) as caught:
        ccf.connect(DOMAIN, server=sandbox.url, username=sandbox.admin.username, api_key="wrong-key")

    message = str(caught.value)
    for meaning in ("wrong", "expired", "deactivated", "another domain", "IP address", "API Keys"):
        assert meaning in message
    assert "wrong-key" not in message
    assert caught.value.status_code == 401


def test_an_expired_key_and_a_key_of_another_domain_are_refused(sandbox: Sandbox) -> None:
    for login, domain in ((sandbox.expired, DOMAIN), (sandbox.scoped, "child-nutrition")):
        with pytest.raises(LoginError, match="expired, deactivated, limited to another domain"):
            ccf.connect(domain, server=sandbox.url, username=login.username, api_key=login.api_key)


def test_a_scoped_key_opens_its_own_domain(sandbox: Sandbox) -> None:
    ccf.connect(DOMAIN, server=sandbox.url, username=sandbox.scoped.username, api_key=sandbox.scoped.api_key)

    assert ccf.read_cases("patient").shape[0] == 300


def test_a_role_without_api_access_is_named(sandbox: Sandbox) -> None:
    login = sandbox.no_api
    with pytest.raises(PermissionMissingError, match=r'"API access".*Roles & Permissions.*administrator'):
        ccf.connect(DOMAIN, server=sandbox.url, username=login.username, api_key=login.api_key)


def test_a_role_without_edit_data_connects_and_is_told_when_reading_cases(sandbox: Sandbox) -> None:
    login = sandbox.no_edit
    ccf.connect(DOMAIN, server=sandbox.url, username=login.username, api_key=login.api_key)

    with pytest.raises(PermissionMissingError, match='"API access" and "Edit Data"'):
        ccf.read_cases("patient")


def test_a_plan_without_api_access_is_told_and_so_is_an_unknown_domain(sandbox: Sandbox) -> None:
    admin = sandbox.admin
    with pytest.raises(PermissionMissingError, match="plan of domain 'paused-project' does not include API access"):
        ccf.connect("paused-project", server=sandbox.url, username=admin.username, api_key=admin.api_key)
    with pytest.raises(PermissionMissingError, match="does not exist.*Did you mean 'maternal-health'"):
        ccf.connect("maternal-helth", server=sandbox.url, username=admin.username, api_key=admin.api_key)


def test_two_factor_is_asked_for_and_taken(sandbox: Sandbox) -> None:
    login = sandbox.two_factor
    given = {"server": sandbox.url, "username": login.username, "password": login.password}
    with pytest.raises(TwoFactorError, match=r"otp=.*or use an API key"):
        ccf.connect("child-nutrition", **given)
    with pytest.raises(TwoFactorError, match="rejected the two-factor code"):
        ccf.connect("child-nutrition", **given, otp="000000")

    assert ccf.connect("child-nutrition", **given, otp=login.otp).name == "child-nutrition"


def test_a_mobile_worker_may_read_cases_and_is_told_what_else_may_not(sandbox: Sandbox) -> None:
    login = sandbox.mobile_worker
    ccf.connect(DOMAIN, server=sandbox.url, username=login.username, password=login.password)

    assert len(ccf.read_cases("patient", where={"closed": True})) > 0
    with pytest.raises(PermissionMissingError, match="list of case types is open to web users only.*mobile worker"):
        ccf.list_case_types()


def test_an_unreachable_server_is_told_at_once() -> None:
    with pytest.raises(ServerUnreachableError, match="refuses connections. Check the network"):
        ccf.connect(DOMAIN, server="http://127.0.0.1:9", username="a@example.org", api_key="k")
    with pytest.raises(ServerUnreachableError, match="no server of that name, or no network"):
        ccf.connect(DOMAIN, server="https://no-such-host.invalid", username="a@example.org", api_key="k")


def test_a_server_that_is_not_commcare_is_recognised(fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.faults.web_page()
    with pytest.raises(WrongServerError, match="answers with a web page"):
        ccf.connect(DOMAIN, server=fresh_sandbox.url, username="a@example.org", api_key="k", patience=QUICK)


def test_a_login_is_found_in_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMCARE_SERVER", sandbox.url)
    monkeypatch.setenv("COMMCARE_DOMAIN", DOMAIN)
    monkeypatch.setenv("COMMCARE_USERNAME", sandbox.admin.username)
    monkeypatch.setenv("COMMCARE_API_KEY", sandbox.admin.api_key)

    assert ccf.connect().name == DOMAIN
    connection._connected.clear()
    assert len(ccf.read_cases("patient")) == 300


def test_a_key_in_the_environment_stays_with_the_server_named_there(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMCARE_SERVER", "https://www.commcarehq.org")
    monkeypatch.setenv("COMMCARE_USERNAME", sandbox.admin.username)
    monkeypatch.setenv("COMMCARE_API_KEY", sandbox.admin.api_key)

    with pytest.raises(NotConnectedError, match="No login was found"):
        ccf.connect(DOMAIN, server=sandbox.url)


def test_a_login_is_found_in_netrc(sandbox: Sandbox, tmp_path: Path) -> None:
    admin = sandbox.admin
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login {admin.username} password {admin.password}\n")
    (tmp_path / "netrc").chmod(0o600)

    assert ccf.connect(DOMAIN, server=sandbox.url).name == DOMAIN


def test_what_is_missing_is_named_with_where_it_was_looked_for(sandbox: Sandbox) -> None:
    with pytest.raises(NotConnectedError) as caught:
        ccf.connect(DOMAIN, server=sandbox.url)
    for place in ("arguments", "COMMCARE_API_KEY", "COMMCARE_TOKEN", "login()", "netrc"):
        assert place in str(caught.value)
    with pytest.raises(NotConnectedError, match=r"No domain was named.*COMMCARE_DOMAIN"):
        ccf.connect(server=sandbox.url)
    with pytest.raises(NotConnectedError, match="needs a username"):
        ccf.connect(DOMAIN, server=sandbox.url, api_key="k")


@pytest.mark.parametrize("name", ["..", "a b", "x?y", "x#y", ""])
def test_a_domain_name_that_would_change_the_url_is_refused(sandbox: Sandbox, name: str) -> None:
    with pytest.raises((QueryError, NotConnectedError)):
        ccf.connect(name, server=sandbox.url, username="a@example.org", api_key="k")


@pytest.mark.parametrize("key", ["clé", "two words\nHost: evil", "zero\u200bwidth"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(sandbox: Sandbox, key: str) -> None:
    with pytest.raises(LoginError, match="Copy it again") as caught:
        ccf.connect(DOMAIN, server=sandbox.url, username="a@example.org", api_key=key)

    assert key not in str(caught.value)


def test_login_asks_connects_and_remembers_in_a_private_file(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = sandbox.admin
    said = iter([DOMAIN, admin.username, "y"])
    monkeypatch.setattr("builtins.input", lambda _: next(said))
    monkeypatch.setattr("getpass.getpass", lambda _: admin.api_key)
    ccf.login(sandbox.url)
    connection._connected.clear()

    kept = credentials._file()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert str(kept) in capsys.readouterr().out
    assert ccf.connect().name == DOMAIN

    assert ccf.logout() is True
    assert admin.api_key not in kept.read_text()
    with pytest.raises(NotConnectedError):
        ccf.connect(DOMAIN, server=sandbox.url)


def test_a_login_is_kept_in_the_keyring_where_there_is_one(sandbox: Sandbox, memory_keyring: dict[str, str]) -> None:
    admin = sandbox.admin
    login = credentials.Login("api_key", admin.api_key, admin.username)
    assert "keyring" in credentials.save_login(sandbox.url, DOMAIN, login)

    assert admin.api_key in "".join(memory_keyring.values())
    assert not credentials._file().exists()
    assert ccf.connect().name == DOMAIN
    assert ccf.logout() is True
    assert not any(admin.api_key in value for value in memory_keyring.values())


def test_a_damaged_file_of_logins_is_told(sandbox: Sandbox) -> None:
    credentials._file().parent.mkdir(parents=True)
    credentials._file().write_text("{")

    with pytest.raises(NotConnectedError, match="Delete it and sign in again"):
        ccf.connect(DOMAIN, server=sandbox.url)


def test_no_text_shows_a_secret(fresh_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    admin = fresh_sandbox.admin
    fresh_sandbox.faults.status(400, times=1)
    texts = []
    for secret in ({"api_key": admin.api_key}, {"password": admin.password}):
        try:
            domain = ccf.connect(DOMAIN, server=fresh_sandbox.url, username=admin.username, **secret)
        except ccf.CommCareError as error:
            texts.append(f"{error!r} {error.__dict__}")
        else:
            held = json.dumps(connection.__dict__, default=repr)
            texts += [repr(domain), repr(domain.client.auth), repr(domain._login), held]
    texts.append(caplog.text)

    assert len(texts) > 2
    for secret in (admin.api_key, admin.password):
        assert not any(secret in text for text in texts)


def test_errors_survive_pickling(sandbox: Sandbox) -> None:
    with pytest.raises(LoginError) as caught:
        ccf.connect(DOMAIN, server=sandbox.url, username="a@example.org", api_key="k")
    again = pickle.loads(pickle.dumps(caught.value))

    assert (type(again), str(again), again.status_code) == (LoginError, str(caught.value), 401)


def test_a_domain_name_uses_the_login_of_the_connection(fresh_sandbox: Sandbox) -> None:
    admin = fresh_sandbox.admin
    ccf.connect(DOMAIN, server=fresh_sandbox.url, username=admin.username, api_key=admin.api_key)

    assert len(ccf.list_case_types(domain="child-nutrition")) > 0
    assert {asked.path.split("/")[2] for asked in fresh_sandbox.log} == {DOMAIN, "child-nutrition"}


def test_whoami_and_list_domains_tell_who_and_where(domain: connection.Domain) -> None:
    assert ccf.whoami()["username"] == "admin@example.org"
    assert ccf.list_domains()["domain"].tolist() == ["child-nutrition", DOMAIN]
