"""Answers what lookup tables there are and what stands in them: as flat rows, and as tables with their items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox import tastypie
from commcare_frames.sandbox.endpoints import Endpoint, api
from commcare_frames.sandbox.messages import empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commcare_frames.sandbox.messages import Request

Json = dict[str, Any]


def _rows(request: Request) -> list[Json]:
    items = _asked_for(request)
    tags = {table["id"]: table["tag"] for table in request.domain.programme.lookup_tables}
    return [
        {
            "id": item["id"],
            "fixture_type": tags.get(item["data_type_id"]),
            "fields": _flat(item["fields"]),
            "resource_uri": "",
        }
        for item in items
    ]


def _asked_for(request: Request) -> Sequence[Json]:
    """Choose items by a parent item, by their table, or none of both; a table that is not there is a 404."""
    params, items = request.params, request.domain.programme.lookup_items
    parent_id, child_type = params.last("parent_id"), params.last("child_type")
    name, references = params.last("parent_ref_name"), params.last("references")
    if request.tail:
        return items
    if parent_id and child_type and name and references:
        parent = _first(items, "id", parent_id)
        wanted = _flat(parent["fields"])[references]
        return [item for item in _of_table(request, child_type) if _flat(item["fields"]).get(name) == wanted]
    if table_id := params.last("fixture_type_id"):
        return [item for item in items if item["data_type_id"] == table_id]
    return _of_table(request, tag) if (tag := params.last("fixture_type")) else items


def _of_table(request: Request, tag: str) -> list[Json]:
    table = _first(request.domain.programme.lookup_tables, "tag", tag)
    return [item for item in request.domain.programme.lookup_items if item["data_type_id"] == table["id"]]


def _first(found: Iterable[Json], key: str, value: str) -> Json:
    for each in found:
        if each[key] == value:
            return each
    raise empty(404)


def _flat(fields: Json) -> Json:
    """Return a value per field, unless one of them needs more room than that."""
    lists = [field["field_list"] for field in fields.values()]
    if any(len(values) > 1 or any(value["properties"] for value in values) for values in lists):
        return fields
    return {
        name: field["field_list"][0]["field_value"] if field["field_list"] else None for name, field in fields.items()
    }


def _tables(request: Request) -> Sequence[Json]:
    return request.domain.programme.lookup_tables


def _items(request: Request) -> Sequence[Json]:
    return request.domain.programme.lookup_items


_FLAT_ROWS = tastypie.resource(_rows, default=0)

ENDPOINTS = [
    Endpoint(api("fixture", "v1", "v0.5", "v0.4"), _FLAT_ROWS, permission="edit_apps"),
    Endpoint(api("fixture_internal", "v1", "v0.5"), _FLAT_ROWS, permission="edit_apps"),
    Endpoint(api("lookup_table", "v1", "v0.5"), tastypie.resource(_tables)),
    Endpoint(
        (*api("lookup_table_item", "v1", "v0.5"), *api("lookup_table_item", "v2", "v0.6")), tastypie.resource(_items)
    ),
]
