"""The command: what each subcommand prints and writes, and how failures end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import click
import pandas as pd
import pytest
from click.testing import CliRunner

import commcare_frames as ccf
from commcare_frames.cache.management import cached_tables
from commcare_frames.cli import Command, Group, main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from commcare_frames.sandbox import Sandbox

PROGRAM = [sys.executable, "-W", "error", "-c", "from commcare_frames.cli import main; main()"]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Run in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def sign_in(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("COMMCARE_SERVER", sandbox.url)
    monkeypatch.setenv("COMMCARE_DOMAIN", "maternal-health")
    monkeypatch.setenv("COMMCARE_USERNAME", sandbox.admin.username)
    monkeypatch.setenv("COMMCARE_API_KEY", sandbox.admin.api_key)


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Sandbox:
    sign_in(monkeypatch, sandbox)
    return sandbox


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, fresh_sandbox: Sandbox) -> Sandbox:
    sign_in(monkeypatch, fresh_sandbox)
    return fresh_sandbox


def run(*arguments: str, answers: str | None = None) -> Result:
    result = CliRunner().invoke(main, arguments, input=answers)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path} {name}".strip(), command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}".strip())


def test_help_is_there_without_loading_pandas() -> None:
    code = (
        "import sys; from commcare_frames.cli import main; main(['--help'], standalone_mode=False);"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "export" in ran.stdout
    assert not {"pandas", "pyarrow", "requests", "matplotlib"} & set(ran.stdout.splitlines()[-1].split())


def test_every_command_explains_itself_and_takes_no_secret() -> None:
    for path, command in commands(main):
        assert command.help, path
        assert isinstance(command, Command | Group), path
        names = " ".join(parameter.name or "" for parameter in command.params)
        assert not any(secret in names for secret in ("key", "password", "token", "otp")), path


def test_the_version_is_told() -> None:
    assert run("--version").output.startswith("commcare-frames, version 0.")


def test_domains_and_case_types_are_listed_one_a_line(signed_in: Sandbox) -> None:
    assert run("domains").output.split() == ["child-nutrition", "maternal-health"]
    assert run("case-types").output.split() == ["child", "household", "patient", "visit"]
    assert run("case-types", "--domain", "child-nutrition").exit_code == 0


def test_domains_can_be_listed_before_one_is_chosen(signed_in: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMMCARE_DOMAIN")

    assert run("domains").output.split() == ["child-nutrition", "maternal-health"]


def test_cases_are_exported_and_topped_up(fresh: Sandbox) -> None:
    first = run("export", "cases", "patients.parquet", "--case-type", "patient")
    second = run("export", "cases", "patients.parquet", "--case-type", "patient", "--max-age", "1h")
    offline = run("export", "cases", "patients.csv", "--case-type", "patient", "--offline")

    assert first.output.startswith("Wrote patients.parquet (")
    assert first.output.endswith(" 2 requests.\n")
    assert second.output.endswith(" 0 requests.\n")
    assert offline.output.endswith(" 0 requests.\n")
    assert len(pd.read_parquet("patients.parquet")) == len(pd.read_csv("patients.csv")) == 60


def test_what_is_kept_of_applications_is_listed_and_cleared(signed_in: Sandbox) -> None:
    ccf.connect()
    ccf.list_forms()
    listed, kept = run("cache", "list"), run("cache", "clear", "--yes", "--table", "patient")
    cleared, again = run("cache", "clear", "--yes"), run("cache", "list")

    assert "Descriptions of applications of 1 domain" in listed.output
    assert "nothing of that kind" in kept.output
    assert "1 application description" in cleared.output
    assert "Descriptions" not in again.output


def test_a_comparison_of_numbers_is_one(signed_in: Sandbox) -> None:
    title = "Enrolment and outcomes by village and month"
    some = run("export", "report", "some.csv", title, "--filter", "registrations>=3")

    assert some.exit_code == 0, some.output
    assert (pd.read_csv("some.csv")["registrations"] >= 3).all()


def test_forms_and_their_repeats_are_exported(fresh: Sandbox) -> None:
    forms = run("export", "forms", "households.parquet", "Register household")
    repeat = run("export", "forms", "kids.csv", "Register household", "--repeat", "children", "--offline")
    excel = run("export", "forms", "h.xlsx", "Register household", "--label-row", "--columns", "form_id,members")
    wrong = run("export", "forms", "x.csv", "Register houshold")

    assert forms.output.startswith("Wrote households.parquet (")
    assert repeat.output.endswith(" 0 requests.\n")
    assert excel.exit_code == 0
    households = pd.read_parquet("households.parquet")
    assert len(pd.read_csv("kids.csv")) == households["children.count"].sum() > 0
    assert wrong.exit_code == 1
    assert "Did you mean 'Register household'" in wrong.output


def test_reports_are_exported_with_filters(signed_in: Sandbox) -> None:
    whole = run("export", "report", "open.csv", "Open pregnancies")
    some = run("export", "report", "some.csv", "Open pregnancies", "--filter", "high_risk=yes",
               "--filter", "edd=2026-01-01..2026-12-31")  # fmt: skip
    wrong = run("export", "report", "x.csv", "Open pregnancies", "--filter", "high_risk")
    unknown = run("export", "report", "x.csv", "Open pregnancies", "--filter", "high_riks=yes")

    assert (whole.exit_code, some.exit_code) == (0, 0)
    frame = pd.read_csv("some.csv")
    assert set(frame["high_risk"]) == {"yes"}
    assert frame["edd"].between("2026-01-01", "2026-12-31").all()
    assert len(frame) < len(pd.read_csv("open.csv"))
    assert (wrong.exit_code, unknown.exit_code) == (2, 1)
    assert "Did you mean 'high_risk'" in unknown.output


def test_filters_and_columns_are_passed_on(signed_in: Sandbox) -> None:
    arguments = ["--where", "closed=false", "--where", "properties.language=en", "--where", "properties.language=fr"]
    result = run(
        "export", "cases", "x.parquet", "--case-type", "patient", *arguments, "--query", "age > 20", "--since",
        "2020-01-01", "--columns", "case_name,language,age", "--dtypes", "string", "--connections", "2",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    where = {"closed": False, "properties.language": ["en", "fr"]}
    expected = ccf.read_cases(
        "patient", where=where, query="age > 20", columns=["case_name", "language", "age"], dtypes="string"
    )
    written = pd.read_parquet("x.parquet")

    assert list(written.columns) == ["case_name", "language", "age"]
    assert len(expected) > 3
    pd.testing.assert_frame_equal(
        written.sort_values(["case_name", "age"], ignore_index=True),
        expected.sort_values(["case_name", "age"], ignore_index=True),
        check_dtype=False,
    )


def test_without_the_cache_nothing_is_kept(signed_in: Sandbox) -> None:
    assert run("export", "cases", "x.csv", "--case-type", "household", "--no-cache").exit_code == 0

    assert cached_tables() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "cases"],
        ["export", "cases", "x.csv", "--where", "closed"],
        ["export", "cases", "x.csv", "--no-cache", "--offline"],
        ["export", "cases", "x.csv", "--dtypes", "float"],
        ["sandbox", "--patients", "0"],
        ["no-such-command"],
    ],
)
def test_a_command_that_makes_no_sense_ends_with_2(arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "Error:" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["export", "cases", "x.csv", "--case-type", "pateint"], "Did you mean 'patient'?"),
        (
            ["export", "cases", "x.csv", "--case-type", "patient", "--since", "yesteryear"],
            "no time that pandas can read",
        ),
        (["export", "cases", "x.foo", "--case-type", "patient"], "'.foo' is no format"),
        (["export", "cases", "missing/x.csv", "--case-type", "patient"], "There is no folder missing"),
        (["export", "cases", "x.csv", "--case-type", "patient", "--offline"], "Nothing is cached"),
        (["case-types", "--domain", "maternal-helth"], "Did you mean 'maternal-health'?"),
        (["case-types", "--server", "http://127.0.0.1:9"], "No login was found"),
    ],
)
def test_an_error_is_one_clear_line_and_ends_with_1(
    signed_in: Sandbox, folder: Path, arguments: list[str], told: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert told in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_a_missing_login_points_to_the_command(sandbox: Sandbox) -> None:
    result = run("domains", "--server", sandbox.url)

    assert result.exit_code == 1
    assert "`commcare-frames login`" in result.stderr


def test_verbose_shows_the_traceback_and_what_is_asked_but_no_key(signed_in: Sandbox) -> None:
    command = [*PROGRAM, "export", "cases", "x.csv", "--case-type", "pateint", "--verbose"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "Traceback" in ran.stderr
    assert "GET /a/maternal-health/api/case/v2/" in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("Error: ")
    assert signed_in.admin.api_key not in ran.stderr


def test_doubt_about_data_is_a_line_without_code(signed_in: Sandbox) -> None:
    result = run("export", "cases", "x.csv", "--case-type", "patient", "--columns", "case_name,agee")

    assert result.exit_code == 0
    assert result.stderr.startswith("Warning: No record that was read has 'agee'")
    assert ".py" not in result.stderr


@pytest.mark.parametrize(
    ("options", "goes_on"), [([], True), (["--no-cache"], False), (["--where", "closed=false"], False)]
)
def test_ctrl_c_is_one_line_that_says_whether_the_command_goes_on(
    fresh: Sandbox, folder: Path, options: list[str], goes_on: bool
) -> None:
    fresh.faults.slow_first_byte(60, path="/case/v2/")
    command = [*PROGRAM, "export", "cases", "x.csv", "--case-type", "patient", *options]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not fresh.log:
        time.sleep(0.05)
    time.sleep(0.3)  # the login is proven, and the first page is waited for
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=10)

    assert running.returncode == 130
    assert said.startswith("Error: Interrupted; x.csv was not written.")
    assert said.count("\n") == 1
    assert ("the same command goes on from there" in said) is goes_on
    assert list(folder.iterdir()) == []


def test_login_asks_and_remembers_and_logout_forgets(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: sandbox.admin.api_key)
    said = run("login", sandbox.url, answers=f"maternal-health\n{sandbox.admin.username}\ny\n")

    assert said.exit_code == 0
    assert f"Connected to maternal-health at {sandbox.url}." in said.output
    assert sandbox.admin.api_key not in said.output
    assert run("case-types").output.split() == ["child", "household", "patient", "visit"]
    assert run("logout").output == "The login was forgotten.\n"
    assert run("logout", sandbox.url).output == "No login was saved.\n"


def test_questions_that_nobody_answers_end_with_what_to_do() -> None:
    command = [*PROGRAM, "login", "www"]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "Set COMMCARE_SERVER" in ran.stderr


def test_the_cache_is_listed_verified_and_compacted(signed_in: Sandbox) -> None:
    assert run("cache", "list").output.startswith("Nothing of that kind is cached in ")
    ccf.read_cases("patient")
    listed = run("cache", "list").output.splitlines()

    assert listed[0].split()[:4] == ["SERVER", "DOMAIN", "KIND", "TABLE"]
    assert listed[1].split()[1:4] == ["maternal-health", "cases", "patient"]
    assert "complete" in listed[1]
    assert len(listed[0]) == len(listed[1])
    assert run("cache", "verify").output.endswith(": sound\n")
    assert run("cache", "compact").output.endswith(": nothing to gain\n")


def test_superseded_rows_are_compacted(fresh: Sandbox) -> None:
    for case_id in ccf.read_cases("patient")["case_id"].head(2):
        fresh.domain("maternal-health").update(case_id, weight_kg="61.5")
    ccf.read_cases("patient")

    assert "2 superseded rows dropped, 2 parts made 1" in run("cache", "compact").output


def test_damage_is_named_and_left_to_the_next_read(signed_in: Sandbox) -> None:
    ccf.read_cases("patient")
    part = next(cached_tables()[0].folder.glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    result = run("cache", "verify")

    assert result.exit_code == 1
    assert f"damaged: {part.name}" in result.stdout
    assert "the next read" in result.stderr
    assert part.exists()


def test_clearing_asks_first_and_keeps_to_what_was_named(signed_in: Sandbox) -> None:
    for case_type in ("patient", "household"):
        ccf.read_cases(case_type)

    assert run("cache", "clear", answers="n\n").exit_code == 1
    assert len(cached_tables()) == 2
    assert "Deleted 1 table (" in run("cache", "clear", "--table", "patient", answers="y\n").output
    assert [table.what for table in cached_tables()] == ["household"]
    assert "Deleted 1 table (" in run("cache", "clear", "--yes").output
    assert cached_tables() == []
    assert "nothing of that kind" in run("cache", "clear", "--yes").output


def test_leftovers_are_cleared_alone(signed_in: Sandbox) -> None:
    ccf.read_cases("patient")
    leftover = cached_tables()[0].folder / "0.parquet.damaged"
    leftover.touch()

    assert "1 leftover of damage" in run("cache", "list").output
    assert "Deleted 1 leftover (0.0 kB)" in run("cache", "clear", "--set-aside", "--yes").output
    assert not leftover.exists()
    assert len(cached_tables()) == 1


def test_the_doctor_ends_with_1_when_there_is_a_problem(signed_in: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    well = run("doctor")
    monkeypatch.setenv("COMMCARE_API_KEY", "wrong-key")
    ill = run("doctor")

    assert well.exit_code == 0
    assert "list of case types (list_case_types): works." in well.stdout
    assert ill.exit_code == 1
    assert ill.stderr == "Error: 1 problem found.\n"
    assert "wrong-key" not in ill.output


def test_the_sandbox_runs_until_ctrl_c() -> None:
    command = [*PROGRAM, "sandbox", "--port", "0", "--patients", "5", "--case-type", "patient"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)

    assert "http://127.0.0.1:" in first
    assert (running.returncode, errors) == (0, "")


def test_a_port_in_use_is_told(sandbox: Sandbox) -> None:
    result = run("sandbox", "--patients", "5", "--port", sandbox.url.rpartition(":")[2])

    assert result.exit_code == 1
    assert "Choose another with --port" in result.stderr
