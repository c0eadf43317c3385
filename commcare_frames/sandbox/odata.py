"""Answers OData feeds of cases and forms: service document, metadata, pages of rows under the labels of an export."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from commcare_frames.sandbox.endpoints import Endpoint
from commcare_frames.sandbox.messages import TEXT, RefusalError, Response, answer, empty
from commcare_frames.sandbox.tastypie import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from commcare_frames.sandbox.domains import Feed, FeedTable
    from commcare_frames.sandbox.messages import Request

Json = dict[str, Any]

USUAL_PAGE, LARGEST_PAGE = 2_000, 10_000
NO_PRIVILEGE = b"Feature flag not enabled."
MISSING = "---"
VERSION = {"OData-Version": "4.0"}
KEYS = {"cases": "caseid", "forms": "formid"}

_TAIL = re.compile(r"(?P<config>[\w.-]+)/(?:(?P<table>\d+)/)?(?P<document>feed/?|\$metadata/?|)")


def _serve(kind: str, request: Request) -> Response:
    if not request.domain.odata:
        raise RefusalError(Response(404, NO_PRIVILEGE, TEXT))
    asked = _TAIL.fullmatch(request.tail)
    feed = asked and _feed(request, kind, asked["config"])
    number = int(asked["table"] or 0) if asked else 0
    if asked is None or feed is None or number >= len(feed.tables):
        raise empty(404)
    table = feed.tables[number]
    place = request.path[: len(request.path) - len(asked["document"])]
    context = f"{request.hq.public_url}{place}$metadata"
    document = asked["document"].strip("/")
    if document == "$metadata":
        key = KEYS[kind] if number == 0 else "number"
        return Response(body=_metadata(table, key), content_type="application/xml", headers=VERSION)
    if not document:
        listed = [{"name": "feed", "kind": "EntitySet", "url": "feed"}]
        made = answer({"@odata.context": context, "value": listed})
    else:
        made = _rows(request, feed, table, f"{context}#feed")
    made.headers |= VERSION
    return made


def _feed(request: Request, kind: str, config: str) -> Feed | None:
    feeds = request.domain.programme.odata_feeds
    return next((feed for feed in feeds if feed.kind == kind and feed.id == config), None)


def _metadata(table: FeedTable, key: str) -> bytes:
    properties = "".join(f"<Property Name={quoteattr(label)} Type='Edm.String'/>" for label, _ in table.columns)
    return (
        "<?xml version='1.0' encoding='utf-8'?>"
        "<edmx:Edmx xmlns:edmx='http://docs.oasis-open.org/odata/ns/edmx' Version='4.0'><edmx:DataServices>"
        "<Schema xmlns='http://docs.oasis-open.org/odata/ns/edm' Namespace='CommCare'>"
        f"<EntityType Name='feed'><Key><PropertyRef Name='{key}'/></Key>{properties}</EntityType>"
        "<EntityContainer Name='Container'><EntitySet Name='feed' EntityType='CommCare.feed'/></EntityContainer>"
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


def _rows(request: Request, feed: Feed, table: FeedTable, context: str) -> Response:
    """Answer with a page, which is so many cases or forms, however many rows they have in this table."""
    page = Page.asked(request.params, default=USUAL_PAGE, largest=LARGEST_PAGE)
    documents = _documents(request, feed)
    shown = documents[page.offset : page.offset + page.limit]
    rows = [row for number, document in enumerate(shown) for row in _rows_of(table, number, document)]
    body: Json = {"@odata.context": context}
    if page.offset + page.limit < len(documents):
        server = request.hq.faults.next_host or request.hq.public_url
        body["@odata.nextLink"] = f"{server}{request.path}{page.link(page.offset + page.limit)}"
    made = answer({**body, "value": rows})
    made.records = len(rows)
    return made


def _documents(request: Request, feed: Feed) -> Sequence[Json]:
    if feed.kind == "cases":
        return [record.content() for record in request.domain.cases.select((feed.of,))]
    forms = (record.content() for record in request.domain.forms.select((feed.of,)))
    return [form for form in forms if not form["archived"]]


def _rows_of(table: FeedTable, number: int, document: Json) -> Iterator[Json]:
    if not table.repeat:
        yield {label: _value(document, path) for label, path in table.columns}
        return
    entries = _at(document, table.repeat)
    for place, entry in enumerate([entries] if isinstance(entries, dict) else entries or []):
        known = {**document, "#entry": entry, "#number": f"{number}.{place}"}
        yield {label: _value(known, path) for label, path in table.columns}


def _value(document: Json, path: tuple[str, ...]) -> Any:  # noqa: ANN401  any JSON value
    found = _at(document, path)
    return MISSING if found is None else found


def _at(document: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401  any JSON value
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


ENDPOINTS = [
    Endpoint(
        (f"/a/{{domain}}/api/odata/{kind}/v1/", f"/a/{{domain}}/api/v0.5/odata/{kind}/"),
        partial(_serve, kind),
        permission="view_reports",
        has_subpaths=True,
    )
    for kind in ("cases", "forms")
]
