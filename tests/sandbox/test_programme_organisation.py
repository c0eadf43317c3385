"""The sandbox's programme: its application, places, people, lookup tables and reports have HQ's shapes."""

from __future__ import annotations

import re

import pytest

from commcare_frames.sandbox.programme import Programme, build


@pytest.fixture(scope="module")
def programme() -> Programme:
    return build("maternal-health", project_name="Maternal Health", patients=400)


def questions(programme: Programme) -> list[dict]:
    return [
        question
        for app in programme.applications
        for module in app["modules"]
        for form in module["forms"]
        for question in form["questions"]
    ]


@pytest.mark.parametrize("case_type", ["household", "patient", "child", "visit"])
def test_the_application_names_every_property_of_a_case_type(programme, case_type):
    used = {name for case in programme.iter_cases() if case["case_type"] == case_type for name in case["properties"]}
    module = next(m for m in programme.applications[0]["modules"] if m["case_type"] == case_type)
    assert used <= set(module["case_properties"])
    assert used >= {name for name in module["case_properties"] if "/" not in name}


def test_modules_and_forms_have_names_in_two_languages(programme):
    for app in programme.applications:
        for module in app["modules"]:
            assert module["name"].keys() == {"en", "fr"}
            assert all(form["name"].keys() == {"en", "fr"} for form in module["forms"])


def test_the_application_has_every_kind_of_question(programme):
    kinds = {question["type"] for question in questions(programme)}
    assert kinds >= {"Text", "Int", "Double", "Date", "Select", "MSelect", "Geopoint", "Image", "DataBindOnly"}
    assert kinds >= {"Group", "Repeat"}


def test_questions_inside_groups_and_repeats_say_so(programme):
    by_path = {question["value"]: question for question in questions(programme)}
    vaccine = by_path["/data/children/vaccinations/vaccine"]
    assert (vaccine["group"], vaccine["repeat"]) == ("/data/children/vaccinations",) * 2
    assert by_path["/data/children/vaccinations"]["repeat"] == "/data/children"
    assert (by_path["/data/place/gps"]["group"], by_path["/data/place/gps"]["repeat"]) == ("/data/place", None)


def test_choices_are_translated(programme):
    for question in questions(programme):
        for option in question.get("options", []):
            assert option["translations"].keys() == {"en", "fr"}
            assert option["label"] == option["translations"]["en"]


def test_select_questions_have_choices_or_a_lookup_table(programme):
    tags = {table["tag"]: {field["field_name"] for field in table["fields"]} for table in programme.lookup_tables}
    for question in questions(programme):
        if question["type"] in ("Select", "MSelect"):
            assert bool(question["options"]) != ("data_source" in question)
        if source := question.get("data_source"):
            fields = tags[source["instance_ref"].removeprefix("jr://fixture/item-list:")]
            assert {source["value_ref"], source["label_ref"]} <= fields


def test_one_xmlns_stands_in_two_applications(programme):
    first, second = (
        {form["xmlns"] for module in app["modules"] for form in module["forms"]} for app in programme.applications
    )
    assert first & second


def test_the_application_lists_its_builds(programme):
    versions = programme.applications[0]["versions"]
    assert [version["id"] for version in versions] == [build["id"] for build in programme.builds]
    assert all(build["built_from_app_id"] == programme.applications[0]["id"] for build in programme.builds)


def test_places_form_a_tree_of_four_levels(programme):
    by_id = {location["location_id"]: location for location in programme.locations}
    levels = ["village", "block", "district", "country"]
    villages = [location for location in programme.locations if location["location_type_code"] == "village"]
    for village in villages:
        chain, here = [], village
        while here:
            chain.append(here["location_type_code"])
            here = by_id.get(here["parent_location_id"])
        assert chain == levels
    assert 140 <= len(by_id) <= 170


def test_positions_are_decimal_text_or_missing(programme):
    positions = {location["location_type_code"]: location["latitude"] for location in programme.locations}
    assert re.fullmatch(r"-?\d+\.\d{10}", positions["village"])
    assert positions["block"] is None


def test_mobile_workers_live_in_places_and_groups_that_exist(programme):
    places = {location["location_id"] for location in programme.locations}
    groups = {group["id"]: group["users"] for group in programme.groups}
    for user in programme.users:
        assert user["username"].endswith("@maternal-health.commcarehq.org")
        assert set(user["locations"]) <= places
        assert user["user_data"]["commcare_location_ids"] == " ".join(user["locations"])
        assert all(user["id"] in groups[group] for group in user["groups"])


def test_some_mobile_workers_left(programme):
    assert programme.deactivated < {user["id"] for user in programme.users}
    assert programme.deactivated


def test_there_are_six_web_users_with_roles(programme):
    assert len(programme.web_users) == 6
    assert all(
        user["permissions"].keys() == programme.web_users[0]["permissions"].keys() for user in programme.web_users
    )


def test_rows_of_lookup_tables_have_the_table_s_fields(programme):
    fields = {table["id"]: {field["field_name"] for field in table["fields"]} for table in programme.lookup_tables}
    assert {row["data_type_id"] for row in programme.lookup_items} == set(fields)
    assert all(row["fields"].keys() == fields[row["data_type_id"]] for row in programme.lookup_items)


def test_vaccines_have_a_name_per_language(programme):
    table = next(table for table in programme.lookup_tables if table["tag"] == "vaccine")
    rows = [row for row in programme.lookup_items if row["data_type_id"] == table["id"]]
    for row in rows:
        assert [value["properties"]["lang"] for value in row["fields"]["name"]["field_list"]] == ["en", "fr", "hi"]


def test_rows_of_a_report_have_the_report_s_columns_and_fill_several_pages(programme):
    for report in programme.reports:
        slugs = [column["slug"] for column in programme.report_columns(report["id"])]
        rows = programme.report_rows(report["id"])
        assert len(rows) > 100
        assert all(list(row) == slugs for row in rows)


def test_an_expanded_column_is_one_per_value(programme):
    expanded = [
        column for column in programme.report_columns(programme.reports[0]["id"]) if "expand_column_value" in column
    ]
    assert [column["expand_column_value"] for column in expanded] == ["live_birth", "stillbirth", "miscarriage"]


def test_the_data_source_has_a_row_per_patient_in_the_order_of_insertion(programme):
    rows = list(programme.data_source_rows())
    keys = [(row["inserted_at"], row["doc_id"]) for row in rows]
    assert len(rows) == 400
    assert keys == sorted(keys)
