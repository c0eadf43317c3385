"""Answers in XML, as HQ's tastypie resources write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from asking import Ask

from commcare_frames.sandbox.xml import to_xml

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox


def as_text(value: dict[str, Any]) -> str:
    return to_xml(value).decode().removeprefix("<?xml version='1.0' encoding='utf-8'?>\n")


def test_a_page_is_a_response_of_records_whose_fields_are_sorted_and_say_their_types() -> None:
    record = {"name": "A & B", "id": 5, "users": ["x"], "active": True, "rate": 0.5, "none": None, "blank": "", "g": {}}

    assert as_text({"meta": {"offset": 0}, "objects": [record]}) == (
        '<response><meta type="hash"><offset type="integer">0</offset></meta><objects type="list"><object id="5">'
        '<active type="boolean">True</active><blank/><g type="hash"/><name>A &amp; B</name><none type="null"/>'
        '<rate type="float">0.5</rate><users type="list"><value>x</value></users></object></objects></response>'
    )


def test_within_records_objects_are_hashes_with_their_id_as_an_attribute() -> None:
    assert as_text({"parts": [{"id": "x", " name ": "A"}, ["y"], {"id": None}]}) == (
        '<object><parts type="list"><object type="hash" id="x"><name>A</name></object><object type="hash" id=""/>'
        "<objects><value>y</value></objects></parts></object>"
    )


@pytest.mark.parametrize("odd", [{"a b": 1}, {"1st": 1}, {"a:b": 1}, {"": [{"": 1}], "q\0": 1}, {"q": "\0"}])
def test_names_and_texts_that_xml_cannot_hold_are_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Invalid tag name|XML compatible"):
        to_xml(odd)


@pytest.mark.parametrize(
    ("params", "accept", "kind"),
    [
        ({"format": "xml"}, "application/json", "application/xml"),
        ({"format": "json"}, "application/xml", "application/json"),
        ({"format": "yaml"}, "application/xml", "application/xml"),
        ({}, "application/xml", "application/xml"),
        ({}, "*/*", "application/json"),
    ],
)
def test_the_parameter_decides_before_the_header(
    sandbox: Sandbox, params: dict[str, str], accept: str, kind: str
) -> None:
    admin = sandbox.admin
    answer = requests.get(
        f"{sandbox.url}/a/maternal-health/api/group/v1/",
        params,
        headers={"Authorization": f"ApiKey {admin.username}:{admin.api_key}", "Accept": accept},
        timeout=10,
    )
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert answer.content.startswith({"application/xml": b"<?xml", "application/json": b"{"}[kind])


def test_forms_are_json_whatever_is_asked(sandbox: Sandbox) -> None:
    assert Ask(sandbox)("form/v1/", {"format": "xml", "limit": 1}).json()["objects"]


def test_errors_of_tastypie_are_in_the_format_asked_for_too(sandbox: Sandbox) -> None:
    answer = Ask(sandbox)("group/v1/", {"format": "xml", "limit": "many"})

    assert answer.status_code == 400
    assert (
        b"<response><error>Invalid limit 'many' provided. Please provide a positive integer.</error>" in answer.content
    )
