"""The single sign-on check: anybody may post a name and a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from asking import Ask

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

PATH = "/a/maternal-health/api/sso/v1/"


def post(hq: Sandbox, form: dict[str, str], path: str = PATH) -> requests.Response:
    return requests.post(hq.url + path, data=form, timeout=10)


def test_a_right_login_is_answered_with_the_user_in_every_scheme(fresh_sandbox: Sandbox) -> None:
    form = {"username": fresh_sandbox.admin.username, "password": fresh_sandbox.admin.password}
    for path in (PATH, "/a/maternal-health/api/v0.5/sso/", "/a/maternal-health/api/v0.4/sso/"):
        answer = post(fresh_sandbox, form, path)
        assert (answer.status_code, answer.json()["username"]) == (200, fresh_sandbox.admin.username)


def test_a_wrong_one_is_a_403_without_a_body_and_a_missing_field_a_400_in_words(fresh_sandbox: Sandbox) -> None:
    wrong = post(fresh_sandbox, {"username": fresh_sandbox.admin.username, "password": "no"})
    assert (wrong.status_code, wrong.content) == (403, b"")
    for form, missing in (({"password": "x"}, "username"), ({"username": "x"}, "password")):
        answer = post(fresh_sandbox, form)
        assert (answer.status_code, answer.text) == (400, f"Missing required parameter: {missing}")


def test_it_cannot_be_read_and_counts_against_the_limit(fresh_sandbox: Sandbox) -> None:
    assert Ask(fresh_sandbox)("sso/v1/").status_code == 405
    fresh_sandbox.faults.throttle("maternal-health", 0)
    form = {"username": fresh_sandbox.admin.username, "password": fresh_sandbox.admin.password}
    assert [post(fresh_sandbox, form).status_code for _ in range(4)][-1] == 429
