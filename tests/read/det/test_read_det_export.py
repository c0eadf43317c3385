"""`list_det_exports` and `read_det_export`: what they ask of HQ, and what is said when it goes wrong."""

from __future__ import annotations

import importlib.util
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from det_comparing import write
from det_queries import DELIVERY, VISIT, of, saved, sheet

import commcare_frames as ccf
from commcare_frames.errors import (
    CommCareError,
    DataWarning,
    NotFoundError,
    PermissionMissingError,
    QueryError,
    ServerFailedError,
)
from commcare_frames.hq.client import Patience
from commcare_frames.hq.resources import FORM, USERS
from commcare_frames.read.progress import watcher
from commcare_frames.read.query_sources import SOURCES
from commcare_frames.sandbox import Sandbox
from commcare_frames.sandbox.programme import Programme, build

if TYPE_CHECKING:
    from pathlib import Path

    from commcare_frames.connection import Domain

EXPORTS = "/det_export_instance/"
CONFIG = "/download_det_schema/"


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    columns = [("id", "id"), ("n", "form.visit_number", "str2num"), ("weight", "form.examination.weight_kg")]
    return write({"Visits": sheet("form", columns, of(VISIT))}, tmp_path / "visits.xlsx")


def asked(sandbox: Sandbox, start: int, part: str) -> list[Any]:
    return [each for each in sandbox.log[start:] if part in each.path]


def test_saved_exports_are_listed_by_name(domain: Domain) -> None:
    exports = ccf.list_det_exports()

    assert exports["name"].tolist() == ["Deliveries: für M&E", "Households without names", "Patients"]
    assert exports["type"].tolist() == ["form", "form", "case"]
    assert exports["case_type"].fillna("-").tolist() == ["-", "-", "patient"]
    assert exports["xmlns"].tolist()[:1] == [DELIVERY]
    assert exports["is_deidentified"].tolist() == [False, True, False]
    assert exports["det_config_url"].str.startswith(domain.server).all()
    assert {str(dtype) for dtype in exports.dtypes} == {"str", "boolean"}


def test_a_domain_without_saved_exports_has_a_typed_empty_list() -> None:
    with served(saved_exports=[]) as sandbox:
        connect(sandbox)
        exports = ccf.list_det_exports()

        assert len(exports) == 0
        assert exports["is_deidentified"].dtype == "boolean"
        assert exports["det_export_id"].dtype == "str"
        with pytest.raises(NotFoundError, match=r"no DET export 'Visits'\. Its DET exports are none yet\."):
            ccf.read_det_export("Visits")


def served(**replaced: Any) -> Sandbox:
    """A sandbox whose programme differs from the usual one."""
    usual = build("maternal-health", project_name="x", patients=5)
    values = {each.name: getattr(usual, each.name) for each in fields(usual)} | replaced
    return Sandbox([Programme(**values)])


def connect(sandbox: Sandbox, **login: str) -> Domain:
    named = {"username": sandbox.admin.username, "api_key": sandbox.admin.api_key} | login
    patience = Patience(attempts=3, first_wait=0.01, longest_wait=5)
    return ccf.connect("maternal-health", server=sandbox.url, patience=patience, **named)


def test_an_export_is_named_by_its_name_or_id(domain: Domain, sandbox: Sandbox) -> None:
    start = len(sandbox.log)
    by_name = ccf.read_det_export("patients")["Cases"]
    assert len(asked(sandbox, start, EXPORTS)) == len(asked(sandbox, start, CONFIG)) == 1
    export = ccf.list_det_exports().set_index("name").loc["Patients", "det_export_id"]

    by_id = ccf.read_det_export(export)["Cases"]

    pd.testing.assert_frame_equal(by_name, by_id)
    assert len(by_name) == 300
    about = by_name.attrs["commcare"]
    assert (about["domain"], about["query"], about["table"], about["rows"]) == (
        "maternal-health",
        "Patients",
        "Cases",
        300,
    )
    with pytest.raises(NotFoundError, match=r"no DET export 'Patient'\. Did you mean 'Patients'\?"):
        ccf.read_det_export("Patient")
    with pytest.raises(QueryError, match=r"as list_det_exports\(\) shows them"):
        ccf.read_det_export(" ")


