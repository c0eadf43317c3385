"""Keeping to one version of HQ's APIs: which paths are asked, what comes back, and what cannot be asked any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.cache.management import cached_tables
from commcare_frames.errors import QueryError, WrongServerError
from commcare_frames.hq.resources import CASE_V1, CASE_V2, DET_EXPORTS, FORM, LOCATIONS, LOCATIONS_V1, REPORTS

if TYPE_CHECKING:
    from commcare_frames.hq.resource import ApiVersion
    from commcare_frames.sandbox import Sandbox

API = "/a/maternal-health/api"


def connect(sandbox: Sandbox, version: ApiVersion | None) -> ccf.Domain:
    admin = sandbox.admin
    return ccf.connect(
        "maternal-health", server=sandbox.url, username=admin.username, api_key=admin.api_key, api_version=version
    )


def asked(sandbox: Sandbox, since: int = 0) -> list[str]:
    return [each.path.removeprefix(API) for each in sandbox.log[since:]]


def is_refresh(sandbox: Sandbox, since: int) -> bool:
    """Whether only changes and a count were asked for."""
    queries = [dict(each.query) for each in sandbox.log[since:]]
    return len(queries) <= 2 and all("indexed_on_start" in each or each["limit"] == "1" for each in queries)


@pytest.mark.parametrize(
    ("version", "cases", "forms", "reports"),
    [
        ("v2", "/case/v2/", "/form/v1/", "/simplereportconfiguration/v1/"),
        ("v1", "/case/v1/", "/form/v1/", "/simplereportconfiguration/v1/"),
        ("v0.5", "/v0.5/case/", "/v0.5/form/", "/v0.5/simplereportconfiguration/"),
        ("v0.4", "/v0.4/case/", "/v0.4/form/", "/v0.5/simplereportconfiguration/"),
    ],
)
def test_each_version_is_asked_at_its_own_address(
    version: ApiVersion, cases: str, forms: str, reports: str, fresh_sandbox: Sandbox
) -> None:
    connect(fresh_sandbox, version)
    since = len(fresh_sandbox.log)
    ccf.read_cases("household", cache=False)
    ccf.read_forms("Register household", cache=False)
    ccf.list_reports()
    paths = set(asked(fresh_sandbox, since))

    assert {cases, forms, reports} <= paths
    assert not {"/case/v1/", "/case/v2/", "/v0.4/case/", "/v0.5/case/", "/v0.6/case/"} & paths - {cases}


@pytest.mark.parametrize(
    ("resource", "paths"),
    [
        (CASE_V1, ["v0.4/case/", "v0.5/case/", "case/v1/", "case/v1/"]),
        (FORM, ["v0.4/form/", "v0.5/form/", "form/v1/", "form/v1/"]),
        (REPORTS, [*["v0.5/simplereportconfiguration/"] * 2, *["simplereportconfiguration/v1/"] * 2]),
        (DET_EXPORTS, ["det_export_instance/v1/"] * 4),
    ],
)
def test_an_api_that_lacks_a_version_is_asked_in_its_nearest(resource: Any, paths: list[str]) -> None:
    versions: list[ApiVersion] = ["v0.4", "v0.5", "v1", "v2"]

    assert [resource.path_in(version).removeprefix("/a/{domain}/api/") for version in versions] == paths


def test_only_version_2_and_the_newest_have_the_newer_apis() -> None:
    for newer, older in ((CASE_V2, CASE_V1), (LOCATIONS, LOCATIONS_V1)):
        versions: list[ApiVersion | None] = ["v0.4", "v0.5", "v1", "v2", None]
        assert [newer.in_version(version) for version in versions] == [older, older, older, newer, newer]


def test_cases_of_version_1_are_kept_and_topped_up_beside_those_of_version_2(fresh_sandbox: Sandbox) -> None:
    newest = connect(fresh_sandbox, None)
    of_v2 = ccf.read_cases("patient")
    connect(fresh_sandbox, "v1")
    of_v1 = ccf.read_cases("patient")
    since = len(fresh_sandbox.log)
    again = ccf.read_cases("patient")

    assert is_refresh(fresh_sandbox, since)
    pd.testing.assert_frame_equal(again, of_v1)
    assert of_v1["case_id"].tolist() == of_v2["case_id"].tolist()
    assert set(of_v1.columns) - set(of_v2.columns) == {
        "opened_by", "closed_by", "user_id", "server_date_opened", "xform_ids",
    }  # fmt: skip
    pd.testing.assert_frame_equal(ccf.read_cases("patient", domain=newest, cache="offline"), of_v2)
    assert sorted(table.kind for table in cached_tables()) == ["cases", "cases v1"]
    fresh_sandbox.domain("maternal-health").update(of_v1.loc[0, "case_id"], village="Moved")
    assert "Moved" in ccf.read_cases("patient")["village"].tolist()


def test_some_columns_come_from_the_whole_table_that_is_kept(fresh_sandbox: Sandbox) -> None:
    connect(fresh_sandbox, "v1")
    whole = ccf.read_cases("patient")
    since = len(fresh_sandbox.log)
    some = ccf.read_cases("patient", columns=["case_name", "opened_by"])

    pd.testing.assert_frame_equal(some, whole[["case_name", "opened_by"]])
    assert is_refresh(fresh_sandbox, since)


@pytest.mark.parametrize("how", [{"where": {"closed": False}}, {"query": "age > 20"}, {"case_ids": ["a"]}])
def test_what_version_1_cannot_do_is_an_error_that_says_why(how: dict[str, Any], sandbox: Sandbox) -> None:
    connect(sandbox, "v1")
    since = len(sandbox.log)
    with pytest.raises(QueryError, match=r"keeps to version 1 of HQ's case API .*connect without api_version"):
        ccf.read_cases(**how)
    assert asked(sandbox, since) == []


def test_since_and_until_work_in_version_1_too(sandbox: Sandbox) -> None:
    connect(sandbox, None)
    whole = ccf.read_cases("patient")
    middle = whole["server_last_modified"].median()
    connect(sandbox, "v1")
    later = ccf.read_cases("patient", since=middle)

    assert set(later["case_id"]) == set(whole.loc[whole["server_last_modified"] >= middle, "case_id"])


def test_a_version_that_the_server_lacks_is_an_error_and_no_other_is_tried(fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.faults.old_scheme_only = True
    with pytest.raises(WrongServerError, match="does not know"):
        connect(fresh_sandbox, "v1")
    assert asked(fresh_sandbox) == ["/domain_cases/v1/"]
    connect(fresh_sandbox, "v0.5")
    assert len(ccf.read_cases("patient", cache=False))


def test_other_domains_of_the_connection_keep_to_it_too(fresh_sandbox: Sandbox) -> None:
    connect(fresh_sandbox, "v0.5")
    ccf.list_case_types(domain="child-nutrition")

    assert fresh_sandbox.log[-1].path == "/a/child-nutrition/api/v0.5/domain_cases/"


@pytest.mark.parametrize("version", ["v3", "2", 2, "V1"])
def test_a_version_that_hq_does_not_have_is_refused(version: Any, fresh_sandbox: Sandbox) -> None:
    with pytest.raises(QueryError, match=r"none of HQ's: 'v0.4', 'v0.5', 'v1', 'v2'"):
        connect(fresh_sandbox, version)
    assert fresh_sandbox.log == []


def test_locations_of_version_1_have_the_same_levels(fresh_sandbox: Sandbox) -> None:
    connect(fresh_sandbox, None)
    of_v2 = ccf.read_locations()
    connect(fresh_sandbox, "v0.5")
    since = len(fresh_sandbox.log)
    of_v1 = ccf.read_locations()

    assert set(asked(fresh_sandbox, since)) == {"/v0.5/location/", "/v0.5/location_type/"}
    assert set(of_v1.columns) - set(of_v2.columns) == {"external_id", "created_at", "id"}
    pd.testing.assert_frame_equal(of_v1[of_v2.columns], of_v2)
    assert ccf.read_locations(cache="offline").equals(of_v1)
