"""What a choice of the explorer would cost to read, told before it is read."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from commcare_frames.errors import PermissionMissingError
from commcare_frames.hq.paging import read_page
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import GROUPS, LOCATIONS, LOOKUP_ITEMS, MESSAGING_EVENTS, USERS, WEB_USERS
from commcare_frames.hq.stamps import to_time
from commcare_frames.hq.windows import count
from commcare_frames.read.applications import structure
from commcare_frames.read.case_queries import CaseQuery
from commcare_frames.read.cases import case_request
from commcare_frames.read.form_reading import form_query
from commcare_frames.read.lookup_tables import rows_request
from commcare_frames.read.progress import likely_cost
from commcare_frames.read.reading import Request
from commcare_frames.read.reports import CATALOGUE, report_request
from commcare_frames.tables.form_layout import FORM

if TYPE_CHECKING:
    from commcare_frames.cache.manifest import Manifest
    from commcare_frames.connection import Domain
    from commcare_frames.hq.resource import Resource
    from commcare_frames.notebook.explore_calls import Choice, Kind

NOT_COUNTED: dict[Kind, str] = {
    "questions": "The codebook takes one request a day at most: the applications are kept.",
    "messages": f"HQ does not say how many messages there are; a request brings {MESSAGING_EVENTS.largest_page:,}.",
}
LISTS: dict[Kind, tuple[str, Resource]] = {
    "users": ("Mobile workers", USERS),
    "web_users": ("Web users", WEB_USERS),
    "groups": ("Groups", GROUPS),
    "locations": ("Locations", LOCATIONS),
}


def likely(choice: Choice, domain: Domain) -> str:
    """Say how many rows a choice has, and what reading them takes, for a request or two, or none.

    Parameters
    ----------
    choice
        What would be read.
    domain
        From where.

    Returns
    -------
    str
        A sentence or two.

    Raises
    ------
    CommCareError
        When HQ does not answer, or cannot be asked that.
    """
    if choice.kind in NOT_COUNTED:
        return NOT_COUNTED[choice.kind]
    if choice.kind == "lookup_table":
        return _of_lookup_table(choice, domain)
    if choice.kind in LISTS:
        return _of_list(choice, domain)
    request = _request(choice, domain)
    if choice.kind == "report":
        return _of_report(request)
    manifest = request.on_disk(request.folder).manifest
    if choice.is_topped_up and manifest.refreshed_at and not manifest.running:
        return _of_refresh(request, manifest)
    rows = count(domain.client, request.question)
    kept = min(rows, sum(part.rows for part in manifest.parts)) if manifest.running else 0
    said = likely_cost(request.title, rows, _pages(request, rows - kept))
    if choice.kind == "repeat":
        said = f"The entries of a repeat come with their forms. {said}"
    return f"{said} Of these, {kept:,} had arrived when a pull broke off: it goes on from there." if kept else said


def _request(choice: Choice, domain: Domain) -> Request:
    match choice.kind:
        case "cases":
            whole = replace(choice, columns=())  # a narrower table has as many rows
            query = CaseQuery(whole.case_type, whole.where, whole.query, whole.since, whole.until)
            return case_request(domain, query, narrow=False)
        case "report":
            report = CATALOGUE.of(domain, cache="offline").named(choice.report or "")
            return report_request(domain, report, choice.filters)
        case _:
            forms = form_query(
                structure(domain),
                choice.form,
                choice.app,
                case_id=choice.case_id,
                since=choice.since,
                until=choice.until,
                include_archived=choice.include_archived,
            )
            return Request(domain, forms.question, FORM, "forms", forms.whole, forms.asked)


def _of_refresh(request: Request, manifest: Manifest) -> str:
    changed = count(request.domain.client, request.question, after=manifest.complete_until)
    if not changed:
        news = "Nothing has changed on HQ since"
    else:
        news = f"{changed:,} {'row has' if changed == 1 else 'rows have'} changed on HQ since"
    requests = _pages(request, changed)
    return (
        f"{request.title}: {manifest.rows:,} rows are cached, as of "
        f"{to_time(str(manifest.refreshed_at)):%d %B %Y, %H:%M UTC}. {news}. Fetch asks for changes only, in about "
        f"{requests:,} request{'s' * (requests != 1)}."
    )


def _of_report(request: Request) -> str:
    resource = request.question.resource
    params = (*request.question.params, ("limit", str(resource.largest_page)))
    started = time.monotonic()
    page = request.domain.client.ask(
        resource, params, tail=request.question.tail, read=lambda answer: read_page(resource, params, answer)
    )
    rows = int(page.total or 0)
    return likely_cost(request.title, rows, _pages(request, rows), time.monotonic() - started)


def _of_list(choice: Choice, domain: Domain) -> str:
    title, newest = LISTS[choice.kind]
    resource = newest.in_version(domain.api_version)
    lists: list[tuple[tuple[str, str], ...]] = [()]
    if choice.kind == "users":  # HQ keeps those apart who were deactivated
        deactivated = (("archived", "true"),)
        lists = [(), deactivated] if choice.active is None else [() if choice.active else deactivated]
    rows = [count(domain.client, Question(resource, params)) for params in lists]
    return likely_cost(title, sum(rows), sum(_in_pages(resource, each) for each in rows))


def _of_lookup_table(choice: Choice, domain: Domain) -> str:
    title, question = str(choice.tag), rows_request(domain, str(choice.tag)).question
    try:
        rows = count(domain.client, question)
    except PermissionMissingError:
        title, question = "All lookup tables, which HQ gives out together to this login", Question(LOOKUP_ITEMS)
        rows = count(domain.client, question)
    return likely_cost(title, rows, _in_pages(question.resource, rows))


def _pages(request: Request, rows: int) -> int:
    return _in_pages(request.question.resource, rows)


def _in_pages(resource: Resource, rows: int) -> int:
    return max(math.ceil(rows / resource.largest_page), 1)
