"""The restore and the .ccz file: who gets them, what is in them, and what is refused how."""

from __future__ import annotations

import base64
import io
import zipfile
from xml.etree import ElementTree as ET

import pytest
from asking import Ask

from commcare_frames.sandbox import start

RESTORE = "/a/maternal-health/phone/restore/"
CCZ = "/a/maternal-health/apps/api/download_ccz/"
CASE = "{http://commcarehq.org/case/transaction/v2}"


@pytest.fixture(scope="module")
def running():
    with start(patients=60) as sandbox:
        yield sandbox


@pytest.fixture
def whole(running):
    yield running
    running.faults.clear()


@pytest.fixture
def ask(whole):
    return Ask(whole)


def tags(answer):
    return [child.tag.rpartition("}")[2] for child in ET.fromstring(answer.content)]


def test_a_restore_has_the_user_the_lookup_tables_and_the_cases(ask, whole):
    answer = ask(RESTORE, {"as": whole.mobile_worker.username, "version": "2.0"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert tags(answer)[:3] == ["message", "Sync", "Registration"]
    assert set(tags(answer)[3:]) == {"fixture", "case"}
    root = ET.fromstring(answer.content)
    assert [fixture.get("id") for fixture in root.iter("{http://openrosa.org/http/response}fixture")] == [
        "item-list:facility", "item-list:vaccine", "item-list:district", "user-groups",
    ]  # fmt: skip


def test_a_restore_has_the_open_cases_of_the_user_and_those_they_are_linked_to(ask, whole):
    index = whole.domain("maternal-health")
    user = next(
        each
        for each in whole._hq.domains["maternal-health"].programme.users
        if each["username"] == whole.mobile_worker.username
    )
    owners = {user["id"], *user["groups"], *user["locations"]}
    root = ET.fromstring(ask(RESTORE, {"as": user["username"]}).content)
    cases = {case.get("case_id"): case for case in root.iter(f"{CASE}case")}
    mine = {one for one in index.case_ids() if index.get(one).owner_id in owners and not index.get(one).closed}
    assert mine
    assert mine <= cases.keys()
    links = {link.text for case in cases.values() for part in case.iter(f"{CASE}index") for link in part}
    assert links <= cases.keys()
    assert cases.keys() - mine <= links


def test_the_worker_s_own_login_gets_the_same_by_basic_and_by_key(ask, whole):
    login = whole.mobile_worker
    by_admin = ask(RESTORE, {"as": login.username}).content
    assert ask(RESTORE, login=login).content == by_admin
    basic = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    assert ask(RESTORE, authorization=f"Basic {basic}").content == by_admin


def test_a_restore_that_is_not_ready_says_when_to_come_back(ask, whole):
    whole.faults.restores_pending = 1
    params = {"as": whole.mobile_worker.username}
    assert ask(RESTORE, params).status_code == 200  # a client that does not know how to come back
    assert ask(RESTORE, {**params, "openrosa_version": "1.0"}).status_code == 200
    pending = ask(RESTORE, {**params, "openrosa_version": "2.1"})
    assert (pending.status_code, pending.headers["Retry-After"]) == (202, "1")
    assert tags(pending) == ["message", "Sync"]
    assert ask(RESTORE, {**params, "openrosa_version": "2.1"}).status_code == 200


@pytest.mark.parametrize(
    ("params", "login", "status", "text"),
    [
        ({"as": "nobody@x"}, "admin", 401, "Invalid restore as user nobody@x"),
        ({"as": "oauth@example.org"}, "admin", 401, "oauth@example.org was not in the domain maternal-health"),
        ({}, "no_edit", 403, "<!DOCTYPE html>"),
        ({}, "expired", 401, ""),
    ],
)
def test_who_gets_no_restore(ask, whole, params, login, status, text):
    answer = ask(RESTORE, params, login=getattr(whole, login))
    assert answer.status_code == status
    assert answer.text.startswith(text)


def test_a_restore_is_one_of_an_application_that_exists(ask, whole):
    app_id = whole._hq.domains["maternal-health"].programme.applications[0]["id"]
    assert ask(f"{RESTORE}{app_id}/").status_code == 200
    assert ask(f"{RESTORE}nope/").status_code == 404
    assert ask(RESTORE.rstrip("/")).status_code == 301


@pytest.mark.parametrize(
    ("params", "version"),
    [
        ({}, "32"),
        ({"latest": "save"}, "32"),
        ({"latest": "build"}, "31"),
        ({"latest": "release"}, "31"),
        ({"version": "12"}, "12"),
    ],
)
def test_an_application_file_is_a_zip_of_xml(ask, whole, params, version):
    app_id = whole._hq.domains["maternal-health"].programme.applications[0]["id"]
    answer = ask(CCZ, {"app_id": app_id, **params})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mother-and-child.ccz"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        profile = ET.fromstring(packed.read("profile.ccpr"))
        assert (profile.get("version"), profile.get("uniqueid")) == (version, app_id)
        suite = ET.fromstring(packed.read("suite.xml"))
        places = [place.text.removeprefix("./") for place in suite.iter("location")]
        assert places
        for place in places:
            assert ET.fromstring(packed.read(place)).tag.endswith("html")
        assert "Mothers" in packed.read("en/app_strings.txt").decode()
        assert "Mères" in packed.read("fr/app_strings.txt").decode()


@pytest.mark.parametrize(
    ("params", "status", "message"),
    [
        ({}, 400, "You must specify `app_id`"),
        ({"app_id": "x", "version": "1", "latest": "save"}, 400, "both 'version' and 'latest'"),
        ({"app_id": "x", "latest": "newest"}, 400, "latest must be either"),
        ({"app_id": "x", "version": "one"}, 400, "'version' must be an integer"),
        ({"app_id": "x"}, 404, "Application not found"),
    ],
)
def test_what_there_is_no_file_of(ask, params, status, message):
    answer = ask(CCZ, params)
    assert answer.status_code == status
    assert answer.json()["status"] == "error"
    assert message in answer.json()["message"]
