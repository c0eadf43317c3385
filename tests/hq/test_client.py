"""The client: every status and fault ends in the right answer or a named error, and the key never leaves."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from listener import Listener, Said

import commcare_frames as ccf
from commcare_frames.errors import (
    CommCareError,
    LoginError,
    NotFoundError,
    PermissionMissingError,
    QueryError,
    RateLimitError,
    ReadCancelledError,
    ServerFailedError,
    ServerUnreachableError,
    WrongServerError,
)
from commcare_frames.hq.auth import ApiKeyAuth, PasswordAuth
from commcare_frames.hq.client import CancelledError, Client, Patience
from commcare_frames.hq.pull import Question, Segment, pull
from commcare_frames.hq.resources import CASE_TYPES, CASE_V1, CASE_V2, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from commcare_frames.sandbox import Sandbox

ONE = (("limit", "1"),)
ALWAYS_BROKEN: dict[str, tuple[Callable[[Any], None], type[CommCareError], str]] = {
    "500": (lambda faults: faults.status(500), ServerFailedError, "status 500"),
    "502": (lambda faults: faults.status(502), ServerFailedError, "status 502"),
    "503": (lambda faults: faults.status(503), ServerFailedError, "status 503"),
    "504": (lambda faults: faults.status(504, body="empty"), ServerFailedError, "status 504"),
    "reset": (lambda faults: faults.reset(), ServerFailedError, "a connection that breaks off"),
    "cut short": (lambda faults: faults.cut_short(), ServerFailedError, "an answer that breaks off"),
    "cut in chunks": (lambda faults: faults.cut_short(chunked=True), ServerFailedError, "an answer that breaks off"),
    "half of the JSON": (lambda faults: faults.invalid_json(), ServerFailedError, "JSON that breaks off or is damaged"),
    "web page with 200": (lambda faults: faults.web_page(), ServerFailedError, "a web page instead of JSON"),
    "429": (lambda faults: faults.status(429), RateLimitError, "limits the requests of domain 'maternal-health'"),
}
FINAL: dict[str, tuple[Callable[[Any], None], type[CommCareError], int | None]] = {
    "login page": (lambda faults: faults.login_page(), LoginError, 302),
    "other host": (lambda faults: faults.redirect("https://elsewhere.example.org/a/"), WrongServerError, 302),
    "plain http": (lambda faults: faults.redirect("http://www.commcarehq.org/a/"), WrongServerError, 302),
    "400": (lambda faults: faults.status(400), QueryError, 400),
    "401": (lambda faults: faults.status(401), LoginError, 401),
    "403": (lambda faults: faults.status(403), PermissionMissingError, 403),
    "403 page": (lambda faults: faults.status(403, body="html"), PermissionMissingError, 403),
    "404": (lambda faults: faults.status(404), NotFoundError, 404),
    "404 page": (lambda faults: faults.status(404, body="html"), WrongServerError, 404),
    "405": (lambda faults: faults.status(405), WrongServerError, 405),
    "418": (lambda faults: faults.status(418), WrongServerError, 418),
}


@pytest.fixture
def hq(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox whose data stay as they are, and whose faults end with the test."""
    yield sandbox
    sandbox.faults.clear()


@pytest.fixture
def client(hq: Sandbox) -> Client:
    return Client(key_of(hq), "maternal-health", Patience(attempts=3, first_wait=0.01, longest_wait=5))


def key_of(hq: Sandbox) -> ApiKeyAuth:
    return ApiKeyAuth(hq.url, hq.admin.username, hq.admin.api_key)


@pytest.mark.parametrize("name", ALWAYS_BROKEN)
def test_trouble_that_passes_is_not_noticed(name: str, client: Client, hq: Sandbox) -> None:
    expected = client.ask(CASE_V2, ONE)
    fault = ALWAYS_BROKEN[name][0]
    for _ in range(2):
        fault(hq.faults)
        hq.faults._spoils[-1][0].times = 1
    before = client.requests_made

    assert client.ask(CASE_V2, ONE) == expected
    assert client.requests_made - before in {2, 3}


@pytest.mark.parametrize("name", ALWAYS_BROKEN)
def test_trouble_that_stays_ends_in_an_error_that_may_be_tried_again(name: str, client: Client, hq: Sandbox) -> None:
    strike, kind, said = ALWAYS_BROKEN[name]
    strike(hq.faults)

    with pytest.raises(kind, match=re.escape(said)) as caught:
        client.ask(CASE_V2, ONE)
    assert caught.value.retryable
    assert client.requests_made == (7 if name == "429" else 3)


