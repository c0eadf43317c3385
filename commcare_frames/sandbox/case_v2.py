"""Answers the case API v2: the list with its cursor, single cases, several cases, cases by external id."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox import case_v2_query, csql
from commcare_frames.sandbox.case_v2_query import INDEXED_AFTER, LARGEST_LIMIT, LAST_CASE_ID
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.fields import is_about_fields, trimming
from commcare_frames.sandbox.messages import Params, Response, answer, error, web_page
from commcare_frames.sandbox.search_index import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commcare_frames.sandbox.case_v2_query import CaseQuery
    from commcare_frames.sandbox.fields import Trim
    from commcare_frames.sandbox.messages import Request
    from commcare_frames.sandbox.records import CaseRecord

_IDS = re.compile(r"[\w\-,]+/?")
_EXTERNAL = re.compile(r"ext/(?P<external_id>.+)/")


def _serve(request: Request) -> Response:
    external = _EXTERNAL.fullmatch(request.tail)
    if request.tail == "bulk-fetch/":
        return _bulk_fetch(request)
    if request.method != "GET":
        raise error(405, "Request method not allowed")
    if not request.tail:
        return _list(request)
    if external:
        return _by_external_id(request, external["external_id"])
    if not _IDS.fullmatch(request.tail):
        return web_page(404, "404 Error")
    case_ids = request.tail.rstrip("/").split(",")
    return _several(request, case_ids, []) if len(case_ids) > 1 else _single(request, case_ids[0])


def _list(request: Request) -> Response:
    hq, index = request.hq, request.domain.cases
    query = case_v2_query.read(
        request.params, today=csql.today(hq.clock.now()), knows_fields=not hq.faults.without_fields
    )
    matching = index.select(query.case_types, query.where, query.question)
    first, stop = place(matching, (query.span.start, "")), place(matching, (query.span.stop, ""))
    begin = first
    if query.after is not None:
        moment, case_id = query.after
        begin = max(first, place(matching, (moment, case_id + "\0")))
    page = matching[begin : max(begin, min(stop, begin + query.limit))]
    total = max(stop - (begin if hq.faults.shrinking_total else first), 0)
    if page:
        case_type = query.case_types[0] if len(query.case_types) == 1 else None
        hq.faults.between_pages(index, lambda: index.case_ids(case_type))
    body = b'{"matching_records": %d, "cases": [%b]' % (total, b", ".join(_trimmed(page, query.trim)))
    if page and len(page) == query.limit:
        body += b', "next": ' + json.dumps(_next(request, query, page[-1])).encode()
    return Response(body=body + b"}", records=len(page))


def _next(request: Request, query: CaseQuery, last: CaseRecord) -> Any:  # noqa: ANN401  a text or an object
    faults = request.hq.faults
    moment, case_id = last.position
    pairs = [*query.params.pairs, (INDEXED_AFTER, str(moment)), (LAST_CASE_ID, case_id)]
    cursor = Params(pairs).to_cursor()
    if faults.next_as_cursor:
        return {"cursor": cursor}
    path = "api/v0.6/case" if faults.old_scheme_only else "api/case/v2"
    server = faults.next_host or request.hq.public_url
    return f"{server}/a/{request.domain_name}/{path}/?{Params([('cursor', cursor)]).encode()}"


def _single(request: Request, case_id: str) -> Response:
    trim = _asked_trimming(request)
    record = request.domain.cases.get(case_id)
    if record is None:
        raise error(404, f"Case '{case_id}' not found")
    return Response(body=_trimmed([record], trim)[0], records=1)


def _by_external_id(request: Request, external_id: str) -> Response:
    trim = _asked_trimming(request)
    records = request.domain.cases.stored_with_external_id(external_id)
    if not records:
        raise error(404, f"Case '{external_id}' not found")
    if len(records) > 1:
        named = ", ".join(record.case_id for record in records)
        raise error(400, f"Multiple cases found with external_id '{external_id}': {named}")
    case = records[0].v2_object()
    del case["is_deprecated"]
    case["indexed_on"] = request.hq.clock.stamp()
    return answer(trim(case) if trim else case)


def _bulk_fetch(request: Request) -> Response:
    try:
        asked = json.loads(request.body)
    except ValueError:
        raise error(400, "Payload must be valid JSON") from None
    if not isinstance(asked, dict) or not asked.keys() & {"case_ids", "external_ids"}:
        raise error(400, "Payload must include 'case_ids' or 'external_ids' fields")
    case_ids, external_ids = asked.get("case_ids", []), asked.get("external_ids", [])
    if not all(isinstance(ids, list) and all(isinstance(one, str) for one in ids) for ids in (case_ids, external_ids)):
        raise error(400, "'case_ids' and 'external_ids' must be lists of strings")
    return _several(request, case_ids, external_ids)


def _several(request: Request, case_ids: list[str], external_ids: list[str]) -> Response:
    if len(case_ids) + len(external_ids) > LARGEST_LIMIT:
        raise error(400, f"You cannot request more than {LARGEST_LIMIT} cases per request.")
    trim = _asked_trimming(request)
    index = request.domain.cases
    found = [({"case_id": one}, index.get(one)) for one in case_ids]
    found += [({"external_id": one}, index.shown_with_external_id(one)) for one in external_ids]
    cases = [
        _trimmed([record], trim)[0] if record else json.dumps({**asked, "error": "not found"}).encode()
        for asked, record in found
    ]
    missing = sum(record is None for _, record in found)
    body = b'{"cases": [%b], "matching_records": %d, "missing_records": %d}' % (
        b", ".join(cases), len(cases) - missing, missing,
    )  # fmt: skip
    return Response(body=body, records=len(cases))


def _asked_trimming(request: Request) -> Trim | None:
    if request.hq.faults.without_fields:
        for name, _ in request.params.pairs:
            if is_about_fields(name):
                raise case_v2_query.unknown_parameter(name)
    return trimming(request.params)


def _trimmed(records: Sequence[CaseRecord], trim: Trim | None) -> list[bytes]:
    if trim is None:
        return [record.v2 for record in records]
    return [json.dumps(trim(record.v2_object())).encode() for record in records]


ENDPOINTS = [
    Endpoint(
        api("case", "v2", "v0.6"),
        _serve,
        permission="edit_data",
        methods=("GET", "POST", "PUT"),
        tastypie=False,
    )
]
