"""The commands for everything but cases, forms and reports: each writes what its reader gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner

import commcare_frames as ccf
from commcare_frames.cli import main
from commcare_frames.cli.frames import KINDS

if TYPE_CHECKING:
    from click.testing import Result

    from commcare_frames.sandbox import Sandbox

FRAMES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "domains": ([], {}),
    "case-types": ([], {}),
    "reports": ([], {}),
    "data-sources": ([], {}),
    "form-names": (["--app", "Supervision"], {"app": "Supervision"}),
    "users": (["--active"], {"active": True}),
    "web-users": ([], {}),
    "groups": ([], {}),
    "group-members": ([], {}),
    "locations": (["--columns", "name,site_code"], {"columns": ["name", "site_code"]}),
    "location-types": ([], {}),
    "lookup-tables": ([], {}),
    "apps": ([], {}),
    "modules": ([], {}),
    "questions": (["--form", "Visit"], {"form": "Visit"}),
    "messages": (["--where", "status=error", "--no-cache"], {"where": {"status": "error"}}),
    "device-logs": (["--since", "2026-01-01"], {"since": "2026-01-01"}),
    "action-times": ([], {}),
    "det-exports": ([], {}),
}
"""What to ask of the commands that name no thing, and of their readers."""


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, tmp_path: Path) -> Sandbox:
    """Run in an empty folder, with a login in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMMCARE_SERVER", sandbox.url)
    monkeypatch.setenv("COMMCARE_DOMAIN", "maternal-health")
    monkeypatch.setenv("COMMCARE_USERNAME", sandbox.admin.username)
    monkeypatch.setenv("COMMCARE_API_KEY", sandbox.admin.api_key)
    ccf.connect()
    return sandbox


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 0, result.output
    return result


def exported(path: str, *arguments: str) -> pd.DataFrame:
    assert f"Wrote {path} (" in run("export", arguments[0], path, *arguments[1:]).output
    return pd.read_parquet(path)


def reader_of(name: str) -> Any:
    return getattr(ccf, next(kind.reader for kind in KINDS if kind.name == name))


@pytest.mark.parametrize("name", FRAMES)
def test_a_kind_is_written_as_its_reader_gives_it(name: str) -> None:
    arguments, asked = FRAMES[name]
    expected = reader_of(name)(**asked)
    assert len(expected)

    frame = exported("data.parquet", name, *arguments)

    assert frame.columns.tolist() == expected.columns.tolist()
    assert len(frame) == len(expected)


def test_every_kind_is_tried_here() -> None:
    with_things = {kind.name for kind in KINDS if kind.thing}
    tried = {"lookup-table", "data-source", "odata", "case-history", "det", "restore"}
    assert {kind.name for kind in KINDS} == FRAMES.keys() | with_things
    assert with_things == tried


def test_things_are_named_after_the_file() -> None:
    tag = ccf.list_lookup_tables()["tag"][0]
    case_id = ccf.read_cases("patient")["case_id"][0]

    assert len(exported("rows.parquet", "lookup-table", tag)) == len(ccf.read_lookup_table(tag))
    assert len(exported("rows.parquet", "data-source", "Pregnancies")) == len(ccf.read_data_source("Pregnancies"))
    assert len(exported("rows.parquet", "case-history", case_id)) == len(ccf.read_case_history(case_id))


def test_several_tables_are_files_beside_each_other() -> None:
    name = ccf.list_det_exports()["name"][0]
    tables = ccf.read_det_export(name)

    output = run("export", "det", "out.csv", name).output

    written = sorted(path.name for path in Path().glob("out*.csv"))
    assert len(written) == len(tables)
    assert all(f"Wrote {each} (" in output for each in written)


def test_a_restore_is_a_file_per_table() -> None:
    user = ccf.read_users(active=True)["username"][0]

    run("export", "restore", "phone.parquet", user)

    assert len(pd.read_parquet("phone-cases.parquet")) == len(ccf.read_restore(user)["cases"])


def test_attachments_and_applications_are_downloaded() -> None:
    first = run("download", "attachments", "Register mother", "pictures").output
    again = run("download", "attachments", "Register mother", "pictures").output
    app = run("download", "app", ccf.list_apps()["app"][0], "apps").output

    assert "downloaded" in first
    assert "present" in again
    assert "downloaded" not in again
    assert list(Path("apps").glob("*.ccz"))
    assert app.startswith("Wrote apps/")


def test_a_case_and_a_form_are_shown_as_json() -> None:
    case_id = ccf.read_cases("patient")["case_id"][0]
    form_id = ccf.read_forms("Visit")["form_id"][0]

    assert json.loads(run("show", "case", case_id).output)["case_id"] == case_id
    assert json.loads(run("show", "form", form_id).output)["id"] == form_id


def test_whom_a_login_is_for_is_shown_and_a_password_is_asked_for(sandbox: Sandbox) -> None:
    asked = ["show", "user", sandbox.admin.username]
    right = CliRunner().invoke(main, asked, input=f"{sandbox.admin.password}\n")
    wrong = CliRunner().invoke(main, asked, input="guessed\n")

    assert json.loads(run("show", "login").output)["username"] == sandbox.admin.username
    assert f'"username": "{sandbox.admin.username}"' in right.output
    assert wrong.exit_code == 1
    assert not {sandbox.admin.password, "guessed"} & {*right.output.split(), *wrong.output.split()}


def test_a_path_without_a_format_is_refused_before_anything_is_asked(sandbox: Sandbox) -> None:
    before = len(sandbox.log)
    result = CliRunner().invoke(main, ["export", "users", "users.doc", "--offline"])

    assert result.exit_code == 1
    assert "'.doc' is no format to export to" in result.output
    assert len(sandbox.log) == before
