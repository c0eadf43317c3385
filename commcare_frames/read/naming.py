"""Finds forms and applications by what people call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.errors import NotFoundError, QueryError, did_you_mean
from commcare_frames.tables.structure import combined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.tables.structure import App, Form, Structure


def resolve_form(known: Structure, form: str) -> Form:
    """Find a form by what people call it.

    Parameters
    ----------
    known
        The applications to look in.
    form
        Its xmlns, its unique id, its name in any language, ``"Module > Form"`` or ``"App > Module > Form"``; capitals
        and blanks count only where forms differ in nothing else.

    Returns
    -------
    Form
        With the questions of all applications that have its xmlns.

    Raises
    ------
    NotFoundError
        When there is none.
    QueryError
        When several are called that.
    """
    if not form.strip():
        raise QueryError(f"form={form!r} is no name: give a form's name, xmlns or unique id.")
    called = [(name, each) for each in known.forms for name in _names(each)]
    found = [each for name, each in called if name == form]
    found = found or [each for name, each in called if _folded(name) == _folded(form)]
    by_xmlns: dict[str, list[Form]] = {}
    for each in found:
        by_xmlns.setdefault(each.xmlns or each.unique_id, []).append(each)
    if not by_xmlns:
        names = [known.text(each.names) for each in known.forms]
        raise NotFoundError(
            f"No form is called {form!r}.{did_you_mean(form, [name for name, _ in called])} "
            f"The forms are {', '.join(dict.fromkeys(names)) or 'none yet'}."
        )
    if len(by_xmlns) > 1:
        candidates = [f"{_full_name(known, each[0])!r} ({xmlns})" for xmlns, each in by_xmlns.items()]
        raise QueryError(
            f"{len(candidates)} forms are called {form!r}: {', '.join(candidates)}. Name one of them like that, "
            "or by its xmlns."
        )
    (same,) = by_xmlns.values()
    return known.form(same[0].xmlns) or combined(same) or same[0]


def find_app(known: Structure, app: str) -> App:
    """Return the application of that name or id.

    Raises
    ------
    NotFoundError
        When there is none.
    QueryError
        When several are called that.
    """
    found = [each for each in known.apps if app in {each.app_id, each.name}]
    if not found:
        names = [each.name for each in known.apps]
        raise NotFoundError(
            f"There is no app {app!r}.{did_you_mean(app, names)} The apps are {', '.join(names) or 'none yet'}."
        )
    if len(found) > 1:
        ids = ", ".join(each.app_id for each in found)
        raise QueryError(f"{len(found)} apps are called {app!r}. Name one by its id: {ids}.")
    return found[0]


def _names(form: Form) -> Iterator[str]:
    yield form.xmlns
    yield form.unique_id
    for lang, name in form.names.items():
        yield name
        for module in {form.module_names.get(lang), *form.module_names.values()} - {None}:
            yield f"{module} > {name}"
            yield f"{form.app_name} > {module} > {name}"


def _full_name(known: Structure, form: Form) -> str:
    return " > ".join([form.app_name, known.text(form.module_names), known.text(form.names)])


def _folded(name: str) -> str:
    return " > ".join(" ".join(part.split()).casefold() for part in name.split(">"))
