"""The check-up: each trouble is one finding that says what to do, no finding shows a secret, and it never fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import commcare_frames as ccf
from commcare_frames import connection
from commcare_frames.cache.management import cached_tables
from commcare_frames.doctor import Finding, examine

if TYPE_CHECKING:
    from pathlib import Path

    from commcare_frames.sandbox import Login, Sandbox

DOMAIN = "maternal-health"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def sign_in(environment: pytest.MonkeyPatch, sandbox: Sandbox, login: Login) -> None:
    environment.setenv("COMMCARE_SERVER", sandbox.url)
    environment.setenv("COMMCARE_USERNAME", login.username)
    environment.setenv("COMMCARE_API_KEY", login.api_key)


def found(findings: list[Finding], level: str) -> list[str]:
    return [finding.text for finding in findings if finding.level == level]


def test_all_is_well(
    environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox, memory_keyring: dict[str, str], tmp_path: Path
) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.admin)
    findings = list(examine(DOMAIN))

    assert found(findings, "warning") == []
    assert found(findings, "problem") == []
    texts = "\n".join(found(findings, "ok"))
    for told in (
        "commcare-frames 0.", "pandas 3", "Python 3", str(tmp_path / "cache"), "MemoryKeyring. login()",
        "from COMMCARE_API_KEY", f"{fresh_sandbox.url} answers", "Case API v2 (read_cases, scan_cases,",
        "API of mobile workers (read_users, add_users): works.", "Identity API (whoami): works", "Clock:",
        f"{len(fresh_sandbox.log)} requests were made, 17 of which HQ counts, and none had to wait",
        "25 requests a minute",
    ):  # fmt: skip
        assert told in texts
    assert fresh_sandbox.admin.api_key not in texts


def test_each_finding_is_one_line(environment: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sign_in(environment, sandbox, sandbox.no_api)

    assert not any("\n" in finding.text for finding in examine(DOMAIN))


def test_a_server_that_cannot_be_reached_is_one_problem() -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMMCARE_USERNAME", "a@example.org")
        environment.setenv("COMMCARE_API_KEY", "secret-key")
        problems = found(list(examine(DOMAIN, server="http://127.0.0.1:9")), "problem")

    assert len(problems) == 1
    assert "refuses connections. Check the network" in problems[0]


def test_a_rejected_login_is_one_problem(environment: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sign_in(environment, sandbox, sandbox.expired)
    findings = list(examine(DOMAIN))

    assert len(found(findings, "problem")) == 1
    assert "expired, deactivated" in found(findings, "problem")[0]
    assert sandbox.expired.api_key not in repr(findings)


def test_a_missing_login_is_told_with_where_it_was_looked_for(sandbox: Sandbox) -> None:
    problems = found(list(examine(DOMAIN, server=sandbox.url)), "problem")

    assert len(problems) == 1
    assert "COMMCARE_API_KEY" in problems[0]


def test_each_api_that_refuses_is_named(environment: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sign_in(environment, sandbox, sandbox.no_edit)
    findings = list(examine(DOMAIN))

    assert ['"Edit Data"' in text for text in found(findings, "problem")] == [True]
    assert found(findings, "problem")[0].startswith("Case API v2 (read_cases, scan_cases")
    warnings = found(findings, "warning")
    assert 'Device Log API (read_device_logs): refused. It takes a role with "API access" and "Edit Data".' in warnings
    assert any(text.startswith("Case API v1 (the columns") for text in warnings)
    assert "list of case types (list_case_types): works." in found(findings, "ok")
    (readers,) = (text for text in warnings if text.startswith("Readers"))
    lacking = readers.rpartition(": ")[2].rstrip(".").split(", ")
    assert {"read_cases", "read_forms", "read_messages"} <= set(lacking)
    assert not {"read_users", "read_report", "list_case_types"} & set(lacking)
    assert f"{len(lacking)} will not" in readers
    assert "Project Settings > Roles & Permissions" in readers


def test_what_is_known_to_be_refused_is_not_asked_again(
    environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox
) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.no_edit)
    list(examine(DOMAIN))

    refused = [asked.path for asked in fresh_sandbox.log if asked.status == 403]
    assert f"/a/{DOMAIN}/api/case/v2/" in refused
    assert not any("/form/v1/" in asked.path or "/case/v1/" in asked.path for asked in fresh_sandbox.log)


def test_a_mobile_worker_is_asked_about_only_what_he_may_ask(
    environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox
) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.mobile_worker)
    findings = list(examine(DOMAIN))

    assert any(text.startswith("Case API v2 (read_cases") for text in found(findings, "ok"))
    (readers,) = (text for text in found(findings, "warning") if text.startswith("Readers"))
    assert "this login is a mobile worker's" in readers
    assert "read_forms" in readers
    assert len(fresh_sandbox.log) < 10


def test_no_question_makes_hq_send_more_than_a_record(environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.admin)
    list(examine(DOMAIN))

    whole = {"user_domains", "identity", "ucr_data_source"}
    for asked in fresh_sandbox.log:
        assert ("limit", "1") in asked.query or asked.status != 200 or whole & set(asked.path.split("/")), asked


def test_a_plan_without_api_is_one_more_problem_and_the_last(
    environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox
) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.admin)
    findings = list(examine("paused-project"))

    assert "plan of domain 'paused-project'" in findings[-1].text
    assert findings[-1].level == "problem"


def test_what_the_plan_lacks_is_named(environment: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sign_in(environment, sandbox, sandbox.admin)
    warnings = "\n".join(found(list(examine("child-nutrition")), "warning"))

    assert "a plan of the domain that includes locations" in warnings
    assert "the feature flag EXPORT_DATA_SOURCE_DATA on the domain" in warnings


def test_without_a_domain_only_what_needs_none_is_asked(environment: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sign_in(environment, sandbox, sandbox.admin)
    findings = list(examine())

    assert any("none is named" in text for text in found(findings, "warning"))
    assert found(findings, "problem") == []
    assert "Identity API (whoami): works." in found(findings, "ok")


@pytest.mark.parametrize(("ahead", "told"), [(600, "10 minutes behind"), (-3600, "60 minutes ahead of")])
def test_a_wrong_clock_is_told(
    environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox, ahead: float, told: str
) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.admin)
    fresh_sandbox.clock._ahead += ahead

    warnings = found(list(examine(DOMAIN)), "warning")
    assert [told in text for text in warnings if text.startswith("Clock")] == [True]


def test_a_limit_that_made_us_wait_is_told(environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.admin)
    fresh_sandbox.faults.status(429, retry_after="2.1", times=1)

    assert any("made them wait 2 s" in text for text in found(list(examine(DOMAIN)), "warning"))


def test_a_limit_that_would_take_too_long_ends_the_asking(
    environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox
) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.admin)
    fresh_sandbox.faults.status(429, retry_after="3600")

    assert ["60 minutes" in text for text in found(list(examine(DOMAIN)), "problem")] == [True]
    assert len(fresh_sandbox.log) == 1


def test_a_server_that_is_not_commcare_is_no_reason_to_fail(
    environment: pytest.MonkeyPatch, fresh_sandbox: Sandbox
) -> None:
    sign_in(environment, fresh_sandbox, fresh_sandbox.admin)
    fresh_sandbox.faults.web_page()

    assert any("web page" in text for text in found(list(examine(DOMAIN)), "problem"))


def test_trouble_in_the_cache_is_told(
    environment: pytest.MonkeyPatch, sandbox: Sandbox, domain: connection.Domain
) -> None:
    for case_type in ("patient", "household"):
        ccf.read_cases(case_type)
    households, patients = cached_tables()
    next(patients.folder.glob("*.parquet")).unlink()
    (households.folder / "manifest.json").write_text("{")
    (patients.folder / "0.parquet.damaged").touch()
    warnings = "\n".join(found(list(examine(DOMAIN, server=sandbox.url)), "warning"))

    assert "'patient' of 'maternal-health'" in warnings
    assert "lacks parts or has damaged ones (1)" in warnings
    assert "'household'" in warnings
    assert "cannot be read" in warnings
    assert "cache clear --set-aside" in warnings


def test_a_cache_folder_that_cannot_be_written_is_told(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment.setenv("COMMCARE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    problems = found(list(examine(DOMAIN)), "problem")

    assert any("cannot be used: Not a directory" in text and "COMMCARE_CACHE_DIR" in text for text in problems)


def test_what_nobody_thought_of_is_a_finding_too(environment: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sign_in(environment, sandbox, sandbox.admin)
    environment.setattr("keyring.get_keyring", lambda: 1 / 0)

    assert "A check stopped with ZeroDivisionError" in found(list(examine(DOMAIN)), "problem")[0]
