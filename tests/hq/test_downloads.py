"""Downloads: a file arrives whole or not at all, and the key goes to its own server only."""

from __future__ import annotations

import gzip
import io
import threading

import pytest
from listener import Listener, Said

from commcare_frames.errors import (
    LoginError,
    NotFoundError,
    PermissionMissingError,
    RateLimitError,
    ServerFailedError,
    WrongServerError,
)
from commcare_frames.hq.auth import ApiKeyAuth
from commcare_frames.hq.client import CancelledError, Client, Patience
from commcare_frames.hq.downloads import CHUNK, Arriving, Downloaded, download
from commcare_frames.hq.resources import FORM_ATTACHMENT

PICTURE = bytes(range(256)) * 1024
IMAGE = {"Content-Type": "image/jpeg"}
QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=1)
PAGE = b"<!DOCTYPE html><html><body>404 Error</body></html>"


def client_of(listener: Listener) -> Client:
    return Client(ApiKeyAuth(listener.url, "me@example.org", "secret-key"), "my-domain", QUICK)


def fetched(answers: list[Said], **known: object) -> tuple[bytes, Downloaded, Listener]:
    """Download from a server that gives these answers, the last one for ever."""
    left = iter(answers)
    with Listener(lambda _: next(left, answers[-1])) as listener:
        client = client_of(listener)
        file = io.BytesIO(b"what was there before, which is longer than some files")
        arrived = download(client, FORM_ATTACHMENT, file, tail="f1/a.jpg", **known)  # type: ignore[arg-type]
        client.close()
        return file.getvalue(), arrived, listener


def refusal(answers: list[Said], **known: object) -> Exception:
    with pytest.raises(Exception) as caught:
        fetched(answers, **known)
    return caught.value


def test_a_file_arrives_as_it_is_with_what_the_server_says_of_it() -> None:
    body, arrived, listener = fetched([Said(200, PICTURE, IMAGE)], length=len(PICTURE), content_type="image/jpeg")

    assert body == PICTURE
    assert arrived == Downloaded(len(PICTURE), "image/jpeg")
    assert listener.heard[0]["Authorization"] == "ApiKey me@example.org:secret-key"


def test_an_empty_file_is_a_file() -> None:
    body, arrived, _ = fetched([Said(200, b"", IMAGE)], length=0)

    assert (body, arrived.length) == (b"", 0)


def test_a_file_that_came_packed_is_unpacked() -> None:
    body, arrived, _ = fetched(
        [Said(200, gzip.compress(PICTURE), {**IMAGE, "Content-Encoding": "gzip"})], length=len(PICTURE)
    )

    assert body == PICTURE
    assert arrived.length == len(PICTURE)


@pytest.mark.parametrize(
    ("broken", "known"),
    [
        (Said(200, PICTURE[:-1], IMAGE), {"length": len(PICTURE)}),
        (Said(200, PAGE, {"Content-Type": "text/html; charset=utf-8"}), {}),
        (Said(200, gzip.compress(PICTURE)[:-90], {**IMAGE, "Content-Encoding": "gzip"}), {"length": len(PICTURE)}),
        (Said(502, PAGE, {"Content-Type": "text/html"}), {}),
        (Said(503, b"", {}), {}),
        (Said(429, b"", {"Retry-After": "0.01"}), {}),
    ],
)
def test_what_is_not_the_file_is_fetched_again(broken: Said, known: dict[str, int]) -> None:
    body, _, listener = fetched([broken, broken, Said(200, PICTURE, IMAGE)], **known)

    assert body == PICTURE
    assert len(listener.heard) == 3


@pytest.mark.parametrize(
    ("broken", "known", "says"),
    [
        (Said(200, b"x", IMAGE), {"length": 13}, "a file of 1 bytes that should have 13"),
        (Said(200, PAGE, {"Content-Type": "text/html"}), {"content_type": "image/png"}, "a web page instead of a file"),
        (Said(500, b"", {}), {}, "status 500"),
    ],
)
def test_what_stays_broken_is_an_error(broken: Said, known: dict[str, object], says: str) -> None:
    error = refusal([broken], **known)

    assert isinstance(error, ServerFailedError)
    assert says in str(error)


