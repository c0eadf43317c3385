"""Answers what reports and UCR data sources there are and what stands in them, each page by page in its own style."""

from __future__ import annotations

import operator
from datetime import date
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.faults import CANNED_ERROR
from commcare_frames.sandbox.messages import (
    HTML,
    TEXT,
    Params,
    RefusalError,
    Response,
    answer,
    empty,
    error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from commcare_frames.sandbox.messages import Request

    Json = dict[str, Any]
    Test = Callable[[Json], bool]

LARGEST_PAGE = 50
LARGEST_UCR_PAGE, USUAL_UCR_PAGE = 10_000, "1000"
SEPARATOR, EVERYTHING, NOTHING = "\x1f", "_all", "\u2400"
NOT_ALLOWED = "You don't have permission to access this API"
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _reports(request: Request) -> Response:
    reports = request.domain.programme.reports
    return answer(_named(reports, request.tail)) if request.tail else _all_of(reports)


def _all_of(objects: Sequence[Json]) -> Response:
    return answer({"meta": {"total_count": len(objects)}, "objects": list(objects)})


def _named(objects: Iterable[Json], tail: str) -> Json:
    for each in objects:
        if each["id"] == tail.strip("/"):
            return each
    raise RefusalError(answer({"error_message": CANNED_ERROR}, 404))


def _report_data(request: Request) -> Response:
    if not request.tail:
        raise RefusalError(Response(405, b"", HTML, {"Allow": ""}))
    params = request.params
    offset = _number(params, "offset", 0, called="start")
    limit = _number(params, "limit", LARGEST_PAGE, called="limit")
    if limit > LARGEST_PAGE:
        raise error(400, f"Limit may not exceed {LARGEST_PAGE}.")
    report = _named(request.domain.programme.reports, request.tail)
    everything = request.domain.report_rows.of_report(report["id"])
    try:
        tests = [test for each in report["filters"] for test in _tests(each, params, everything)]
    except (KeyError, ValueError):
        raise RefusalError(answer({"error_message": CANNED_ERROR}, 500)) from None  # HQ expects no such value
    rows = [row for row in everything if all(test(row) for test in tests)]
    if request.hq.faults.row_comes():
        request.domain.report_rows.repeat_first(report["id"])
    shown = rows[offset : offset + limit]
    made = answer(
        {
            "columns": request.domain.programme.report_columns(report["id"]),
            "data": shown,
            "total_records": len(rows),
            "next_page": _address(request, report, offset + limit, limit) if len(rows) > offset + limit else "",
            "resource_uri": _address(request, report, offset, limit),
        }
    )
    made.records = len(shown)
    return made


def _number(params: Params, name: str, default: int, *, called: str) -> int:
    try:
        number = int(params.last(name, str(default)))
        if number < 0:
            raise ValueError(number)
    except ValueError:
        raise error(400, f"{called} must be a positive integer.") from None
    return number


def _address(request: Request, report: Json, offset: int, limit: int) -> str:
    old = request.hq.faults.old_scheme_only
    resource = "v0.5/configurablereportdata" if old else "configurablereportdata/v1"
    kept = request.params.without("offset", "limit")
    kept.pairs += [("offset", str(offset)), ("limit", str(limit))]
    return f"/a/{request.domain_name}/api/{resource}/{report['id']}/?{kept.encode()}"


def _tests(described: Json, params: Params, rows: Iterable[Json]) -> list[Test]:
    """Return what a filter asks of a row; a value that makes no sense to it is an error."""
    slug, kind = described["slug"], described["type"]
    if kind == "date":
        return [
            _compared(slug, sign, date.fromisoformat(day).isoformat())
            for sign, end in ((">=", "start"), ("<=", "end"))
            if (day := params.last(f"{slug}-{end}"))
        ]
    if kind == "numeric":
        sign, operand = params.last(f"{slug}-operator"), params.last(f"{slug}-operand")
        return [_compared(slug, sign, float(operand))] if sign and operand else []
    chosen = set(params.last(slug, EVERYTHING).split(SEPARATOR))
    if EVERYTHING in chosen:
        return []
    if kind == "choice_list" and not chosen <= {_choice(row[slug]) for row in rows}:
        raise ValueError(f"a choice of {slug} that is none")
    return [lambda row: _choice(row[slug]) in chosen]


def _compared(slug: str, sign: str, operand: float | str) -> Test:
    compare = COMPARISONS[sign]
    return lambda row: row[slug] is not None and compare(row[slug], operand)


def _choice(value: object) -> str:
    return NOTHING if value is None else str(value)


def _data_sources(request: Request) -> Response:
    if not request.domain.reports_flagged:
        raise error(401, NOT_ALLOWED)
    sources = request.domain.programme.data_sources
    if request.tail:
        return answer(_named(sources, request.tail))
    only_in_detail = {"configured_filter", "configured_indicators"}
    return _all_of([{key: each[key] for key in each if key not in only_in_detail} for each in sources])


def _data_source_rows(request: Request) -> Response:
    if not request.domain.reports_flagged:
        raise empty(403)
    sent = request.params
    number = sent.last("data_source_id")
    if not number:
        raise RefusalError(Response(400, b"Missing data_source_id parameter", TEXT))
    source = next(each for each in request.domain.programme.data_sources if each["id"] == number)
    cursor = Params.of_cursor(sent.last("cursor"))
    # A cursor's parameters take the place of those that were sent, all but the limit.
    params = (cursor if "cursor" in sent else sent).without("limit", "last_doc_id", "last_inserted_at")
    limit: int | str = sent.last("limit", USUAL_UCR_PAGE)
    if int(limit) > LARGEST_UCR_PAGE:
        limit = LARGEST_UCR_PAGE
    last = (cursor.last("last_inserted_at"), cursor.last("last_doc_id"))
    rows = [
        row
        for row in request.domain.report_rows.of_data_source(source["id"])
        if (row["inserted_at"], row["doc_id"]) > last
    ]
    page = rows[: int(limit)]
    following = None
    if page:
        place = Params([("last_doc_id", page[-1]["doc_id"]), ("last_inserted_at", page[-1]["inserted_at"])])
        params.pairs += [("limit", str(limit)), ("cursor", place.to_cursor())]
        path = "v0.5/ucr" if request.hq.faults.old_scheme_only else "ucr/v1"
        following = f"{request.hq.public_url}/a/{request.domain_name}/api/{path}/?{params.encode()}"
    made = answer({"objects": page, "meta": {"next": following, "limit": limit}})
    made.records = len(page)
    return made


ENDPOINTS = [
    Endpoint(api("simplereportconfiguration", "v1", "v0.5"), _reports),
    Endpoint(api("configurablereportdata", "v1", "v0.5"), _report_data, permission="view_reports"),
    Endpoint(api("ucr_data_source", "v1", "v0.5"), _data_sources, permission="edit_ucrs"),
    Endpoint(api("ucr", "v1", "v0.5"), _data_source_rows, permission="edit_data", tastypie=False),
]
