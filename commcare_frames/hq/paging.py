"""One iterator of pages per page style: what to ask after a page, and when it was the last one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson

from commcare_frames.errors import CommCareError
from commcare_frames.hq.answers import BrokenAnswerError, describe_body, parse_json
from commcare_frames.hq.resource import PageStyle
from commcare_frames.hq.stamps import to_stamp, to_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.hq.client import Answer
    from commcare_frames.hq.resource import Resource

    Params = Sequence[tuple[str, str]]

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """One page of records as the server sent it.

    Parameters
    ----------
    body, key
        The whole answer, and the key of the list of records in it.
    records
        The JSON text of the list of records.
    total
        How many records match, as the server counts at this moment; None where it does not say.
    following
        Query parameters of the next page; None after the last one.
    date
        The server's own time at the answer.
    headers
        The names of the records' fields and what people call them, where the answer says so, as reports do.
    """

    body: bytes
    key: str
    records: bytes
    total: int | None
    following: tuple[tuple[str, str], ...] | None
    date: str | None
    headers: dict[str, str] = field(default_factory=dict)

    @cached_property
    def parsed(self) -> list[dict[str, Any]]:
        """The records as Python objects."""
        records: list[dict[str, Any]] = self.decoded(parse_json)
        return records

    def decoded(self, decode: Callable[[bytes], T]) -> T:
        """Return what `decode` makes of the list of records, cut out exactly where `split` took too much for it."""
        try:
            return decode(self.records)
        except ValueError:
            return decode(split_exactly(self.body, self.key)[1])


def first_params(resource: Resource, params: Params, limit: int) -> tuple[tuple[str, str], ...]:
    """Query parameters of the first page."""
    if resource.page_style is PageStyle.WHOLE:
        return tuple(params)
    by_stamp = resource.page_style in {PageStyle.STAMP, PageStyle.SEEK}
    order = (("order_by", str(resource.stamp)),) if by_stamp else ()
    return (*params, *order, ("limit", str(limit)))


def read_page(resource: Resource, asked: Params, answer: Answer) -> Page:
    """Take an answer apart into records and what to ask next.

    Parameters
    ----------
    resource
        What was asked.
    asked
        The query parameters of this page.
    answer
        The server's answer.

    Returns
    -------
    Page
        The page.

    Raises
    ------
    BrokenAnswerError
        When the body is no page of that resource.
    """
    key = str(resource.records)
    envelope, records = split(answer.body, key)
    try:
        meta = envelope.get("meta") or {}
        total = envelope.get("matching_records", envelope.get("total_records", meta.get("total_count")))
        headers = {str(column["slug"]): str(column["header"]) for column in envelope.get("columns", ())}
        page = Page(answer.body, key, records, total if resource.is_counted else None, None, answer.date, headers)
        following = _FOLLOWING[resource.page_style](resource, tuple(asked), envelope, page)
    except (AttributeError, KeyError, TypeError) as error:
        raise BrokenAnswerError(f"JSON that is no page of the {resource.title}") from error
    if following is not None and following == tuple(asked):
        raise BrokenAnswerError("a page that names itself as the next one")
    return replace(page, following=following)


def split(body: bytes, key: str) -> tuple[dict[str, Any], bytes]:
    """Cut the list of records out of a page without parsing it.

    The list is by far the most of a page and is parsed once, by whoever wants the records. What is cut out is
    everything between the first ``[`` and the last ``]``: that this is the list follows when what is left parses
    with an empty list under `key`, and when the list itself parses. Where that fails, `split_exactly` helps.
    """
    start, end = body.find(b"["), body.rfind(b"]") + 1
    try:
        envelope = orjson.loads(body[:start] + b"[]" + body[end:])
    except orjson.JSONDecodeError:
        return split_exactly(body, key)
    if not isinstance(envelope, dict) or envelope.get(key) != []:
        return split_exactly(body, key)
    return envelope, body[start:end]


def split_exactly(body: bytes, key: str) -> tuple[dict[str, Any], bytes]:
    """Do what `split` does by stepping through the page's JSON, whatever else is in it."""
    try:
        text = body.decode()
        envelope = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenAnswerError(describe_body(body)) from error
    if not isinstance(envelope, dict) or not isinstance(envelope.get(key), list):
        raise BrokenAnswerError(f"JSON without a list of {key!r}")
    step = json.JSONDecoder().raw_decode
    at = _skip(text, 0, "{")
    while text[at] != "}":
        name, at = step(text, at)
        start = _skip(text, at, ":")
        _, at = step(text, start)
        if name == key:
            records = text[start:at].encode()
        at = _skip(text, at, ",")
    return {**envelope, key: []}, records


