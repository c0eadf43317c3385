"""Who gets in, and how those who do not are told."""

from __future__ import annotations

import base64

import pytest
import requests
from requests.auth import HTTPDigestAuth

EMPTY_401 = (401, b"", None)
MEMBERS_ONLY = "case/v1/?limit=1"


def seen(answer):
    return answer.status_code, answer.content, answer.headers.get("WWW-Authenticate")


def basic(username, secret):
    return "Basic " + base64.b64encode(f"{username}:{secret}".encode()).decode()


def test_an_api_key_opens_everything(ask):
    for path in ("case/v1/", "case/v2/", "application/v1/", "/api/identity/v1/"):
        assert ask(path).status_code == 200


def test_the_scheme_word_may_be_in_any_case_and_the_username_may_not(ask, hq):
    admin = hq.admin
    assert ask("case/v2/", authorization=f"apikey {admin.username}:{admin.api_key}").status_code == 200
    assert seen(ask("case/v2/", authorization=f"ApiKey {admin.username.title()}:{admin.api_key}")) == EMPTY_401


@pytest.mark.parametrize("path", ["case/v1/", "case/v2/", "/api/identity/v1/"])
def test_a_wrong_or_expired_key_is_an_empty_401_without_challenge(ask, hq, path):
    assert seen(ask(path, authorization=f"ApiKey {hq.admin.username}:wrong")) == EMPTY_401
    assert seen(ask(path, login=hq.expired)) == EMPTY_401


def test_user_domains_alone_says_what_is_wrong(ask, hq):
    answer = ask("/api/user_domains/v1/", login=hq.expired)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "expired" in answer.text


def test_a_key_without_colon_is_400_and_echoes_the_header(ask):
    answer = ask("case/v2/", authorization="ApiKey secret")
    assert answer.status_code == 400
    assert "ApiKey secret" in answer.json()["error"]


def test_a_key_in_the_query_opens_tastypie_and_not_case_v2(ask, hq):
    inside = {"username": hq.admin.username, "api_key": hq.admin.api_key}
    assert len(ask("case/v1/", inside, authorization="").json()["objects"]) == 6
    assert ask("case/v2/", inside, authorization="").status_code == 401


@pytest.mark.parametrize("authorization", ["", "Something else"])
def test_without_a_login_the_challenge_is_digest(ask, authorization):
    status, body, challenge = seen(ask("case/v2/", authorization=authorization))
    assert (status, body) == (401, b"")
    assert challenge.startswith("Digest ")


def test_a_domain_scoped_key_is_401_on_other_domains_and_right_without_domain(ask, hq):
    assert ask(MEMBERS_ONLY, login=hq.scoped).status_code == 200
    assert seen(ask("/a/child-nutrition/api/case/v1/", login=hq.scoped)) == EMPTY_401
    assert seen(ask("/a/child-nutrition/api/case/v2/", login=hq.scoped)) == EMPTY_401
    assert ask("/api/identity/v1/", login=hq.scoped).status_code == 200
    assert ask("/api/user_domains/v1/", login=hq.scoped).status_code == 200


def test_basic_takes_a_password_or_a_key_and_any_case_of_the_name(ask, hq):
    admin = hq.admin
    assert ask("case/v1/", authorization=basic(admin.username, admin.password)).status_code == 200
    assert ask("case/v1/", authorization=basic(admin.username.upper(), admin.password)).status_code == 200
    assert ask("case/v1/", authorization=basic(admin.username, admin.api_key)).status_code == 200


def test_a_wrong_password_is_challenged_with_basic(ask, hq):
    wrong = basic(hq.admin.username, "wrong")
    assert seen(ask("case/v1/", authorization=wrong)) == (401, b"", 'Basic realm=""')
    assert seen(ask("case/v1/", authorization="Basic !!!")) == (401, b"", 'Basic realm=""')


def test_an_account_without_a_password_is_not_opened_by_an_empty_one(ask, hq):
    assert ask("case/v1/", authorization=basic(hq.scoped.username, "")).status_code == 401
    assert ask("case/v1/", authorization=basic(hq.oauth.username, "")).status_code == 401


