"""Reads the parameters of a case v2 list: which cases, from where on, how many, how much of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commcare_frames.sandbox import csql
from commcare_frames.sandbox.dates import COMPARISONS, Span, milliseconds, v2_span
from commcare_frames.sandbox.fields import is_about_fields, trimming
from commcare_frames.sandbox.messages import Params, RefusalError, error
from commcare_frames.sandbox.search_index import holding

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from commcare_frames.sandbox.fields import Trim
    from commcare_frames.sandbox.records import Case, CaseRecord, Predicate, Test
    from commcare_frames.sandbox.search_index import Position

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 5000
INDEXED_AFTER = "indexed_on.gte"
LAST_CASE_ID = "last_case_id"
FALSE_WORDS = frozenset({"", "false", "f", "n", "no", "0"})

_DATES = ("last_modified", "server_last_modified", "date_opened", "date_closed", "indexed_on")
_ON_RECORD: dict[str, Callable[[CaseRecord, str], bool]] = {
    "owner_id": lambda record, value: record.owner_id == value,
    "external_id": lambda record, value: record.external_id == value,
    "closed": lambda record, value: record.closed == (value.lower() not in FALSE_WORDS),
}


@dataclass(frozen=True)
class CaseQuery:
    """A question to the case list.

    Parameters
    ----------
    params
        The parameters, as the next cursor will hold them.
    case_types
        Case types asked for; none means all.
    span
        When cases may have been indexed.
    after
        Where in the order the last page ended.
    limit
        Most cases to return.
    where
        What else must hold.
    trim
        What is left of each case.
    """

    params: Params
    case_types: tuple[str, ...]
    span: Span
    after: Position | None
    limit: int
    where: Predicate | None
    trim: Trim | None

    @property
    def question(self) -> Hashable:
        """What identifies `where`."""
        return tuple(sorted(self.params.pairs))


def read(asked: Params, *, today: str, knows_fields: bool) -> CaseQuery:
    """Read a query, or refuse it with 400 as HQ does."""
    params, after = _open_cursor(asked)
    on_record: list[Predicate] = []
    on_case: list[Test] = []
    span = Span()
    for name, values in params.grouped().items():
        kind, _, path = name.partition(".")
        if name in {"limit", "case_type"} or (knows_fields and is_about_fields(name)):
            continue
        if name in _ON_RECORD:
            on_record.append(_any_on_record(_ON_RECORD[name], values))
        elif kind in _DATES and path:
            spans = [_span(path, value) for value in values]
            if kind == "indexed_on" and len(spans) == 1:
                span = span.overlap(spans[0])
            else:
                on_case.append(_within(kind, spans))
        else:
            on_case.append(_test(name, kind, path, values, today))
    where = holding(on_record, on_case)
    return CaseQuery(params, tuple(params.all("case_type")), span, after, _limit(params), where, trimming(params))


def _open_cursor(asked: Params) -> tuple[Params, Position | None]:
    if "cursor" not in asked:
        return asked, None
    params = Params.of_cursor(asked.last("cursor"))
    if INDEXED_AFTER not in params or LAST_CASE_ID not in params:
        raise error(400, "Invalid cursor")
    # HQ reads the first value, and a caller's own indexed_on.gte comes before that of the last row
    stamp = params.all(INDEXED_AFTER)[0]
    moment = int(stamp) if stamp.isdigit() else _span("gte", stamp).start
    return params.without(INDEXED_AFTER, LAST_CASE_ID), (moment, params.all(LAST_CASE_ID)[0])


def _limit(params: Params) -> int:
    text = params.last("limit") or str(DEFAULT_LIMIT)
    try:
        limit = int(text)
    except ValueError:
        raise error(400, f"'{text}' is not a valid limit.") from None
    if limit > LARGEST_LIMIT:
        raise error(400, f"You cannot request more than {LARGEST_LIMIT} cases per request.")
    if limit < 0:
        raise error(400, f"'{text}' is not a valid limit.")
    return limit


def _span(comparison: str, value: str) -> Span:
    if comparison not in COMPARISONS:
        raise error(400, f"'{comparison}' is not a valid date comparison.")
    try:
        return v2_span(comparison, value)
    except ValueError as bad:
        raise error(400, str(bad)) from None


def _within(field: str, spans: list[Span]) -> Test:
    def within(case: Case) -> bool:
        stamp = case[field]
        return stamp is not None and any(milliseconds(stamp) in span for span in spans)

    return within


def _any_on_record(test: Callable[[CaseRecord, str], bool], values: list[str]) -> Predicate:
    return lambda record: any(test(record, value) for value in values)


def _test(name: str, kind: str, path: str, values: list[str], today: str) -> Test:
    if name == "case_name":
        return lambda case: case["case_name"] in values
    if kind == "properties" and path:
        return lambda case: (case["properties"].get(path) or "") in values
    if kind == "indices" and path:
        return lambda case: case["indices"].get(path, {}).get("case_id") in values
    if name == "include_deprecated":
        wanted = any(value.lower() not in FALSE_WORDS for value in values)
        return lambda case: wanted or not case["is_deprecated"]
    if name == "query":
        tests = [_query(value, today) for value in values]
        return lambda case: any(test(case) for test in tests)
    raise unknown_parameter(name)


def unknown_parameter(name: str) -> RefusalError:
    """Refuse a parameter that case v2 does not know."""
    return error(400, f"'{name}' is not a valid parameter.")


def _query(text: str, today: str) -> Test:
    try:
        return csql.read_query(text, today)
    except csql.BadQueryError as bad:
        raise error(400, f"Bad query: {bad}") from None
