"""What an application consists of is read out of whatever HQ says of it, and never fails on what is odd."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commcare_frames.sandbox.programme import build
from commcare_frames.tables.applications import options_of, structure_of
from commcare_frames.tables.structure import (
    Form,
    Lookup,
    Question,
    Select,
    Structure,
    case_questions,
    joined,
    repeats,
    types,
)

VISIT = "http://openrosa.org/formdesigner/C3E1A7B0-64F5-4E0A-B7C4-9D1A2F3B4C03"
HOUSEHOLD = "http://openrosa.org/formdesigner/5A0D3F42-7C52-4C7B-9E0B-1E6C8C2B7A01"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def applications() -> list[dict[str, Any]]:
    return build(project_name="P", patients=5).applications


@pytest.fixture(scope="module")
def known(applications: list[dict[str, Any]]) -> Structure:
    return structure_of(applications)


def form_of(known: Structure, xmlns: str) -> Form:
    form = known.form(xmlns)
    assert form is not None
    return form


def question(name: str, **said: Any) -> dict[str, Any]:
    return {"value": f"/data/{name}", "hashtagValue": f"#form/{name}", "tag": "input", "type": "Text", **said}


def select(name: str, *choices: tuple[str, str], lang: str = "en", **said: Any) -> dict[str, Any]:
    options = [{"value": value, "label": label, "translations": {lang: label}} for value, label in choices]
    return question(name, type="Select", tag="select1", options=options, **said)


def app(*questions: dict[str, Any], case_type: str = "patient", released: str = "", **said: Any) -> dict[str, Any]:
    module = {
        "name": {"en": "Module"},
        "case_type": case_type,
        "forms": [{"xmlns": "x", "unique_id": "u", "name": {"en": "Form"}, "questions": list(questions)}],
        **said.pop("module", {}),
    }
    versions = [{"id": "b", "version": 1, "is_released": True, "built_on": released}] if released else []
    return {"id": "a", "name": "App", "version": 2, "modules": [module], "versions": versions, **said}


def test_paths_are_keys_below_the_form_in_the_forms_order(known: Structure) -> None:
    form = form_of(known, VISIT)

    assert list(form.questions)[:2] == [("visit_date",), ("visit_type",)]
    assert form.questions["examination", "weight_kg"].group == ("examination",)
    assert list(types(form)) == list(form.questions)
    assert types(form)["danger_signs",] == "MSelect"


def test_repeats_are_found_nested_ones_too(known: Structure) -> None:
    form = form_of(known, HOUSEHOLD)

    assert repeats(form) == {("children",), ("children", "vaccinations")}
    assert form.questions["children", "sex"].repeat == ("children",)
    assert form.questions["children", "vaccinations", "vaccine"].repeat == ("children", "vaccinations")
    assert form.questions["children", "vaccinations"].repeat == ("children",)
    assert form.questions["children",].repeat is None


def test_a_question_says_that_it_repeats_where_the_repeat_itself_is_missing() -> None:
    form = structure_of([app(question("rep/item/q", repeat="/data/rep/item"))]).forms[0]

    assert repeats(form) == {("rep", "item")}


def test_the_default_language_is_the_one_that_labels_are_shown_in(known: Structure) -> None:
    said = [question("a", label="Un", translations={"fr": "Un", "en": "One"})]
    french = structure_of([app(*said, question("b", label="BCG", translations={"en": "BCG", "fr": "BCG"}))])

    assert known.languages == ("en", "fr")
    assert french.languages == ("fr", "en")
    assert french.text({"en": "x", "fr": "y"}) == "y"
    assert french.text({"en": "x", "fr": "y"}, "en") == "x"
    assert french.text({"": "shown", "en": "x"}) == "shown"
    assert french.text({}, "en") == ""


def test_hidden_values_and_questions_without_a_text_have_no_label(known: Structure) -> None:
    age = form_of(known, "http://openrosa.org/formdesigner/0F9B1C64-2D1E-4B59-8F1C-52B7D4E6A102").questions["age",]
    silent = structure_of([app(question("q", label="/data/q", translations={"en": None}))]).forms[0]

    assert (age.type, age.labels, age.select) == ("DataBindOnly", {}, None)
    assert age.calculate == "int((today() - /data/dob) div 365.25)"
    assert silent.questions["q",].labels == {}


def test_the_same_form_in_two_applications_has_the_questions_and_choices_of_both_newest_first() -> None:
    old = app(select("q", ("1", "Old one"), ("3", "Three")), question("gone"), released="2024-01-01T00:00:00Z")
    new = app(select("q", ("1", "One"), ("2", "Two")), question("added"), released="2025-01-01T00:00:00Z", id="b")
    known = structure_of([new, old])
    form = form_of(known, "x")
    choices = form.questions["q",].select

    assert [each.app_id for each in known.apps] == ["b", "a"]
    assert set(form.questions) == {("q",), ("added",), ("gone",)}
    assert choices is not None
    assert {value: labels["en"] for value, labels in choices.options.items()} == {
        "1": "One",
        "2": "Two",
        "3": "Three",
    }
    assert structure_of([old, new]).forms[0].app_id == "b", "the order of the answer does not matter"


def test_a_form_in_two_applications_of_the_sandbox_is_one(known: Structure) -> None:
    assert [form.app_name for form in known.forms if form.xmlns == VISIT] == ["Mother and Child", "Supervision"]
    assert known.form("nothing") is None
    assert known.form("") is None


def test_what_hq_could_not_describe_is_reported_and_the_rest_is_there() -> None:
    broken = app(question("q"))
    broken["modules"].append({"error": "Unexpected error"})
    known = structure_of([broken])

    assert known.problems == ("a module of app 'App': Unexpected error",)
    assert len(known.forms) == 1


def test_apps_know_their_builds_and_the_last_release(known: Structure) -> None:
    workers = known.apps[0]

    assert (workers.version, workers.released_version, sorted(workers.builds)) == (32, 31, [12, 18, 25, 31])
    assert workers.released_on.startswith("2025-10-06")
    assert known.case_properties()["visit"] == sorted(known.case_properties()["visit"])
    assert not [name for names in known.case_properties().values() for name in names if "/" in name]


def test_lookup_tables_are_named_by_tag_and_fields(known: Structure) -> None:
    vaccine = form_of(known, HOUSEHOLD).questions["children", "vaccinations", "vaccine"]
    elsewhere = {"instance_ref": "jr://instance/casedb", "value_ref": "@case_id", "label_ref": "case_name"}
    filtered = {"instance_ref": "jr://fixture/item-list:v", "value_ref": "id", "label_ref": "name[@lang='en']"}
    form = structure_of([app(question("c", data_source=elsewhere), question("f", data_source=filtered))]).forms[0]

    assert (vaccine.lookups, vaccine.select) == ((Lookup("vaccine", "code", "name"),), Select({}))
    assert (form.questions["c",].lookups, form.questions["f",].lookups) == ((), (Lookup("v", "id", "name"),))


def test_rows_of_a_lookup_table_are_choices_flat_or_with_languages() -> None:
    def values(*pairs: tuple[str, str]) -> dict[str, Any]:
        return {"field_list": [{"field_value": text, "properties": {"lang": lang}} for lang, text in pairs]}

    rows = [
        {"code": "a", "name": "Flat"},
        {"code": {"field_list": [{"field_value": "b"}]}, "name": values(("en", "B"), ("fr", "Bé"))},
        {"code": "a", "name": "A second one"},
        {"code": None, "name": "No value"},
        {"code": "c", "name": None},
        {},
        None,
    ]

    assert options_of(rows, Lookup("t", "code", "name")) == {
        "a": {"": "Flat"},
        "b": {"en": "B", "fr": "Bé"},
        "c": {},
    }


def test_case_properties_have_the_choices_of_the_questions_of_their_name() -> None:
    first = app(select("outcome", ("1", "Alive")), released="2025-01-01T00:00:00Z")
    second = app(select("group/outcome", ("1", "Living"), ("2", "Dead")), id="b")
    found = case_questions(structure_of([first, second]), "patient")["outcome"].select

    assert found is not None
    assert {value: labels["en"] for value, labels in found.options.items()} == {"1": "Alive", "2": "Dead"}


def test_a_property_that_a_form_of_another_type_saves_is_found_there_unless_they_disagree() -> None:
    child: dict[str, Any] = {"name": {"en": "Children"}, "case_type": "child", "case_properties": ["sex", "parent/x"]}

    def known(*others: str) -> Structure:
        mothers = app(select("sex", ("1", "Girl")))
        mothers["modules"] += [
            child,
            *(app(select("sex", ("1", other)), case_type="c")["modules"][0] for other in others),
        ]
        return structure_of([mothers])

    assert case_questions(known(), "child")["sex"].select is not None
    assert case_questions(known("Girl"), "child")["sex"].select is not None
    assert "sex" not in case_questions(known("Yes"), "child")
    assert case_questions(known("Yes"), "nothing") == {}


def test_the_choices_of_the_sandboxs_children_are_found(known: Structure) -> None:
    found = case_questions(known, "child")

    assert {"sex", "feeding", "growth", "vaccines"} <= {name for name, each in found.items() if each.select}


def test_of_questions_that_say_different_things_the_first_counts() -> None:
    text = Question(("q",), "Text")
    one = Question(("q",), "Select", {"en": "Q"}, Select({"1": {"en": "One"}}), (Lookup("a", "v", "l"),))
    many = Question(("q",), "MSelect", {"en": "R"}, Select({"1": {"en": "1", "fr": "Un"}}, is_multiple=True))
    whole = joined([text, one, many])

    assert (whole.type, whole.labels, whole.lookups) == ("Text", {"en": "Q"}, one.lookups)
    assert whole.select == Select({"1": {"en": "One", "fr": "Un"}}, is_multiple=True)
    assert not one.agrees(many)
    assert text.agrees(many)


def test_halves_of_emoji_and_blanks_do_no_harm() -> None:
    form = structure_of([app(question("q", label=" A\ud83d ", translations={"en": " A\ud83d ", "fr": "  "}))]).forms[0]

    assert form.questions["q",].labels == {"en": "A\N{REPLACEMENT CHARACTER}", "": "A\N{REPLACEMENT CHARACTER}"}


@given(json_values)
def test_no_json_is_too_odd(value: Any) -> None:
    odd = [
        value,
        {"modules": [value]},
        {"modules": [{"forms": [value]}]},
        app({"value": "/data/q", "options": [value]}),
        app(value if isinstance(value, dict) else {}),
    ]
    known = structure_of(odd)

    assert len(known.apps) == 5


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value that can be changed, as container and key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


SMALL = app(
    select("q", ("1", "One"), ("2", "Two"), group="/data/g", repeat="/data/r", required=True, label="Q"),
    question("s", data_source={"instance_ref": "jr://fixture/item-list:t", "value_ref": "v", "label_ref": "l"}),
    released="2025-01-01T00:00:00Z",
)


@settings(max_examples=100)
@given(data=st.data())
def test_whatever_is_missing_null_or_of_another_kind_the_rest_is_understood(data: st.DataObject) -> None:
    odd = copy.deepcopy(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        container, key = data.draw(st.sampled_from(places(odd)))
        if data.draw(st.booleans()) and isinstance(container, dict):
            del container[key]
        else:
            container[key] = data.draw(json_values)
    known = structure_of([odd, app(question("whole"))])

    assert any(("whole",) in form.questions for form in known.forms)
    for form in known.forms:
        assert all(isinstance(path, tuple) and path for path in form.questions)
        assert all(path and question.repeat != path for path, question in form.questions.items())
        assert all(isinstance(path, tuple) for path in repeats(form))
        case_questions(known, "patient")
