"""Tells what goes wrong on the way to a server and back: trouble that may pass, and errors that will not."""

from __future__ import annotations

import requests
import urllib3

from commcare_frames.errors import CommCareError, ServerUnreachableError

CONNECT_TIMEOUT = 15.0


class ThrottledError(Exception):
    """The server refused a request because of its limits (429)."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self.seconds = seconds


class TroubleError(Exception):
    """A request failed in a way that may pass.

    Parameters
    ----------
    text
        What went wrong, in a few words.
    unreachable
        The error to raise when it does not pass, where the connection failed rather than the answer.
    status_code
        The status of the answer, where that is what went wrong.
    """

    def __init__(self, text: str, unreachable: CommCareError | None = None, *, status_code: int | None = None) -> None:
        super().__init__(text)
        self.unreachable = unreachable
        self.status_code = status_code
        self.may_be_the_page = unreachable is None


def trouble_of(
    error: requests.exceptions.RequestException, server: str, *, reached: bool
) -> TroubleError | ServerUnreachableError:
    """Return what a failure of the connection is: trouble that may pass, or the error that it stays.

    Parameters
    ----------
    error
        The failure.
    server
        Base URL of the server.
    reached
        Whether the server was reached before: then most failures are gone at the next try.
    """
    if isinstance(error, requests.exceptions.ReadTimeout):
        return TroubleError("no answer in time")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return TroubleError("an answer that breaks off")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return TroubleError("an answer that cannot be unpacked")
    if _broke_off(error):
        return TroubleError("a connection that breaks off")
    unreachable = _unreachable(error, server)
    may_pass = reached and isinstance(error, requests.exceptions.ConnectionError)
    if may_pass and not isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return TroubleError("no connection", unreachable=unreachable)
    return unreachable


def _broke_off(error: requests.exceptions.RequestException) -> bool:
    """Whether a connection was made and then lost or fell silent, which a page that is too large can cause."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, urllib3.exceptions.ProtocolError | urllib3.exceptions.ReadTimeoutError)


def _unreachable(error: requests.exceptions.RequestException, server: str) -> ServerUnreachableError:
    if isinstance(error, requests.exceptions.SSLError):
        why = "its certificate is not trusted on this computer, or something in between speaks for it"
    elif isinstance(error, requests.exceptions.ProxyError):
        why = "the proxy set on this computer does not let the request through"
    elif isinstance(error, requests.exceptions.ConnectTimeout):
        why = f"it did not answer within {CONNECT_TIMEOUT:.0f} seconds"
    elif "resolve" in str(error).lower() or "getaddrinfo" in str(error).lower():
        why = "there is no server of that name, or no network"
    elif "refused" in str(error).lower():
        why = "it refuses connections"
    else:
        why = "the connection broke"
    return ServerUnreachableError(f"{server} cannot be reached: {why}. Check the network and the server address.")
