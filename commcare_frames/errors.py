"""Every exception that a caller can catch, each saying what happened, what it means and what to do next."""

from __future__ import annotations

import contextlib
import difflib
import sys
import warnings
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class CommCareError(Exception):
    """Base of all errors of this package.

    Attributes
    ----------
    status_code
        HTTP status of the answer behind the error, if there was one.
    retry_after
        Seconds the server asks to wait before another try, if it said so.
    retryable
        Whether the same call may succeed later without any change; what a pull has cached by then is kept.
    """

    retryable = False

    def __init__(self, message: str, *, status_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with all attributes, so that errors cross process borders (Dask, multiprocessing)."""
        return _rebuild, (type(self), str(self), self.__dict__)


def _rebuild(kind: type[CommCareError], message: str, attributes: dict[str, object]) -> CommCareError:
    error = kind(message)
    error.__dict__.update(attributes)
    return error


class NotConnectedError(CommCareError):
    """No domain, server or login is known, or none was found where they are looked for."""


class ServerUnreachableError(CommCareError):
    """No connection to the server could be made: network, name, certificate or timeout."""

    retryable = True


class WrongServerError(CommCareError):
    """Something answered, but not as CommCare HQ's API does."""


class LoginError(CommCareError):
    """The server rejected the login (401)."""


class TwoFactorError(LoginError):
    """The domain demands a two-factor code for password logins, or the code was wrong."""


class PermissionMissingError(CommCareError):
    """The login is right, but the user may not do this (403), or the project's plan does not include it."""


class NotFoundError(CommCareError):
    """A domain, case type, case or other thing asked for by name does not exist."""


class QueryError(CommCareError, ValueError):
    """A filter, date or argument that cannot be asked of the server."""


class RateLimitError(CommCareError):
    """The domain's request budget is used up for longer than the caller is willing to wait (429)."""

    retryable = True


class ServerFailedError(CommCareError):
    """The server kept failing (5xx, resets, timeouts, broken answers) after all retries."""

    retryable = True


class ReadCancelledError(CommCareError):
    """The call was cancelled while it ran, as with the Cancel button of `explore`."""

    retryable = True


class CacheError(CommCareError):
    """The cache folder or one of its tables cannot be used."""


class DtypeError(CommCareError, ValueError):
    """A pinned dtype does not fit the values of its column."""


class ExportError(CommCareError):
    """A file could not be written."""


class DataWarning(UserWarning):
    """The frame is right as far as HQ says, but something about it deserves a look."""


_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def heard_warnings() -> Iterator[list[str]]:
    """Collect what this thread warns of, to be shown where no cell's output would show it."""
    texts: list[str] = []
    before = _heard.set(texts)
    try:
        yield texts
    finally:
        _heard.reset(before)


def warn(text: str) -> None:
    """Warn of doubt about data, at the line of the caller's own code."""
    heard = _heard.get()
    if heard is not None:
        heard.append(text)
        return
    package = str(Path(__file__).parent)
    depth = 2
    frame = sys._getframe(1)  # noqa: SLF001  what pandas does for its warnings
    while frame.f_back and frame.f_code.co_filename.startswith(package):
        frame = frame.f_back
        depth += 1
    warnings.warn(text, DataWarning, stacklevel=depth)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` where a known name is close to `name`, else an empty text."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)
    if not close:
        return ""
    return f" Did you mean {' or '.join(repr(by_lower[match]) for match in close)}?"
