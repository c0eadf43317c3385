"""Case v2 by id, by several ids, by external id, in bulk, and trimmed."""

from __future__ import annotations

import pytest


def test_one_case_with_or_without_a_slash(ask):
    assert ask("case/v2/a1").json() == ask("case/v2/a1/").json()
    assert ask("v0.6/case/a1").json()["case_id"] == "a1"


def test_a_missing_case_is_a_404_in_json(ask):
    answer = ask("case/v2/nope")
    assert (answer.status_code, answer.json()) == (404, {"error": "Case 'nope' not found"})


def test_a_case_of_another_domain_is_missing(ask):
    assert ask("case/v2/n1").status_code == 404


def test_bulk_fetch_keeps_the_order_of_the_request_and_says_what_is_missing(ask):
    asked = {"case_ids": ["c1", "nope", "a1", "a1"], "external_ids": ["y/2", "unknown"]}
    body = ask("case/v2/bulk-fetch/", method="POST", json=asked).json()
    assert [case.get("case_id", case.get("external_id")) for case in body["cases"]] == [
        "c1", "nope", "a1", "a1", "c1", "unknown",
    ]  # fmt: skip
    assert body["cases"][1] == {"case_id": "nope", "error": "not found"}
    assert body["cases"][5] == {"external_id": "unknown", "error": "not found"}
    assert (body["matching_records"], body["missing_records"]) == (4, 2)


def test_ids_with_commas_answer_like_bulk_fetch(ask):
    by_comma = ask("case/v2/c1,nope,a1").json()
    assert by_comma == ask("case/v2/bulk-fetch/", method="POST", json={"case_ids": ["c1", "nope", "a1"]}).json()


def test_bulk_fetch_of_5001_ids_is_refused(ask):
    asked = {"case_ids": ["a1"] * 5000, "external_ids": ["x"]}
    assert ask("case/v2/bulk-fetch/", method="POST", json=asked).status_code == 400
    assert ask("case/v2/bulk-fetch/", method="PUT", json={"case_ids": ["a1"] * 5000}).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"case_id": ["a1"]}', b'{"case_ids": "a1"}'])
def test_bulk_fetch_of_nonsense_is_refused(ask, body):
    assert ask("case/v2/bulk-fetch/", method="POST", data=body).status_code == 400


def test_bulk_fetch_by_get_is_400(ask):
    assert ask("case/v2/bulk-fetch/").status_code == 400


def test_bulk_fetch_without_its_slash_is_a_case_id(ask):
    assert ask("case/v2/bulk-fetch").json() == {"error": "Case 'bulk-fetch' not found"}


def test_an_external_id_may_hold_slashes(ask):
    assert ask("case/v2/ext/y/2/").json()["case_id"] == "c1"


def test_a_case_by_external_id_lacks_is_deprecated_and_is_stamped_now(ask):
    case = ask("case/v2/ext/y/2/").json()
    assert "is_deprecated" not in case
    assert case["indexed_on"] > "2026-02-04"


def test_an_external_id_of_two_cases_is_400_and_names_them(ask):
    answer = ask("case/v2/ext/x-1/")
    assert answer.status_code == 400
    assert "b1, b2" in answer.json()["error"]


def test_an_unknown_external_id_is_404(ask):
    assert ask("case/v2/ext/nobody/").status_code == 404


def test_methods_that_read_nothing_are_refused_in_json(ask):
    answer = ask("case/v2/", method="DELETE")
    assert (answer.status_code, answer.json()) == (405, {"error": "Request method not allowed"})


@pytest.mark.parametrize(
    ("params", "trimmed"),
    [
        ([("fields", "case_id, case_name")], {"case_id": "b1", "case_name": "Name of b1"}),
        ([("fields", "case_id"), ("fields.properties", "edd,none")],
         {"case_id": "b1", "properties": {"edd": "2026-08-01"}}),
        ([("fields", "case_id,properties.edd")], {"case_id": "b1", "properties": {"edd": "2026-08-01"}}),
        ([("fields", "properties")], {"properties": {"age": "30", "edd": "2026-08-01"}}),
        ([("fields", "properties,properties.age")], {"properties": {"age": "30"}}),
        ([("fields", "nothing")], {}),
    ],
)  # fmt: skip
def test_fields_keep(ask, params, trimmed):
    assert ask("case/v2/b1", params).json() == trimmed
    assert ask("case/v2/", [*params, ("properties.age", "30")]).json()["cases"] == [trimmed]
    assert ask("case/v2/bulk-fetch/", params, method="POST", json={"case_ids": ["b1"]}).json()["cases"] == [trimmed]


def test_exclude_drops(ask):
    whole = ask("case/v2/b1").json()
    trimmed = ask("case/v2/b1", {"exclude": "indices", "exclude.properties": "age"}).json()
    assert trimmed["properties"] == {"edd": "2026-08-01"}
    assert whole.keys() - trimmed.keys() == {"indices"}


def test_fields_travel_inside_the_cursor(ask):
    pages = ask.pages({"limit": 2, "fields": "case_id"})
    assert all(case.keys() == {"case_id"} for page in pages for case in page["cases"])


def test_an_old_server_does_not_know_fields(ask, hq):
    hq.faults.without_fields = True
    for path in ("case/v2/", "case/v2/a1"):
        answer = ask(path, {"fields.properties": "age"})
        assert answer.status_code == 400
        assert answer.json() == {"error": "'fields.properties' is not a valid parameter."}