@pytest.mark.parametrize("name", FINAL)
def test_what_will_not_pass_is_asked_once(name: str, client: Client, hq: Sandbox) -> None:
    strike, kind, status = FINAL[name]
    strike(hq.faults)

    with pytest.raises(kind) as caught:
        client.ask(CASE_V2, ONE)
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert not caught.value.retryable
    assert client.requests_made == (2 if name == "404 page" else 1)  # the old URL scheme is tried too


def test_a_redirect_within_the_server_is_no_advice_to_connect_elsewhere(client: Client, hq: Sandbox) -> None:
    hq.faults.redirect("/a/maternal-health/somewhere/")

    with pytest.raises(WrongServerError, match="redirects to /a/maternal-health/somewhere/") as caught:
        client.ask(CASE_V2, ONE)
    assert "server=" not in str(caught.value)


def test_a_slow_answer_is_waited_for_and_a_silent_server_is_not(client: Client, hq: Sandbox) -> None:
    hq.faults.slow_first_byte(0.3)
    assert client.ask(CASE_V2, ONE)["cases"]
    with pytest.raises(ServerFailedError, match="no answer in time"):
        client.ask(replace(CASE_V2, timeout=0.05), ONE)


@pytest.mark.parametrize(("said", "least", "most"), [("0.3", 0.3, 0.8), ("1", 1.0, 1.5), ("soon", 0.0, 0.3)])
def test_retry_after_is_obeyed_whole_or_fractional_and_guessed_where_it_is_no_number(
    said: str, least: float, most: float, client: Client, hq: Sandbox
) -> None:
    hq.faults.status(429, retry_after=said, times=1)
    begun = time.monotonic()

    assert client.ask(CASE_V2, ONE)["cases"]
    assert least <= time.monotonic() - begun < most


def test_retry_after_holds_back_every_request_of_the_domain_not_only_the_one_refused(
    client: Client, hq: Sandbox
) -> None:
    hq.faults.status(429, retry_after="0.4", times=1, path="/case/v2")
    refused = threading.Thread(target=client.ask, args=(CASE_V2, ONE))
    refused.start()
    while not client._hold_until:
        time.sleep(0.005)
    begun = time.monotonic()
    client.ask(CASE_TYPES, ONE)
    refused.join()

    assert time.monotonic() - begun > 0.3


def test_a_server_that_says_retry_at_once_and_refuses_again_is_not_hammered(hq: Sandbox) -> None:
    client = Client(key_of(hq), "maternal-health", Patience(first_wait=0.1))
    hq.faults.status(429, retry_after="0", times=3)
    begun = time.monotonic()

    assert client.ask(CASE_V2, ONE)["cases"]
    assert time.monotonic() - begun > 0.3


@pytest.mark.parametrize(("asked", "words"), [("7200", "2.0 hours"), ("1234.5", "21 minutes"), ("9e9", "hours")])
def test_a_wait_beyond_patience_is_an_error_at_once_that_says_how_long(
    asked: str, words: str, client: Client, hq: Sandbox
) -> None:
    hq.faults.status(429, retry_after=asked)
    begun = time.monotonic()

    with pytest.raises(RateLimitError, match=words) as caught:
        client.ask(CASE_V2, ONE)
    assert time.monotonic() - begun < 1
    assert (caught.value.retry_after, caught.value.status_code) == (float(asked), 429)
    assert caught.value.retryable
    assert client.requests_made == 1


