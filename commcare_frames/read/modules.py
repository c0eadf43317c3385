"""What applications, modules and forms there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.read.applications import structure
from commcare_frames.read.naming import find_app
from commcare_frames.read.reading import Cache, check_cache, to_age
from commcare_frames.tables.structure import Structure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from commcare_frames.hq.resource import Wire
    from commcare_frames.tables.structure import App, Form, Module


_KINDS = {
    **dict.fromkeys(("version", "released_version", "forms", "questions"), "Int64"),
    "required": "boolean",
    "released_on": "datetime64[us, UTC]",
}


@checked
def list_apps(
    *,
    domain: str | Domain | None = None,
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
) -> pd.DataFrame:
    """List the applications of a domain, the one released last first.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache, max_age
        As in `read_questions`: what was read within a day is used.

    Returns
    -------
    DataFrame
        ``app``, ``app_id`` (str), ``version`` that is being worked on, ``released_version`` that mobile workers have
        (Int64), ``released_on`` (datetime64[us, UTC]), ``forms`` (Int64), ``languages`` (str).

    Raises
    ------
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/application/v1/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.list_apps()[["app", "released_version"]].values.tolist()
    [['Mother and Child', 31], ['Supervision', <NA>]]
    """
    known = known_of(resolve(domain), None, wire=wire, cache=cache, max_age=max_age)
    rows = [
        {
            "app": app.name,
            "app_id": app.app_id,
            "version": app.version,
            "released_version": app.released_version,
            "released_on": app.released_on or None,
            "forms": sum(form.app_id == app.app_id for form in known.forms),
            "languages": ", ".join(_languages(known, (form for form in known.forms if form.app_id == app.app_id))),
        }
        for app in known.apps
    ]
    return frame_of_rows(rows, ["app", "app_id", "version", "released_version", "released_on", "forms", "languages"])


@checked
def list_forms(
    *,
    app: str | None = None,
    domain: str | Domain | None = None,
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
) -> pd.DataFrame:
    """List the forms of the applications of a domain.

    Parameters
    ----------
    app
        Name or id of an application; by default all.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache, max_age
        As in `read_questions`: what was read within a day is used.

    Returns
    -------
    DataFrame
        ``form``, ``module``, ``app``, ``xmlns``, ``unique_id``, ``app_id``, ``case_type``, ``languages`` (str), and the
        number of ``questions`` (Int64).

    Raises
    ------
    NotFoundError
        When there is no such application.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/application/v1/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.list_forms(app="Supervision")["form"].tolist()
    ['Supervision', 'Visit']
    """
    known = known_of(resolve(domain), app, wire=wire, cache=cache, max_age=max_age)
    rows = [
        {
            "form": known.text(form.names),
            "module": known.text(form.module_names),
            "app": form.app_name,
            "xmlns": form.xmlns,
            "unique_id": form.unique_id,
            "app_id": form.app_id,
            "case_type": form.case_type or None,
            "languages": ", ".join(_languages(known, [form])),
            "questions": len(form.questions),
        }
        for form in known.forms
    ]
    names = ["form", "module", "app", "xmlns", "unique_id", "app_id", "case_type", "languages", "questions"]
    return frame_of_rows(rows, names)


@checked
def read_modules(
    app: str | None = None,
    *,
    domain: str | Domain | None = None,
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
) -> pd.DataFrame:
    """Read what the modules of the applications consist of, one row per form.

    Parameters
    ----------
    app
        Name or id of an application; by default all.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache, max_age
        As in `read_questions`: what was read within a day is used.

    Returns
    -------
    DataFrame
        ``app``, ``app_id`` (str), ``version`` (Int64) that is being worked on; ``module``, its name in the default
        language, and ``module.<language>`` for each; ``module_id``; ``case_type`` that it is about, and the
        ``case_properties`` of that type, with commas between them (``parent/name`` is one of its parent); ``form`` and
        ``form.<language>``; ``xmlns`` and ``unique_id`` of the form (str); its number of ``questions`` (Int64). A
        module without forms, such as one that only lists cases, has one row without a form. In the order of the
        applications, the one released last first.

    Raises
    ------
    NotFoundError
        When there is no such application.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Warns
    -----
    DataWarning
        When HQ could not describe a module or form, which is then not among the rows, or lacks what HQ did not say.

    Notes
    -----
    Asks ``/a/{domain}/api/application/v1/`` (no permission besides "API access"), once a day for all that is read of
    applications.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> modules = ccf.read_modules("Mother and Child")
    >>> modules[["module", "module.fr", "form", "case_type"]].values.tolist()[0]
    ['Households', 'Ménages', 'Register household', 'household']
    """
    known = known_of(resolve(domain), app, wire=wire, cache=cache, max_age=max_age)
    rows = [_form_row(known, module, form) for module in known.modules for form in module.forms or (None,)]
    named = [[name, *(f"{name}.{lang}" for lang in known.languages)] for name in ("module", "form")]
    names = ["app", "app_id", "version", *named[0], "module_id", "case_type", "case_properties", *named[1]]
    return frame_of_rows(rows, [*names, "xmlns", "unique_id", "questions"])


def known_of(
    domain: Domain, app: str | None, *, wire: Wire, cache: Cache, max_age: str | timedelta | None
) -> Structure:
    """Return what is known of the applications of a domain, or of one of them that is named."""
    check_cache(cache)
    known = structure(domain, cache=cache, max_age=to_age(max_age), wire=wire, required=True)
    return known if app is None else _only(known, find_app(known, app))


def frame_of_rows(rows: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    """Return rows as a DataFrame, whose columns hold texts unless they are known to hold something else."""
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=_KINDS.get(name, "str")) for name in names}
    )


def _only(known: Structure, app: App) -> Structure:
    forms = tuple(form for form in known.forms if form.app_id == app.app_id)
    modules = tuple(module for module in known.modules if module.app_id == app.app_id)
    return Structure((app,), forms, known.languages, modules=modules)


def _languages(known: Structure, forms: Iterable[Form]) -> list[str]:
    used = {
        lang
        for form in forms
        for labels in [form.names, *(question.labels for question in form.questions.values())]
        for lang in labels
    }
    return [lang for lang in known.languages if lang in used]


def _form_row(known: Structure, module: Module, form: Form | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "app": module.app_name,
        "app_id": module.app_id,
        "version": module.version,
        "module": known.text(module.names) or None,
        **{f"module.{lang}": text for lang, text in module.names.items() if lang},
        "module_id": module.unique_id or None,
        "case_type": module.case_type or None,
        "case_properties": ", ".join(module.case_properties) or None,
    }
    if form is None:
        return row
    return row | {
        "form": known.text(form.names) or None,
        **{f"form.{lang}": text for lang, text in form.names.items() if lang},
        "xmlns": form.xmlns or None,
        "unique_id": form.unique_id or None,
        "questions": len(form.questions),
    }
