"""`read_odata`: a feed by its URL or id, all its pages, its tables, and a login that goes nowhere else."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import (
    CacheError,
    DtypeError,
    LoginError,
    NotFoundError,
    PermissionMissingError,
    QueryError,
)
from commcare_frames.hq.client import Patience
from commcare_frames.hq.resources import ODATA_CASES
from commcare_frames.sandbox import start
from commcare_frames.sandbox.programme import build
from commcare_frames.sandbox.programme.feeds import feed_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=5)
PATIENTS, HOUSEHOLDS = (feed_id("2024/maternal-health", key) for key in ("patients", "households"))


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox of a few patients, so that it starts quickly."""
    with start(domains=[build(project_name="x", patients=60, case_types=["patient"])]) as running:
        yield running


def connected(sandbox: Sandbox, domain: str = "maternal-health", **login: Any) -> Domain:
    login = login or {"username": sandbox.admin.username, "api_key": sandbox.admin.api_key}
    return ccf.connect(domain, server=sandbox.url, patience=QUICK, **login)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few cases take many requests."""
    small = replace(ODATA_CASES, largest_page=25)
    monkeypatch.setitem(inspect.unwrap(ccf.read_odata).__globals__["RESOURCES"], "cases", small)


# What the frame is


def test_a_feed_is_a_typed_frame_under_the_labels_of_the_export(domain: Domain) -> None:
    patients = ccf.read_odata(PATIENTS, kind="cases")

    assert {name: str(dtype) for name, dtype in patients.dtypes.items()} == {
        "caseid": "str", "name": "str", "closed": "boolean", "opened_date": "datetime64[us, UTC]", "owner_id": "str",
        "Date de naissance": "datetime64[us]", "Due date": "datetime64[us]", "age": "Int64", "registration_id": "str",
        "blood_group": "str",
    }  # fmt: skip
    cases = ccf.read_cases("patient")
    assert set(patients["caseid"]) == set(cases["case_id"])
    merged = patients.merge(cases, left_on="caseid", right_on="case_id", validate="one_to_one")
    assert merged["blood_group_x"].isna().tolist() == merged["blood_group_y"].isna().tolist()
    assert merged["Due date"].equals(merged["edd"])
    said = patients.attrs["commcare"]
    assert (said["feed"], said["of"], said["rows"]) == (PATIENTS, "cases", len(patients))


def test_text_is_as_hq_sent_it_where_that_is_asked_for(domain: Domain) -> None:
    patients = ccf.read_odata(PATIENTS, kind="cases", dtypes="string")
    assert {str(dtype) for dtype in patients.dtypes} == {"str"}
    assert "---" in set(patients["blood_group"])
    pinned = ccf.read_odata(PATIENTS, kind="cases", dtypes={"age": "Float64"}, columns=["age", "name"])
    assert [str(dtype) for dtype in pinned.dtypes] == ["Float64", "str"]
    with pytest.raises(DtypeError, match=r"name: .* do not fit Int64"):
        ccf.read_odata(PATIENTS, kind="cases", dtypes={"name": "Int64"})


def test_a_table_of_a_repeat_joins_to_its_forms(domain: Domain) -> None:
    forms = ccf.read_odata(HOUSEHOLDS, kind="forms")
    children = ccf.read_odata(HOUSEHOLDS, kind="forms", table=1)

    assert [str(dtype) for dtype in children.dtypes] == ["str", "str", "str", "Int64"]
    assert len(children) == len(ccf.read_repeats("Register household", "children"))
    assert len(children.merge(forms, on="formid", validate="many_to_one")) == len(children)
    assert children.attrs["commcare"]["table"] == 1
    assert list(ccf.read_odata(HOUSEHOLDS, kind="forms", table=1, columns=["formid"]).columns) == ["formid"]


@pytest.mark.parametrize(
    "form",
    [
        "{here}/odata/cases/v1/{id}/feed",
        "{here}/odata/cases/v1/{id}/",
        "{here}/v0.5/odata/cases/{id}/feed/",
        "/a/maternal-health/api/odata/cases/v1/{id}/feed",
        "{here}/odata/cases/v1/{id}/0/feed?limit=3",
        " {here}/odata/cases/v1/{id}/$metadata",
    ],
)
def test_a_feed_is_named_by_its_url(domain: Domain, sandbox: Sandbox, form: str) -> None:
    by_url = ccf.read_odata(form.format(here=f"{sandbox.url}/a/maternal-health/api", id=PATIENTS))
    pd.testing.assert_frame_equal(by_url, ccf.read_odata(PATIENTS, kind="cases", table=0))


def test_a_url_says_which_table_is_meant(domain: Domain, sandbox: Sandbox) -> None:
    children = ccf.read_odata(f"{sandbox.url}/a/maternal-health/api/odata/forms/v1/{HOUSEHOLDS}/1/feed")
    assert "form.children.child_name" in children


# Pages


def test_links_are_followed_to_the_end(domain: Domain, sandbox: Sandbox, small_pages: None) -> None:
    start = len(sandbox.log)
    patients = ccf.read_odata(PATIENTS, kind="cases")

    assert patients["caseid"].is_unique
    asked = [dict(each.query) for each in sandbox.log[start:]]
    assert [each.get("offset", "0") for each in asked] == [str(25 * page) for page in range(len(asked))]
    assert len(asked) == -(-len(patients) // 25)
    assert {each["limit"] for each in asked} == {"25"}


def test_the_login_never_follows_a_link_to_another_host(
    fresh_domain: Domain, fresh_sandbox: Sandbox, small_pages: None
) -> None:
    fresh_sandbox.faults.next_host = "http://evil.example.org"
    patients = ccf.read_odata(PATIENTS, kind="cases")
    assert len(patients) == fresh_sandbox.domain("maternal-health").count("patient")


def test_a_server_that_fails_at_large_pages_is_asked_for_smaller_ones(
    fresh_domain: Domain, fresh_sandbox: Sandbox
) -> None:
    fresh_sandbox.faults.status(504, path="/odata/", above_limit=3000)
    assert len(ccf.read_odata(PATIENTS, kind="cases")) == fresh_sandbox.domain("maternal-health").count("patient")
    limits = [dict(each.query)["limit"] for each in fresh_sandbox.log if "/odata/" in each.path]
    assert limits == ["10000", "10000", "5000", "5000", "2500"]


def test_cases_that_move_between_pages_are_told(
    fresh_domain: Domain, fresh_sandbox: Sandbox, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = fresh_sandbox.domain("maternal-health")
    first = index.case_ids("patient")[:30]
    select = index.select
    calls: list[int] = []

    def moving(kinds: Any = (), *more: Any) -> Any:
        found = select(kinds, *more)
        calls.append(1)
        # After the first page, its cases are those of the second one.
        return found if len(calls) == 1 else [*found[:25], *found[:25], *found[50:]]

    monkeypatch.setattr(index, "select", moving)
    with pytest.warns(ccf.DataWarning, match=r"25 of 60 rows of the OData feed .* came twice"):
        assert set(ccf.read_odata(PATIENTS, kind="cases")["caseid"]) >= set(first[:25])


def test_a_feed_of_nothing_has_no_rows(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    index = fresh_sandbox.domain("maternal-health")
    index.delete(index.case_ids("patient"))
    assert ccf.read_odata(PATIENTS, kind="cases").empty
    with pytest.raises(CacheError):
        ccf.read_odata(HOUSEHOLDS, kind="forms", cache="offline")


def test_max_age_and_offline_ask_nothing(domain: Domain) -> None:
    first = ccf.read_odata(PATIENTS, kind="cases")
    made = domain.requests_made
    pd.testing.assert_frame_equal(ccf.read_odata(PATIENTS, kind="cases", max_age="1h"), first)
    pd.testing.assert_frame_equal(ccf.read_odata(PATIENTS, kind="cases", cache="offline"), first)
    assert domain.requests_made == made
    ccf.read_odata(PATIENTS, kind="cases")
    assert domain.requests_made == made + 1, "HQ never says what changed"


# Who may, and what is no feed


@pytest.mark.parametrize("secret", ["api_key", "password"])
def test_a_key_or_a_password_opens_a_feed(sandbox: Sandbox, secret: str) -> None:
    admin = sandbox.admin
    connected(sandbox, username=admin.username, **{secret: getattr(admin, secret)})
    assert not ccf.read_odata(PATIENTS, kind="cases").empty


def test_a_token_does_not(sandbox: Sandbox) -> None:
    connected(sandbox, token=sandbox.oauth.token)
    with pytest.raises(LoginError, match="takes no token for OData feeds"):
        ccf.read_odata(PATIENTS, kind="cases")


def test_a_plan_without_feeds_is_told(sandbox: Sandbox) -> None:
    connected(sandbox, "child-nutrition")
    with pytest.raises(PermissionMissingError, match=r"plan of domain 'child-nutrition' does not include the OData"):
        ccf.read_odata(PATIENTS, kind="cases")


def test_who_lacks_the_permission_is_told_which(sandbox: Sandbox) -> None:
    connected(sandbox, username=sandbox.only_api.username, api_key=sandbox.only_api.api_key)
    with pytest.raises(PermissionMissingError, match=r'OData feed of cases.*"Access All Reports"'):
        ccf.read_odata(PATIENTS, kind="cases")


@pytest.mark.parametrize(
    ("feed", "how", "said"),
    [
        ("nope", {"kind": "cases"}, r"no OData feed of cases with the id 'nope'.*PowerBi/Tableau"),
        (PATIENTS, {"kind": "cases", "table": 4}, r"and a table 4"),
        (PATIENTS, {"kind": "forms"}, r"no OData feed of forms"),
    ],
)
def test_what_is_not_there_is_told(domain: Domain, feed: str, how: Any, said: str) -> None:
    with pytest.raises(NotFoundError, match=said):
        ccf.read_odata(feed, **how)


@pytest.mark.parametrize(
    ("feed", "how", "said"),
    [
        (PATIENTS, {}, r"give kind='cases' or 'forms'"),
        (PATIENTS, {"kind": "patients"}, r"kind='patients'"),
        (PATIENTS, {"kind": "cases", "table": -1}, r"table=-1 is no number"),
        (PATIENTS, {"kind": "cases", "table": "1"}, r"table is a whole number"),
        ("", {"kind": "cases"}, r"is no OData feed"),
        (None, {"kind": "cases"}, r"feed is an OData feed's URL"),
        ("a b", {"kind": "cases"}, r"'a b' is no OData feed"),
        ("https://www.commcarehq.org/a/maternal-health/api/odata/cases/v1/x/feed", {}, r"on www.commcarehq.org, and"),
        ("/a/other/api/odata/cases/v1/x/feed", {}, r"of domain 'other', not of 'maternal-health': pass domain='other'"),
        ("/a/maternal-health/api/case/v2/", {}, r"no URL of an OData feed, such as"),
        ("/a/maternal-health/api/odata/cases/v1/x/feed", {"kind": "forms"}, r"says itself which kind"),
        ("/a/maternal-health/api/odata/cases/v1/x/1/feed", {"table": 2}, r"says itself which kind and table"),
    ],
)
def test_what_is_no_feed_asks_nothing(domain: Domain, feed: Any, how: Any, said: str) -> None:
    made = domain.requests_made
    with pytest.raises(QueryError, match=said):
        ccf.read_odata(feed, **how)
    assert domain.requests_made == made


def test_an_old_server_answers_too(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.faults.old_scheme_only = True
    assert not ccf.read_odata(PATIENTS, kind="cases").empty
    assert fresh_sandbox.log[-1].path == f"/a/maternal-health/api/v0.5/odata/cases/{PATIENTS}/feed"
