"""The sandbox's programme: its cases are deterministic, hang together, and look like a programme."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from itertools import islice

import pytest

from commcare_frames.sandbox.programme import Programme, build

KEYS = {
    *("case_id", "case_type", "case_name", "external_id", "owner_id", "date_opened", "last_modified"),
    *("server_last_modified", "indexed_on", "closed", "date_closed", "is_deprecated", "properties", "indices"),
    *("opened_by", "closed_by", "user_id", "xform_ids", "server_date_opened"),
}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture(scope="module")
def programme() -> Programme:
    return build("maternal-health", project_name="Maternal Health", patients=600)


@pytest.fixture(scope="module")
def cases(programme: Programme) -> list[dict]:
    return list(programme.iter_cases())


@pytest.fixture(scope="module")
def patients(cases: list[dict]) -> list[dict]:
    return [case for case in cases if case["case_type"] == "patient"]


def content(programme: Programme) -> dict:
    """Everything a programme gives, as one JSON object."""
    return {
        "cases": list(programme.iter_cases()),
        "forms": list(programme.iter_forms()),
        "reports": [programme.report_rows(report["id"]) for report in programme.reports],
        "data source": list(programme.data_source_rows()),
        **{
            name: getattr(programme, name)
            for name in ("users", "web_users", "groups", "locations", "location_types", "lookup_tables", "lookup_items")
        },
        **{name: getattr(programme, name) for name in ("applications", "builds", "data_sources")},
    }


def test_two_builds_give_the_same_bytes():
    first, second = (json.dumps(content(build(project_name="x", patients=60))) for _ in range(2))
    assert first == second


def test_the_data_are_these_on_every_platform_and_python():
    text = json.dumps(content(build(project_name="x", patients=60)))
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "3930ec33cdc87de58c9c0288e92a521629045a9a83e72d881035534d6146f5be"
    )


def test_another_seed_or_domain_gives_other_cases():
    ids = [
        {case["case_id"] for case in build(domain, project_name="x", patients=20, seed=seed).iter_cases()}
        for domain, seed in (("maternal-health", 1), ("maternal-health", 2), ("child-nutrition", 1))
    ]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]


def test_case_ids_are_unique(cases):
    assert len({case["case_id"] for case in cases}) == len(cases)


def test_cases_have_exactly_the_agreed_keys(cases):
    assert all(case.keys() == KEYS for case in cases)


def test_cases_come_by_indexed_on_and_then_by_id(cases):
    positions = [(case["indexed_on"], case["case_id"]) for case in cases]
    assert positions == sorted(positions)


def test_whole_batches_share_one_indexed_on(cases):
    stamps = Counter(case["indexed_on"] for case in cases)
    assert stamps.most_common(1)[0][1] > 50


def test_stamps_are_in_hq_s_format_and_in_a_believable_order(cases):
    for case in cases:
        stamps = [case[name] for name in ("date_opened", "last_modified", "server_last_modified", "indexed_on")]
        assert all(STAMP.fullmatch(stamp) for stamp in stamps)
        assert stamps == sorted(stamps)
        assert case["date_opened"] <= case["server_date_opened"] <= case["server_last_modified"]
        assert case["indexed_on"] < "2026-07-01"


def test_a_case_is_closed_with_a_date_and_by_somebody_or_not_at_all(cases):
    for case in cases:
        assert (case["date_closed"] is not None) == (case["closed_by"] is not None) == case["closed"]


def test_every_index_points_to_a_case_of_the_type_it_names(cases):
    types = {case["case_id"]: case["case_type"] for case in cases}
    for case in cases:
        for index in case["indices"].values():
            assert types[index["case_id"]] == index["case_type"]


def test_only_households_have_no_parent(cases):
    assert {case["case_type"] for case in cases if not case["indices"]} == {"household"}


def test_every_owner_and_user_exists(programme, cases):
    users = {user["id"] for user in programme.users}
    groups = {group["id"] for group in programme.groups if group["case_sharing"]}
    locations = {location["location_id"] for location in programme.locations}
    owners = {case["owner_id"] for case in cases}
    assert owners <= users | groups | locations | {"-"}
    assert owners & users
    assert owners & groups
    assert owners & locations
    assert "-" in owners
    assert {case[name] for case in cases for name in ("opened_by", "closed_by", "user_id")} <= users | {None}


def test_properties_are_all_text(cases):
    assert all(type(value) is str for case in cases for value in case["properties"].values())


def test_patients_have_about_75_properties_but_no_patient_has_all(patients):
    names = {name for patient in patients for name in patient["properties"]}
    assert 70 <= len(names) <= 80
    assert max(len(patient["properties"]) for patient in patients) < len(names)


def test_a_patient_s_record_is_about_one_and_a_half_kilobytes(patients):
    metadata = KEYS - {"opened_by", "closed_by", "user_id", "xform_ids", "server_date_opened"}
    sizes = [
        len(json.dumps({name: patient[name] for name in metadata}, ensure_ascii=False, separators=(",", ":")).encode())
        for patient in patients
    ]
    assert 1300 <= sum(sizes) / len(sizes) <= 1700


@pytest.mark.parametrize("patients", [1, 7, 100, 600])
def test_counts_scale_with_the_number_of_patients(patients):
    counts = Counter(case["case_type"] for case in build(project_name="x", patients=patients).iter_cases())
    assert counts["patient"] == patients
    assert counts["household"] == -(-patients * 7 // 10)
    if patients >= 100:
        assert 0.45 <= counts["child"] / patients <= 0.75
        assert 1.7 <= counts["visit"] / patients <= 2.5


def test_chosen_case_types_are_the_same_cases_as_in_the_whole(programme, patients):
    only = build("maternal-health", project_name="x", patients=600, case_types={"patient"})
    assert list(only.iter_cases()) == patients


def test_a_case_type_that_the_programme_lacks_is_refused():
    with pytest.raises(ValueError, match=r"no case type .*pateint"):
        build(project_name="x", case_types={"pateint"})


def test_the_first_cases_come_before_all_are_made():
    stream = build(project_name="x", patients=2000, case_types={"household"}).iter_cases()
    assert len(list(islice(stream, 3))) == 3


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("registration_id", r"0\d{4}"),
        ("national_id", r"\d{20}"),
        ("contact_phone_number", r"\+\d+"),
        ("contact_phone_number", r"0\d+"),
        ("contact_phone_number", ""),
        ("gps", r"-?\d+\.\d{7} -?\d+\.\d{7} \d+\.\d \d+\.\d"),
        ("danger_signs", r"\w+ \w+"),
        ("weight_kg", r"\d+\.\d"),
        ("tt_doses", r"[0-2]"),
        ("consent", "true|false"),
        ("preferred_time", r"\d\d:\d\d:00\.000\+\d\d:\d\d"),
        ("name", r"[\u0900-\u097f ]+"),
        ("name", r"[\u1200-\u137f ]+"),
        ("name", r".*[éèïëâ].*"),
        ("notes", r"=.*"),
        ("notes", r".*[\U0001f300-\U0001faff].*"),
        ("notes", r'.*, .*".*'),
        ("notes", r".*\n.*"),
    ],
)
def test_patients_have_values_as_messy_as_real_ones(patients, name, pattern):
    values = [patient["properties"].get(name) for patient in patients]
    assert any(value is not None and re.fullmatch(pattern, value) for value in values)


def test_some_properties_have_the_names_of_metadata(patients):
    assert any({"last_modified", "user_id"} <= patient["properties"].keys() for patient in patients)


def test_external_ids_are_text_empty_or_missing(patients):
    kinds = {type(patient["external_id"]) for patient in patients}
    assert kinds == {str, type(None)}
    assert "" in {patient["external_id"] for patient in patients}


def test_enrolment_grows_and_districts_join_one_after_the_other(patients):
    years = Counter(patient["date_opened"][:4] for patient in patients)
    assert years["2023"] < years["2024"] < years["2025"]
    joined = {}
    for patient in sorted(patients, key=lambda patient: patient["date_opened"]):
        joined.setdefault(patient["properties"].get("village_code", "")[:3], patient["date_opened"])
    assert joined["thi"] > "2025-02-01"
    assert joined["gay"] < "2024-09-01"


def test_patients_who_were_lost_are_closed_weeks_after_they_were_last_seen(patients):
    lost = [patient for patient in patients if patient["properties"].get("closed_reason") == "lost_to_follow_up"]
    assert lost
    for patient in lost:
        assert patient["closed"]
        assert patient["properties"]["lost_since"] < patient["date_closed"][:10]
