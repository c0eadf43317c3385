"""URLs of both schemes, the order of HQ's checks, headers, and small endpoints."""

from __future__ import annotations

import gzip
from email.utils import parsedate_to_datetime

import pytest
import requests

SUBSCRIPTION = {"error": "Your current subscription does not have access to this feature"}


@pytest.mark.parametrize("domain", ["paused-project", "no-such-domain"])
def test_a_plan_without_api_and_an_unknown_domain_answer_alike_before_the_login_is_looked_at(ask, domain):
    for authorization in (None, ""):
        answer = ask(f"/a/{domain}/api/case/v1/", authorization=authorization)
        assert (answer.status_code, answer.json()) == (401, SUBSCRIPTION)
    assert ask(f"/a/{domain}/api/case/v1/", method="POST").status_code == 401


def test_plain_views_look_at_the_login_first(ask):
    assert ask("/a/paused-project/api/case/v2/", authorization="").status_code == 401
    page = ask("/a/paused-project/api/case/v2/")
    assert (page.status_code, "Upgrade" in page.text) == (403, True)
    answer = ask("/a/no-such-domain/api/case/v2/")
    assert (answer.status_code, answer.content) == (403, b"")


def test_a_cut_off_domain_is_401_on_tastypie_before_all_else(ask, hq):
    hq.faults.cut_off = ["maternal-health"]
    answer = ask("case/v1/", authorization="")
    assert answer.status_code == 401
    assert "temporarily cut off" in answer.json()["error"]
    assert ask("case/v2/").status_code == 200


def test_a_wrong_method_comes_before_the_login_and_is_named(ask):
    answer = ask("case/v1/", method="DELETE", authorization="")
    assert (answer.status_code, answer.headers["Allow"], answer.text) == (405, "GET", "GET")
    assert ask("case/v2/", method="DELETE", authorization="").status_code == 401


def test_options_needs_no_login(ask):
    for path in ("case/v1/", "case/v2/"):
        assert ask(path, method="OPTIONS", authorization="").status_code == 200


@pytest.mark.parametrize("path", ["case/v1", "v0.5/case", "application/v1", "case/v1/a1"])
def test_a_missing_slash_redirects(ask, path):
    answer = ask(path, {"limit": "1"})
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/a/maternal-health/api/{path}/?limit=1"


@pytest.mark.parametrize(
    "path", ["/", "/a/maternal-health/", "case/", "case/v3/", "v0.6/application/", "case/v1/a1/b/", "nonsense/v1/"]
)
def test_an_unknown_url_is_an_html_404(ask, path):
    answer = ask(path)
    assert answer.status_code == 404
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_server_of_before_2024_has_the_old_paths_only(ask, hq):
    hq.faults.old_scheme_only = True
    for path in ("case/v2/", "case/v1/", "domain_cases/v1/", "/api/identity/v1/"):
        assert ask(path).text.startswith("<!DOCTYPE html>")
    for path in ("v0.5/case/", "v0.5/domain_cases/", "/api/v0.5/identity/", "v0.4/application/"):
        assert ask(path).status_code == 200
    assert "/api/v0.6/case/?cursor=" in ask("v0.6/case/", {"limit": 1}).json()["next"]


def test_every_answer_has_a_date_and_the_openrosa_header(ask):
    for answer in (ask("case/v2/"), ask("case/v1/", authorization=""), ask("/nowhere/")):
        assert parsedate_to_datetime(answer.headers["Date"])
        assert answer.headers["HTTP_X_OPENROSA_VERSION"] == "1.0"
    assert ask("case/v2/").headers["Content-Type"] == "application/json; charset=utf-8"


def test_gzip_only_when_accepted(ask):
    plain = ask("case/v2/", headers={"Accept-Encoding": "identity"})
    zipped = ask("case/v2/", headers={"Accept-Encoding": "gzip"}, stream=True)
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(zipped.raw.read(decode_content=False)) == plain.content


def test_connections_are_kept_alive(hq, ask):
    admin = hq.admin
    with requests.Session() as session:
        session.headers["Authorization"] = f"ApiKey {admin.username}:{admin.api_key}"
        sockets = set()
        for _ in range(3):
            answer = session.get(f"{hq.url}/api/identity/v1/", stream=True, timeout=10)
            sockets.add(answer.raw.connection.sock.getsockname())
            assert answer.json()
    assert len(sockets) == 1


def test_after_stop_even_kept_connections_are_gone(hq, ask):
    with requests.Session() as session:
        session.get(hq.url, timeout=10)
        hq.stop()
        with pytest.raises(requests.ConnectionError):
            session.get(hq.url, timeout=10)


def test_the_log_says_what_was_asked_in_order(ask, hq):
    ask("case/v2/", [("owner_id", "a"), ("owner_id", "b")])
    ask("case/v1/", authorization="")
    first, second = hq.log
    assert (first.method, first.path, first.status) == ("GET", "/a/maternal-health/api/case/v2/", 200)
    assert first.query == [("owner_id", "a"), ("owner_id", "b")]
    assert (first.username, second.username, second.status) == (hq.admin.username, None, 401)


def test_identity(ask):
    said = ask("/api/v0.5/identity/").json()
    assert said.keys() == {"id", "username", "first_name", "last_name", "email"}


def test_user_domains_leaves_out_plans_without_api_and_ignores_limit(ask, hq):
    answer = ask("/api/user_domains/v1/", {"limit": "1"}).json()
    assert answer["meta"] == {"total_count": 2}
    assert [each["domain_name"] for each in answer["objects"]] == ["maternal-health", "child-nutrition"]
    assert answer["objects"][0]["project_name"] == "Project maternal-health"


def test_domain_cases_lists_the_types_that_have_cases(ask, hq):
    assert [each["case_type"] for each in ask("domain_cases/v1/").json()["objects"]] == ["home_visit", "patient"]
    assert ask("domain_cases/v1/").json()["meta"]["limit"] == 100
    hq.domain("maternal-health").delete(["c1"])
    assert [each["case_type"] for each in ask("v0.5/domain_cases/").json()["objects"]] == ["patient"]


def test_applications_are_listed_whole_without_builds(ask):
    answer = ask("application/v1/", {"limit": "1"}).json()
    assert answer["meta"] == {"limit": None, "next": None, "offset": 0, "previous": None, "total_count": 1}
    assert [each["id"] for each in answer["objects"]] == ["app1"]


def test_an_application_or_a_build_by_id(ask):
    assert ask("application/v1/build2/").json()["built_from_app_id"] == "app1"
    missing = ask("application/v1/nope/")
    assert (missing.status_code, missing.content) == (404, b"")
