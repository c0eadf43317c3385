"""OData feeds: documents, pages by an absolute link, tables of repeats, and who may see them."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET

import pytest
from asking import Ask

from commcare_frames.sandbox import start
from commcare_frames.sandbox.programme.feeds import feed_id

PATIENTS, HOUSEHOLDS = (feed_id("2024/maternal-health", key) for key in ("patients", "households"))
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


@pytest.fixture(scope="module")
def whole():
    with start(patients=60) as sandbox:
        yield sandbox


@pytest.fixture
def ask(whole):
    whole.faults.clear()
    return Ask(whole)


def rows(ask, path, **params):
    page = ask(path, params).json()
    found = page["value"]
    while link := page.get("@odata.nextLink"):
        assert link.startswith(ask.sandbox.url)
        page = ask(link.removeprefix(ask.sandbox.url)).json()
        found += page["value"]
    return found


def test_both_url_schemes_give_the_same_rows(ask, whole):
    new, old = (rows(ask, path) for path in (f"odata/cases/v1/{PATIENTS}/feed", f"v0.5/odata/cases/{PATIENTS}/feed"))
    assert new == old
    assert {row["caseid"] for row in new} == set(whole.domain("maternal-health").case_ids("patient"))
    assert list(new[0])[:2] == ["caseid", "name"]
    assert "---" in {row["blood_group"] for row in new}


def test_a_server_that_knows_the_old_scheme_only(ask, whole):
    whole.faults.old_scheme_only = True
    assert ask(f"odata/cases/v1/{PATIENTS}/feed").status_code == 404
    assert ask(f"v0.5/odata/cases/{PATIENTS}/feed").status_code == 200


def test_pages_follow_by_an_absolute_link_that_keeps_what_was_asked(ask):
    path = f"odata/forms/v1/{HOUSEHOLDS}/feed"
    whole = rows(ask, path)
    assert rows(ask, path, limit=20) == whole
    first = ask(path, {"limit": 20}).json()
    assert len(first["value"]) == 20
    assert first["@odata.nextLink"] == f"{ask.sandbox.url}/a/maternal-health/api/{path}?limit=20&offset=20"
    assert first["@odata.context"].endswith(f"{HOUSEHOLDS}/$metadata#feed")
    assert "@odata.nextLink" not in ask(path, {"limit": 0}).json()


def test_a_table_of_a_repeat_has_a_row_per_entry(ask):
    path = f"odata/forms/v1/{HOUSEHOLDS}"
    forms, entries = rows(ask, f"{path}/feed"), rows(ask, f"{path}/1/feed")
    assert {row["formid"] for row in entries} < {row["formid"] for row in forms}
    assert list(entries[0]) == ["number", "formid", "form.children.child_name", "form.children.age_months"]
    short = ask(f"{path}/1/feed", {"limit": 1}).json()
    assert "@odata.nextLink" in short, "a page is so many forms, with whatever entries they have"


@pytest.mark.parametrize(("place", "key"), [(PATIENTS, "caseid"), (f"{PATIENTS}/0", "caseid")])
def test_documents_say_where_the_feed_is_and_what_its_columns_are(ask, place, key):
    service = ask(f"odata/cases/v1/{place}/")
    assert service.headers["OData-Version"] == "4.0"
    assert service.json()["value"] == [{"name": "feed", "kind": "EntitySet", "url": "feed"}]
    described = ask(f"odata/cases/v1/{place}/$metadata")
    assert described.headers["Content-Type"] == "application/xml"
    root = ET.fromstring(described.content)
    assert root.find(f".//{EDM}PropertyRef").get("Name") == key
    labels = [each.get("Name") for each in root.iter(f"{EDM}Property")]
    assert labels == list(ask(f"odata/cases/v1/{place}/feed").json()["value"][0])


@pytest.mark.parametrize(
    "path", ["odata/cases/v1/nope/feed", f"odata/forms/v1/{PATIENTS}/feed", f"odata/cases/v1/{PATIENTS}/7/feed"]
)
def test_what_is_no_feed_is_not_found(ask, path):
    missing = ask(path)
    assert (missing.status_code, missing.content) == (404, b"")


def test_who_may_see_feeds(ask, whole):
    path = f"odata/cases/v1/{PATIENTS}/feed"
    plan = ask(f"/a/child-nutrition/api/{path}")
    assert (plan.status_code, plan.text) == (404, "Feature flag not enabled.")
    for login in (whole.only_api, whole.mobile_worker):
        refused = ask(path, login=login)
        assert (refused.status_code, refused.content) == (403, b"")
    with_key = ask(path, authorization="Basic " + _basic(whole.admin.username, whole.admin.api_key))
    with_password = ask(path, authorization="Basic " + _basic(whole.admin.username, whole.admin.password))
    assert with_key.json() == with_password.json()


def _basic(username, secret):
    return base64.b64encode(f"{username}:{secret}".encode()).decode()
