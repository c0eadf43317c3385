"""The codebook: the questions of all forms, with their choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import QueryError
from commcare_frames.read.applications import build
from commcare_frames.read.labels import form_columns
from commcare_frames.read.modules import frame_of_rows, known_of
from commcare_frames.read.naming import resolve_form
from commcare_frames.tables.structure import repeats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.hq.resource import Wire
    from commcare_frames.read.reading import Cache
    from commcare_frames.tables.layout import Path
    from commcare_frames.tables.structure import App, Form, Question, Structure

WITHOUT_COLUMN = frozenset({"Group", "FieldList", "SaveToCase"})


@checked
def read_questions(
    app: str | None = None,
    form: str | None = None,
    *,
    domain: str | Domain | None = None,
    version: int | None = None,
    wire: Wire = "json",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
) -> pd.DataFrame:
    """Read the codebook: one row per question of the domain's forms.

    Parameters
    ----------
    app
        Name or id of an application; by default all.
    form
        A form: its name in any language, ``"Module > Form"``, ``"App > Module > Form"``, its xmlns or its unique id;
        by default all.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    version
        A version of the application that was built, such as the one that a submission was filled in with; by default
        the application as it is now.
    wire
        The format that HQ is asked to send, ``"json"`` or ``"xml"``: the frame is the same.
    cache
        True: use what was read within `max_age`, and keep what is read. False: read it anew, keep nothing.
        ``"offline"``: ask nothing.
    max_age
        How old it may be, such as ``"1h"``; by default a day, as HQ may take minutes to describe applications.

    Returns
    -------
    DataFrame
        ``path`` of the question in the form; ``column``, its column in `read_forms`, or in `read_repeats` for a
        question within a repeat (a position becomes four columns that begin with it); ``label`` in the default
        language and ``label.<lang>`` in each; ``type`` as HQ calls it; ``choices`` as ``value = label; ...``, or the
        lookup table they are taken from; ``group`` and ``repeat``, the innermost ones around it; ``required``
        (boolean); ``relevant``, ``constraint`` and ``calculate``, the form's logic; ``app``, ``app_id``, ``module``,
        ``form``, ``xmlns``, ``version`` (Int64). What is not said otherwise is text. Forms are in the order of the
        applications, the one released last first.

    Raises
    ------
    NotFoundError
        When there is no such application, form or version.
    QueryError
        When several forms are called that, or no one application is meant by `version`.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    Notes
    -----
    Asks ``/a/{domain}/api/application/v1/``, once for all applications; for a version ``.../{build_id}/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> questions = ccf.read_questions("Mother and Child", "Register mother")
    >>> questions.set_index("column").loc["measures.weight_kg", ["label.fr", "type"]].tolist()
    ['Poids en kg', 'Double']
    """
    opened = resolve(domain)
    known = known_of(opened, app, wire=wire, cache=cache, max_age=max_age)
    if version is not None and (len(known.apps) != 1 or version != known.apps[0].version):
        known = build(opened, _one_app(known), version, cache=cache, wire=wire)
    forms = known.forms
    if form is not None:
        xmlns = resolve_form(known, form).xmlns
        forms = tuple(each for each in forms if each.xmlns == xmlns)
    rows = [row for each in forms for row in _rows(known, each)]
    names = ["path", "column", "label", *(f"label.{lang}" for lang in known.languages), *_REST]
    frame = frame_of_rows(rows, names)
    about = {"server": opened.server, "domain": opened.name, "app": app, "form": form, "version": version}
    frame.attrs["commcare"] = {**{name: value for name, value in about.items() if value is not None}, "rows": len(rows)}
    return frame


_REST = (
    "type",
    "choices",
    "group",
    "repeat",
    "required",
    "relevant",
    "constraint",
    "calculate",
    "app",
    "app_id",
    "module",
    "form",
    "xmlns",
    "version",
)


def _one_app(known: Structure) -> App:
    if len(known.apps) != 1:
        names = ", ".join(each.name for each in known.apps)
        raise QueryError(
            f"version says nothing without an app: name one of {names or 'the apps, once there are some'}."
        )
    return known.apps[0]


def _rows(known: Structure, form: Form) -> Iterator[dict[str, Any]]:
    columns: dict[Path, str] = {}
    for repeat in [(), *repeats(form)]:
        columns |= {question.path: column for column, question in form_columns(form, repeat).items()}
    for path, question in form.questions.items():
        yield {
            "path": _slashed(path),
            "column": None if question.type in WITHOUT_COLUMN else columns[path],
            "label": known.text(question.labels) or None,
            **{f"label.{lang}": question.labels.get(lang) for lang in known.languages},
            "type": question.type or None,
            "choices": _choices(known, question) or None,
            "group": _slashed(question.group),
            "repeat": _slashed(question.repeat),
            "required": question.required,
            "relevant": question.relevant,
            "constraint": question.constraint,
            "calculate": question.calculate,
            "app": form.app_name,
            "app_id": form.app_id,
            "module": known.text(form.module_names),
            "form": known.text(form.names),
            "xmlns": form.xmlns,
            "version": form.version,
        }


def _choices(known: Structure, question: Question) -> str:
    options = question.select.options if question.select else {}
    parts = [f"{value} = {known.text(labels) or value}" for value, labels in options.items()]
    parts += [f"lookup table {each.tag}: {each.value} = {each.label}" for each in question.lookups]
    return "; ".join(parts)


def _slashed(path: Path | None) -> str | None:
    return None if path is None else "/".join(["", "data", *path])
