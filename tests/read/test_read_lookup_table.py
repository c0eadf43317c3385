"""Lookup tables as DataFrames: what each permission gives, in how many requests, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CacheError, DtypeError, NotFoundError, PermissionMissingError, QueryError
from commcare_frames.sandbox.accounts import PERMISSIONS

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

API = "/a/maternal-health/api"


def asked(sandbox: Sandbox) -> list[str]:
    return [each.path.removeprefix(API) for each in sandbox.log]


def without(sandbox: Sandbox, *permissions: str) -> None:
    account = sandbox._hq.accounts._by_username[sandbox.admin.username]
    object.__setattr__(account, "roles", {"maternal-health": PERMISSIONS - set(permissions)})


def programme(sandbox: Sandbox) -> Any:
    return sandbox._hq.domains["maternal-health"].programme


def test_the_tables_are_listed_with_what_their_rows_hold(domain: Domain) -> None:
    tables = ccf.list_lookup_tables()

    assert tables["tag"].tolist() == ["district", "facility", "vaccine"]
    assert tables.loc[2, ["fields", "properties", "item_attributes", "is_global"]].tolist() == [
        "code, name, due_weeks", "name.lang", "programme", True,
    ]  # fmt: skip
    assert tables.dtypes.astype(str).to_dict() == {**dict.fromkeys(tables, "str"), "is_global": "boolean"}


def test_rows_come_in_hqs_order_with_real_dtypes(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    before = len(fresh_sandbox.log)
    facilities = ccf.read_lookup_table("facility")
    items = programme(fresh_sandbox).lookup_items
    table = next(each for each in programme(fresh_sandbox).lookup_tables if each["tag"] == "facility")

    assert facilities.columns.tolist() == ["row_id", "code", "name", "level", "district"]
    assert facilities["row_id"].tolist() == [each["id"] for each in items if each["data_type_id"] == table["id"]]
    assert asked(fresh_sandbox)[before:] == ["/lookup_table/v1/", "/fixture/v1/"]
    about = facilities.attrs["commcare"]
    assert (about["lookup_table"], about["rows"]) == ("facility", len(facilities))


def test_languages_and_item_attributes_are_all_there(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    vaccines = ccf.read_lookup_table("vaccine")

    assert vaccines.columns.tolist() == [
        "row_id", "code", "name.en", "name.fr", "name.hi", "due_weeks", "item_attributes.programme", "sort_key",
    ]  # fmt: skip
    assert vaccines.loc[1, ["name.en", "name.hi"]].tolist() == ["Polio drops 0", "पोलियो की खुराक 0"]
    assert (str(vaccines["due_weeks"].dtype), str(vaccines["sort_key"].dtype)) == ("Int64", "Int64")
    assert vaccines["item_attributes.programme"].tolist() == ["national"] * 10
    assert asked(fresh_sandbox)[-1] == "/lookup_table_item/v1/"


def test_dtypes_and_columns_are_as_in_every_reader(domain: Domain) -> None:
    texts = ccf.read_lookup_table("vaccine", dtypes="string", columns=["due_weeks", "code"])
    pinned = ccf.read_lookup_table("vaccine", dtypes={"due_weeks": "Float64"})

    assert texts.columns.tolist() == ["due_weeks", "code"]
    assert texts["due_weeks"].tolist()[3] == "6"
    assert str(pinned["due_weeks"].dtype) == "Float64"
    with pytest.raises(DtypeError, match="code"):
        ccf.read_lookup_table("vaccine", dtypes={"code": "Int64"})
    with pytest.warns(ccf.DataWarning, match=r"'nam'.*Did you mean"):
        ccf.read_lookup_table("facility", columns=["nam"])


def test_without_edit_apps_the_rows_of_all_tables_serve(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    whole = ccf.read_lookup_table("facility")
    without(fresh_sandbox, "edit_apps")
    served = ccf.read_lookup_table("facility", cache=False)

    assert asked(fresh_sandbox)[-2:] == ["/fixture/v1/", "/lookup_table_item/v1/"]
    pd.testing.assert_frame_equal(served.drop(columns="sort_key"), whole, check_like=False)
    assert served["sort_key"].is_monotonic_increasing


def test_without_api_access_the_permission_is_named(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    without(fresh_sandbox, "access_api")
    for read in (ccf.list_lookup_tables, lambda: ccf.read_lookup_table("facility")):
        with pytest.raises(PermissionMissingError, match='403 .* "API access"'):
            read()


def test_a_mobile_worker_is_told_that_he_may_not(sandbox: Sandbox) -> None:
    worker = sandbox.mobile_worker
    ccf.connect("maternal-health", server=sandbox.url, username=worker.username, api_key=worker.api_key)
    with pytest.raises(PermissionMissingError, match="web users only"):
        ccf.list_lookup_tables()


def test_an_unknown_table_is_named_with_those_that_there_are(domain: Domain) -> None:
    with pytest.raises(NotFoundError, match=r"no lookup table 'facilitys'. Did you mean 'facility'\? .*'vaccine'"):
        ccf.read_lookup_table("facilitys")
    with pytest.raises(QueryError, match=r"no lookup table: .*list_lookup_tables"):
        ccf.read_lookup_table("")
    table_id = ccf.list_lookup_tables().loc[0, "lookup_table_id"]
    assert len(ccf.read_lookup_table(table_id)) == 7


def test_a_fresh_table_is_served_without_a_request_and_offline_too(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    read = [ccf.read_lookup_table(tag) for tag in ("facility", "vaccine")]
    before = len(fresh_sandbox.log)
    fresh_sandbox.faults.status(500)

    for frame, tag in zip(read, ("facility", "vaccine"), strict=True):
        pd.testing.assert_frame_equal(ccf.read_lookup_table(tag, max_age="1h"), frame)
        pd.testing.assert_frame_equal(ccf.read_lookup_table(tag, cache="offline"), frame)
    # the rows of all tables, read for the attributes of one, serve the others too
    assert len(ccf.read_lookup_table("district", cache="offline")) == 7
    assert len(ccf.read_lookup_table("district", max_age="1h")) == 7
    assert len(fresh_sandbox.log) == before


def test_nothing_cached_is_told(fresh_domain: Domain) -> None:
    with pytest.raises(CacheError, match="Nothing is cached"):
        ccf.read_lookup_table("facility", cache="offline")
    ccf.list_lookup_tables()
    with pytest.raises(CacheError, match="Nothing is cached"):
        ccf.read_lookup_table("facility", cache="offline")


def test_a_changed_table_is_read_anew(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    items = programme(fresh_sandbox).lookup_items
    before = ccf.read_lookup_table("district")
    gone = next(item for item in items if item["id"] == before.loc[0, "row_id"])
    items.remove(gone)
    gone_too = next(item for item in items if item["id"] == before.loc[1, "row_id"])
    gone_too["fields"]["name"]["field_list"][0]["field_value"] = "Renamed"

    after = ccf.read_lookup_table("district")
    assert after["name"].tolist() == ["Renamed", *before["name"].tolist()[2:]]


def test_more_rows_than_a_page_holds(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    items = programme(fresh_sandbox).lookup_items
    first = next(item for item in items if item["data_type_id"] == ccf.list_lookup_tables().loc[0, "lookup_table_id"])
    items += [{**first, "id": f"{number:032d}", "sort_key": 1000 + number} for number in range(1003)]

    read = ccf.read_lookup_table("district")
    assert len(read) == 1010
    assert read["row_id"].tolist()[-1] == f"{1002:032d}"


def test_an_empty_table_has_its_columns(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    programme(fresh_sandbox).lookup_items.clear()

    facilities = ccf.read_lookup_table("facility")
    assert facilities.shape == (0, 5)
    assert facilities.dtypes.astype(str).tolist() == ["str"] * 5
    assert ccf.read_lookup_table("vaccine").columns.tolist() == [
        "row_id", "code", "name", "due_weeks", "item_attributes.programme",
    ]  # fmt: skip


def test_a_domain_without_tables(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    programme(fresh_sandbox).lookup_tables.clear()

    tables = ccf.list_lookup_tables()
    assert tables.shape == (0, 6)
    assert str(tables["is_global"].dtype) == "boolean"
    with pytest.raises(NotFoundError, match="none yet"):
        ccf.read_lookup_table("facility")


def test_a_server_from_before_2024_gives_the_same(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    frames = [ccf.read_lookup_table(tag, cache=False) for tag in ("facility", "vaccine")]
    fresh_sandbox.faults.old_scheme_only = True

    for frame, tag in zip(frames, ("facility", "vaccine"), strict=True):
        pd.testing.assert_frame_equal(ccf.read_lookup_table(tag, cache=False), frame)
    assert "/v0.5/lookup_table_item/" in asked(fresh_sandbox)
