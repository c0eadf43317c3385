"""Reads what the tastypie lists over Elasticsearch share: terms, dates, order, and how deep a page may lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from commcare_frames.sandbox.dates import ENDLESS, v1_moment
from commcare_frames.sandbox.messages import RefusalError, answer, error
from commcare_frames.sandbox.search_index import place

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from commcare_frames.sandbox.messages import Params
    from commcare_frames.sandbox.search_index import Record
    from commcare_frames.sandbox.tastypie import Page

    R = TypeVar("R", bound=Record)

RESULT_WINDOW = 1_000_000
EDGES = frozenset({"start", "end"})
CANNOT_SEARCH = "_search is only for two fixed queries of old DET versions"

_IGNORED = ("limit", "offset", "order_by", "format", "q", "username", "api_key")
_FIRST, _LAST = "indexed_on_start", "indexed_on_end"


def filters(params: Params) -> dict[str, str]:
    """Return the filters but those on ``indexed_on``; of a repeated one the last value counts."""
    if "_search" in params:
        raise error(400, CANNOT_SEARCH)
    asked = params.without(*_IGNORED, _FIRST, _LAST).grouped()
    return {name: values[-1] for name, values in asked.items() if not name.endswith("__full")}


def question(resource: str, params: Params) -> Hashable:
    """Return what identifies the filters of a list, the same on all of its pages."""
    return (resource, tuple(sorted(params.without(*_IGNORED, _FIRST, _LAST).pairs)))


def indexed_between(records: Sequence[R], params: Params) -> Sequence[R]:
    """Return the part of ordered records that ``indexed_on_start`` and ``indexed_on_end`` name."""
    begin = moment(params.last(_FIRST)) if _FIRST in params else -ENDLESS
    end = moment(params.last(_LAST)) + 1 if _LAST in params else ENDLESS
    return records[place(records, (begin, "")) : place(records, (end, ""))]


def ordered(records: Sequence[R], params: Params, keys: Mapping[str, Callable[[R], Any]], default: str) -> Sequence[R]:
    """Return records, which are in the order of ``indexed_on``, in the order asked for.

    Parameters
    ----------
    records
        The records.
    params
        May name fields in ``order_by``, in reverse with a ``-``.
    keys
        What the fields that can be sorted by sort by.
    default
        The order where none is asked for.
    """
    orders = params.all("order_by") or [default]
    for order in orders:
        if order.removeprefix("-") not in keys:
            raise error(400, f"Cannot sort by {order}")
    if orders == ["indexed_on"]:
        return records
    for order in reversed(orders):
        records = sorted(records, key=keys[order.removeprefix("-")], reverse=order.startswith("-"))
    return records


def on_page(records: Sequence[R], page: Page) -> Sequence[R]:
    """Return the records of a page, or refuse one that lies too deep for Elasticsearch."""
    if page.offset + page.limit > RESULT_WINDOW:
        raise RefusalError(answer({"error_message": "Result window is too large"}, 500))
    return records[page.offset : page.offset + page.limit]


def within(edge: str, value: str) -> Callable[[int], bool]:
    """Return what says whether a moment, in milliseconds, is not before or not after that date."""
    limit = moment(value)
    return (lambda when: when >= limit) if edge == "start" else (lambda when: when <= limit)


def moment(value: str) -> int:
    """Read a date, or refuse it with HQ's words."""
    try:
        return v1_moment(value)
    except ValueError as bad:
        raise error(400, str(bad)) from None


def terms(value: Any) -> list[str]:  # noqa: ANN401  any field of a record
    """Return the terms that Elasticsearch finds a field by."""
    if isinstance(value, bool):
        return [str(value).lower()]
    return value if isinstance(value, list) else [value]