def test_too_many_wrong_passwords_lock_the_account_until_then_a_right_one_clears_the_count(ask, hq):
    right, wrong = (basic(hq.admin.username, secret) for secret in (hq.admin.password, "wrong"))
    for _ in range(4):
        ask("case/v1/", authorization=wrong)
    assert ask("case/v1/", authorization=right).status_code == 200
    for _ in range(5):
        assert ask("case/v1/", authorization=wrong).content == b""
    locked = ask("case/v1/", authorization=right)
    assert (locked.status_code, locked.json()) == (401, {"error": "maximum password attempts exceeded"})
    assert ask("case/v1/").status_code == 200, "a key is not locked"


def test_digest_takes_the_password_and_no_key(hq):
    url = f"{hq.url}/a/maternal-health/api/case/v1/"
    for secret, status in ((hq.admin.password, 200), (hq.admin.api_key, 401)):
        auth = HTTPDigestAuth(hq.admin.username, secret)
        assert requests.get(url, auth=auth, timeout=10).status_code == status


def test_a_bearer_token(ask, hq):
    assert ask("case/v2/", authorization=f"Bearer {hq.oauth.token}").status_code == 200
    assert ask("/api/identity/v1/", authorization=f"Bearer {hq.oauth.token}").json()["username"] == hq.oauth.username
    assert seen(ask("case/v2/", authorization="Bearer stale")) == EMPTY_401


def test_two_factor_is_asked_of_passwords_in_the_domain_that_requires_it(ask, hq):
    login = hq.two_factor
    password = basic(login.username, login.password)
    path = "/a/child-nutrition/api/case/v2/"
    missing = {"error": "must send X-COMMCAREHQ-OTP header or 'otp' URL parameter"}
    assert ask(path, authorization=password).json() == missing
    wrong = ask(path, authorization=password, headers={"X-CommCareHQ-OTP": "000000"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "OTP token is incorrect"})
    assert ask(path, authorization=password, headers={"X-CommCareHQ-OTP": login.otp}).status_code == 200
    assert len(ask(path, {"otp": login.otp}, authorization=password).json()["cases"]) == 1


def test_two_factor_is_not_asked_of_keys_tokens_other_domains_or_no_domain(ask, hq):
    login = hq.two_factor
    path = "/a/child-nutrition/api/case/v2/"
    assert ask(path, login=login).status_code == 200
    assert ask(path, authorization=basic(login.username, login.api_key)).status_code == 200
    assert ask(path, authorization=f"Bearer {hq.oauth.token}").status_code == 200
    assert ask("case/v2/", authorization=basic(login.username, login.password)).status_code == 200
    assert ask("/api/identity/v1/", authorization=basic(login.username, login.password)).status_code == 200


def test_a_mobile_worker_reads_case_v2_and_no_tastypie_resource(ask, hq):
    worker = hq.mobile_worker
    for authorization in (basic(worker.username, worker.password), f"ApiKey {worker.username}:{worker.api_key}"):
        assert ask("case/v2/", authorization=authorization).status_code == 200
        for path in ("case/v1/", "domain_cases/v1/", "/api/identity/v1/"):
            assert seen(ask(path, authorization=authorization)) == (403, b"", None)
    assert ask("case/v1/", authorization=basic(worker.username, "wrong")).status_code == 401


def test_a_role_without_api_access_is_refused_in_two_ways(ask, hq):
    assert seen(ask("case/v1/", login=hq.no_api)) == (403, b"", None)
    page = ask("case/v2/", login=hq.no_api)
    assert (page.status_code, page.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert ask("/api/identity/v1/", login=hq.no_api).status_code == 200


def test_a_role_without_edit_data_reads_applications_and_no_cases(ask, hq):
    assert ask("application/v1/", login=hq.no_edit).status_code == 200
    assert ask("case/v1/", login=hq.no_edit).status_code == 403
    assert ask("case/v2/", login=hq.no_edit).content.startswith(b"<!DOCTYPE html>")
