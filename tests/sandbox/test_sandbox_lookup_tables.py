"""Lookup tables as HQ gives them: flat rows with filters, tables, and items, in the shapes of its OpenAPI facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asking import Ask
from openapi_schema_validator import OAS30ReadValidator

from commcare_frames.sandbox import start
from commcare_frames.sandbox.accounts import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.sandbox import Sandbox

FOLDER = Path(__file__).parent / "openapi"


@pytest.fixture(scope="module")
def whole() -> Iterator[Sandbox]:
    with start(patients=5) as sandbox:
        yield sandbox


def ids(ask: Ask, path: str, **params: str) -> list[str]:
    answer = ask(path, params)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["objects"]]


@pytest.mark.parametrize(
    ("name", "path", "component"),
    [
        ("fixture-v1", "fixture/v1/", "Fixture"),
        ("lookup-table-v1", "lookup_table/v1/", "LookupTable"),
        ("lookup-table-item-v1", "lookup_table_item/v1/", "LookupTableItem"),
        ("lookup-table-item-v2", "lookup_table_item/v2/", "LookupTableItem"),
    ],
)
def test_answers_agree_with_the_published_description(whole: Sandbox, name: str, path: str, component: str) -> None:
    described: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    ask = Ask(whole)

    def validate(answer: Any, where: str) -> None:
        schema = described["paths"][where]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        OAS30ReadValidator({**schema, "components": described["components"]}).validate(answer)

    page = ask(path, {"limit": "7"}).json()
    validate(page, f"/a/{{domain}}/api/{path}")
    assert page["objects"]
    for each in page["objects"]:
        assert each.keys() == described["components"]["schemas"][component]["properties"].keys()
    detail = ask(f"{path}{page['objects'][0]['id']}/").json()
    validate(detail, f"/a/{{domain}}/api/{path}{{pk}}/")
    assert detail == page["objects"][0]


def test_rows_are_chosen_by_the_tag_or_id_of_their_table(ask: Ask) -> None:
    assert ids(ask, "fixture/v1/") == ["r1", "r2", "r3", "r4", "r5", "r6"]
    assert ids(ask, "fixture/v1/", fixture_type="district") == ["r1", "r2"]
    assert ids(ask, "fixture/v1/", fixture_type_id="t2") == ["r3", "r4", "r5"]
    assert ids(ask, "/a/maternal-health/api/v0.5/fixture/", fixture_type="district") == ["r1", "r2"]
    assert ids(ask, "fixture_internal/v1/", fixture_type="district") == ["r1", "r2"]
    assert ask("fixture/v1/", {"fixture_type": "nothing"}).status_code == 404


def test_rows_can_be_those_of_a_parent_row(ask: Ask) -> None:
    join = {"parent_id": "r1", "child_type": "village", "parent_ref_name": "district", "references": "code"}

    assert ids(ask, "fixture/v1/", **join) == ["r3", "r5"]


def test_fields_are_flat_unless_one_of_them_has_properties_or_several_values(ask: Ask) -> None:
    rows = {row["id"]: row for row in ask("fixture/v1/").json()["objects"]}

    assert rows["r3"]["fields"] == {"name": "Doro", "district": "north"}
    assert rows["r4"]["fields"]["name"]["field_list"][0]["properties"] == {"lang": "en"}
    assert rows["r4"]["fields"]["district"]["field_list"][0]["field_value"] == "south"
    assert rows["r6"] == {"id": "r6", "fixture_type": None, "fields": {"name": None}, "resource_uri": ""}


def test_a_page_of_rows_holds_a_thousand_unless_asked_otherwise_and_one_of_items_twenty(ask: Ask) -> None:
    assert ask("fixture/v1/").json()["meta"]["limit"] == 1000
    assert ask("fixture/v1/", {"limit": "2", "offset": "4"}).json()["meta"]["next"] is None
    assert ask("lookup_table/v1/").json()["meta"]["limit"] == 20
    assert ask("lookup_table_item/v2/", {"limit": "0"}).json()["meta"]["limit"] == 1000


def test_only_rows_need_the_permission_to_edit_apps(hq: Sandbox, ask: Ask) -> None:
    account = hq._hq.accounts._by_username["admin@example.org"]
    object.__setattr__(account, "roles", {"maternal-health": PERMISSIONS - {"edit_apps"}})

    assert ask("fixture/v1/").status_code == 403
    assert ask("fixture_internal/v1/").status_code == 403
    assert ask("lookup_table/v1/").status_code == 200
    assert ask("lookup_table_item/v1/").status_code == 200


def test_builds_are_given_by_their_own_id_and_not_listed(whole: Sandbox) -> None:
    ask = Ask(whole)
    listed = ask("application/v1/").json()["objects"]
    build = listed[0]["versions"][-1]
    described = ask(f"application/v1/{build['id']}/").json()

    assert {each["built_from_app_id"] for each in listed} == {None}
    assert (described["version"], described["built_from_app_id"]) == (build["version"], listed[0]["id"])
