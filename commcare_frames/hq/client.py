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

from commcare_frames.errors import CommCareError, RateLimitError, ReadCancelledError, ServerFailedError
from commcare_frames.hq import answers
from commcare_frames.hq.auth import PasswordAuth
from commcare_frames.hq.bodies import whole_body
from commcare_frames.hq.trouble import CONNECT_TIMEOUT, ThrottledError, TroubleError, trouble_of
from commcare_frames.hq.usage import usage_of
from commcare_frames.hq.xml import XML_PARAMS, reading_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.hq.auth import Auth
    from commcare_frames.hq.resource import ApiVersion, Resource, Wire

    Params = Sequence[tuple[str, str]]

T = TypeVar("T")

logger = logging.getLogger("commcare_frames")

SHOWN_WAIT = 2.0
CANCEL_CHECK = 0.1


class CancelledError(Exception):
    """The pull that a request belongs to was given up while the request waited."""


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
    api_version
        The version of HQ's APIs to ask; by default the newest that the server knows.
    """

    def __init__(
        self,
        auth: Auth,
        domain: str | None = None,
        patience: Patience | None = None,
        api_version: ApiVersion | None = None,
    ) -> None:
        self.auth = auth
        self.server = auth.server
        self.domain = domain
        self.patience = patience or Patience()
        self.api_version = api_version
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
        self._usage = usage_of(self.server, domain)
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
        take: Callable[[requests.Response], T] | None = None,
        wire: Wire = "json",
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
            A JSON value to send with POST, or the fields of a form where the resource takes one; without it the
            request is a GET.
        tail
            What follows the resource's path, such as a record's id.
        read
            Makes the result of the answer; a `ValueError` from it counts as a broken answer, which is asked again.
            By default the answer is parsed as JSON.
        take
            Makes the result of an answer while it arrives, in place of `read`: for what is too large to be held whole.
        wire
            The format to ask for; XML comes to `read` as the JSON that it stands for.
        attempts
            Tries before giving up on an answer that keeps failing; by default the client's patience.
        cancelled
            When set, waiting ends at once with `CancelledError`.

        Returns
        -------
        T
            What `read` or `take` returned.

        Raises
        ------
        CommCareError
            The subclass tells what went wrong.
        """
        failures = throttled = 0
        cancelled = cancelled or threading.Event()
        if wire == "xml":
            params, read = (*params, *XML_PARAMS), reading_xml(read or _parsed)
        while True:
            self._hold(resource, cancelled)
            try:
                return self._ask_once(resource, params, body, tail, read=read, take=take)
            except ThrottledError as limit:
                throttled += 1
                self._obey_limit(resource, limit.seconds, throttled)
            except TroubleError as trouble:
                failures += 1
                tries = attempts if trouble.may_be_the_page and attempts else self.patience.attempts
                if failures >= tries:
                    raise self._giving_up(resource, failures, trouble, wire) from None
                wait = self.patience.wait(failures)
                self._tell(wait, f"{self.host}: {trouble}; trying again")
                self._sleep(resource, wait, cancelled)

    def _ask_once(
        self,
        resource: Resource,
        params: Params,
        body: Any,  # noqa: ANN401  any JSON value
        tail: str,
        *,
        read: Callable[[Answer], T] | None,
        take: Callable[[requests.Response], T] | None,
    ) -> T:
        response: requests.Response | None = None
        try:
            response = self._send(resource, params, body, tail)
            self._check(response, resource)
            return _made_of(response, read, take)
        except requests.exceptions.RequestException as error:
            raise trouble_of(error, self.server, reached=self._reached) from None
        finally:
            if response is not None:
                response.close()

    def _check(self, response: requests.Response, resource: Resource) -> None:
        """Raise for every answer that is not a success."""
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            asked = answers.retry_after(response)
            self._usage.note_refusal(asked)
            raise ThrottledError(asked)
        if response.status_code in answers.PASSING_TROUBLE:
            raise TroubleError(f"status {response.status_code}", status_code=response.status_code)
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise answers.error_of(response, resource, self.auth, self.domain)

    def _giving_up(self, resource: Resource, failures: int, trouble: TroubleError, wire: Wire) -> CommCareError:
        in_xml = "It fails too where a name is none that XML allows: try wire='json'. " if wire == "xml" else ""
        return trouble.unreachable or ServerFailedError(
            f"{self.host} failed {failures} times in a row at the {resource.title}, last with {trouble}. "
            f"HQ may be busy or down (status.commcarehq.org). {in_xml}{_what_is_kept(resource)}",
            status_code=trouble.status_code,
        )

    def _send(
        self,
        resource: Resource,
        params: Params,
        body: Any,  # noqa: ANN401
        tail: str,
    ) -> requests.Response:
        if self.api_version:
            return self._request(resource, resource.path_in(self.api_version), params, body, tail)
        old = resource in self._old_scheme
        path = resource.old_path if old else resource.path
        response = self._request(resource, path, params, body, tail)
        if not old and resource.old_path != resource.path and answers.lacks_url(response):
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
        status: int | None = None
        try:
            response = self._session.request(
                "GET" if body is None else "POST",
                self.server + path.format(domain=self.domain) + tail,
                params=list(params),
                **{"data" if resource.takes_form else "json": body},
                timeout=(CONNECT_TIMEOUT, resource.timeout),
                allow_redirects=False,
                stream=True,
            )
            status = response.status_code
        finally:
            # One without an answer may have reached HQ all the same.
            self._usage.note(counts=resource.is_throttled and status not in answers.UNCOUNTED)
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

    def pause(self, resource: Resource, seconds: float, why: str) -> None:
        """Wait because the server asked for it, as it does while it prepares an answer."""
        self._tell(seconds, f"{self.host} {why}")
        self._sleep(resource, seconds, threading.Event())

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


def _made_of(
    response: requests.Response,
    read: Callable[[Answer], T] | None,
    take: Callable[[requests.Response], T] | None,
) -> T:
    try:
        if take:
            return take(response)
        answer = Answer(whole_body(response), response.headers.get("Date"))
        made: T = read(answer) if read else _parsed(answer)
    except (CommCareError, requests.exceptions.RequestException):
        raise
    except ValueError as error:
        raise TroubleError(str(error)) from None
    return made


def _parsed(answer: Answer) -> Any:  # noqa: ANN401  any JSON value
    return answers.parse_json(answer.body)


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
