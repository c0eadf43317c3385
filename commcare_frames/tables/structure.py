"""What the applications of a domain consist of: forms, their questions, and the choices of those."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from commcare_frames.tables.layout import Path

Labels = dict[str, str]
"""A text by language; under ``""`` the one that HQ shows where no language is asked for."""

REPEAT = "Repeat"
UNASKED = frozenset({"Group", REPEAT, "FieldList", "Trigger", "SaveToCase"})
"""Types of questions that have no answer."""


@dataclass(frozen=True)
class Lookup:
    """The lookup table that a question takes its choices from, and the fields with their values and labels."""

    tag: str
    value: str
    label: str


@dataclass(frozen=True)
class Select:
    """What a question lets one choose from.

    Attributes
    ----------
    options
        The labels of each value, in the order of the choices.
    is_multiple
        Whether several may be chosen.
    """

    options: Mapping[str, Labels]
    is_multiple: bool = False

    def __or__(self, other: Select) -> Select:
        """Return the choices of both; where they label a value differently, this one's label counts."""
        options = {**self.options}
        for value, labels in other.options.items():
            options[value] = {**labels, **options.get(value, {})}
        return Select(options, self.is_multiple or other.is_multiple)

    def agrees(self, other: Select) -> bool:
        """Whether no value means one thing here and another thing there."""
        return all(
            mine[lang] == theirs[lang]
            for value, mine in self.options.items()
            for theirs in [other.options.get(value, {})]
            for lang in mine.keys() & theirs.keys()
        )


@dataclass(frozen=True)
class Question:
    """One question, group, repeat or hidden value of a form.

    Attributes
    ----------
    path
        The keys under which a submission has the answer.
    type
        HQ's type, such as ``"MSelect"``.
    labels
        The question's text by language; none for hidden values.
    select
        Its choices, without those of lookup tables; None where it is no such question.
    lookups
        The lookup tables that have its choices.
    group, repeat
        The innermost group and repeat around it.
    required, relevant, constraint, calculate
        Whether an answer is demanded, and the form's logic.
    """

    path: Path
    type: str
    labels: Labels = field(default_factory=dict)
    select: Select | None = None
    lookups: tuple[Lookup, ...] = ()
    group: Path | None = None
    repeat: Path | None = None
    required: bool = False
    relevant: str | None = None
    constraint: str | None = None
    calculate: str | None = None

    def __or__(self, other: Question) -> Question:
        """Return this question with the texts and choices that it has elsewhere too."""
        both = self.select | other.select if self.select and other.select else self.select or other.select
        lookups = tuple(dict.fromkeys([*self.lookups, *other.lookups]))
        return replace(self, labels=self.labels or other.labels, select=both, lookups=lookups)

    def agrees(self, other: Question) -> bool:
        """Whether both have the same lookup tables, and no choice means one thing here and another there."""
        if self.lookups != other.lookups or self.select is None or other.select is None:
            return self.lookups == other.lookups
        return self.select.agrees(other.select)


@dataclass(frozen=True)
class Form:
    """A form of an application.

    Attributes
    ----------
    xmlns, unique_id
        What submissions name it by, and the application's own id of it.
    names, module_names
        Its name and that of its module, by language.
    app_id, app_name, version
        The application, and its version.
    case_type
        The case type of its module.
    questions
        By path, in the form's order.
    """

    xmlns: str
    unique_id: str
    names: Labels
    module_names: Labels
    app_id: str
    app_name: str
    version: int | None
    case_type: str
    questions: Mapping[Path, Question]

    def __or__(self, other: Form) -> Form:
        """Return this form with the questions and choices that only the other one has."""
        questions = dict(self.questions)
        for path, question in other.questions.items():
            questions[path] = questions[path] | question if path in questions else question
        return replace(self, questions=questions)


@dataclass(frozen=True)
class Module:
    """A module of an application: a menu of forms about cases of one type.

    Attributes
    ----------
    unique_id
        The application's own id of it.
    names
        Its name by language.
    app_id, app_name, version
        The application, and its version.
    case_type, case_properties
        The type of its cases, and the names of their properties.
    forms
        Its forms; none in menus that only list cases or reports.
    """

    unique_id: str
    names: Labels
    app_id: str
    app_name: str
    version: int | None
    case_type: str
    case_properties: tuple[str, ...]
    forms: tuple[Form, ...]


