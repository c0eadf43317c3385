"""An authenticated session with one server: retries, rate limits, answers that are not what they claim."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from commcare_frames.errors import RateLimitError, ReadCancelledError, ServerFailedError, ServerUnreachableError
from commcare_frames.hq import answers
from commcare_frames.hq.auth import PasswordAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.errors import CommCareError
    from commcare_frames.hq.auth import Auth
    from commcare_frames.hq.resources import Resource

    Params = Sequence[tuple[str, str]]

T = TypeVar("T")

logger = logging.getLogger("commcare_frames")

CONNECT_TIMEOUT = 15.0
SHOWN_WAIT = 2.0
CANCEL_CHECK = 0.1


class CancelledError(Exception):
    """The pull that a request belongs to was given up while the request waited."""


class _ThrottledError(Exception):
    """The server refused a request because of its limits (429)."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self.seconds = seconds


class _TroubleError(Exception):
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


@dataclass(frozen=True)
class Patience:
    """How long a client keeps trying.

    Parameters
    ----------
    attempts
        Tries of one request before giving up on a failing server.
    first_wait
        Seconds before the second try; each later wait is twice as long, up to a minute.
    longest_wait
        Seconds; a server that asks for a longer wait (``Retry-After``) ends the call with `RateLimitError`.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 600.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after the given number of failures in a row."""
        return min(self.first_wait * 2.0 ** (failures - 1), 60.0)


@dataclass(frozen=True)
class Answer:
    """A successful answer: its body, and the server's own time when it was given (``Date``, None if unsaid)."""

    body: bytes
    date: str | None


