"""Requests and answers of the sandbox, apart from how they travel."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message

    from commcare_frames.sandbox.accounts import Account
    from commcare_frames.sandbox.domains import Domain
    from commcare_frames.sandbox.hq import HQ

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


class Params:
    """Query parameters in the order sent, repeated ones included."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = list(pairs)

    @classmethod
    def parse(cls, query: str) -> Params:
        """Read a query string."""
        return cls(parse_qsl(query, keep_blank_values=True))

    @classmethod
    def of_cursor(cls, cursor: str) -> Params:
        """Read the parameters that a cursor holds; none from a cursor that is not HQ's."""
        try:
            return cls.parse(base64.b64decode(cursor, validate=True).decode())
        except ValueError:
            return cls()

    def to_cursor(self) -> str:
        """Return a cursor that holds the parameters."""
        return base64.b64encode(self.encode().encode()).decode()

    def last(self, name: str, default: str = "") -> str:
        """Return the last value of `name`."""
        return next((value for key, value in reversed(self.pairs) if key == name), default)

    def all(self, name: str) -> list[str]:
        """Return every value of `name`."""
        return [value for key, value in self.pairs if key == name]

    def grouped(self) -> dict[str, list[str]]:
        """Return all values by name."""
        return {name: self.all(name) for name, _ in self.pairs}

    def without(self, *names: str) -> Params:
        """Return the parameters but those."""
        return Params((key, value) for key, value in self.pairs if key not in names)

    def encode(self) -> str:
        """Return the query string."""
        return urlencode(self.pairs)

    def __contains__(self, name: str) -> bool:
        """Whether `name` was sent."""
        return any(key == name for key, _ in self.pairs)


@dataclass
class Request:
    """What was asked, and by whom once that is known."""

    hq: HQ
    method: str
    path: str
    params: Params
    headers: Message
    body: bytes = b""
    tail: str = ""
    domain_name: str | None = None
    username: str | None = None
    account: Account | None = None

    @property
    def domain(self) -> Domain:
        """The domain in the URL, known to exist once the checks have passed."""
        return self.hq.domains[self.domain_name or ""]


class Delivery(Enum):
    """How an answer travels."""

    WHOLE = auto()
    CUT_SHORT = auto()
    UNFINISHED_CHUNKS = auto()
    RESET = auto()


@dataclass
class Response:
    """An answer; `records` says how many records it holds, which is what a server's time depends on."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    records: int = 0
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0


class RefusalError(Exception):
    """Ends the handling of a request with an answer other than success."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def answer(value: Any, status: int = 200) -> Response:  # noqa: ANN401  any JSON value
    """Answer with JSON."""
    return Response(status, json.dumps(value).encode())


def error(status: int, text: str) -> RefusalError:
    """Refuse with HQ's usual ``{"error": ...}``."""
    return RefusalError(answer({"error": text}, status))


def empty(status: int, headers: dict[str, str] | None = None) -> RefusalError:
    """Refuse with an empty body, as HQ does for most 401, 403, 404 and 429."""
    return RefusalError(Response(status, b"", HTML, headers or {}))


def web_page(status: int, title: str) -> Response:
    """Answer with a page for people, as HQ's plain views and the proxy in front of it do."""
    text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Response(status, text.encode(), HTML)