@pytest.mark.parametrize("header", ["-5", "inf", "nan", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_retry_after_that_makes_no_sense_is_as_good_as_none(header: str, client: Client, hq: Sandbox) -> None:
    hq.faults.status(429, retry_after=header, times=2)

    assert client.ask(CASE_V2, ONE)["cases"]


def test_a_project_without_mobile_workers_gets_its_cases_as_fast_as_its_limits_allow(
    client: Client, hq: Sandbox
) -> None:
    hq.faults.throttle("maternal-health", 0)
    start = len(hq.log)
    for _ in range(3):
        assert client.ask(CASE_V2, ONE)["cases"]

    refused = sum(asked.status == 429 for asked in hq.log[start:])
    assert 1 <= refused <= 4


def test_a_cut_off_domain_is_told_that_waiting_does_not_help(client: Client, hq: Sandbox) -> None:
    hq.faults.cut_off = {"maternal-health"}

    with pytest.raises(RateLimitError, match="ask Dimagi support") as caught:
        client.ask(CASE_TYPES, ONE)
    assert not caught.value.retryable
    assert client.ask(CASE_V2, ONE)["cases"], "plain views do not look at the cut-off"


def test_waits_longer_than_two_seconds_are_told_and_shorter_ones_are_not(
    client: Client, hq: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    hq.faults.status(429, retry_after="0.1", times=1)
    client.ask(CASE_V2, ONE)
    assert not caplog.records
    hq.faults.status(429, retry_after="4.6", times=1)
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()

    with pytest.raises(CancelledError):
        client.ask(CASE_V2, ONE, cancelled=cancelled)
    [record] = caplog.records
    assert record.name == "commcare_frames"
    assert "limits the requests of domain 'maternal-health'" in record.getMessage()
    assert "Waiting 5 seconds" in record.getMessage()


@pytest.mark.parametrize("why", ["429", "503"])
def test_cancelling_ends_a_wait_at_once_and_every_request_to_come(why: str, hq: Sandbox) -> None:
    client = Client(key_of(hq), "maternal-health", Patience(first_wait=30))
    if why == "429":
        hq.faults.status(429, retry_after="30", times=1)
    else:
        hq.faults.status(503, times=1)
    threading.Timer(0.2, client.cancel).start()

    begun = time.monotonic()
    with pytest.raises(ReadCancelledError, match="What has arrived is kept") as caught:
        client.ask(CASE_V2, ONE)
    assert 0.2 <= time.monotonic() - begun < 2
    assert caught.value.retryable
    made = client.requests_made
    with pytest.raises(ReadCancelledError, match="Cancelled. Run the same call again later"):
        client.ask(CASE_TYPES, ONE)
    assert client.requests_made == made == 1


def test_cancelling_a_pull_takes_the_answer_on_its_way_and_raises_where_the_pages_are_taken(hq: Sandbox) -> None:
    client = Client(key_of(hq), "maternal-health")
    pages = pull(client, Question(replace(CASE_V2, largest_page=50), (("case_type", "patient"),)), [Segment()], len)
    hq.faults.slow_first_byte(0.2)

    taken = [next(pages)]
    client.cancel()
    with pytest.raises(ReadCancelledError):
        taken.extend(pages)
    assert len(taken) == client.requests_made < 6, "each page that was asked for was given out"


def test_a_first_request_that_finds_nobody_does_not_wait() -> None:
    with Listener() as gone:
        pass
    auth = ApiKeyAuth(gone.url, "a@example.org", "k")

    begun = time.monotonic()
    with pytest.raises(ServerUnreachableError, match="refuses connections"):
        Client(auth, "d").ask(CASE_V2, ONE)
    assert time.monotonic() - begun < 1


def test_the_old_url_scheme_is_tried_once_and_remembered(client: Client, hq: Sandbox) -> None:
    hq.faults.old_scheme_only = True
    start = len(hq.log)
    for _ in range(3):
        assert client.ask(CASE_V2, ONE)["cases"]
    assert client.ask(CASE_V1, ONE)["objects"]

    assert [asked.path.partition("/api/")[2] for asked in hq.log[start:]] == [
        "case/v2/", "v0.6/case/", "v0.6/case/", "v0.6/case/", "case/v1/", "v0.5/case/",
    ]  # fmt: skip


def test_a_whole_pull_works_in_the_old_scheme(client: Client, hq: Sandbox) -> None:
    hq.faults.old_scheme_only = True
    pieces = pull(client, Question(CASE_V2, (("case_type", "patient"),)), [Segment()], len)

    assert [piece.total for piece in pieces] == [300]


def test_a_next_link_to_another_host_takes_the_key_nowhere(client: Client, hq: Sandbox) -> None:
    with Listener() as evil:
        hq.faults.next_host = evil.url
        question = Question(replace(CASE_V2, largest_page=20), (("case_type", "patient"),))
        pages = list(pull(client, question, [Segment()], bytes))

    assert len(pages) == 300 // 20 + 1
    assert evil.heard == []


@pytest.mark.parametrize("where", ["{}/a/maternal-health/api/case/v2/", "{}/accounts/login/"])
def test_a_redirect_to_another_host_takes_the_key_nowhere(where: str, client: Client, hq: Sandbox) -> None:
    with Listener() as evil:
        hq.faults.redirect(where.format(evil.url))
        with pytest.raises(CommCareError):
            client.ask(CASE_V2, ONE)

    assert evil.heard == []


def test_a_key_signs_for_its_own_server_only() -> None:
    with Listener() as own, Listener() as other:
        client = Client(ApiKeyAuth(own.url, "a@example.org", "k"), "d")
        client.server = other.url
        with pytest.raises(WrongServerError, match="never sent elsewhere"):
            client.ask(IDENTITY)

        assert other.heard == []


def test_a_password_in_netrc_never_takes_the_place_of_the_key(
    hq: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody@example.org password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with Listener() as server:
        Client(ApiKeyAuth(server.url, "A@Example.org", "secret:key"), "d").ask(IDENTITY)
        Client(PasswordAuth(server.url, "a@example.org", "pw"), "d").ask(IDENTITY)
    assert [heard["Authorization"] for heard in server.heard] == [
        "ApiKey a@example.org:secret:key",
        "Basic YUBleGFtcGxlLm9yZzpwdw==",
    ]


def test_json_gzip_and_the_tools_name_are_asked_for() -> None:
    with Listener() as server:
        Client(ApiKeyAuth(server.url, "a@example.org", "k"), "d").ask(IDENTITY)

    assert server.heard[0]["Accept"] == "application/json"
    assert "gzip" in server.heard[0]["Accept-Encoding"]
    assert server.heard[0]["User-Agent"].startswith("commcare_frames/")


def digest_only(headers: dict[str, str]) -> Said:
    """Answer as a server that takes Digest and nothing else."""
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', headers.get("Authorization", "")))
    if "response" in said:
        ours, asked = (
            hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
            for text in ("a@example.org:HQ:right", f"GET:{said['uri']}")
        )
        expected = hashlib.md5(
            f"{ours}:n0nce:{said['nc']}:{said['cnonce']}:auth:{asked}".encode(), usedforsecurity=False
        ).hexdigest()
        if said["response"] == expected:
            return Said(body=b'{"ok": true}')
    return Said(401, b"", {"WWW-Authenticate": 'Digest realm="HQ", nonce="n0nce", qop="auth", algorithm=MD5'})


def test_a_digest_challenge_is_answered_and_remembered() -> None:
    with Listener(digest_only) as server:
        client = Client(PasswordAuth(server.url, "a@example.org", "right"), "d")
        for _ in range(3):
            assert client.ask(IDENTITY) == {"ok": True}

    schemes = [heard["Authorization"].split()[0] if "Authorization" in heard else None for heard in server.heard]
    assert schemes[0] == "Basic"
    assert schemes[-2:] == ["Digest", "Digest"]
    assert len(schemes) <= 5


def test_a_wrong_password_for_digest_is_a_login_error() -> None:
    with Listener(digest_only) as server, pytest.raises(LoginError, match="username or password is wrong"):
        Client(PasswordAuth(server.url, "a@example.org", "wrong"), "d").ask(IDENTITY)


def test_the_login_that_rejects_a_key_does_not_answer_a_digest_challenge() -> None:
    with Listener(digest_only) as server, pytest.raises(LoginError, match="username or key is wrong"):
        Client(ApiKeyAuth(server.url, "a@example.org", "k"), "d").ask(IDENTITY)
    assert len(server.heard) == 1


SECRET = "s3cr3t-k3y-that-nobody-may-see"


def everything_told(error: BaseException | None) -> str:
    """Return all that error messages, their causes and contexts, and tracebacks show."""
    told = ""
    while error is not None:
        told += "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    return told


@pytest.mark.parametrize("name", [*ALWAYS_BROKEN, *FINAL, "no colon", "unreachable"])
@pytest.mark.parametrize("kind", ["key", "password"])
def test_no_secret_is_in_any_message_representation_log_or_traceback(
    kind: str, name: str, hq: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    user = "somebody@example.org"  # wrong passwords would lock the administrator out of the sandbox that tests share
    auth = ApiKeyAuth(hq.url, user, SECRET) if kind == "key" else PasswordAuth(hq.url, user, SECRET, SECRET)
    client = Client(auth, "maternal-health", Patience(2, 0.01, 5))
    if name == "no colon":
        hq.faults.status(400)
    elif name == "unreachable":
        with Listener() as gone:
            client.server = auth.server = gone.url
    else:
        (ALWAYS_BROKEN.get(name) or FINAL[name])[0](hq.faults)

    with pytest.raises(CommCareError) as caught:
        client.ask(CASE_V2, ONE)
    told = everything_told(caught.value) + repr(client) + repr(auth) + repr(vars(caught.value))
    told += "".join(record.getMessage() for record in caplog.records)
    assert SECRET not in told
    assert "czNjcjN0" not in told, "Basic is the secret in base64"


def test_the_login_that_holds_the_secret_does_not_show_it(hq: Sandbox) -> None:
    domain = ccf.connect(
        "maternal-health",
        server=hq.url,
        username=hq.admin.username,
        api_key=hq.admin.api_key,
    )
    shown = repr(domain) + repr(domain._login) + repr(domain.client.auth)

    assert hq.admin.api_key not in shown


def test_a_pasted_key_with_odd_characters_is_refused_without_being_quoted() -> None:
    with pytest.raises(LoginError) as caught:
        ApiKeyAuth("https://www.commcarehq.org", "a@example.org", f"“{SECRET}”")
    assert SECRET not in everything_told(caught.value)