class Client:
    """Asks one CommCare HQ server as one user.

    Parameters
    ----------
    auth
        The login, which also names the server.
    domain
        The domain (project space) that resources belong to.
    patience
        How long to keep trying.
    """

    def __init__(self, auth: Auth, domain: str | None = None, patience: Patience | None = None) -> None:
        self.auth = auth
        self.server = auth.server
        self.domain = domain
        self.patience = patience or Patience()
        self.requests_made = 0
        self.on_wait: Callable[[float, str], None] = _log_wait
        self._session = requests.Session()
        self._session.auth = auth
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": f"commcare_frames/{version('commcare-frames')}",
            }
        )
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._hold_until = 0.0
        self._reached = False
        self._old_scheme: set[Resource] = set()

    @property
    def host(self) -> str:
        """Host name of the server, with its port if it has one."""
        return urlsplit(self.server).netloc

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def cancel(self) -> None:
        """End for good what is asked here: an answer on its way is still taken, no request follows it.

        Waits and requests to come raise `ReadCancelledError`, in whichever thread they are.
        """
        self._cancelled.set()

    def ask(
        self,
        resource: Resource,
        params: Params = (),
        *,
        body: Any = None,  # noqa: ANN401  any JSON value
        tail: str = "",
        read: Callable[[Answer], T] | None = None,
        attempts: int | None = None,
        cancelled: threading.Event | None = None,
    ) -> T:
        """Ask the server and return what `read` makes of its answer.

        Parameters
        ----------
        resource
            What to ask.
        params
            Query parameters, repeated ones too.
        body
            A JSON value to send with POST; without it the request is a GET.
        tail
            What follows the resource's path, such as a record's id.
        read
            Makes the result of the answer; a `ValueError` from it counts as a broken answer, which is asked again.
            By default the answer is parsed as JSON.
        attempts
            Tries before giving up on an answer that keeps failing; by default the client's patience.
        cancelled
            When set, waiting ends at once with `CancelledError`.

        Returns
        -------
        T
            What `read` returned.

        Raises
        ------
        CommCareError
            The subclass tells what went wrong.
        """
        failures = throttled = 0
        cancelled = cancelled or threading.Event()
        while True:
            self._hold(resource, cancelled)
            try:
                return self._ask_once(resource, params, body, tail, read)
            except _ThrottledError as limit:
                throttled += 1
                self._obey_limit(resource, limit.seconds, throttled)
            except _TroubleError as trouble:
                failures += 1
                tries = attempts if trouble.may_be_the_page and attempts else self.patience.attempts
                if failures >= tries:
                    raise self._giving_up(resource, failures, trouble) from None
                wait = self.patience.wait(failures)
                self._tell(wait, f"{self.host}: {trouble}; trying again")
                self._sleep(resource, wait, cancelled)

    def _ask_once(
        self,
        resource: Resource,
        params: Params,
        body: Any,  # noqa: ANN401  any JSON value
        tail: str,
        read: Callable[[Answer], T] | None,
    ) -> T:
        response = self._exchange(resource, params, body, tail)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise _ThrottledError(answers.retry_after(response))
        if response.status_code in answers.PASSING_TROUBLE:
            raise _TroubleError(f"status {response.status_code}", status_code=response.status_code)
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise answers.error_of(response, resource, self.auth, self.domain)
        answer = Answer(response.content, response.headers.get("Date"))
        try:
            return read(answer) if read else answers.parse_json(answer.body)
        except ValueError as error:
            raise _TroubleError(str(error)) from None

    def _giving_up(self, resource: Resource, failures: int, trouble: _TroubleError) -> CommCareError:
        return trouble.unreachable or ServerFailedError(
            f"{self.host} failed {failures} times in a row at the {resource.title}, last with {trouble}. "
            f"HQ may be busy or down (status.commcarehq.org). {_what_is_kept(resource)}",
            status_code=trouble.status_code,
        )

    def _exchange(self, resource: Resource, params: Params, body: Any, tail: str) -> requests.Response:  # noqa: ANN401
        """Send a request and say of every failure of the connection what it is."""
        try:
            return self._send(resource, params, body, tail)
        except requests.exceptions.ReadTimeout:
            raise _TroubleError("no answer in time") from None
        except requests.exceptions.ChunkedEncodingError:
            raise _TroubleError("an answer that breaks off") from None
        except requests.exceptions.ContentDecodingError:
            raise _TroubleError("an answer that cannot be unpacked") from None
        except requests.exceptions.RequestException as error:
            if _broke_off(error):
                raise _TroubleError("a connection that breaks off") from None
            if not self._may_pass(error):
                raise self._unreachable(error) from None
            raise _TroubleError("no connection", unreachable=self._unreachable(error)) from None

    def _send(self, resource: Resource, params: Params, body: Any, tail: str) -> requests.Response:  # noqa: ANN401
        old = resource in self._old_scheme
        response = self._request(resource, resource.old_path if old else resource.path, params, body, tail)
        if not old and answers.lacks_url(response):
            second = self._request(resource, resource.old_path, params, body, tail)
            if not answers.lacks_url(second):
                self._old_scheme.add(resource)
                return second
        return response

    def _request(
        self,
        resource: Resource,
        path: str,
        params: Params,
        body: Any,  # noqa: ANN401
        tail: str,
    ) -> requests.Response:
        with self._lock:
            self.requests_made += 1
        response = self._session.request(
            "GET" if body is None else "POST",
            self.server + path.format(domain=self.domain) + tail,
            params=list(params),
            json=body,
            timeout=(CONNECT_TIMEOUT, resource.timeout),
            allow_redirects=False,
        )
        self._reached = True
        challenge = response.headers.get("WWW-Authenticate", "").lower()
        if (
            response.status_code == HTTPStatus.UNAUTHORIZED
            and challenge.startswith("digest")
            and isinstance(self.auth, PasswordAuth)
            and self.auth.switch_to_digest()
        ):
            return self._request(resource, path, params, body, tail)
        return response

    def _obey_limit(self, resource: Resource, asked: float | None, throttled: int) -> None:
        # A server that names a wait and then refuses again is not to be asked in a tight loop.
        guessed = self.patience.wait(throttled) if asked is None or throttled > 1 else 0.0
        seconds = max(asked or 0.0, guessed)
        whose = f" of domain {self.domain!r} (all its users and tools together)" if self.domain else ""
        budget = f"{self.host} limits the requests{whose}, and the limit is reached"
        if seconds > self.patience.longest_wait or (asked is None and throttled > 2 * self.patience.attempts):
            wait = f"for another {_duration(seconds)}" if asked is not None else "without saying for how long"
            raise RateLimitError(
                f"{budget} {wait}. {_what_is_kept(resource)}",
                status_code=HTTPStatus.TOO_MANY_REQUESTS,
                retry_after=asked,
            )
        with self._lock:
            self._hold_until = max(self._hold_until, time.monotonic() + seconds)
        self._tell(seconds, budget)

    def _hold(self, resource: Resource, cancelled: threading.Event) -> None:
        self._sleep(resource, self._hold_until - time.monotonic(), cancelled)

    def _sleep(self, resource: Resource, seconds: float, cancelled: threading.Event) -> None:
        """Wait, in short naps: nothing waits for two events at once."""
        end = time.monotonic() + seconds
        while True:
            if self._cancelled.is_set():
                raise ReadCancelledError(f"Cancelled. {_what_is_kept(resource)}")
            left = end - time.monotonic()
            if cancelled.wait(min(max(left, 0.0), CANCEL_CHECK)):
                raise CancelledError
            if left <= 0:
                return

    def _tell(self, seconds: float, why: str) -> None:
        if seconds > SHOWN_WAIT:
            self.on_wait(seconds, why)

    def _may_pass(self, error: requests.exceptions.RequestException) -> bool:
        """Whether a connection error may be gone at the next try: once the server was reached, most are."""
        if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
            return False
        return isinstance(error, requests.exceptions.ConnectionError) and self._reached

    def _unreachable(self, error: requests.exceptions.RequestException) -> ServerUnreachableError:
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
        return ServerUnreachableError(
            f"{self.server} cannot be reached: {why}. Check the network and the server address."
        )


def _broke_off(error: requests.exceptions.RequestException) -> bool:
    """Whether a connection was made and then lost or fell silent, which a page that is too large can cause."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, urllib3.exceptions.ProtocolError | urllib3.exceptions.ReadTimeoutError)


def _what_is_kept(resource: Resource) -> str:
    if resource.stamp is None:
        return "Run the same call again later."
    return "What has arrived is kept where a cache is used: run the same call later and it goes on from there."


def _log_wait(seconds: float, why: str) -> None:
    logger.warning("%s. Waiting %s.", why, _duration(seconds))


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"  # noqa: PLR2004
