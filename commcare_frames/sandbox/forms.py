"""Answers the form API: offset pages of submissions, single ones, what is attached to them."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from commcare_frames.sandbox import elastic
from commcare_frames.sandbox.attachments import attachment
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.messages import Response, empty, web_page
from commcare_frames.sandbox.search_index import holding
from commcare_frames.sandbox.tastypie import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.sandbox.form_record import Form, FormRecord
    from commcare_frames.sandbox.messages import Request

LARGEST_LIMIT = 1000

_NEWEST_FIRST = "-received_on"
_ORDERS: dict[str, Callable[[FormRecord], Any]] = {
    "received_on": attrgetter("received_on", "form_id"),
    "server_modified_on": attrgetter("server_modified_on", "form_id"),
    "indexed_on": attrgetter("position"),
}
_DATES = {
    "received_on": "received_on",
    "server_modified_on": "server_modified_on",
    "server_date_modified": "server_modified_on",
}
_TERMS = ("domain", "build_id", "submit_ip", "edited_by_user_id", "initial_processing_complete")


def _serve(request: Request) -> Response:
    index, params = request.domain.forms, request.params
    if request.tail:
        record = index.get(request.tail.strip("/"))
        if record is None:
            raise empty(404)
        return Response(body=_json(request, record), records=1)
    page = Page.asked(params, largest=LARGEST_LIMIT)
    matching = elastic.ordered(_matching(request), params, _ORDERS, _NEWEST_FIRST)
    shown = elastic.on_page(matching, page)
    if shown:
        xmlns = params.last("xmlns") or params.last("xmlns.exact") or None
        request.hq.faults.between_pages(index, lambda: index.ids(xmlns))
    return page.answer([_json(request, record) for record in shown], len(matching), len(shown))


def _matching(request: Request) -> Sequence[FormRecord]:
    params = request.params
    kinds: list[str] = []
    on_record: list[Callable[[FormRecord], bool]] = []
    on_form: list[Callable[[Form], bool]] = []
    if "include_archived" not in params:
        on_record.append(lambda form: not form.archived)
    for name, value in elastic.filters(params).items():
        field, _, edge = name.rpartition("_")
        if name in {"xmlns", "xmlns.exact"}:
            kinds = [value]
            on_record.append(_has("xmlns", value))
        elif name == "app_id":
            on_record.append(_has("app_id", value.lower()))
        elif name == "case_id":
            on_record.append(_touched(value))
        elif field in _DATES and edge in elastic.EDGES:
            on_record.append(_dated(_DATES[field], edge, value))
        elif name in _TERMS:
            on_form.append(_term(name, value))
        elif name != "include_archived":
            on_record.append(lambda _: False)
    found = request.domain.forms.select(kinds, holding(on_record, on_form), elastic.question("form", params))
    return elastic.indexed_between(found, params)


def _has(attribute: str, value: str) -> Callable[[FormRecord], bool]:
    return lambda form: bool(getattr(form, attribute) == value)


def _touched(case_id: str) -> Callable[[FormRecord], bool]:
    return lambda form: case_id in form.case_ids


def _dated(attribute: str, edge: str, value: str) -> Callable[[FormRecord], bool]:
    within = elastic.within(edge, value)
    return lambda form: within(getattr(form, attribute))


def _term(name: str, value: str) -> Callable[[Form], bool]:
    lowered = value.lower()
    return lambda form: lowered in elastic.terms(form[name])


def _json(request: Request, record: FormRecord) -> bytes:
    address = partial(_address, request, record.form_id)
    if request.params.last("cases__full").lower() != "true":
        return record.served(address)
    cases = [request.domain.cases.stored(case_id) for case_id in record.case_ids]
    return record.served(address, cases=b"[%b]" % b", ".join(case.v1 for case in cases if case))


def _address(request: Request, form_id: str, name: str) -> str:
    path = "form/attachment" if request.hq.faults.old_scheme_only else "form_attachment/v1"
    return f"{request.hq.public_url}/a/{request.domain_name}/api/{path}/{quote(form_id)}/{quote(name)}"


def _attachment(request: Request) -> Response:
    form_id, _, name = request.tail.partition("/")
    record = request.domain.forms.stored(form_id)
    if record is None or name not in record.attachments:
        return web_page(404, "404 Error")
    form = record.content()
    return Response(200, attachment(form, name), form["attachments"][name]["content_type"])


ENDPOINTS = [
    Endpoint(api("form", "v1", "v0.5", "v0.4"), _serve, permission="edit_data", serves_xml=False),
    Endpoint(
        ("/a/{domain}/api/form_attachment/v1/", "/a/{domain}/api/form/attachment/"),
        _attachment,
        permission="edit_data",
        tastypie=False,
        throttled=False,
    ),
]
