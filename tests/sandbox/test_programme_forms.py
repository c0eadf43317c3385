"""The sandbox's programme: its forms made its cases, and its application asked every question they answer."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from commcare_frames.sandbox.programme import Programme, build

BLOCK_KEYS = {"case", "meta", "subcase_0"}


@pytest.fixture(scope="module")
def programme() -> Programme:
    return build("maternal-health", project_name="Maternal Health", patients=500)


@pytest.fixture(scope="module")
def cases(programme: Programme) -> list[dict]:
    return list(programme.iter_cases())


@pytest.fixture(scope="module")
def forms(programme: Programme) -> list[dict]:
    return list(programme.iter_forms())


def named(forms: list[dict], name: str) -> list[dict]:
    return [form for form in forms if form["form"]["@name"] == name]


def entries(repeat: dict | list[dict]) -> list[dict]:
    return [repeat] if isinstance(repeat, dict) else repeat


def blocks(node: Any) -> list[dict]:
    """Every case block within a form, at any depth."""
    if isinstance(node, list):
        return [block for item in node for block in blocks(item)]
    if not isinstance(node, dict):
        return []
    if "@case_id" in node:
        return [node]
    return [block for value in node.values() for block in blocks(value)]


def paths(node: Any, path: str = "/data") -> set[str]:
    """Paths of all answers within a form, repeats without the number of the entry."""
    if isinstance(node, list):
        return {found for item in node for found in paths(item, path)}
    if not isinstance(node, dict):
        return {path}
    return {
        found
        for key, value in node.items()
        if key not in BLOCK_KEYS and key[0] not in "@#"
        for found in paths(value, f"{path}/{key}")
    }


def from_phones(forms: list[dict]) -> list[dict]:
    return [form for form in forms if form["is_phone_submission"]]


def test_form_ids_are_unique_and_those_of_the_phone(forms):
    assert len({form["id"] for form in forms}) == len(forms)
    assert all(form["id"] == form["form"]["meta"]["instanceID"] for form in from_phones(forms))


def test_a_few_forms_did_not_come_from_a_phone_and_have_no_metadata(forms):
    others = [form for form in forms if not form["is_phone_submission"]]
    assert others
    for form in others:
        assert "meta" not in form["form"]
        assert (form["metadata"], form["app_id"], form["build_id"]) == (None, None, None)


def test_forms_come_by_indexed_on_and_then_by_id(forms):
    positions = [(form["indexed_on"], form["id"]) for form in forms]
    assert positions == sorted(positions)


def test_forms_are_received_after_they_ended_and_before_they_were_indexed(forms):
    for form in from_phones(forms):
        stamps = [form["form"]["meta"]["timeStart"], form["form"]["meta"]["timeEnd"], form["received_on"]]
        assert stamps == sorted(stamps)
    for form in forms:
        assert form["received_on"] <= form["server_modified_on"] < "2026-07-01"
        assert form["received_on"] <= form["indexed_on"] < "2026-07-01"


def test_every_case_names_exactly_the_forms_that_touched_it(cases, forms):
    touched: dict[str, set[str]] = {}
    for form in forms:
        if not form["archived"]:
            for block in blocks(form["form"]):
                touched.setdefault(block["@case_id"], set()).add(form["id"])
    assert touched == {case["case_id"]: set(case["xform_ids"]) for case in cases}


def test_a_case_s_properties_are_what_its_forms_said_last(cases, forms):
    said: dict[str, dict[str, str]] = {}
    for form in sorted(forms, key=lambda form: form["received_on"]):
        for block in blocks(form["form"]):
            said.setdefault(block["@case_id"], {}).update(block.get("update") or {})
    assert all(case["properties"] == said[case["case_id"]] for case in cases)


def test_the_last_form_of_a_case_says_whether_it_is_closed(cases, forms):
    closed = {block["@case_id"] for form in forms for block in blocks(form["form"]) if "close" in block}
    assert closed == {case["case_id"] for case in cases if case["closed"]}


def test_archived_forms_left_no_case(cases, forms):
    archived = [form for form in forms if form["archived"]]
    case_ids = {case["case_id"] for case in cases}
    assert archived
    assert not case_ids & {block["@case_id"] for form in archived for block in blocks(form["form"])}


def test_edited_forms_say_by_whom_and_were_indexed_again(programme, forms):
    edited = [form for form in forms if form["edited_on"]]
    web_users = {user["id"] for user in programme.web_users}
    assert edited
    for form in edited:
        assert form["edited_by_user_id"] in web_users
        assert form["indexed_on"] >= form["edited_on"] == form["server_modified_on"] > form["received_on"]


def test_answers_are_all_text(forms):
    def leaves(node: Any) -> list:
        if isinstance(node, dict):
            return [leaf for key, value in node.items() if key != "meta" for leaf in leaves(value)]
        return [leaf for item in node for leaf in leaves(item)] if isinstance(node, list) else [node]

    assert all(type(leaf) is str for form in forms for leaf in leaves(form["form"]))


def test_a_repeat_is_absent_a_dict_or_a_list(forms):
    shapes = Counter(type(form["form"].get("children")) for form in named(forms, "Register household"))
    assert shapes.keys() == {type(None), dict, list}


def test_a_repeat_holds_a_repeat(forms):
    children = [
        child for form in named(forms, "Register household") for child in entries(form["form"].get("children", []))
    ]
    assert {type(child.get("vaccinations")) for child in children} == {type(None), dict, list}


def test_case_blocks_are_a_dict_a_list_and_inside_a_repeat(forms):
    assert {type(form["form"].get("case")) for form in forms} == {dict, list, type(None)}
    assert any("case" in form["form"]["babies"] for form in named(forms, "Delivery") if "babies" in form["form"])


def test_some_answers_are_missing_and_some_are_empty(forms):
    signs = [form["form"].get("danger_signs") for form in named(forms, "Visit")]
    assert "" in signs
    assert any("comment" not in form["form"] for form in named(forms, "Visit"))


def test_a_group_without_an_answer_is_missing_or_empty(forms):
    groups = [type(form["form"].get("referral")) for form in named(forms, "Visit")]
    assert set(groups) == {type(None), str, dict}


def test_an_answer_moved_into_a_group_between_versions(forms):
    registrations = named(forms, "Register mother")
    before = [form for form in registrations if "husband_name" in form["form"]]
    after = [form for form in registrations if "husband_name" in (form["form"].get("husband") or {})]
    assert {form["version"] for form in before} == {"12"}
    assert {form["version"] for form in after} == {"18", "25", "31"}


def test_the_oldest_phones_sent_a_version_with_attributes(forms):
    versions = {type(form["form"]["meta"]["appVersion"]) for form in from_phones(forms)}
    assert versions == {str, dict}
    assert all(isinstance(form["metadata"]["appVersion"], str) for form in from_phones(forms))


def test_attachments_are_paths_on_the_server(forms):
    urls = [file["url"] for form in forms for file in form["attachments"].values()]
    assert all(re.fullmatch(r"/a/maternal-health/api/form_attachment/v1/[-\w]+/[\w.]+", url) for url in urls)
    assert any(len(form["attachments"]) == 2 for form in forms)
    assert any(not form["attachments"] for form in forms)


def test_a_photo_that_was_taken_is_attached(forms):
    taken = [form for form in forms if "photo" in form["form"]]
    assert taken
    assert all(form["form"]["photo"] in form["attachments"] for form in taken if form["attachments"])


def test_every_answer_belongs_to_a_question_of_its_build(programme, forms):
    asked = {
        (build["id"], form["xmlns"]): {question["value"] for question in form["questions"]}
        for build in programme.builds
        for module in build["modules"]
        for form in module["forms"]
    }
    for form in forms:
        if form["build_id"]:
            assert paths(form["form"]) <= asked[form["build_id"], form["form"]["@xmlns"]]


def test_every_form_s_xmlns_and_application_exist(programme, forms):
    known = {
        (app["id"], form["xmlns"])
        for app in programme.applications
        for module in app["modules"]
        for form in module["forms"]
    }
    assert {(form["app_id"], form["form"]["@xmlns"]) for form in from_phones(forms)} <= known
    assert {form["form"]["@xmlns"] for form in forms} <= {xmlns for _, xmlns in known}


def test_visits_come_from_two_applications(programme, forms):
    by_app = Counter(form["app_id"] for form in named(forms, "Visit"))
    assert by_app.keys() == {app["id"] for app in programme.applications}
    assert min(by_app.values()) > 5


def test_every_answer_in_the_supervisors_application_belongs_to_a_question_of_it(programme, forms):
    application = programme.applications[1]
    asked = {
        form["xmlns"]: {question["value"] for question in form["questions"]}
        for module in application["modules"]
        for form in module["forms"]
    }
    sent = [form for form in forms if form["app_id"] == application["id"]]
    assert {form["form"]["@xmlns"] for form in sent} == asked.keys()
    assert all(paths(form["form"]) <= asked[form["form"]["@xmlns"]] for form in sent)


def test_a_model_iteration_has_items_that_say_which_id_they_are_about(forms):
    shapes = set()
    for form in named(forms, "Supervision"):
        check = form["form"]["stock_check"]
        items = entries(check.get("item", []))
        shapes.add(type(check.get("item")))
        assert check["@ids"] == form["form"]["stock"] == " ".join(item["@id"] for item in items)
        assert check["@count"] == check["@current_index"] == str(len(items))
        assert [item["@index"] for item in items] == [str(number) for number in range(len(items))]
        assert all("units_left" in item for item in items)
    assert shapes == {type(None), dict, list}


def test_the_questions_of_a_model_iteration_lie_in_the_items(programme):
    [form] = [
        form
        for module in programme.applications[1]["modules"]
        for form in module["forms"]
        if form["name"]["en"] == "Supervision"
    ]
    questions = {question["value"]: question for question in form["questions"]}
    repeat = questions["/data/stock_check/item"]
    assert (repeat["type"], repeat["repeat"], repeat["group"]) == ("Repeat", None, None)
    assert questions["/data/stock_check/item/units_left"]["repeat"] == "/data/stock_check/item"
    assert "/data/stock_check" not in questions


def test_a_question_was_renamed_and_another_moved_into_a_group(programme):
    newest, oldest = programme.builds[0], programme.builds[-1]
    new, old = ({q["value"] for q in build["modules"][1]["forms"][0]["questions"]} for build in (newest, oldest))
    assert {"/data/phone", "/data/husband_name"} <= old - new
    assert {"/data/contact_phone_number", "/data/husband/husband_name"} <= new - old
