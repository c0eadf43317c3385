"""What is chosen in the explorer, and the one line of Python that reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import CommCareError
from commcare_frames.read.cases import read_cases
from commcare_frames.read.export import export_cases, export_forms, export_report
from commcare_frames.read.forms import read_forms, read_repeats
from commcare_frames.read.groups import read_groups
from commcare_frames.read.locations import read_locations
from commcare_frames.read.lookup_tables import read_lookup_table
from commcare_frames.read.messages import read_messages
from commcare_frames.read.questions import read_questions
from commcare_frames.read.reports import read_report
from commcare_frames.read.users import read_users, read_web_users

Kind = Literal[
    "cases",
    "forms",
    "repeat",
    "report",
    "questions",
    "users",
    "web_users",
    "groups",
    "locations",
    "lookup_table",
    "messages",
]

EXPORTS: dict[Kind, Callable[..., object]] = {
    "cases": export_cases,
    "forms": export_forms,
    "repeat": export_forms,
    "report": export_report,
}
"""What writes a kind to a file: it takes a path, and then what the reader takes."""

KEPT = "1h"
"""How long a read serves in which HQ cannot say what changed, so that it has to be made anew after that."""
NOW = "0s"
EVER = "3650 days"


@dataclass(frozen=True)
class Choice:
    """What is chosen in the explorer.

    Parameters
    ----------
    kind
        The kind of data.
    case_type, form, repeat, report, app, tag
        What of it, as its reader takes it; None for all.
    since, until, case_id, include_archived, query, columns, dtypes
        As in `read_cases` and `read_forms`.
    owner_id, closed
        Filters of cases.
    active
        As in `read_users`.
    filters
        Filters of a report.
    labels, lang
        Whether choices are shown by their ``"label"``, with ``"both"`` values and labels, or by their values only
        (blank), and in which language.
    """

    kind: Kind = "cases"
    case_type: str | None = None
    form: str | None = None
    repeat: str | None = None
    report: str | None = None
    app: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    owner_id: str | None = None
    closed: bool | None = None
    active: bool | None = None
    query: str | None = None
    case_id: str | None = None
    include_archived: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    dtypes: str = "infer"
    labels: Literal["", "label", "both"] = ""
    lang: str = ""

    @property
    def where(self) -> dict[str, Any]:
        """The filters of cases or messages by name."""
        of_messages = {"case_id": self.case_id}
        said = of_messages if self.kind == "messages" else {"owner_id": self.owner_id, "closed": self.closed}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def is_topped_up(self) -> bool:
        """Whether it is a whole table, of which a later read asks HQ only for what changed."""
        match self.kind:
            case "cases":
                return not (self.where or self.query or self.since or self.until or self.columns)
            case "forms" | "repeat" | "messages":
                return not (self.case_id or self.since or self.until)
            case "questions" | "locations":
                return True
            case _:
                return False

    def is_answered_by(self, fetched: Choice) -> bool:
        """Whether what was fetched for another choice answers this one too, without a request."""
        whole = replace(self, columns=())
        if self.kind == "cases" and fetched.is_topped_up and whole.is_topped_up:
            return whole.rows == fetched.rows
        return self.rows == fetched.rows

    @property
    def rows(self) -> Choice:
        """The part of the choice that decides what HQ is asked for."""
        rows = replace(self, dtypes="", labels="", lang="")
        if self.kind == "cases":
            return rows  # their columns are asked for by name
        return replace(rows, columns=(), kind="forms" if self.kind == "repeat" else self.kind, repeat=None)

    @property
    def call(self) -> Call:
        """What reads it, and nothing else."""
        return Call(*_READERS[self.kind](self)).without_blanks()

    @property
    def lasting_call(self) -> Call:
        """What reads it, and within the hour the same rows again without asking HQ for all of them anew."""
        return self.call if self.is_topped_up else self.call.but(max_age=KEPT)

    @property
    def is_one_table(self) -> bool:
        """Whether a file can hold it: forms of all kinds have columns that no one table has."""
        return self.kind != "forms" or self.form is not None

    def export(self, path: str) -> Call | None:
        """Return the function that writes it to a file; None where there is none, so that the frame is written."""
        if self.kind not in EXPORTS:
            return None
        call = replace(self, labels="").lasting_call
        if self.kind == "repeat":
            call = replace(call, arguments=(self.form,)).but(repeat=self.repeat)
        return replace(call, function=EXPORTS[self.kind], arguments=(path, *call.arguments))


@dataclass(frozen=True)
class Call:
    """A call of one of the package's functions, to be made and to be shown.

    Parameters
    ----------
    function
        The function.
    arguments, keywords
        What it is given.
    """

    function: Callable[..., Any]
    arguments: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)

    def without_blanks(self) -> Call:
        """Return the call without what is not said."""
        arguments = list(self.arguments)
        while arguments and arguments[-1] is None:
            arguments.pop()
        said = {name: value for name, value in self.keywords.items() if value not in (None, "", (), [], {})}
        return replace(self, arguments=tuple(arguments), keywords=said)

    def but(self, **keywords: object) -> Call:
        """Return the call with other keywords."""
        return replace(self, keywords={**self.keywords, **keywords})

    def of(self, domain: Domain) -> Call:
        """Return the call for a domain, which is not named where a notebook means it anyway."""
        try:
            usual = resolve(None)
        except CommCareError:
            return self.but(domain=domain)
        if usual.server != domain.server:
            return self.but(domain=domain)
        return self if usual.name == domain.name else self.but(domain=domain.name)

    def __call__(self) -> Any:  # noqa: ANN401  what the function returns
        """Make it."""
        return self.function(*self.arguments, **self.keywords)

    def __str__(self) -> str:
        """Write it as Python."""
        said = [*map(literal, self.arguments), *(f"{name}={literal(value)}" for name, value in self.keywords.items())]
        return f"ccf.{self.function.__name__}({', '.join(said)})"


def literal(value: object) -> str:
    """Write a value as Python, with double quotes where they need no escaping."""
    match value:
        case str():
            text = repr(value)
            return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text and r"\'" not in text else text
        case Domain():
            return f"ccf.Domain({literal(value.name)}, {literal(value.server)})"
        case dict():
            return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in value.items()) + "}"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case tuple():
            return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
        case _:
            return repr(value)


_Parts = tuple[Callable[..., Any], tuple[object, ...], dict[str, object]]


def _cases(choice: Choice) -> _Parts:
    return (
        read_cases,
        (choice.case_type,),
        {
            "where": choice.where,
            "query": choice.query,
            "since": choice.since,
            "until": choice.until,
            **_shown(choice),
            "labels": _labels(choice),
        },
    )


def _forms(choice: Choice) -> _Parts:
    return read_forms, (choice.form,), _of_forms(choice)


def _repeat(choice: Choice) -> _Parts:
    return read_repeats, (choice.form, choice.repeat), _of_forms(choice)


def _report(choice: Choice) -> _Parts:
    return read_report, (choice.report,), {"filters": dict(choice.filters), **_shown(choice)}


def _questions(choice: Choice) -> _Parts:
    if choice.app is None:
        return read_questions, (), {"form": choice.form}
    return read_questions, (choice.app, choice.form), {}


def _users(choice: Choice) -> _Parts:
    return read_users, (), {"active": choice.active, **_shown(choice)}


def _web_users(choice: Choice) -> _Parts:
    return read_web_users, (), _shown(choice)


def _groups(choice: Choice) -> _Parts:
    return read_groups, (), _shown(choice)


def _locations(choice: Choice) -> _Parts:
    return read_locations, (), _shown(choice)


def _lookup_table(choice: Choice) -> _Parts:
    return read_lookup_table, (choice.tag,), _shown(choice)


def _messages(choice: Choice) -> _Parts:
    asked = {"where": choice.where, "since": choice.since, "until": choice.until}
    return read_messages, (), {**asked, **_shown(choice)}


def _of_forms(choice: Choice) -> dict[str, object]:
    return {
        "app": choice.app,
        "case_id": choice.case_id,
        "since": choice.since,
        "until": choice.until,
        "include_archived": choice.include_archived or None,
        **_shown(choice),
        "labels": _labels(choice),
    }


def _shown(choice: Choice) -> dict[str, object]:
    return {"columns": list(choice.columns), "dtypes": None if choice.dtypes == "infer" else choice.dtypes}


def _labels(choice: Choice) -> object:
    if choice.labels != "both":
        return choice.lang if choice.labels else None
    return {"lang": choice.lang, "show": "both"} if choice.lang else "both"


_READERS: dict[Kind, Callable[[Choice], _Parts]] = {
    "cases": _cases,
    "forms": _forms,
    "repeat": _repeat,
    "report": _report,
    "questions": _questions,
    "users": _users,
    "web_users": _web_users,
    "groups": _groups,
    "locations": _locations,
    "lookup_table": _lookup_table,
    "messages": _messages,
}
