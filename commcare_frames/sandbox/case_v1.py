"""Answers the case API v1: offset pages, analysed and lower-cased filters, its own date grammar."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.dates import ENDLESS, milliseconds, v1_moment
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.index import place
from commcare_frames.sandbox.messages import RefusalError, Response, answer, empty, error
from commcare_frames.sandbox.records import holding
from commcare_frames.sandbox.tastypie import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.sandbox.messages import Params, Request
    from commcare_frames.sandbox.records import CaseRecord, Predicate, Test

LARGEST_LIMIT = 5000
RESULT_WINDOW = 1_000_000
CANNOT_SEARCH = "_search is only for two fixed queries of old DET versions"

_ORDERS = {
    "server_date_modified": "server_last_modified",
    "date_modified": "last_modified",
    "indexed_on": "indexed_on",
}
_DATES = {
    "server_date_modified": "server_last_modified",
    "server_modified_on": "server_last_modified",
    "date_modified": "last_modified",
}
_EXACT = {"name.exact": "case_name", "external_id.exact": "external_id"}
_TERMS = ("domain", "owner_id", "user_id", "opened_by", "closed_by", "external_id", "closed", "xform_ids")
_IGNORED = ("limit", "offset", "order_by", "format", "q", "username", "api_key")


def _serve(request: Request) -> Response:
    if request.tail:
        record = request.domain.cases.get(request.tail.strip("/"))
        if record is None:
            raise empty(404)
        return Response(body=record.v1, records=1)
    page = Page.asked(request.params, largest=LARGEST_LIMIT)
    matching = _matching(request)
    if page.offset + page.limit > RESULT_WINDOW:
        raise RefusalError(answer({"error_message": "Result window is too large"}, 500))
    shown = matching[page.offset : page.offset + page.limit]
    if shown:
        request.hq.faults.between_pages(request.domain.cases, request.params.last("type.exact") or None)
    return page.answer([record.v1 for record in shown], len(matching), len(shown))


def _matching(request: Request) -> Sequence[CaseRecord]:
    params = request.params
    case_types: list[str] = []
    on_record: list[Predicate] = []
    on_case: list[Test] = []
    first, last = -ENDLESS, ENDLESS
    for name, values in params.grouped().items():
        value = values[-1]
        if name == "type.exact":
            case_types.append(value)
        elif name == "indexed_on_start":
            first = _moment(value)
        elif name == "indexed_on_end":
            last = _moment(value)
        elif name in {"type", "case_type"}:
            on_record.append(_of_type(value))
        elif name == "_search":
            raise error(400, CANNOT_SEARCH)
        elif name not in _IGNORED and not name.endswith("__full"):
            on_case.append(_test(name, value))
    question = ("v1", tuple(sorted(params.without(*_IGNORED, "indexed_on_start", "indexed_on_end").pairs)))
    found = request.domain.cases.select(case_types, holding(on_record, on_case), question)
    return _ordered(found[place(found, (first, "")) : place(found, (last + 1, ""))], params)


def _of_type(value: str) -> Predicate:
    return lambda record: value.lower() in _tokens(record.case_type)


def _test(name: str, value: str) -> Test:
    lowered = value.lower()
    field, _, edge = name.rpartition("_")
    if field in _DATES and edge in {"start", "end"}:
        return _date_test(_DATES[field], edge, value)
    if name in {"case_name", "name"}:
        return lambda case: lowered in _tokens(case["case_name"])
    if name in _EXACT:
        return lambda case: bool(case[_EXACT[name]] == value)
    if name == "contact_phone_number":
        return lambda case: bool(case["properties"].get(name) == value)
    if name in _TERMS:
        return lambda case: lowered in _terms(case[name])
    return lambda _: False


def _tokens(text: str) -> list[str]:
    """Return the words that Elasticsearch's analyser makes of a text."""
    return re.findall(r"\w+", text.lower())


def _date_test(field: str, edge: str, value: str) -> Test:
    moment = _moment(value)
    if edge == "start":
        return lambda case: milliseconds(case[field]) >= moment
    return lambda case: milliseconds(case[field]) <= moment


def _moment(value: str) -> int:
    try:
        return v1_moment(value)
    except ValueError as bad:
        raise error(400, str(bad)) from None


def _terms(value: Any) -> list[str]:  # noqa: ANN401  any field of a case
    """Return the terms that Elasticsearch finds a field by."""
    if isinstance(value, bool):
        return [str(value).lower()]
    return value if isinstance(value, list) else [value]


def _ordered(records: Sequence[CaseRecord], params: Params) -> Sequence[CaseRecord]:
    orders = params.all("order_by") or ["server_date_modified"]
    for order in orders:
        if order.removeprefix("-") not in _ORDERS:
            raise error(400, f"Cannot sort by {order}")
    if orders == ["indexed_on"]:
        return records
    for order in reversed(orders):
        records = sorted(records, key=_order_key(order.removeprefix("-")), reverse=order.startswith("-"))
    return records


def _order_key(order: str) -> Callable[[CaseRecord], Any]:
    if order == "indexed_on":
        return attrgetter("position")
    return lambda record: milliseconds(record.v2_object()[_ORDERS[order]])


ENDPOINTS = [Endpoint(api("case", "v1", "v0.5", "v0.4", "v0.3"), _serve, permission="edit_data")]
