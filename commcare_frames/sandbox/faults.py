"""Makes the sandbox misbehave on purpose, in every way in which a real server or its proxy fails."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, fields, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypedDict

from commcare_frames.sandbox.limits import RateLimiter
from commcare_frames.sandbox.messages import Delivery, Params, Response, answer, web_page

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Unpack

    from commcare_frames.sandbox.messages import Request

    Spoil = Callable[[Response], Response]

CANNED_ERROR = "Sorry, this request could not be processed. Please try again later."
USUAL_BODY = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "json",
    HTTPStatus.BAD_GATEWAY: "html",
    HTTPStatus.SERVICE_UNAVAILABLE: "html",
    HTTPStatus.GATEWAY_TIMEOUT: "html",
}


@dataclass
class When:
    """Which requests a fault strikes.

    Parameters
    ----------
    path
        Part of the URL path.
    times
        How many requests in all; None for every one until `Faults.clear`.
    skip
        How many matching requests pass unharmed first.
    probability
        Chance that a matching request is struck; seeded, so the same run fails the same way.
    above_limit
        Only requests for more records than this.
    """

    path: str = ""
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    above_limit: int | None = None

    def strikes(self, path: str, page_size: int, chance: random.Random) -> bool:
        """Say whether this request is struck, and count it."""
        if self.path not in path or self.times == 0:
            return False
        if self.above_limit is not None and page_size <= self.above_limit:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if chance.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Changing(Protocol):
    """Records that can be changed while they are read."""

    def reindex(self, ids: Iterable[str], /) -> None:
        """Give records a new stamp, which moves them to the end."""

    def delete(self, ids: Iterable[str], /) -> None:
        """Delete records."""


class Aim(TypedDict, total=False):
    """The keyword arguments of `When`."""

    path: str
    times: int | None
    skip: int
    probability: float
    above_limit: int | None


@dataclass
class Faults:
    """The faults of one server, to be switched on and off while it runs.

    Attributes are conditions that last until changed; methods strike the requests that their keyword
    arguments (those of `When`) describe.

    Parameters
    ----------
    seed
        Of all chances.
    latency_per_request, latency_per_record
        Seconds of server time that every answer takes, also when several are made at once.
    pillow_lag
        Seconds for which changes stay invisible; they then appear with the stamp of the change.
    reindexed_per_page, deleted_per_page
        Cases of the type, forms of the xmlns, or locations, asked for that are re-indexed, or deleted, after every
        page of a list.
    rows_to_come
        How many rows the reports still gain, one after every page, at their top.
    restores_pending
        How many requests for a restore are told to come back later, as it is not ready.
    without_fields
        A server older than March 2026: case v2 refuses ``fields`` and ``exclude``.
    old_scheme_only
        A server older than 2024: only the ``/api/v0.5/`` paths exist.
    next_as_cursor
        Case v2 gives ``{"cursor": ...}`` as `next`, not a URL.
    next_host
        Address, such as ``https://other.example.org``, that `next` links name instead of the server's own.
    shrinking_total
        `matching_records` is what is left of the match, not the whole.
    cut_off
        Domains whose tastypie API was switched off for too many requests.
    """

    seed: int = 2024
    latency_per_request: float = 0.0
    latency_per_record: float = 0.0
    pillow_lag: float = 0.0
    reindexed_per_page: int = 0
    deleted_per_page: int = 0
    rows_to_come: int = 0
    restores_pending: int = 0
    without_fields: bool = False
    old_scheme_only: bool = False
    next_as_cursor: bool = False
    next_host: str = ""
    shrinking_total: bool = False
    cut_off: Collection[str] = ()
    limits: RateLimiter = field(default_factory=RateLimiter)

    def __post_init__(self) -> None:
        """Begin with no fault."""
        self._lock = threading.Lock()
        self._spoils: list[tuple[When, Spoil]] = []
        self._chance = random.Random(self.seed)  # noqa: S311  repeatable, not secret

    def clear(self) -> None:
        """Behave well again."""
        with self._lock:
            for setting in fields(self):
                if setting.name not in {"seed", "limits"}:
                    setattr(self, setting.name, setting.default)
            self._spoils.clear()
            self._chance.seed(self.seed)
        self.limits.lift()

    def throttle(self, domain: str, mobile_workers: int, *, in_subscription: int = 0) -> None:
        """Limit a domain's requests as HQ does for so many mobile workers."""
        self.limits.limit(domain, mobile_workers, in_subscription=in_subscription)

    def status(self, status: int, *, retry_after: str | None = None, body: str = "", **when: Unpack[Aim]) -> None:
        """Answer with a status; `body` is "json", "html" or "empty", by default what mostly comes with it."""
        made = {
            "json": answer({"error_message": CANNED_ERROR}, status),
            "html": web_page(status, f"{status} {HTTPStatus(status).phrase}"),
            "empty": Response(status),
        }[body or USUAL_BODY.get(HTTPStatus(status), "empty")]
        if retry_after is not None:
            made.headers["Retry-After"] = retry_after
        self._strike(lambda _: made, when)

    def reset(self, **when: Unpack[Aim]) -> None:
        """Reset the connection instead of answering."""
        self._strike(lambda _: Response(delivery=Delivery.RESET), when)

    def cut_short(self, *, chunked: bool = False, **when: Unpack[Aim]) -> None:
        """Close the connection after half of the body, sent in chunks or with the length of the whole."""
        delivery = Delivery.UNFINISHED_CHUNKS if chunked else Delivery.CUT_SHORT
        self._strike(lambda whole: replace(whole, delivery=delivery), when)

    def invalid_json(self, **when: Unpack[Aim]) -> None:
        """Send half of the JSON as if it were all of it."""
        self._strike(lambda whole: replace(whole, body=whole.body[: len(whole.body) // 2]), when)

    def web_page(self, **when: Unpack[Aim]) -> None:
        """Send a page for people with status 200."""
        self._strike(lambda _: web_page(200, "CommCare HQ"), when)

    def login_page(self, **when: Unpack[Aim]) -> None:
        """Redirect to the login page, as session-style views do without a login."""
        self.redirect("/accounts/login/?next=/", **when)

    def redirect(self, location: str, **when: Unpack[Aim]) -> None:
        """Redirect, for instance to another host."""
        self._strike(lambda _: Response(302, headers={"Location": location}), when)

    def slow_first_byte(self, seconds: float, **when: Unpack[Aim]) -> None:
        """Wait before the answer begins."""
        self._strike(lambda whole: replace(whole, delay=seconds), when)

    def spoil(self, request: Request, response: Response) -> Response:
        """Return the answer as the faults leave it."""
        with self._lock:
            if not self._spoils:
                return response
            size = page_size(request)
            struck = [spoil for when, spoil in self._spoils if when.strikes(request.path, size, self._chance)]
        for spoil in struck:
            response = spoil(response)
        return response

    def between_pages(self, index: Changing, shown: Callable[[], list[str]]) -> None:
        """Change some of the records shown, behind the back of whoever is reading them page by page."""
        for number, change in (
            (self.reindexed_per_page, index.reindex),
            (self.deleted_per_page, index.delete),
        ):
            if number:
                ids = shown()
                with self._lock:
                    change(self._chance.sample(ids, min(number, len(ids))))

    def row_comes(self) -> bool:
        """Whether a report gains a row at this moment, and count it."""
        with self._lock:
            comes = self.rows_to_come > 0
            self.rows_to_come -= comes
        return comes

    def restore_pends(self) -> bool:
        """Whether a restore is not ready at this moment, and count it."""
        with self._lock:
            pends = self.restores_pending > 0
            self.restores_pending -= pends
        return pends

    def _strike(self, spoil: Spoil, when: Aim) -> None:
        with self._lock:
            self._spoils.append((When(**when), spoil))


def page_size(request: Request) -> int:
    """Return how many records a request asks for, as its cursor says if it has one."""
    params = request.params
    if "cursor" in params:
        params = Params.of_cursor(params.last("cursor"))
    limit = params.last("limit", "20")
    return int(limit) if limit.isdigit() else 0