def _skip(text: str, at: int, mark: str) -> int:
    """Return the place after blanks, and after the mark and more blanks where the mark stands there."""
    while text[at].isspace():
        at += 1
    return _skip(text, at + 1, "") if text[at] == mark else at


def _by_cursor(
    resource: Resource, asked: tuple[tuple[str, str], ...], envelope: dict[str, Any], _page: Page
) -> tuple[tuple[str, str], ...] | None:
    following = envelope.get("next") or (envelope.get("meta") or {}).get("next")
    if not following:
        return None
    if isinstance(following, dict):
        cursor = following.get("cursor")
    else:
        cursor = parse_qs(urlsplit(str(following)).query).get("cursor", [None])[0]
    if not cursor:
        raise BrokenAnswerError(f"a page of the {resource.title} whose next page has no cursor")
    # Base64 has no blanks: one that stands there was a plus sign that the server left unquoted.
    kept = [pair for pair in asked if pair[0] != "cursor"] if resource.repeats_params else []
    return (*kept, ("cursor", cursor.replace(" ", "+")))


def _by_stamp(
    resource: Resource, asked: tuple[tuple[str, str], ...], envelope: dict[str, Any], page: Page
) -> tuple[tuple[str, str], ...] | None:
    """Start the next page at the last stamp: offsets would shift while records move to the end.

    Where a whole page has one stamp the offset moves on inside it. Stamps are taken for the same that share a
    millisecond, which is all that HQ's index looks at.
    """
    if not (envelope.get("meta") or {}).get("next") or not page.parsed:
        return None
    start, _ = resource.range_names
    last = to_stamp(to_time(str(page.parsed[-1][str(resource.stamp)]))).removesuffix("Z")
    if dict(asked).get(start) == last:
        return _moved_on(asked, len(page.parsed))
    return (*(pair for pair in asked if pair[0] not in {start, "offset"}), (start, last))


def _by_seek(
    resource: Resource, asked: tuple[tuple[str, str], ...], envelope: dict[str, Any], page: Page
) -> tuple[tuple[str, str], ...] | None:
    """Start the next page at the last stamp, whose records come again.

    The cursor in `next` is left alone: among records that share a stamp it loses some, or leads to the same page again
    and again.
    """
    if _is_short(envelope, page):
        return None
    start = f"{resource.stamp}.gte"
    last = str(page.parsed[-1][str(resource.stamp)])
    if dict(asked).get(start) == last:
        raise CommCareError(
            f"{len(page.parsed):,} or more records of the {resource.title} have the same {resource.stamp}, {last}, and "
            "HQ gives out no more of them at once: the others cannot be reached. Read fewer at a time, with a filter."
        )
    return (*(pair for pair in asked if pair[0] != start), (start, last))


def _is_short(envelope: dict[str, Any], page: Page) -> bool:
    """Whether a page has fewer records than it could have, so that it must be the last one."""
    return len(page.parsed) < int(envelope["meta"]["limit"]) or not page.parsed


def _by_offset(
    resource: Resource, asked: tuple[tuple[str, str], ...], envelope: dict[str, Any], page: Page
) -> tuple[tuple[str, str], ...] | None:
    """Count on from the page itself: `next` may be a query, a path or a URL, and is null or blank at the end.

    Where HQ does not count, `next` never ends.
    """
    following = (envelope.get("meta") or {}).get("next") or envelope.get("next_page")
    if not following or not page.parsed or (not resource.is_counted and _is_short(envelope, page)):
        return None
    return _moved_on(asked, len(page.parsed))


def _moved_on(asked: tuple[tuple[str, str], ...], rows: int) -> tuple[tuple[str, str], ...]:
    offset = int(dict(asked).get("offset", "0")) + rows
    return (*(pair for pair in asked if pair[0] != "offset"), ("offset", str(offset)))


def _by_link(
    resource: Resource, _asked: tuple[tuple[str, str], ...], envelope: dict[str, Any], _page: Page
) -> tuple[tuple[str, str], ...] | None:
    """Take the query of the link only: where it leads is the place that was asked, whatever host it names."""
    link = envelope.get("@odata.nextLink")
    if not link:
        return None
    following = tuple(parse_qsl(urlsplit(str(link)).query, keep_blank_values=True))
    if not following:
        raise BrokenAnswerError(f"a page of the {resource.title} whose next link has no query")
    return following


def _whole(_resource: Resource, _asked: tuple[tuple[str, str], ...], _envelope: dict[str, Any], _page: Page) -> None:
    return None


_FOLLOWING = {
    PageStyle.CURSOR: _by_cursor,
    PageStyle.STAMP: _by_stamp,
    PageStyle.SEEK: _by_seek,
    PageStyle.OFFSET: _by_offset,
    PageStyle.LINK: _by_link,
    PageStyle.WHOLE: _whole,
}