def test_a_web_page_is_a_file_where_one_was_attached() -> None:
    body, _, _ = fetched([Said(200, PAGE, {"Content-Type": "text/html"})], content_type="text/html")

    assert body == PAGE


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Said(404, PAGE, {"Content-Type": "text/html"}), NotFoundError),
        (Said(403, PAGE, {"Content-Type": "text/html"}), PermissionMissingError),
        (Said(401), LoginError),
        (Said(302, b"", {"Location": "/accounts/login/?next=/"}), LoginError),
        (Said(429, b"", {"Retry-After": "3600"}), RateLimitError),
    ],
)
def test_a_refusal_is_an_error_at_once(said: Said, kind: type[Exception]) -> None:
    assert isinstance(refusal([said]), kind)


def test_the_key_does_not_follow_a_redirect_to_another_host() -> None:
    with Listener(lambda _: Said(200, PICTURE, IMAGE)) as elsewhere:
        error = refusal([Said(302, b"", {"Location": f"{elsewhere.url}/bucket/a.jpg"})])

        assert isinstance(error, WrongServerError)
        assert elsewhere.heard == []


def test_a_server_of_before_2024_is_asked_under_its_own_path() -> None:
    def said(headers: dict[str, str]) -> Said:
        return next(answers)

    answers = iter([Said(404, PAGE), Said(200, PICTURE, IMAGE), Said(200, PICTURE, IMAGE)])
    with Listener(said) as listener:
        client = client_of(listener)
        for _ in range(2):
            download(client, FORM_ATTACHMENT, io.BytesIO(), tail="f1/a.jpg")
        client.close()

        assert len(listener.heard) == 3


def test_what_looks_at_the_file_can_have_it_fetched_again() -> None:
    seen: list[bytes] = []

    def check(file: io.BytesIO) -> None:
        seen.append(file.getvalue())
        if len(seen) < 2:
            raise ValueError("not yet")

    body, _, _ = fetched([Said(200, b"one", IMAGE), Said(200, b"two", IMAGE)], check=check)

    assert (body, seen) == (b"two", [b"one", b"two"])


def test_a_download_that_nobody_wants_any_more_ends_between_two_pieces() -> None:
    cancelled = threading.Event()

    class Sink(io.BytesIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            cancelled.set()
            return super().write(data)

    with Listener(lambda _: Said(200, PICTURE, IMAGE)) as listener:
        client, sink = client_of(listener), Sink()
        with pytest.raises(CancelledError):
            download(client, FORM_ATTACHMENT, sink, tail="f1/a.jpg", cancelled=cancelled)
        client.close()

        assert 0 < len(sink.getvalue()) <= CHUNK


def test_an_answer_can_be_read_while_it_arrives() -> None:
    def take(response: object) -> bytes:
        source = Arriving(response)  # type: ignore[arg-type]
        pieces = list(iter(lambda: source.read(1000), b""))
        assert max(map(len, pieces)) == 1000
        return b"".join(pieces)

    with Listener(lambda _: Said(200, PICTURE, IMAGE)) as listener:
        client = client_of(listener)
        assert client.ask(FORM_ATTACHMENT, take=take) == PICTURE
        client.close()


def test_a_wait_that_the_server_asked_for_is_told() -> None:
    told: list[tuple[float, str]] = []
    client = Client(ApiKeyAuth("https://www.example.org", "me", "key"), "d", QUICK)
    client.on_wait = lambda seconds, why: told.append((seconds, why))
    threading.Timer(0.05, client.cancel).start()

    with pytest.raises(Exception, match="Cancelled"):
        client.pause(FORM_ATTACHMENT, 30.0, "prepares something")

    assert told == [(30.0, "www.example.org prepares something")]
