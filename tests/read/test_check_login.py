"""Whether a login is right: asked without any other, and told without the password."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest

import commcare_frames as ccf
from commcare_frames.connection import Domain
from commcare_frames.errors import LoginError, PermissionMissingError, QueryError

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

NAME = "maternal-health"
WRONG = "guessed-password"


def test_a_right_login_gives_the_user(sandbox: Sandbox, domain: Domain) -> None:
    user = ccf.check_login(sandbox.admin.username.upper(), sandbox.admin.password)

    assert user["username"] == sandbox.admin.username
    assert {"id", "first_name", "last_name", "email"} <= user.keys()


def test_a_mobile_worker_may_leave_out_the_domain(sandbox: Sandbox, domain: Domain) -> None:
    worker = sandbox.mobile_worker
    users = [ccf.check_login(name, worker.password) for name in (worker.username, worker.username.partition("@")[0])]

    assert users[0] == users[1]
    assert users[0]["username"] == worker.username
    assert users[0]["user_data"]["cadre"]


def test_no_login_is_needed_and_none_is_sent(fresh_sandbox: Sandbox) -> None:
    nobody = Domain(NAME, fresh_sandbox.url)
    ccf.check_login(fresh_sandbox.admin.username, fresh_sandbox.admin.password, domain=nobody)

    (asked,) = fresh_sandbox.log
    assert (asked.method, asked.path, asked.query, asked.username) == ("POST", f"/a/{NAME}/api/sso/v1/", [], None)


@pytest.mark.parametrize("name", ["admin@example.org", "nobody@example.org", "nobody"])
def test_a_wrong_login_is_an_error_without_the_password(
    name: str, sandbox: Sandbox, domain: Domain, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(LoginError, match=f"{name!r} with this password is no member of domain") as caught:
        ccf.check_login(name, WRONG)

    assert caught.value.status_code == 403
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__) + caplog.text
    assert WRONG not in shown


def test_a_member_of_another_domain_is_none_of_this(sandbox: Sandbox, domain: Domain) -> None:
    worker = sandbox.mobile_worker
    with pytest.raises(LoginError, match="no member of domain 'child-nutrition'"):
        ccf.check_login(worker.username, worker.password, domain="child-nutrition")


def test_a_key_is_no_password(sandbox: Sandbox, domain: Domain) -> None:
    with pytest.raises(LoginError, match="An API key is no password"):
        ccf.check_login(sandbox.admin.username, sandbox.admin.api_key)


def test_blank_is_refused_before_anything_is_asked(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    before = len(fresh_sandbox.log)
    asked = "a username and a password"
    for username, password, said in (("", "x", asked), ("x", "", asked), (None, "x", "username=None is nothing")):
        with pytest.raises(QueryError, match=said):
            ccf.check_login(username, password)  # type: ignore[arg-type]
    assert len(fresh_sandbox.log) == before


def test_a_plan_without_api_is_not_a_wrong_login(sandbox: Sandbox, domain: Domain) -> None:
    with pytest.raises(PermissionMissingError, match="plan of domain 'paused-project'"):
        ccf.check_login(sandbox.admin.username, sandbox.admin.password, domain="paused-project")


def test_a_server_from_before_2024_is_asked_too(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox.faults.old_scheme_only = True

    assert ccf.check_login(fresh_sandbox.admin.username, fresh_sandbox.admin.password)["id"]
    assert fresh_sandbox.log[-1].path == f"/a/{NAME}/api/v0.5/sso/"
