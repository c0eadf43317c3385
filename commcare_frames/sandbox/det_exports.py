"""Answers what exports were saved for the Data Export Tool, and gives out the query file of one."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox import tastypie
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.messages import Response, web_page
from commcare_frames.sandbox.workbook import XLSX, workbook

if TYPE_CHECKING:
    from commcare_frames.sandbox.messages import Request

Json = dict[str, Any]

TITLES = (
    "Source Field", "Field", "Map Via", "Data Source", "Filter Name", "Filter Value", "Table Name", "Format Via",
)  # fmt: skip
CONFIG = "/a/{domain}/data/export/custom/download_det_schema/"


def _exports(request: Request) -> list[Json]:
    config = request.hq.public_url + CONFIG.format(domain=request.domain_name)
    return [
        {
            **{key: value for key, value in export.items() if key != "tables"},
            "det_config_url": f"{config}{export['id']}/",
            "resource_uri": f"/a/{request.domain_name}/api/det_export_instance/v1/{export['id']}/",
        }
        for export in request.domain.programme.saved_exports
    ]


def _config(request: Request) -> Response:
    for export in request.domain.programme.saved_exports:
        if export["id"] == request.tail.strip("/"):
            return Response(200, _query_file(export), XLSX)
    return web_page(404, "404 Error")


def _query_file(export: Json) -> bytes:
    sheets: dict[str, list[list[str]]] = {}
    for table in export["tables"]:
        chosen = ("type", export["case_type"]) if export["type"] == "case" else ("xmlns", export["xmlns"])
        # Only the first row says where the records are from.
        rows = zip_longest(table["columns"], [(table["source"], *chosen)], fillvalue=())
        sheets[table["title"]] = [list(TITLES), *([*column, *source] for column, source in rows)]
    return workbook(sheets)


ENDPOINTS = [
    Endpoint(api("det_export_instance", "v1"), tastypie.resource(_exports), permission="view_reports"),
    Endpoint((CONFIG,), _config, tastypie=False, throttled=False, any_role=True),
]
