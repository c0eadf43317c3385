"""Makes sense of HQ's description of applications and lookup tables.

It was made for people to look at: any key may be missing or null, and a module that HQ cannot describe is there as an
error. What is odd is left out here, and never a reason to fail.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from commcare_frames.tables.structure import (
    REPEAT,
    App,
    Form,
    Labels,
    Lookup,
    Module,
    Question,
    Select,
    Structure,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from commcare_frames.tables.layout import Path

_MULTIPLE = "MSelect"
_SELECTS = frozenset({"Select", _MULTIPLE})
_TYPE_OF_TAG = {"select1": "Select", "select": _MULTIPLE, "repeat": REPEAT, "group": "Group", "hidden": "DataBindOnly"}
_ITEM_LIST = re.compile(r"jr://fixture/item-list:(?P<tag>.+)")
_FIELD = re.compile(r"[^\[/\s]+")
_HALVES_OF_EMOJI = re.compile("[\ud800-\udfff]")


def structure_of(applications: Iterable[Any]) -> Structure:
    """Make sense of applications.

    Parameters
    ----------
    applications
        What HQ's application API gives.

    Returns
    -------
    Structure
        The applications, the one released last first; of those never released the one made last.
    """
    found = [(_app(each), each) for each in map(_dict, applications)]
    found.reverse()  # HQ gives the oldest first
    found.sort(key=lambda pair: pair[0].released_on, reverse=True)
    problems: list[str] = []
    modules = tuple(module for app, each in found for module in _modules(app, each, problems))
    forms = tuple(form for module in modules for form in module.forms)
    return Structure(tuple(app for app, _ in found), forms, _languages(modules), tuple(problems), modules)


def options_of(rows: Iterable[Any], lookup: Lookup) -> dict[str, Labels]:
    """Return the choices that the rows of a lookup table are.

    Parameters
    ----------
    rows
        The fields of each row as HQ gives them: as values, or as lists of values with properties.
    lookup
        Which of the fields are value and label.

    Returns
    -------
    dict
        The labels of each value, in the table's order.
    """
    options: dict[str, Labels] = {}
    for row in map(_dict, rows):
        value = next(iter(_field(row.get(lookup.value)).values()), "")
        if value:
            options.setdefault(value, _field(row.get(lookup.label)))
    return options


def _field(field: object) -> Labels:
    """Return the values of a field by their language, ``""`` where they have none."""
    if not isinstance(field, dict):
        return {"": text} if (text := _text(field)) else {}
    found: Labels = {}
    for each in map(_dict, _list(field.get("field_list"))):
        if text := _text(each.get("field_value")):
            found.setdefault(_text(_dict(each.get("properties")).get("lang")), text)
    return found


def _app(application: dict[str, Any]) -> App:
    versions = [
        version for version in map(_dict, _list(application.get("versions"))) if _number(version.get("version"))
    ]
    released = [version for version in versions if version.get("is_released")]
    last = max(released, key=lambda version: int(version["version"]), default={})
    properties: dict[str, tuple[str, ...]] = {}
    for module in map(_dict, _list(application.get("modules"))):
        if case_type := _text(module.get("case_type")):
            properties[case_type] = tuple(dict.fromkeys([*properties.get(case_type, ()), *_case_properties(module)]))
    return App(
        app_id=_text(application.get("built_from_app_id")) or _text(application.get("id")),
        name=_text(application.get("name")),
        version=_number(application.get("version")),
        builds={int(version["version"]): _text(version.get("id")) for version in versions},
        released_version=_number(last.get("version")),
        released_on=_text(last.get("built_on")),
        case_properties=properties,
    )


def _modules(app: App, application: dict[str, Any], problems: list[str]) -> Iterator[Module]:
    for module in map(_dict, _list(application.get("modules"))):
        if "error" in module:
            problems.append(f"a module of app {app.name!r}: {_text(module['error'])}")
            if module.keys() == {"error"}:
                continue
        yield Module(
            unique_id=_text(module.get("unique_id")),
            names=_labels(module.get("name")),
            app_id=app.app_id,
            app_name=app.name,
            version=app.version,
            case_type=_text(module.get("case_type")),
            case_properties=_case_properties(module),
            forms=tuple(_forms(app, module, problems)),
        )


def _case_properties(module: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_text, _list(module.get("case_properties"))))))


def _forms(app: App, module: dict[str, Any], problems: list[str]) -> Iterator[Form]:
    for form in map(_dict, _list(module.get("forms"))):
        if "error" in form:
            problems.append(f"a form of app {app.name!r}: {_text(form['error'])}")
        yield Form(
            xmlns=_text(form.get("xmlns")),
            unique_id=_text(form.get("unique_id")),
            names=_labels(form.get("name")),
            module_names=_labels(module.get("name")),
            app_id=app.app_id,
            app_name=app.name,
            version=app.version,
            case_type=_text(module.get("case_type")),
            questions=_questions(_list(form.get("questions"))),
        )


def _questions(described: list[Any]) -> dict[Path, Question]:
    given = [_question(each) for each in map(_dict, described)]
    questions = {question.path: question for question in reversed(given) if question.path}
    repeating = {path for path, question in questions.items() if question.type == REPEAT}
    repeating |= {question.repeat for question in questions.values() if question.repeat}
    return {
        path: replace(questions[path], repeat=_innermost(path, repeating))
        for path in dict.fromkeys(question.path for question in given if question.path)
    }


def _question(described: dict[str, Any]) -> Question:
    tag = _text(described.get("tag"))
    kind = REPEAT if tag == "repeat" else _text(described.get("type")) or _TYPE_OF_TAG.get(tag, "")
    labels = _labels(described.get("translations"))
    shown = _text(described.get("label"))
    if shown and shown not in {_text(described.get("value")), _text(described.get("hashtagValue"))}:
        labels[""] = shown
    lookup = _lookup(_dict(described.get("data_source")))
    options = _options(_list(described.get("options")))
    has_choices = bool(options or lookup or kind in _SELECTS)
    return Question(
        path=_path(described.get("value")) or (),
        type=kind,
        labels=labels,
        select=Select(options, kind == _MULTIPLE) if has_choices else None,
        lookups=(lookup,) if lookup else (),
        group=_path(described.get("group")),
        repeat=_path(described.get("repeat")),
        required=described.get("required") is True,
        relevant=_text(described.get("relevant")) or None,
        constraint=_text(described.get("constraint")) or None,
        calculate=_text(described.get("calculate")) or None,
    )


def _options(options: list[Any]) -> dict[str, Labels]:
    found: dict[str, Labels] = {}
    for option in map(_dict, options):
        value = _text(option.get("value"))
        labels = _labels(option.get("translations"))
        if label := _text(option.get("label")):
            labels[""] = label
        if value:
            found.setdefault(value, labels)
    return found


def _lookup(source: dict[str, Any]) -> Lookup | None:
    """Return the lookup table of a question; None where its choices come from cases, locations or nowhere."""
    table = _ITEM_LIST.fullmatch(_text(source.get("instance_ref")))
    value, label = (_FIELD.match(_text(source.get(key))) for key in ("value_ref", "label_ref"))
    return Lookup(table["tag"], value[0], label[0] if label else value[0]) if table and value else None


def _languages(modules: Iterable[Module]) -> tuple[str, ...]:
    """Return the languages in use, the default one first: HQ shows the text of that one where it does not say."""
    met: dict[str, None] = {}
    shown: Counter[str] = Counter()
    for module in modules:
        of_forms = [[form.names, *(question.labels for question in form.questions.values())] for form in module.forms]
        for labels in [module.names, *chain.from_iterable(of_forms)]:
            met.update(dict.fromkeys(lang for lang in labels if lang))
            shown.update(lang for lang, text in labels.items() if lang and text == labels.get(""))
    return tuple(sorted(met, key=lambda lang: -shown[lang]))


def _innermost(path: Path, repeating: set[Path]) -> Path | None:
    around = (path[:size] for size in range(len(path) - 1, 0, -1))
    return next((each for each in around if each in repeating), None)


def _path(value: object) -> Path | None:
    """Return the keys of ``/data/group/question`` below the root, which a form may call anything."""
    keys = tuple(_text(value).strip("/").split("/")[1:])
    return keys if keys and all(keys) else None


def _labels(texts: object) -> Labels:
    if isinstance(texts, str):
        return {"": _text(texts)}
    return {_text(lang): text for lang, each in _dict(texts).items() if (text := _text(each))}


def _text(value: object) -> str:
    """Return a text without blanks around it, and without halves of emoji, which no column can hold."""
    if isinstance(value, str):
        return value.strip() if value.isascii() else _HALVES_OF_EMOJI.sub("\N{REPLACEMENT CHARACTER}", value).strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
