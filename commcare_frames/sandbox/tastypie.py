"""Pages, lists and single objects as django-tastypie answers them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.messages import Response, answer, empty, error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from commcare_frames.sandbox.endpoints import Handler
    from commcare_frames.sandbox.messages import Params, Request

    Objects = Callable[[Request], Sequence[dict[str, Any]]]


@dataclass(frozen=True)
class Page:
    """The part of a list that was asked for."""

    params: Params
    limit: int
    offset: int

    @classmethod
    def asked(cls, params: Params, *, default: int = 20, largest: int = 1000) -> Page:
        """Read ``limit`` and ``offset``; a limit of 0, or too large a one, means the largest."""
        limit = _whole_number(params, "limit", default)
        return cls(params, min(limit or largest, largest), _whole_number(params, "offset", 0))

    def answer(self, objects: Iterable[bytes], total: int, records: int) -> Response:
        """Answer with a page of objects that are JSON already."""
        meta = {
            "limit": self.limit,
            "next": self.link(self.offset + self.limit) if self.offset + self.limit < total else None,
            "offset": self.offset,
            "previous": self.link(self.offset - self.limit) if self.offset >= self.limit else None,
            "total_count": total,
        }
        body = b'{"meta": %b, "objects": [%b]}' % (json.dumps(meta).encode(), b", ".join(objects))
        return Response(body=body, records=records)

    def link(self, offset: int) -> str:
        """Return the query of the page that begins at `offset`."""
        # HQ's list URLs need the domain, which tastypie does not have, so the path is left out
        kept = self.params.without("limit", "offset")
        kept.pairs += [("limit", str(self.limit)), ("offset", str(offset))]
        return f"?{kept.encode()}"


def resource(objects: Objects, *, key: str = "id", default: int = 20, largest: int = 1000) -> Handler:
    """Return a handler that gives pages of the objects, and one of them by its key."""

    def handle(request: Request) -> Response:
        if request.tail:
            return detail(request, objects(request), key=key)
        page = Page.asked(request.params, default=default, largest=largest)
        found = objects(request)
        shown = [json.dumps(each).encode() for each in found[page.offset : page.offset + page.limit]]
        return page.answer(shown, len(found), len(shown))

    return handle


def detail(request: Request, objects: Iterable[dict[str, Any]], *, key: str = "id") -> Response:
    """Answer with the one object whose key is in the URL, or 404."""
    wanted = request.tail.strip("/")
    for each in objects:
        if str(each[key]) == wanted:
            return answer(each)
    raise empty(404)


def _whole_number(params: Params, name: str, default: int) -> int:
    text = params.last(name) or str(default)
    try:
        number = int(text)
    except ValueError:
        raise error(400, f"Invalid {name} '{text}' provided. Please provide a positive integer.") from None
    if number < 0:
        raise error(400, f"Invalid {name} '{text}' provided. Please provide a positive integer >= 0.")
    return number
