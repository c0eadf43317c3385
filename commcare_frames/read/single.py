"""One case or one form by its id, as the plain nested dictionary that HQ sends."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from commcare_frames.arguments import checked
from commcare_frames.connection import resolve
from commcare_frames.errors import CommCareError, NotFoundError, QueryError
from commcare_frames.hq.answers import parse_json
from commcare_frames.hq.resources import CASE_V2, FORM

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.connection import Domain
    from commcare_frames.hq.client import Answer
    from commcare_frames.hq.resource import Resource

T = TypeVar("T")

_CASE_ID = re.compile(r"[\w-]+")
_OTHER = {CASE_V2: FORM, FORM: CASE_V2}
_KIND = {CASE_V2: "case", FORM: "form"}


@checked
def get_case(case_id: str, *, domain: str | Domain | None = None) -> dict[str, Any]:
    """Fetch one case as HQ sends it, as a nested dictionary.

    Parameters
    ----------
    case_id
        The case's id.
    domain
        A domain's name or a `Domain`; by default the last one connected.

    Returns
    -------
    dict
        ``case_id``, ``case_type``, ``case_name``, ``external_id``, ``owner_id``, ``date_opened``, ``last_modified``,
        ``server_last_modified``, ``indexed_on``, ``closed``, ``date_closed``, ``properties`` (every value a text),
        ``indices`` (the links to other cases, by name), and whatever else HQ sends.

    Raises
    ------
    NotFoundError
        When the domain has no case of that id: it was deleted, is in another domain, or the id is that of a form.
    CommCareError
        When the server cannot be reached or refuses.

    See Also
    --------
    read_cases : Many cases as a DataFrame; ``case_ids`` asks for 5,000 of them at once.
    read_case_history : What every form changed in a case.

    Notes
    -----
    Asks ``/a/{domain}/api/case/v2/{case_id}`` (permission "Edit Data"). Nothing is cached.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> case_id = ccf.read_cases("patient")["case_id"].iloc[0]
    >>> patient = ccf.get_case(case_id)
    >>> patient["case_type"], patient["indices"]["parent"]["case_type"]
    ('patient', 'household')
    """
    if not _CASE_ID.fullmatch(case_id):
        raise QueryError(f"{case_id!r} is no case id: HQ's have letters, digits, - and _ only.")
    case: dict[str, Any] = fetch(resolve(domain), CASE_V2, case_id, lambda answer: parse_json(answer.body))
    return case


@checked
def get_form(form_id: str, *, domain: str | Domain | None = None) -> dict[str, Any]:
    """Fetch one submission as HQ sends it, as a nested dictionary.

    Parameters
    ----------
    form_id
        The submission's id.
    domain
        A domain's name or a `Domain`; by default the last one connected.

    Returns
    -------
    dict
        ``id``, ``form`` (the answers, nested as in the form; what repeats is a list where there are several),
        ``metadata``, ``received_on``, ``app_id``, ``archived``, ``attachments`` (by name, each with ``content_type``,
        ``length`` and ``url``), and whatever else HQ sends.

    Raises
    ------
    NotFoundError
        When the domain has no submission of that id: it was deleted, is in another domain, or the id is that of a
        case.
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    See Also
    --------
    read_forms : Many submissions as a DataFrame.
    download_attachments : The files that belong to submissions.

    Notes
    -----
    Asks ``/a/{domain}/api/form/v1/{form_id}/`` (permission "Edit Data"). Nothing is cached.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> form_id = ccf.read_forms("Visit")["form_id"].iloc[0]
    >>> ccf.get_form(form_id)["form"]["@name"]
    'Visit'
    """
    form: dict[str, Any] = fetch_form(resolve(domain), form_id, lambda answer: parse_json(answer.body))
    return form


def fetch_form(domain: Domain, form_id: str, read: Callable[[Answer], T], *, explain: bool = True) -> T:
    """Return what `read` makes of HQ's answer about one form; `explain` as in `fetch`."""
    return fetch(domain, FORM, check_form_id(form_id), read, explain=explain)


def check_form_id(form_id: str) -> str:
    """Raise for what cannot be the id of a form."""
    if not form_id.strip(".") or "/" in form_id:
        raise QueryError(f"{form_id!r} is no form id.")
    return form_id


def fetch(
    domain: Domain, resource: Resource, record_id: str, read: Callable[[Answer], T], *, explain: bool = True
) -> T:
    """Return what `read` makes of HQ's answer about one record.

    Parameters
    ----------
    domain
        Whose.
    resource, record_id
        Which.
    read
        As for `Client.ask`.
    explain
        Whether to find out, with one more request, why there is no such record.
    """
    try:
        return domain.client.ask(resource, tail=_tail(resource, record_id), read=read)
    except NotFoundError as error:
        if explain:
            error.args = (_what_it_means(domain, resource, record_id),)
        raise


def _tail(resource: Resource, record_id: str) -> str:
    return quote(record_id, safe="") + ("/" if resource is FORM else "")


def _what_it_means(domain: Domain, resource: Resource, record_id: str) -> str:
    kind, other = _KIND[resource], _OTHER[resource]
    missing = f"Domain {domain.name!r} has no {kind} with id {record_id!r}"
    with contextlib.suppress(CommCareError):
        domain.client.ask(other, tail=_tail(other, record_id), attempts=1)
        return f"{missing}: it is the id of a {_KIND[other]}, so call get_{_KIND[other]}({record_id!r})."
    return (
        f"{missing}. It was deleted, belongs to another domain, or is the id of something else (a user, an "
        "application, an external id). What came in during the last minutes may not be found yet."
    )
