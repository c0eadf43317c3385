"""`read_cases`: the frame an analyst gets, what runs on the server, and what is said when it cannot."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.cache.places import safe_name
from commcare_frames.errors import CacheError, DtypeError, NotFoundError, QueryError

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

METADATA = [
    "case_id", "case_type", "case_name", "external_id", "owner_id", "date_opened", "last_modified",
    "server_last_modified", "indexed_on", "closed", "date_closed",
]  # fmt: skip
TIMES = ["date_opened", "last_modified", "server_last_modified", "indexed_on", "date_closed"]


def asked_since(sandbox: Sandbox, start: int) -> list[dict[str, list[str]]]:
    return [parse_qs(urlencode(asked.query), keep_blank_values=True) for asked in sandbox.log[start:]]


def test_a_case_type_becomes_one_tidy_typed_frame(domain: Domain) -> None:
    patients = ccf.read_cases("patient")

    assert list(patients.columns[: len(METADATA)]) == METADATA
    assert patients["case_id"].is_unique
    assert len(patients) == 300
    assert {str(patients[name].dtype) for name in TIMES} == {"datetime64[us, UTC]"}
    assert str(patients["closed"].dtype) == "boolean"
    assert str(patients["case_id"].dtype) == "str"
    assert patients["indices.parent.case_type"].dropna().unique().tolist() == ["household"]
    kinds = {name: str(patients[name].dtype) for name in ("age", "weight_kg", "dob", "phone", "registration_id")}
    assert kinds == {
        "age": "Int64", "weight_kg": "Float64", "dob": "datetime64[us]", "phone": "str", "registration_id": "str",
    }  # fmt: skip


def test_a_property_named_like_metadata_has_a_prefix_always(domain: Domain) -> None:
    patients = ccf.read_cases("patient")

    assert "properties.last_modified" in patients
    assert "properties.user_id" in patients
    assert str(patients["last_modified"].dtype) == "datetime64[us, UTC]"


def test_rows_are_ordered_and_the_same_data_give_the_same_frame(domain: Domain) -> None:
    cached = ccf.read_cases("patient")
    fetched = ccf.read_cases("patient", cache=False)

    assert cached.equals(cached.sort_values(["indexed_on", "case_id"], ignore_index=True))
    pd.testing.assert_frame_equal(cached, fetched)


def test_attrs_say_what_and_when_but_never_who(domain: Domain, sandbox: Sandbox) -> None:
    said = ccf.read_cases("patient").attrs["commcare"]

    assert {said["server"], said["domain"], said["case_type"]} == {sandbox.url, "maternal-health", "patient"}
    assert said["rows"] == 300
    assert pd.Timestamp(said["refreshed_at"]) > pd.Timestamp.now("UTC") - timedelta(minutes=1)
    assert sandbox.admin.username not in str(said)


def test_all_types_come_together_when_no_type_is_named(domain: Domain) -> None:
    everything = ccf.read_cases()

    assert sorted(everything["case_type"].unique()) == ccf.list_case_types()["case_type"].tolist()
    assert len(everything) > 300


def test_filters_run_on_the_server_and_equal_a_filter_in_pandas(domain: Domain, sandbox: Sandbox) -> None:
    patients = ccf.read_cases("patient", dtypes="string")
    district = patients["district"].value_counts().index[:2].tolist()
    start = len(sandbox.log)
    found = ccf.read_cases("patient", dtypes="string", where={"properties.district": district, "closed": False})
    expected = patients[patients["district"].isin(district) & ~patients["closed"]]

    assert 0 < len(found) < len(patients)
    assert set(found["case_id"]) == set(expected["case_id"])
    assert {key for query in asked_since(sandbox, start) for key in query} == {
        "case_type", "properties.district", "closed", "limit",
    }  # fmt: skip


def test_where_finds_the_children_of_a_case_and_the_blank_values(domain: Domain) -> None:
    visits = ccf.read_cases("visit")
    parent = visits["indices.parent.case_id"].iloc[0]
    found = ccf.read_cases("visit", where={"indices.parent": parent})
    patients = ccf.read_cases("patient", dtypes="string")
    blank = ccf.read_cases("patient", where={"properties.delivery_outcome": None})

    assert set(found["case_id"]) == set(visits.loc[visits["indices.parent.case_id"] == parent, "case_id"])
    assert set(blank["case_id"]) == set(patients.loc[patients["delivery_outcome"].fillna("") == "", "case_id"])


def test_a_query_runs_on_the_server(domain: Domain) -> None:
    patients = ccf.read_cases("patient")
    found = ccf.read_cases("patient", query="dob < '1995-01-01' and age > 30")
    expected = patients[(patients["dob"] < "1995-01-01") & (patients["age"] > 30)]

    assert 0 < len(found) < len(patients)
    assert set(found["case_id"]) == set(expected["case_id"])


def test_since_and_until_include_both_ends_and_the_last_day(domain: Domain) -> None:
    patients = ccf.read_cases("patient")
    changed = patients["server_last_modified"]
    first, last = changed.quantile(0.3), changed.quantile(0.6)
    found = ccf.read_cases("patient", since=str(first.date()), until=last.date())
    day_after = pd.Timestamp(last.date() + timedelta(days=1), tz="UTC")
    expected = patients[(changed >= pd.Timestamp(first.date(), tz="UTC")) & (changed < day_after)]

    assert 0 < len(found) < len(patients)
    assert set(found["case_id"]) == set(expected["case_id"])


def test_times_with_a_zone_are_converted(domain: Domain) -> None:
    in_utc = ccf.read_cases("patient", since="2026-03-01 00:00")
    in_delhi = ccf.read_cases("patient", since=pd.Timestamp("2026-03-01 05:30", tz="Asia/Kolkata"))

    assert in_utc["case_id"].tolist() == in_delhi["case_id"].tolist()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"where": {"state": "bihar"}}, "write 'properties.state'"),
        ({"where": {"ownr_id": "x"}}, "Did you mean 'owner_id'"),
        ({"where": {"date_opened": "2024-01-01"}}, "date_opened.gt, .gte, .lt or .lte"),
        ({"where": {"indexed_on.gte": "2024-01-01"}}, "Use since= and until="),
        ({"where": {"case_type": "patient"}}, "first argument"),
        ({"where": {"owner_id": []}}, "empty list"),
        ({"query": "dob <"}, "Bad query"),
        ({"where": {"last_modified.gte": "not a day"}}, "Cannot parse datetime"),
        ({"since": "30 Feb 2024"}, "no time that pandas can read"),
        ({"since": "2024-02-01", "until": "2024-01-01"}, "later than until"),
        ({"columns": ["opened_by"], "query": "age > 3"}, "version 1 of HQ's case API has opened_by"),
        ({"case_ids": ["a"]}, "cannot be combined with a case type"),
        ({"columns": "age"}, r"write columns=\['age'\]"),
        ({"max_age": "soon"}, "no length of time"),
        ({"max_age": 5}, "max_age is a length of time: '30min'"),
        ({"cache": "ofline"}, "none of True, False and 'offline'"),
        ({"connections": 0}, "too few"),
    ],
)
def test_what_cannot_be_asked_is_an_error_that_says_so(domain: Domain, asked: dict[str, object], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        ccf.read_cases("patient", **asked)


@pytest.mark.parametrize(
    ("case_type", "said"),
    [("", "is no name: give one"), (3, "case_type is one case type"), (["patient"], "case_type is one case type")],
)
def test_a_case_type_is_one_name(domain: Domain, case_type: object, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        ccf.read_cases(case_type)


def test_a_misspelled_case_type_is_an_error_with_a_close_match_and_leaves_nothing(domain: Domain) -> None:
    with pytest.raises(NotFoundError, match="no case type 'pateint'. Did you mean 'patient'"):
        ccf.read_cases("pateint")
    with pytest.raises(NotFoundError, match="no case type '../../etc'"):
        ccf.read_cases("../../etc")
    with pytest.raises(CacheError, match="Nothing is cached for 'pateint'"):
        ccf.read_cases("pateint", cache="offline")


def test_a_known_type_without_cases_is_a_typed_empty_frame(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    children = ccf.read_cases("child")
    fresh_sandbox.domain("maternal-health").delete(children["case_id"].tolist())
    with pytest.warns(ccf.DataWarning, match="no longer on HQ"):
        emptied = ccf.read_cases("child")
    unfetched = ccf.read_cases("child", cache=False)

    for empty in (emptied, unfetched):
        assert empty.empty
        assert str(empty["indexed_on"].dtype) == "datetime64[us, UTC]"
        assert {"birth_weight_kg"} <= set(empty.columns) or len(empty.columns) > len(METADATA)


def test_columns_come_in_the_order_asked_and_only_they_travel(domain: Domain, sandbox: Sandbox) -> None:
    start = len(sandbox.log)
    wanted = ["age", "case_name", "properties.last_modified", "indices.parent.case_id"]
    narrow = ccf.read_cases("patient", columns=wanted)
    assert list(narrow.columns) == wanted
    assert "properties.age" in asked_since(sandbox, start)[0]["fields"][0]

    whole = ccf.read_cases("patient")
    pd.testing.assert_frame_equal(narrow, whole[wanted])
    start = len(sandbox.log)
    again = ccf.read_cases("patient", columns=wanted, max_age="1h")
    pd.testing.assert_frame_equal(again, narrow)
    assert asked_since(sandbox, start) == []


def test_columns_of_the_first_version_of_the_api_are_fetched_from_there(domain: Domain) -> None:
    wanted = ["case_id", "opened_by", "closed_by", "user_id", "server_date_opened", "xform_ids", "age"]
    forms = ccf.read_cases("patient", columns=wanted)
    whole = ccf.read_cases("patient")

    assert list(forms.columns) == wanted
    assert forms["case_id"].tolist() == whole["case_id"].tolist()
    assert forms["age"].equals(whole["age"])
    assert forms["opened_by"].notna().all()
    assert isinstance(forms["xform_ids"].iloc[0], list)
    assert str(forms["server_date_opened"].dtype) == "datetime64[us, UTC]"


def test_an_old_server_without_column_choice_gives_the_same_columns(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    before = ccf.read_cases("patient", columns=["age"], cache=False)
    fresh_sandbox.faults.without_fields = True

    pd.testing.assert_frame_equal(ccf.read_cases("patient", columns=["age"], cache=False), before)


def test_a_column_that_no_case_has_is_missing_with_a_warning(domain: Domain) -> None:
    ccf.read_cases("patient")
    with pytest.warns(ccf.DataWarning, match=r"'weight_k'.*Did you mean 'weight_kg'") as warned:
        frame = ccf.read_cases("patient", columns=["case_id", "weight_k"])

    assert frame["weight_k"].isna().all()
    assert warned[0].filename == __file__, "the warning points to the caller's line"


def test_cases_are_read_by_id_and_the_unknown_ids_are_named(domain: Domain) -> None:
    patients = ccf.read_cases("patient")
    ids = patients["case_id"].iloc[[5, 2, 9]].tolist()
    with pytest.warns(ccf.DataWarning, match="1 of the case ids: no-such-id"):
        found = ccf.read_cases(case_ids=[*ids, "no-such-id", ids[0]])
    assert sorted(found["case_id"]) == sorted(ids)

    external = patients["external_id"].dropna().iloc[0]
    found = ccf.read_cases(external_ids=[external], columns=["case_id", "external_id"])
    assert found["external_id"].unique().tolist() == [external]
    assert ccf.read_cases(case_ids=[]).empty


def test_dtypes_can_be_left_as_text_or_pinned(domain: Domain) -> None:
    as_text = ccf.read_cases("patient", dtypes="string")
    pinned = ccf.read_cases("patient", dtypes={"age": "Float64", "district": "category"})

    assert str(as_text["age"].dtype) == "str"
    assert "" in set(as_text["notes"].dropna()) or (as_text == "").any().any()
    assert (str(pinned["age"].dtype), str(pinned["district"].dtype)) == ("Float64", "category")
    with pytest.raises(DtypeError, match=r"case_name: 300 of 300 values do not fit Int64: .* in case "):
        ccf.read_cases("patient", dtypes={"case_name": "Int64"})
    with pytest.raises(DtypeError, match="no such column. Did you mean 'weight_kg'"):
        ccf.read_cases("patient", dtypes={"weight_k": "Float64"})


def test_a_repeated_call_asks_only_for_what_changed(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    first = ccf.read_cases("patient")
    changed = first["case_id"].iloc[3]
    fresh_sandbox.domain("maternal-health").update(changed, weight_kg="99.5")
    start = len(fresh_sandbox.log)
    second = ccf.read_cases("patient")

    assert all("indexed_on.gt" in query or query["limit"] == ["1"] for query in asked_since(fresh_sandbox, start))
    assert second.set_index("case_id").loc[changed, "weight_kg"] == 99.5
    assert len(second) == len(first)
    pd.testing.assert_frame_equal(second, ccf.read_cases("patient", cache=False))


def test_offline_and_a_fresh_table_ask_nothing_and_need_no_login(
    fresh_sandbox: Sandbox, fresh_domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    online = ccf.read_cases("patient")
    ccf.connection._connected.clear()
    monkeypatch.setenv("COMMCARE_SERVER", fresh_sandbox.url)
    monkeypatch.setenv("COMMCARE_DOMAIN", "maternal-health")
    fresh_sandbox.stop()

    pd.testing.assert_frame_equal(ccf.read_cases("patient", cache="offline"), online)
    pd.testing.assert_frame_equal(ccf.read_cases("patient", max_age="1h"), online)


def test_a_filtered_read_is_kept_for_max_age_only(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    asked = {"where": {"closed": False}}
    start = len(fresh_sandbox.log)
    first = ccf.read_cases("patient", **asked, max_age="1h")
    again = ccf.read_cases("patient", **asked, max_age="1h")
    assert len(fresh_sandbox.log) == start + 1
    pd.testing.assert_frame_equal(first, again)

    fresh_sandbox.domain("maternal-health").delete(first["case_id"].iloc[:1].tolist())
    assert len(ccf.read_cases("patient", **asked, max_age="0s")) == len(first) - 1
    assert len(ccf.read_cases("patient", **asked)) == len(first) - 1


def test_nothing_is_kept_without_a_cache(domain: Domain, tmp_path: object) -> None:
    ccf.read_cases("patient", cache=False)

    with pytest.raises(CacheError, match="Nothing is cached"):
        ccf.read_cases("patient", cache="offline")


def test_types_whose_names_differ_in_case_only_have_tables_of_their_own() -> None:
    names = ["patient", "Patient", "PATIENT", "pat/ient", "..", ".", "", "a" * 300, "a" * 299 + "b", "मरीज़", "a.b"]
    made = [safe_name(name).lower() for name in names]

    assert len(set(made)) == len(names)
    assert not any("/" in name or name in {".", "..", ""} or len(name) > 200 for name in made)


def test_a_date_works_as_a_bound(domain: Domain) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(ccf.read_cases("patient", since=date(2020, 1, 1))) == 300
