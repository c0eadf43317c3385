"""What a form of the application is made of: questions, groups, repeats and hidden values."""

from __future__ import annotations

from dataclasses import dataclass

FOR_EVER = 999
GROUP, REPEAT, HIDDEN = "Group", "Repeat", "DataBindOnly"


PHONE = r"regex(., '^[+0-9 ]{7,18}$')"
"""What a phone number must look like."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, group, repeat or hidden value of a form."""

    name: str
    type: str
    en: str
    fr: str
    keeps: str = ""
    """Case types that save the answer under the question's name, separated by spaces."""
    choices: str = ""
    lookup: str = ""
    required: bool = False
    relevant: str | None = None
    constraint: str | None = None
    calculate: str | None = None
    since: int = 0
    until: int = FOR_EVER
    children: tuple[Question, ...] = ()

    def is_in(self, version: int) -> bool:
        """Whether this version of the application has the question."""
        return self.since <= version < self.until


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the application."""

    key: str
    xmlns: str
    en: str
    fr: str
    module: str
    questions: tuple[Question, ...]


def xmlns(suffix: str) -> str:
    """Make the xmlns of a form."""
    return f"http://openrosa.org/formdesigner/{suffix}"


def group(name: str, en: str, fr: str, *children: Question, since: int = 0) -> Question:
    """Make a group of questions."""
    return Question(name, GROUP, en, fr, children=children, since=since)


def repeat(name: str, en: str, fr: str, *children: Question, since: int = 0) -> Question:
    """Make a repeat group."""
    return Question(name, REPEAT, en, fr, children=children, since=since)


def model_repeat(name: str, en: str, fr: str, *children: Question) -> Question:
    """Make a repeat with an entry for each of several ids, which forms hold as the ``item`` of a container."""
    return Question(f"{name}/item", REPEAT, en, fr, children=children)


def hidden(name: str, keeps: str, calculate: str, *, since: int = 0, until: int = FOR_EVER) -> Question:
    """Make a hidden value."""
    return Question(name, HIDDEN, "", "", keeps, calculate=calculate, since=since, until=until)


def yes_no(
    name: str, en: str, fr: str, keeps: str, *, since: int = 0, until: int = FOR_EVER, relevant: str | None = None
) -> Question:
    """Make a question with the choices yes and no."""
    return Question(name, "Select", en, fr, keeps, "yes_no", relevant=relevant, since=since, until=until)
