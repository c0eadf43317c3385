"""What the sandbox answers agrees with HQ's published OpenAPI description, and where it does not, on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asking import Ask
from openapi_schema_validator import OAS30ReadValidator

from commcare_frames.sandbox import start

FOLDER = Path(__file__).parent / "openapi"

# fields of the description that only come on demand
ON_DEMAND = {"child_cases", "parent_cases", "xforms_by_name", "xforms_by_xmlns", "cases"}


class Description:
    def __init__(self, name):
        self.document = json.loads((FOLDER / f"{name}.json").read_text())

    def validate(self, answer, schema):
        """Check types, with references to the description's components."""
        OAS30ReadValidator({**schema, "components": self.document["components"]}).validate(answer)

    def operation(self, path, method="get"):
        return self.document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]

    def keys(self, component):
        return set(self.document["components"]["schemas"][component]["properties"])


@pytest.fixture(scope="module")
def whole():
    with start(patients=30) as sandbox:
        yield sandbox


@pytest.fixture
def ask_whole(whole):
    whole.faults.clear()
    return Ask(whole)


def test_case_v2_list(ask_whole, whole):
    described = Description("case-v2")
    whole.faults.next_as_cursor = True  # as the description has it; the code builds a URL
    page = ask_whole("case/v2/", {"limit": 50}).json()
    described.validate(page, described.operation("/a/{domain}/api/case/v2/"))
    assert len(page["cases"]) == 50
    for case in page["cases"]:
        # the description leaves out is_deprecated, which the code adds to what comes from the search index
        assert case.keys() == described.keys("Case") | {"is_deprecated"}


def test_case_v2_bulk_fetch_and_single(ask_whole, whole):
    described = Description("case-v2")
    case_id = whole.domain("maternal-health").case_ids()[0]
    answer = ask_whole("case/v2/bulk-fetch/", method="POST", json={"case_ids": [case_id, "nope"]}).json()
    described.validate(answer, described.operation("/a/{domain}/api/case/v2/bulk-fetch/", "post"))
    single = ask_whole(f"case/v2/{case_id}").json()
    described.validate(single, described.operation("/a/{domain}/api/case/v2/{case_id}/"))


def test_case_v1(ask_whole, whole):
    described = Description("case-v1")
    page = ask_whole("case/v1/", {"limit": 50}).json()
    described.validate(page, described.operation("/a/{domain}/api/case/v1/"))
    assert len(page["objects"]) == 50
    for case in page["objects"]:
        assert case.keys() == described.keys("Case") - ON_DEMAND
        assert {"case_name", "case_type", "external_id", "owner_id", "date_opened"} <= case["properties"].keys()
    detail = ask_whole(f"case/v1/{page['objects'][0]['id']}/").json()
    described.validate(detail, described.operation("/a/{domain}/api/case/v1/{pk}/"))


def test_form(ask_whole, whole):
    described = Description("form-v1")
    page = ask_whole("form/v1/", {"limit": 1000, "include_archived": "true"}).json()
    described.validate(page, described.operation("/a/{domain}/api/form/v1/"))
    assert len(page["objects"]) == 1000
    for form in page["objects"]:
        assert form.keys() == described.keys("Form") - ON_DEMAND
        for file in form["attachments"].values():
            assert file.keys() == {"content_type", "length", "url"}
    form_id = page["objects"][0]["id"]
    detail = ask_whole(f"form/v1/{form_id}/", {"cases__full": "true"}).json()
    described.validate(detail, described.operation("/a/{domain}/api/form/v1/{pk}/"))
    assert detail.keys() == described.keys("Form")


def test_a_form_like_the_description_s_example_is_served_as_it_is_there(ask_whole, whole):
    content = Description("form-v1").operation("/a/{domain}/api/form/v1/")
    document = Description("form-v1").document["paths"]["/a/{domain}/api/form/v1/"]["get"]["responses"]["200"]
    example = document["content"]["application/json"]["example"]["objects"][0]
    form_id = whole.forms("maternal-health").submit({"form": example["form"], "app_id": example["app_id"]})
    served = ask_whole(f"form/v1/{form_id}/").json()
    assert content["properties"]["objects"]["items"]
    assert form_id == example["id"]
    assert served.keys() == example.keys()
    for key in ("form", "type", "uiversion", "version", "problem", "edited_on", "initial_processing_complete"):
        assert served[key] == example[key]
    assert served["metadata"] == {**example["metadata"], "username": "testuser"}


def test_application(ask_whole):
    described = Description("application-v1")
    answer = ask_whole("application/v1/").json()
    # the list is not paged, so its meta has no limit, which the description takes for a whole number
    assert answer["meta"].pop("limit") is None
    described.validate(answer, described.operation("/a/{domain}/api/application/v1/"))
    for application in answer["objects"]:
        assert application.keys() == described.keys("Application")


def test_user_domains(ask_whole):
    described = Description("user-domains-v1")
    answer = ask_whole("/api/user_domains/v1/").json()
    described.validate(answer, described.operation("/api/user_domains/v1/"))
    assert [each.keys() for each in answer["objects"]] == [described.keys("UserDomain")] * 2
