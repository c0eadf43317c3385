"""Exports saved for the Data Export Tool: who may list them, in which shape, and the query file of each."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from asking import Ask
from openapi_schema_validator import OAS30ReadValidator

from commcare_frames.sandbox import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.sandbox import Sandbox

DESCRIBED: dict[str, Any] = json.loads((Path(__file__).parent / "openapi" / "det-export-v1.json").read_text())
EXPORTS = "det_export_instance/v1/"


@pytest.fixture(scope="module")
def whole() -> Iterator[Sandbox]:
    with start(patients=5) as sandbox:
        yield sandbox


def test_answers_agree_with_the_published_description(whole: Sandbox) -> None:
    ask = Ask(whole)

    def validate(answer: Any, where: str) -> None:
        schema = DESCRIBED["paths"][where]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        OAS30ReadValidator({**schema, "components": DESCRIBED["components"]}).validate(answer)

    page = ask(EXPORTS, {"limit": "2"}).json()
    validate(page, "/a/{domain}/api/det_export_instance/v1/")
    assert page["meta"]["total_count"] == 3
    assert [each["type"] for each in page["objects"]] == ["form", "form"], "forms come first"
    for each in page["objects"]:
        assert each.keys() == DESCRIBED["components"]["schemas"]["DetExportInstance"]["properties"].keys()
        detail = ask(f"{EXPORTS}{each['id']}/").json()
        validate(detail, "/a/{domain}/api/det_export_instance/v1/{pk}/")
        assert detail == each


def test_what_is_not_there_is_an_empty_404(whole: Sandbox) -> None:
    answer = Ask(whole)(f"{EXPORTS}nope/")

    assert (answer.status_code, answer.content) == (404, b"")


def test_it_takes_the_permission_to_see_reports(fresh_sandbox: Sandbox) -> None:
    ask = Ask(fresh_sandbox)
    without_reports(fresh_sandbox)

    assert (ask(EXPORTS).status_code, ask(EXPORTS).content) == (403, b"")
    assert ask(EXPORTS, login=fresh_sandbox.mobile_worker).status_code == 403
    assert ask(EXPORTS, login=fresh_sandbox.no_api).status_code == 403


def without_reports(sandbox: Sandbox) -> None:
    """Take the permission to see reports from the administrator."""
    accounts = sandbox._hq.accounts
    admin = accounts._by_username[sandbox.admin.username]
    roles = {name: permissions - {"view_reports"} for name, permissions in admin.roles.items()}
    accounts._by_username[sandbox.admin.username] = replace(admin, roles=roles)


def test_a_query_file_is_an_excel_file_as_hq_makes_it(whole: Sandbox) -> None:
    ask = Ask(whole)
    export = ask(EXPORTS).json()["objects"][0]
    assert export["det_config_url"].startswith(f"{whole.url}/a/maternal-health/")

    file = ask(export["det_config_url"].removeprefix(whole.url))

    book = openpyxl.load_workbook(io.BytesIO(file.content))
    assert file.headers["Content-Type"].endswith("spreadsheetml.sheet")
    assert book.sheetnames == ["Deliveries", "Repeat- babies"]
    title, first, second, *_ = book["Repeat- babies"].values
    assert title[:6] == ("Source Field", "Field", "Map Via", "Data Source", "Filter Name", "Filter Value")
    assert first[:6] == ("id", "number", None, "form.form.babies[*]", "xmlns", export["xmlns"])
    assert second[:4] == ("$.id", "formid", None, None)


def test_a_query_file_is_for_members_of_its_domain(whole: Sandbox) -> None:
    ask = Ask(whole)
    path = ask(EXPORTS).json()["objects"][0]["det_config_url"].removeprefix(whole.url)

    assert ask(path, login=whole.no_api).status_code == 200, "it is no API, and takes no API access"
    assert ask(path, login=whole.expired).status_code == 401
    assert ask(path.replace("maternal-health", "child-nutrition")).status_code == 404
    assert ask(path.replace("maternal-health", "child-nutrition"), login=whole.mobile_worker).status_code == 403
