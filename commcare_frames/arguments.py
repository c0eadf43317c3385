"""Refuses arguments of a type that a public function does not take, before anything is asked of a server."""

from __future__ import annotations

import functools
import inspect
import numbers
import os
import reprlib
from collections.abc import Callable, Collection, Mapping
from typing import ParamSpec, TypeVar

from commcare_frames.errors import QueryError

P = ParamSpec("P")
T = TypeVar("T")

CHECKED_WHERE_USED = ("ApiVersion", "Cache", "Literal[", "Period", "Wire", "object")
"""What annotations begin with whose values the functions look at themselves."""

SECRETS = ("api_key", "otp", "password", "token")
"""Arguments that are never shown."""

_MEANT = {
    "app": "an app's name or id, as list_apps() shows them",
    "case": "a row of read_cases",
    "case_id": "the id of one case",
    "case_type": "one case type, as list_case_types() shows them",
    "data_source": "a data source's title or its id, as list_data_sources() shows them",
    "domain": "a domain's name, or what connect returned",
    "feed": "an OData feed's URL, as HQ shows it, or its id",
    "filters": "a dictionary of values by the report's filters",
    "form": "a form's name, xmlns or unique id, as list_forms() shows them",
    "form_id": "the id of one form",
    "group": "a group's name or its id, as read_groups() shows them",
    "labels": "a language, 'both' or a dictionary with lang, show and multi",
    "max_age": "a length of time: '30min', '1h' or '2 days'",
    "mobile_workers": "a number of people",
    "report": "a report's title or its id, as list_reports() shows them",
    "tag": "a lookup table's tag, as list_lookup_tables() shows them",
    "version": "'latest', 'build', 'save' or a number",
    "where": "a dictionary of values by filter",
}
"""What arguments are, where their types do not say it."""


def _is_truth(value: object) -> bool:
    return type(value).__name__ in {"bool", "bool_"}  # NumPy's too


def _is_texts(value: object) -> bool:
    return (
        isinstance(value, Collection)
        and not isinstance(value, str | bytes)
        and all(isinstance(each, str) for each in value)
    )


def _is_named(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _is_text_or_named(value: object) -> bool:
    return isinstance(value, str) or _is_named(value)


_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "Dtypes": (_is_text_or_named, "'infer', 'string' or a mapping of columns to dtypes"),
    "LabelsAsked": (lambda value: value is None or _is_text_or_named(value), "a language or 'both'"),
    "None": (lambda value: value is None, "None"),
    "Mapping": (_is_named, "a mapping of names to values"),
    "Path": (lambda value: isinstance(value, os.PathLike), "a path"),
    "PathLike": (lambda value: isinstance(value, os.PathLike), "a path"),
    "Sequence": (_is_texts, "a list of texts"),
    "bool": (_is_truth, "True or False"),
    "int": (lambda value: isinstance(value, numbers.Integral) and not _is_truth(value), "a whole number"),
    "str": (lambda value: isinstance(value, str), "a text"),
}


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Have a function raise `QueryError` for an argument that is not of a type of its annotation.

    Parameters
    ----------
    function
        A public function.

    Returns
    -------
    callable
        The same, which looks at its arguments first.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return function(*args, **kwargs)  # which says so in Python's own words
        for name, value in given.items():
            _check(name, value, signature.parameters[name].annotation, function.__name__)
        return function(*args, **kwargs)

    return call


def _check(name: str, value: object, annotation: str, function: str) -> None:
    kinds = annotation.split(" | ")
    if any(kind.startswith(CHECKED_WHERE_USED) or _is_kind(value, kind) for kind in kinds):
        return
    shown = _shown(name, value)
    if isinstance(value, str) and "Sequence[str]" in kinds:
        raise QueryError(f"{name}={shown} is one text, not a list: write {name}=[{shown}].")
    types = " or ".join(dict.fromkeys(map(_described, kinds)))
    raise QueryError(f"{name}={shown} is nothing that {function} takes: {name} is {_MEANT.get(name, types)}.")


def _shown(name: str, value: object) -> str:
    """Show a value, unless it may be a secret or hold people's data."""
    is_plain = isinstance(value, str | bytes | int | float | list | tuple | dict | None)
    return reprlib.repr(value) if is_plain and name not in SECRETS else f"<{type(value).__name__}>"


def _is_kind(value: object, kind: str) -> bool:
    if _plain(kind) in _KINDS:
        return _KINDS[_plain(kind)][0](value)
    # By its name: to look at a DataFrame's class takes loading pandas.
    return _plain(kind) in {each.__name__ for each in type(value).__mro__}


def _described(kind: str) -> str:
    return _KINDS[_plain(kind)][1] if _plain(kind) in _KINDS else f"a {_plain(kind)}"


def _plain(kind: str) -> str:
    """Return the name of a type: of ``pd.Series[Any]`` it is ``Series``."""
    return kind.partition("[")[0].rpartition(".")[2]