def test_the_tables_show_their_names_and_sizes(domain: Domain) -> None:
    tables = ccf.read_det_export("Deliveries: für M&E")

    assert repr(tables).startswith("2 tables:\n  'Deliveries' ")
    assert "<p>2 tables</p>" in tables._repr_html_()  # type: ignore[attr-defined]


def test_a_query_of_records_that_are_not_there_gives_typed_empty_tables(domain: Domain, tmp_path: Path) -> None:
    columns = [("id", "id"), ("n", "form.n", "str2num"), ("at", "received_on", "str2date"), ("x", "form.x[*]")]
    query = write({"S": sheet("form", columns, of("http://no.such/form"))}, tmp_path / "none.xlsx")

    frame = ccf.read_det_export(query)["S"]

    assert frame.dtypes.astype(str).to_dict() == {"id": "str", "n": "Int64", "at": "datetime64[us]", "x": "str"}
    assert len(frame) == 0


def test_sheets_with_one_source_are_read_in_one_pull_in_the_old_scheme(
    domain: Domain, sandbox: Sandbox, tmp_path: Path
) -> None:
    columns = [("id", "id")]
    sheets = {
        "a": sheet("form", columns, of(DELIVERY)),
        "b": sheet("form.form.babies[*]", columns, of(DELIVERY)),
        "c": sheet("form", columns, of(VISIT)),
        "d": sheet("form", columns, of(DELIVERY), **{"Include Referenced Items": ["cases"]}),
    }
    start = len(sandbox.log)

    tables = ccf.read_det_export(write(sheets, tmp_path / "q.xlsx"))

    requests = [dict(each.query) for each in asked(sandbox, start, "/api/v0.5/form/")]
    assert len(requests) == len(sandbox.log) - start
    assert [request["xmlns"] for request in requests] == [DELIVERY, VISIT, DELIVERY]
    assert ["cases__full" in request for request in requests] == [False, False, True]
    assert list(tables) == ["a", "b", "c", "d"]


