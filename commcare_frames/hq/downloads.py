"""Fetches what is not JSON: files, written as they arrive, and documents that are read while they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from commcare_frames.hq.answers import BrokenAnswerError
from commcare_frames.hq.client import CancelledError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    import requests

    from commcare_frames.hq.client import Client
    from commcare_frames.hq.resource import Resource

CHUNK = 64 * 1024
WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})


class Downloaded(NamedTuple):
    """What arrived: how many bytes, and of what type the server says they are."""

    length: int
    content_type: str | None


def download(
    client: Client,
    resource: Resource,
    file: BinaryIO,
    *,
    tail: str = "",
    params: Sequence[tuple[str, str]] = (),
    length: int | None = None,
    content_type: str | None = None,
    check: Callable[[BinaryIO], None] = lambda _: None,
    cancelled: threading.Event | None = None,
) -> Downloaded:
    """Fetch a file; what broke off, or is not the file that was asked for, is fetched again.

    Parameters
    ----------
    client
        Who asks.
    resource, tail, params
        What to ask.
    file
        Where to write it: it holds the whole file at the end, and nothing else.
    length, content_type
        What is known of the file; None where nothing is.
    check
        Looks at the file once it has arrived; a `ValueError` from it means that it is damaged.
    cancelled
        When set, the download ends with `CancelledError`.

    Returns
    -------
    Downloaded
        What arrived.

    Raises
    ------
    CommCareError
        As `Client.ask`.
    """

    def take(response: requests.Response) -> Downloaded:
        kind = _content_type(response)
        if kind in WEB_PAGES and content_type not in WEB_PAGES:
            raise BrokenAnswerError("a web page instead of a file")
        file.seek(0)
        file.truncate()
        arrived = 0
        for chunk in response.iter_content(CHUNK):
            if cancelled is not None and cancelled.is_set():
                raise CancelledError
            arrived += file.write(chunk)
        if length is not None and arrived != length:
            raise BrokenAnswerError(f"a file of {arrived:,} bytes that should have {length:,}")
        file.flush()
        check(file)
        return Downloaded(arrived, kind)

    return client.ask(resource, params, tail=tail, take=take, cancelled=cancelled)


class Arriving:
    """An answer as a file to be read while it arrives.

    Parameters
    ----------
    response
        The answer.
    """

    def __init__(self, response: requests.Response) -> None:
        self._chunks = response.iter_content(CHUNK)
        self._left = b""

    def read(self, size: int) -> bytes:
        """Return at most so many bytes; none at the end."""
        if not self._left:
            self._left = next(self._chunks, b"")
        piece, self._left = self._left[:size], self._left[size:]
        return piece


def _content_type(response: requests.Response) -> str | None:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() or None
