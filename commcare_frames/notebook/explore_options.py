"""What there is to choose from in a domain, under names that its readers understand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import NotFoundError, QueryError
from commcare_frames.read.naming import resolve_form
from commcare_frames.tables.layout import CASE_V2
from commcare_frames.tables.paths import to_name
from commcare_frames.tables.structure import repeats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from commcare_frames.read.definitions import Definition
    from commcare_frames.tables.structure import Form, Structure

Options = list[tuple[str, str]]
"""What people read, and what a reader takes."""


def form_options(known: Structure) -> Options:
    """Return the forms of the applications; one that several applications have stands there once.

    Parameters
    ----------
    known
        The applications.

    Returns
    -------
    list of tuple of str
        Each form's name with its module and application, and the shortest name that means it alone.
    """
    unique = {form.xmlns: form for form in reversed(known.forms) if form.xmlns}
    found = [(" — ".join(reversed(_names(known, form))), _shortest(known, form)) for form in unique.values()]
    return _distinct(sorted(found))


def repeat_options(known: Structure, form: str) -> list[str]:
    """Return the repeats of a form."""
    return [to_name(path) for path in sorted(repeats(resolve_form(known, form)))]


def app_options(known: Structure) -> Options:
    """Return the applications."""
    times = Counter(app.name for app in known.apps)
    return _distinct([(app.name, app.name if times[app.name] == 1 else app.app_id) for app in known.apps])


def report_options(known: Sequence[Definition]) -> Options:
    """Return the reports of a domain."""
    times = Counter(_plain(report) for report in known)

    def is_name(report: Definition) -> bool:
        return bool(_plain(report)) and times[_plain(report)] == 1

    return _distinct(
        [
            (report["title"] or report["id"], report["title"] if is_name(report) else report["id"])
            for report in sorted(known, key=_plain)
        ]
    )


def report_filters(known: Sequence[Definition], report: str | None) -> list[dict[str, Any]]:
    """Return the filters of a report that a reader may set."""
    for each in known:
        if report in {each["id"], each["title"]}:
            return [one for one in each["filters"] if one["type"] != "pre"]
    return []


def case_columns(known: Structure | None, case_type: str | None) -> list[str]:
    """Return the columns that cases of a type are known to have before any were read."""
    first = [column.name for column in CASE_V2.metadata if column.when == "always"]
    properties = known.case_properties().get(case_type or "", []) if known else []
    return [*first, *(CASE_V2.name_at((CASE_V2.values, name)) for name in properties)]


def _names(known: Structure, form: Form) -> list[str]:
    return [form.app_name, known.text(form.module_names), known.text(form.names)]


def _shortest(known: Structure, form: Form) -> str:
    def means_it_alone(name: str) -> bool:
        try:
            return resolve_form(known, name).xmlns == form.xmlns
        except (NotFoundError, QueryError):
            return False

    names = _names(known, form)
    candidates = (" > ".join(names[start:]) for start in (2, 1, 0))
    return next(filter(means_it_alone, candidates), form.xmlns)


def _plain(report: Definition) -> str:
    return str(report["title"]).strip().casefold()


def _distinct(options: Options) -> Options:
    """Tell apart what reads the same, as a list of choices shows only what people read."""

    def named() -> Iterator[tuple[str, str]]:
        times = Counter(label for label, _ in options)
        for label, value in options:
            yield (label if times[label] == 1 else f"{label} ({value})"), value

    return list(named())