@dataclass(frozen=True)
class App:
    """An application.

    Attributes
    ----------
    app_id, name, version
        What HQ calls it, and the version that is being worked on.
    builds
        Id of the build of each earlier version.
    released_version, released_on
        The last version that mobile workers were given, and when; blank if there is none.
    case_properties
        Names of the properties of each case type that its modules are about.
    """

    app_id: str
    name: str
    version: int | None
    builds: Mapping[int, str]
    released_version: int | None
    released_on: str
    case_properties: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Structure:
    """The applications of a domain, the one that was released last first.

    Attributes
    ----------
    apps, forms
        The applications, and their forms in the same order.
    languages
        The languages of their texts, the default one first.
    problems
        What HQ could not describe.
    modules
        The modules that the forms are in, and those without forms, in the same order.
    """

    apps: tuple[App, ...]
    forms: tuple[Form, ...]
    languages: tuple[str, ...]
    problems: tuple[str, ...] = ()
    modules: tuple[Module, ...] = ()

    def form(self, xmlns: str) -> Form | None:
        """Return the form of an xmlns with the questions of all applications that have it; None if none has."""
        return combined([form for form in self.forms if xmlns and form.xmlns == xmlns])

    def case_properties(self) -> dict[str, list[str]]:
        """Return the names of case properties by case type, without those of other cases (``parent/name``)."""
        found: dict[str, set[str]] = {}
        for app in self.apps:
            for case_type, names in app.case_properties.items():
                found.setdefault(case_type, set()).update(name for name in names if "/" not in name)
        return {case_type: sorted(names) for case_type, names in found.items()}

    def text(self, labels: Labels, lang: str | None = None) -> str:
        """Return a text in a language, else in the default language, else as HQ shows it, else blank."""
        return next((labels[each] for each in (lang, *self.languages[:1], "") if each in labels), "")


def combined(forms: Sequence[Form]) -> Form | None:
    """Return forms of one xmlns as one form; of what they say differently the first counts."""
    if not forms:
        return None
    whole = forms[0]
    for form in forms[1:]:
        whole = whole | form
    return whole


def repeats(form: Form) -> frozenset[Path]:
    """Return the paths of what repeats in a form."""
    named = {question.repeat for question in form.questions.values() if question.repeat}
    return frozenset({*named, *(path for path, question in form.questions.items() if question.type == REPEAT)})


def types(form: Form) -> dict[Path, str]:
    """Return HQ's type of every question of a form by its path, in the form's order."""
    return {path: question.type for path, question in form.questions.items()}


def case_questions(structure: Structure, case_type: str) -> dict[str, Question]:
    """Return the questions whose answers case properties hold, by the name of the property.

    HQ does not say which question saves to which property. It is taken to be the one of the same name in a form of a
    module of that case type, rather outside of repeats, as those open other cases. A property that none of them has,
    as of cases that a form of another type opens, is looked for in all forms, and taken only if they do not
    contradict each other.

    Parameters
    ----------
    structure
        The applications.
    case_type
        The case type.

    Returns
    -------
    dict
        By property; the choices are those of all such questions.
    """
    inside: dict[str, list[Question]] = {}
    in_repeats: dict[str, list[Question]] = {}
    anywhere: dict[str, list[Question]] = {}
    for form in structure.forms:
        for path, question in form.questions.items():
            if question.type not in UNASKED:
                anywhere.setdefault(path[-1], []).append(question)
                if form.case_type == case_type:
                    (in_repeats if question.repeat else inside).setdefault(path[-1], []).append(question)
    elsewhere = {
        name: anywhere[name]
        for name in structure.case_properties().get(case_type, [])
        if name in anywhere and all(anywhere[name][0].agrees(other) for other in anywhere[name])
    }
    return {name: joined(questions) for name, questions in (elsewhere | in_repeats | inside).items()}


def joined(questions: Iterable[Question]) -> Question:
    """Return questions as one; of what they say differently the first counts."""
    first, *others = questions
    for other in others:
        first = first | other
    return first
