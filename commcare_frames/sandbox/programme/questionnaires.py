"""The forms of the application by key, the versions it had, and what each version saves to cases."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .clock import utc
from .mother_forms import CLOSING, REGISTRATION, VISIT
from .other_forms import CHILD_VISIT, DELIVERY, HOUSEHOLD, SUPERVISION

if TYPE_CHECKING:
    from .questions import Question

RELEASED = {12: utc(2023, 8, 21), 18: utc(2024, 5, 13), 25: utc(2025, 1, 20), 31: utc(2025, 10, 6)}
"""The versions of the application that mobile workers were given, and when."""
FORMS = {form.key: form for form in (HOUSEHOLD, REGISTRATION, VISIT, DELIVERY, CHILD_VISIT, CLOSING, SUPERVISION)}


@cache
def kept(form: str, version: int, case_type: str) -> tuple[str, ...]:
    """List the answers of a form that this version of the application saves to a case type."""
    return tuple(_kept(FORMS[form].questions, version, case_type))


def _kept(questions: tuple[Question, ...], version: int, case_type: str) -> list[str]:
    names = []
    for question in questions:
        if question.is_in(version):
            if case_type in question.keeps.split():
                names.append(question.name)
            names += _kept(question.children, version, case_type)
    return names


def case_properties(case_type: str, version: int | None = None) -> list[str]:
    """List every property that a case type ever got, or gets in one version."""
    versions = RELEASED if version is None else (version,)
    return sorted({name for form in FORMS for number in versions for name in kept(form, number, case_type)})
