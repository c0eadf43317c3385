"""The application that mobile workers use, as HQ's application API describes it: modules, forms, questions, choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .choices import CHOICES
from .clock import naive_stamp, stamp
from .draws import hex_id
from .questionnaires import FORMS, RELEASED, case_properties
from .questions import GROUP, HIDDEN, REPEAT, Form, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

NEWEST = max(RELEASED)


class Module(NamedTuple):
    """A menu of the application: the forms about one case type, and what it shows of the parent case."""

    key: str
    case_type: str
    en: str
    fr: str
    of_parent: tuple[str, ...] = ()


MODULES = (
    Module("households", "household", "Households", "Ménages"),
    Module("mothers", "patient", "Mothers", "Mères", ("parent/village", "parent/phone")),
    Module("children", "child", "Children", "Enfants", ("mother/name", "mother/contact_phone_number")),
    Module("visits", "visit", "Visits", "Visites", ("parent/name",)),
)
_SUPERVISION = Module("supervision", "", "Supervision", "Supervision")
_TAGS = {
    GROUP: "group",
    REPEAT: "repeat",
    HIDDEN: "hidden",
    "Select": "select1",
    "MSelect": "select",
    "Image": "upload",
}
_COMMENTS = {
    12: "First release",
    18: "Husband in a group, medicines",
    25: "Reminders by phone",
    31: "Shorter registration",
}
_LOOKUP_FIELDS = {"facility": ("code", "name"), "vaccine": ("code", "name")}


def app_id(root: str) -> str:
    """Make the id of the application."""
    return hex_id(root, "application")


def supervision_app_id(root: str) -> str:
    """Make the id of the supervisors' application."""
    return hex_id(root, "supervision application")


def build_id(root: str, version: int) -> str:
    """Make the id of the build that one released version is."""
    return hex_id(root, "build", version)


def applications(root: str) -> list[Json]:
    """Describe the applications as they are now: the workers' one with its released builds, and the supervisors'."""
    workers = [_module(root, NEWEST, module) for module in MODULES]
    # Supervisors can fill in a visit as well: one xmlns then stands in two applications.
    supervisors = [_module(root, NEWEST, _SUPERVISION)]
    supervisors[0]["forms"] += [form for form in workers[1]["forms"] if form["xmlns"] == FORMS["visit"].xmlns]
    releases = [_version(root, version) for version in reversed(RELEASED)]
    return [
        _current(app_id(root), "Mother and Child", NEWEST + 1, workers, releases),
        _current(supervision_app_id(root), "Supervision", 4, supervisors, []),
    ]


def _current(number: str, name: str, version: int, modules: list[Json], releases: list[Json]) -> Json:
    return {
        "id": number,
        "name": name,
        "version": version,
        "is_released": None,
        "built_on": None,
        "build_comment": None,
        "built_from_app_id": None,
        "modules": modules,
        "versions": releases,
        "resource_uri": "",
    }


def builds(root: str) -> list[Json]:
    """Describe the released builds in full, newest first: HQ gives them by their own ids, never in the list."""
    return [
        {
            "id": build_id(root, version),
            "name": "Mother and Child",
            "version": version,
            "is_released": True,
            "built_on": naive_stamp(RELEASED[version])[:19],
            "build_comment": _COMMENTS[version],
            "built_from_app_id": app_id(root),
            "modules": [_module(root, version, module) for module in MODULES],
            "versions": [],
            "resource_uri": "",
        }
        for version in reversed(RELEASED)
    ]


def _version(root: str, version: int) -> Json:
    return {
        "id": build_id(root, version),
        "built_on": stamp(RELEASED[version]),
        "build_comment": _COMMENTS[version],
        "is_released": True,
        "version": version,
    }


def _module(root: str, version: int, module: Module) -> Json:
    return {
        "name": {"en": module.en, "fr": module.fr},
        "case_type": module.case_type,
        "case_properties": [*case_properties(module.case_type), *module.of_parent],
        "unique_id": hex_id(root, "module", module.key),
        "forms": [
            {
                "xmlns": form.xmlns,
                "name": {"en": form.en, "fr": form.fr},
                "unique_id": hex_id(root, "form", form.key),
                "questions": list(questions(form, version)),
            }
            for form in FORMS.values()
            if form.module == module.key
        ],
    }


def questions(form: Form, version: int) -> Iterator[Json]:
    """Describe the questions that a form has in one version, groups and repeats before what they hold."""
    return _questions(form.questions, version, "/data", None, None)


def _questions(
    asked: tuple[Question, ...], version: int, path: str, group: str | None, repeat: str | None
) -> Iterator[Json]:
    for question in asked:
        if not question.is_in(version):
            continue
        value = f"{path}/{question.name}"
        yield _question(question, value, group, repeat)
        if question.children:
            inner = value if question.type == REPEAT else repeat
            yield from _questions(question.children, version, value, value, inner)


def _question(question: Question, value: str, group: str | None, repeat: str | None) -> Json:
    hashtag = "#form" + value.removeprefix("/data")
    name = value.removeprefix("/data/")
    described: Json = {
        "value": value,
        "hashtagValue": hashtag,
        "label": question.en or hashtag,
        "tag": _TAGS.get(question.type, "input"),
        "type": question.type,
        "group": group,
        "repeat": repeat,
        "required": question.required,
        "relevant": question.relevant,
        "constraint": question.constraint,
        "calculate": question.calculate,
        "setvalue": None,
        "comment": None,
    }
    if question.type == HIDDEN:
        return described
    described |= {
        "label_ref": f"{name}-label",
        "translations": {"en": question.en, "fr": question.fr},
        "is_group": question.type in (GROUP, REPEAT),
    }
    if question.constraint:
        described["constraintMsg_ref"] = f"{name}-constraintMsg"
    if question.choices:
        described["options"] = [
            {
                "value": choice,
                "label": en,
                "label_ref": f"{name}-{choice}-label",
                "translations": {"en": en, "fr": fr},
            }
            for choice, en, fr in CHOICES[question.choices]
        ]
    if question.lookup:
        value_ref, label_ref = _LOOKUP_FIELDS[question.lookup]
        described["options"] = []
        described["data_source"] = {
            "instance_id": f"item-list:{question.lookup}",
            "instance_ref": f"jr://fixture/item-list:{question.lookup}",
            "nodeset": f"instance('item-list:{question.lookup}')/{question.lookup}_list/{question.lookup}",
            "label_ref": label_ref,
            "value_ref": value_ref,
        }
    return described
