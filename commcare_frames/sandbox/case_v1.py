"""Answers the case API v1: offset pages, analysed and lower-cased filters, its own date grammar."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox import elastic
from commcare_frames.sandbox.dates import milliseconds
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.messages import Response, empty
from commcare_frames.sandbox.search_index import holding
from commcare_frames.sandbox.tastypie import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.sandbox.messages import Request
    from commcare_frames.sandbox.records import CaseRecord, Predicate, Test

LARGEST_LIMIT = 5000

_DATES = {
    "server_date_modified": "server_last_modified",
    "server_modified_on": "server_last_modified",
    "date_modified": "last_modified",
}
_EXACT = {"name.exact": "case_name", "external_id.exact": "external_id"}
_TERMS = ("domain", "owner_id", "user_id", "opened_by", "closed_by", "external_id", "closed", "xform_ids")


def _serve(request: Request) -> Response:
    index, params = request.domain.cases, request.params
    if request.tail:
        record = index.get(request.tail.strip("/"))
        if record is None:
            raise empty(404)
        return Response(body=record.v1, records=1)
    page = Page.asked(params, largest=LARGEST_LIMIT)
    matching = elastic.ordered(_matching(request), params, _ORDERS, "server_date_modified")
    shown = elastic.on_page(matching, page)
    if shown:
        case_type = params.last("type.exact") or None
        request.hq.faults.between_pages(index, lambda: index.case_ids(case_type))
    return page.answer([record.v1 for record in shown], len(matching), len(shown))


def _matching(request: Request) -> Sequence[CaseRecord]:
    case_types: list[str] = []
    on_record: list[Predicate] = []
    on_case: list[Test] = []
    for name, value in elastic.filters(request.params).items():
        if name == "type.exact":
            case_types.append(value)
        elif name in {"type", "case_type"}:
            on_record.append(_of_type(value))
        else:
            on_case.append(_test(name, value))
    question = elastic.question("case v1", request.params)
    found = request.domain.cases.select(case_types, holding(on_record, on_case), question)
    return elastic.indexed_between(found, request.params)


def _of_type(value: str) -> Predicate:
    return lambda record: value.lower() in _tokens(record.case_type)


def _test(name: str, value: str) -> Test:
    lowered = value.lower()
    field, _, edge = name.rpartition("_")
    if field in _DATES and edge in elastic.EDGES:
        within, dated = elastic.within(edge, value), _DATES[field]
        return lambda case: within(milliseconds(case[dated]))
    if name in {"case_name", "name"}:
        return lambda case: lowered in _tokens(case["case_name"])
    if name in _EXACT:
        return lambda case: bool(case[_EXACT[name]] == value)
    if name == "contact_phone_number":
        return lambda case: bool(case["properties"].get(name) == value)
    if name in _TERMS:
        return lambda case: lowered in elastic.terms(case[name])
    return lambda _: False


def _tokens(text: str) -> list[str]:
    """Return the words that Elasticsearch's analyser makes of a text."""
    return re.findall(r"\w+", text.lower())


def _stamp(field: str) -> Callable[[CaseRecord], int]:
    return lambda record: milliseconds(record.v2_object()[field])


_ORDERS: dict[str, Callable[[CaseRecord], Any]] = {
    "server_date_modified": _stamp("server_last_modified"),
    "date_modified": _stamp("last_modified"),
    "indexed_on": attrgetter("position"),
}
ENDPOINTS = [Endpoint(api("case", "v1", "v0.5", "v0.4", "v0.3"), _serve, permission="edit_data", serves_xml=False)]