def test_records_on_two_pages_are_there_once_in_the_order_of_the_index(
    domain: Domain, visits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ccf.read_det_export(visits)["Visits"]
    monkeypatch.setitem(SOURCES, "form", replace(FORM, largest_page=7))

    paged = ccf.read_det_export(visits)["Visits"]

    assert len(whole) > 100
    pd.testing.assert_frame_equal(paged, whole)


def test_a_record_that_changes_meanwhile_is_there_once_as_it_is_last(
    fresh_domain: Domain, fresh_sandbox: Sandbox, visits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ccf.read_det_export(visits)["Visits"]
    monkeypatch.setitem(SOURCES, "form", replace(FORM, largest_page=30))
    fresh_sandbox.faults.reindexed_per_page = 3

    after = ccf.read_det_export(visits)["Visits"]

    assert after["id"].is_unique
    assert sorted(after["id"]) == sorted(before["id"])


def test_users_that_leave_meanwhile_are_a_doubt(
    fresh_domain: Domain, fresh_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = write({"Users": sheet("user", [("id", "id")])}, tmp_path / "users.xlsx")
    monkeypatch.setitem(SOURCES, "user", replace(USERS, largest_page=3))
    people = fresh_sandbox.people("maternal-health")

    class Leaving:
        """Deactivates somebody at each page."""

        def expect(self, rows: int, largest_page: int) -> None:
            assert rows == len(people.users(active=True))

        def advance(self, rows: int) -> None:
            people.deactivate([people.users(active=True)[0]["id"]])

    token = watcher.set(Leaving())
    try:
        with pytest.warns(DataWarning, match=r"HQ counted \d+ records of the API of mobile workers and gave \d+"):
            frame = ccf.read_det_export(query)["Users"]
    finally:
        watcher.reset(token)
    assert frame["id"].is_unique


def test_a_server_behind_a_proxy_gives_its_query_files_itself() -> None:
    with Sandbox([build(project_name="x", patients=5)], public_url="https://inside.example.org") as sandbox:
        connect(sandbox)

        assert ccf.list_det_exports()["det_config_url"].str.startswith("https://inside.example.org/a/").all()
        assert len(ccf.read_det_export("Patients")["Cases"]) == 5


def test_a_query_file_that_hq_cannot_make_is_no_table(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.faults.web_page(path=CONFIG)

    with pytest.raises(ServerFailedError, match="something other than an Excel file"):
        ccf.read_det_export("Patients")


def test_a_login_page_in_place_of_a_query_file_is_said(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.faults.status(404, body="html", path=CONFIG)

    with pytest.raises(NotFoundError, match="query file of a saved export"):
        ccf.read_det_export("Patients")


def test_mobile_workers_may_not_list_exports(sandbox: Sandbox) -> None:
    worker = sandbox.mobile_worker
    connect(sandbox, username=worker.username, api_key=worker.api_key)

    with pytest.raises(PermissionMissingError, match="open to web users only"):
        ccf.list_det_exports()


def test_what_permission_lacks_is_said(sandbox: Sandbox, visits: Path) -> None:
    account = sandbox.no_edit
    connect(sandbox, username=account.username, api_key=account.api_key)

    assert len(ccf.list_det_exports()) == 3
    with pytest.raises(PermissionMissingError, match=r'Form API.*"API access" and "Edit Data"'):
        ccf.read_det_export(visits)


def test_to_list_exports_takes_the_permission_to_see_reports(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    accounts = fresh_sandbox._hq.accounts
    admin = accounts._by_username[fresh_sandbox.admin.username]
    roles = {name: permissions - {"view_reports"} for name, permissions in admin.roles.items()}
    accounts._by_username[fresh_sandbox.admin.username] = replace(admin, roles=roles)

    with pytest.raises(PermissionMissingError, match='"API access" and "Access All Reports"'):
        ccf.list_det_exports()
    with pytest.raises(PermissionMissingError, match="Data Export Tool"):
        ccf.read_det_export("Patients")


def test_a_file_that_is_no_query_is_said(domain: Domain, tmp_path: Path) -> None:
    (tmp_path / "damaged.xlsx").write_bytes(b"PK no archive")
    (tmp_path / "query.json").write_text("{}")

    with pytest.raises(QueryError, match=r"damaged\.xlsx is no Excel file"):
        ccf.read_det_export(tmp_path / "damaged.xlsx")
    with pytest.raises(QueryError, match="queries in JSON are not read"):
        ccf.read_det_export(str(tmp_path / "query.json"))
    with pytest.raises(QueryError, match="old.xls is no Excel query file; save it as .xlsx"):
        ccf.read_det_export("old.xls")
    with pytest.raises(QueryError, match="cannot be read: No such file"):
        ccf.read_det_export(tmp_path / "gone.xlsx")
    with pytest.raises(QueryError, match="is no Excel query file"):
        ccf.read_det_export(tmp_path)


def test_without_openpyxl_it_says_what_to_install(
    domain: Domain, visits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(CommCareError, match=r"pip install 'commcare-frames\[excel\]'"):
        ccf.read_det_export(visits)


def test_a_mistake_in_a_sheet_is_found_before_anything_is_asked(
    domain: Domain, sandbox: Sandbox, tmp_path: Path
) -> None:
    sheets = {
        "Good": sheet("form", [("id", "id")], of(DELIVERY)),
        "Bad": sheet("case", [("id", "id"), ("age", "properties.age", "str2number")], saved("patient")),
    }
    start = len(sandbox.log)

    with pytest.raises(QueryError, match=r"Sheet 'Bad', cell F3: 'str2number' is no function.*Did you mean 'str2num'"):
        ccf.read_det_export(write(sheets, tmp_path / "q.xlsx"))
    assert len(sandbox.log) == start


def test_two_sheets_of_one_table_have_the_same_columns(domain: Domain, tmp_path: Path) -> None:
    named = {"Table Name": ["t"]}
    sheets = {"a": sheet("form", [("id", "id")], **named), "b": sheet("form", [("x", "id")], **named)}

    with pytest.raises(QueryError, match="Sheet 'a' and Sheet 'b' make one table, 't', with different columns"):
        ccf.read_det_export(write(sheets, tmp_path / "q.xlsx"))


def test_mappings_hold_in_repeats_where_commcare_export_fails(domain: Domain, tmp_path: Path) -> None:
    sheets = {
        "babies": sheet("form.form.babies[*]", [("sex", "sex"), ("raw", "sex")], of(DELIVERY)),
        "Mappings": [["Mapping Name", "Source", "Destination"], ["sex", "f", "girl"], ["sex", "m", "boy"]],
    }

    babies = ccf.read_det_export(write(sheets, tmp_path / "q.xlsx"))["babies"]

    assert len(babies) > 50
    assert babies["sex"].tolist() == babies["raw"].map({"f": "girl", "m": "boy"}).tolist()


def test_data_types_give_columns_their_dtypes(domain: Domain, tmp_path: Path) -> None:
    rows = sheet(
        "form",
        [("n", "form.visit_number", "integer"), ("on", "form.visit_date", "date"), ("kind", "form.visit_type", "date")],
        of(VISIT),
        ("Field", "Source Field", "Data Type"),
    )

    with pytest.warns(DataWarning, match="Sheet 'V', cell D4: .* values of 'kind' are not of the data type 'date'"):
        frame = ccf.read_det_export(write({"V": rows}, tmp_path / "q.xlsx"))["V"]

    assert frame.dtypes.astype(str).to_dict() == {"n": "Int64", "on": "datetime64[us]", "kind": "str"}


def test_odd_records_are_read_as_they_are(fresh_domain: Domain, fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    xmlns = "http://odd/form"
    answers = [
        {"@xmlns": xmlns, "emoji": "🤰", "null": None, "blank": "", "x y": {"#text": "t"}},
        {"@xmlns": xmlns, "rep": {"a": "only"}},
        {"@xmlns": xmlns, "rep": [{"a": "1"}, {}, {"a": None}]},
        {"@xmlns": xmlns},
    ]
    ids = [fresh_sandbox.forms("maternal-health").submit({"form": each}) for each in answers]
    sheets = {
        "main": sheet(
            "form", [("id", "id"), *((name, f"form.{name}") for name in ("emoji", "null", "blank", "x y"))], of(xmlns)
        ),
        "rep": sheet("form.form.rep[*]", [("form", "$.id"), ("a", "a")], of(xmlns)),
    }

    tables = ccf.read_det_export(write(sheets, tmp_path / "q.xlsx"))

    assert sorted(tables["main"]["id"]) == sorted(ids)
    first = tables["main"].set_index("id").loc[ids[0]]
    assert (first["emoji"], first["blank"], first["x y"]) == ("🤰", "", "t")
    assert tables["main"]["null"].isna().all()
    entries = tables["rep"].groupby("form")["a"].agg(lambda column: column.fillna("-").tolist())
    assert entries.to_dict() == {ids[1]: ["only"], ids[2]: ["1", "-", "-"]}


def test_records_without_an_id_are_all_there(tmp_path: Path) -> None:
    query = write({"apps": sheet("application", [("name", "name"), ("id", "id")])}, tmp_path / "q.xlsx")

    with served(applications=[{"name": "a"}, {"name": "b"}]) as sandbox:
        connect(sandbox)
        apps = ccf.read_det_export(query)["apps"]

    assert apps["name"].tolist() == ["a", "b"]
