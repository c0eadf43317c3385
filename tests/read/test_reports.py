"""`read_report` and `read_data_source`: every row once, filters that run on HQ, and what is said when they cannot."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import numpy as np
import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.cache.management import cached_tables
from commcare_frames.errors import (
    CacheError,
    DtypeError,
    NotFoundError,
    PermissionMissingError,
    QueryError,
    RateLimitError,
    ServerFailedError,
)
from commcare_frames.hq.client import Patience
from commcare_frames.read.report_filters import to_params
from commcare_frames.sandbox import Sandbox
from commcare_frames.sandbox.programme import Programme, build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain

ENROLMENT = "Enrolment and outcomes by village and month"
OPEN = "Open pregnancies"
WORK = "Work of mobile workers"
QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=5)
DATA = "/configurablereportdata/"


def asked_of(sandbox: Sandbox, start: int) -> list[dict[str, list[str]]]:
    return [parse_qs(urlencode(each.query)) for each in sandbox.log[start:] if DATA in each.path]


def served(changes: dict[str, Any], **replaced: Any) -> Sandbox:
    """A sandbox whose programme differs from the usual one."""
    usual = build("maternal-health", project_name="x", patients=40)
    values = {each.name: getattr(usual, each.name) for each in fields(usual)} | replaced
    kind = type("Changed", (Programme,), changes)
    return Sandbox([kind(**values)])


def connected(sandbox: Sandbox, domain: str = "maternal-health", **login: str) -> Domain:
    admin = sandbox.admin
    named = {"username": admin.username, "api_key": admin.api_key} | login
    return ccf.connect(domain, server=sandbox.url, patience=QUICK, **named)


def of_rows(rows: list[dict[str, Any]]) -> Sandbox:
    """A sandbox with a report of these rows."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["a", "b"]
    columns = [{"header": f"The {name}", "slug": name} for name in names]
    return served({"report_rows": lambda *_: rows, "report_columns": lambda *_: columns})


@pytest.fixture
def odd() -> Iterator[Any]:
    """Serves rows as a report, and reads it."""
    running: list[Sandbox] = []

    def read(rows: list[dict[str, Any]], **asked: Any) -> pd.DataFrame:
        running.append(of_rows(rows))
        connected(running[-1])
        return ccf.read_report(OPEN, **asked)

    yield read
    for sandbox in running:
        sandbox.stop()


# What a report's frame is


def test_all_pages_of_a_report_become_one_typed_frame(domain: Domain, sandbox: Sandbox) -> None:
    start = len(sandbox.log)
    work = ccf.read_report(WORK)

    assert {name: str(dtype) for name, dtype in work.dtypes.items()} == {
        "month": "datetime64[us]", "worker": "str", "district": "str", "forms": "Int64", "visits": "Int64",
        "same_day": "str",
    }  # fmt: skip
    assert len(work) > 400
    assert not work[["month", "worker"]].duplicated().any()
    asked = asked_of(sandbox, start)
    assert [each.get("offset", ["0"])[0] for each in asked] == [str(50 * page) for page in range(len(asked))]
    assert {each["limit"][0] for each in asked} == {"50"}
    assert len(asked) == -(-len(work) // 50)


def test_expanded_columns_keep_their_names_and_tell_their_headers(domain: Domain) -> None:
    enrolment = ccf.read_report(ENROLMENT)
    headers = enrolment.attrs["commcare"]["headers"]

    assert list(headers) == list(enrolment.columns)
    assert headers["outcome-live_birth"] == "Outcome-live_birth"
    assert (headers["month"], str(enrolment["outcome-stillbirth"].dtype)) == ("Month", "Int64")


def test_a_report_is_named_by_id_or_title_whatever_its_capitals(domain: Domain) -> None:
    listed = ccf.list_reports().set_index("title")
    number = listed.loc[OPEN, "report_id"]

    first = ccf.read_report(number)
    for name in (OPEN, "open PREGNANCIES", " Open pregnancies "):
        pd.testing.assert_frame_equal(ccf.read_report(name), first)
    assert first.attrs["commcare"]["report"] == OPEN


def test_reports_are_listed_with_their_filters_and_columns(domain: Domain) -> None:
    reports = ccf.list_reports()

    assert reports["title"].tolist() == [ENROLMENT, OPEN, WORK]
    assert reports["filters"].tolist()[1] == "district (dynamic_choice_list), high_risk (choice_list), edd (date)"
    assert reports["columns"].tolist()[2] == "month, worker, district, forms, visits, same_day"


def test_attrs_say_what_was_read_and_never_by_whom(domain: Domain, sandbox: Sandbox) -> None:
    said = ccf.read_report(ENROLMENT, filters={"district": ["Gaya", "x"], "registrations": (">", 1)}).attrs["commcare"]

    assert said["report"] == ENROLMENT
    assert said["filters"] == {
        "district": ["Gaya", "x"], "registrations-operator": ">", "registrations-operand": "1",
    }  # fmt: skip
    assert said["server"] == sandbox.url
    assert sandbox.admin.username not in str(said)


def test_columns_come_in_the_order_asked_and_unknown_ones_warn(domain: Domain) -> None:
    whole = ccf.read_report(OPEN)
    pd.testing.assert_frame_equal(ccf.read_report(OPEN, columns=["edd", "name"]), whole[["edd", "name"]])
    with pytest.warns(ccf.DataWarning, match=r"'distrct'.*Did you mean 'district'"):
        assert ccf.read_report(OPEN, columns=["name", "distrct"])["distrct"].isna().all()
    with pytest.raises(QueryError, match="write columns="):
        ccf.read_report(OPEN, columns="edd")


def test_numbers_are_numbers_however_they_are_written_and_texts_only_where_nothing_is_lost(odd: Any) -> None:
    frame = odd(
        [
            {"whole": 1, "mixed": 1, "tiny": 1e-07, "code": "007", "digits": "7", "gap": 3, "big": 10**30, "yes": True},
            {"whole": 2, "mixed": 2.5, "tiny": 1.5, "code": "8", "digits": "8", "gap": None, "big": 1, "yes": False},
        ]
    )

    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "whole": "Int64", "mixed": "Float64", "tiny": "Float64", "code": "str", "digits": "Int64", "gap": "Int64",
        "big": "str", "yes": "boolean",
    }  # fmt: skip
    assert frame["tiny"].tolist() == [1e-07, 1.5]
    assert frame["gap"].isna().tolist() == [False, True]


def test_dtypes_can_be_left_as_text_or_pinned(domain: Domain, odd: Any) -> None:
    as_text = ccf.read_report(OPEN, dtypes="string")
    assert {str(dtype) for dtype in as_text.dtypes} == {"str"}
    assert as_text["last_visit"].isna().any()
    assert str(ccf.read_report(OPEN, dtypes={"visits": "Float64"})["visits"].dtype) == "Float64"
    with pytest.raises(DtypeError, match=r"word: 1 of 2 values do not fit Int64: 'x' in row number 1"):
        odd([{"word": "1"}, {"word": "x"}], dtypes={"word": "Int64"})


def test_a_report_without_rows_has_its_columns(odd: Any, domain: Domain) -> None:
    assert list(odd([]).columns) == ["a", "b"]
    connected_again = ccf.read_report(OPEN, filters={"district": "Atlantis"}, domain=domain)
    assert connected_again.empty
    assert "edd" in connected_again
    assert connected_again.attrs["commcare"]["headers"]["edd"] == "Due"


def test_a_column_without_a_value_and_one_that_few_rows_have_are_there(odd: Any) -> None:
    rows = [{"a": None, "b": number} for number in range(60)] + [{"a": None, "b": 60, "c": "late"}]
    frame = odd(rows)

    assert list(frame.columns) == ["a", "b", "c"]
    assert frame["a"].isna().all()
    assert frame["c"].tolist()[-1] == "late"


def test_rows_that_are_alike_are_all_kept_in_hq_s_order(odd: Any) -> None:
    rows = [{"a": "same"}] * 120 + [{"a": "last"}]

    assert odd(rows)["a"].tolist() == [row["a"] for row in rows]


# Filters


def test_choices_dates_and_numbers_run_on_hq_and_equal_a_filter_in_pandas(domain: Domain, sandbox: Sandbox) -> None:
    enrolment = ccf.read_report(ENROLMENT)
    districts = enrolment["district"].unique()[:2].tolist()
    start, end = enrolment["month"].drop_duplicates().iloc[[3, -3]]
    before = len(sandbox.log)
    found = ccf.read_report(
        ENROLMENT,
        filters={"district": districts, "month": (str(start.date()), end.to_pydatetime()), "registrations": (">=", 2)},
    )
    kept = enrolment["district"].isin(districts) & enrolment["month"].between(start, end)
    expected = enrolment[kept & (enrolment["registrations"] >= 2)].reset_index(drop=True)

    assert 0 < len(found) < len(enrolment)
    pd.testing.assert_frame_equal(found, expected)
    assert asked_of(sandbox, before)[0] == {
        "district": ["\x1f".join(districts)], "month-start": [str(start.date())], "month-end": [str(end.date())],
        "registrations-operator": [">="], "registrations-operand": ["2"], "limit": ["50"],
    }  # fmt: skip


def test_filters_go_with_every_page(domain: Domain, sandbox: Sandbox) -> None:
    start = len(sandbox.log)
    found = ccf.read_report(WORK, filters={"district": "Gaya"})

    assert found["district"].unique().tolist() == ["Gaya"]
    assert len(found) > 100
    assert [each["district"] for each in asked_of(sandbox, start)] == [["Gaya"]] * -(-len(found) // 50)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Gaya", "Gaya"),
        (["Gaya", "Gondar Zuria"], "Gaya\x1fGondar Zuria"),
        (pd.Series(["Gaya"]), "Gaya"),
        ({"Gaya"}, "Gaya"),
        (None, "\u2400"),
        (["Gaya", None], "Gaya\x1f\u2400"),
        (3, "3"),
        ([3.0, np.int64(4), 1.5], "3\x1f4\x1f1.5"),
    ],
)
def test_a_choice_is_written_as_hq_takes_it(value: object, sent: str) -> None:
    report = {"title": "x", "filters": [{"slug": "district", "type": "dynamic_choice_list", "datatype": "string"}]}

    assert to_params(report, {"district": value}) == (("district", sent),)


@pytest.mark.parametrize("ends", [("2025-01-01", "2025-03-31"), (date(2025, 1, 1), pd.Timestamp("2025-03-31"))])
def test_a_date_is_whatever_pandas_reads(ends: object) -> None:
    report = {"title": "x", "filters": [{"slug": "d", "type": "date", "datatype": "date"}]}

    assert to_params(report, {"d": ends}) == (("d-end", "2025-03-31"), ("d-start", "2025-01-01"))


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"distrct": "x"}, r"'distrct'\. Did you mean 'district'\? Its filters are month \(date\), district \(dynamic"),
        ("district", "filters is a dictionary"),
        ({"district": ("a", "b")}, r"for choices \(dynamic_choice_list\) and takes one, or a list"),
        ({"district": {"a": 1}}, "for choices"),
        ({"district": []}, "empty list"),
        ({"district": [True]}, "True in filter 'district' is no choice"),
        ({"district": float("nan")}, "nan in filter 'district' is no choice"),
        ({"month": "2025-01-01"}, r"for dates and takes \(start, end\)"),
        ({"month": ["2025-01-01", "2025-02-01"]}, r"for dates and takes \(start, end\)"),
        ({"month": ("2025-01-01", None)}, "needs both ends"),
        ({"month": ("2025-01-01", "soon")}, "'soon' in filter 'month' is no date"),
        ({"month": ("2025-01-01", pd.NaT)}, "is no date"),
        ({"month": ("2025-01-01", "2025-02-01 14:00")}, "whole days"),
        ({"month": ("2025-02-01", "2025-01-01")}, "later than its end"),
        ({"registrations": 3}, r"for numbers and takes \(operator, operand\)"),
        ({"registrations": ("=>", 3)}, "no operator that HQ has: = != < <= > >="),
        ({"registrations": (">", "three")}, "'three' in filter 'registrations' is no number"),
        ({"registrations": (">", float("inf"))}, "is no number"),
        ({"registrations": (">", None)}, "None in filter 'registrations' is no number"),
    ],
)  # fmt: skip
def test_what_a_filter_does_not_take_is_an_error_before_the_report_is_asked(
    domain: Domain, sandbox: Sandbox, filters: Any, said: str
) -> None:
    start = len(sandbox.log)
    with pytest.raises(QueryError, match=said):
        ccf.read_report(ENROLMENT, filters=filters)
    assert asked_of(sandbox, start) == []


@pytest.mark.parametrize(
    ("kind", "datatype", "value", "said"),
    [
        ("pre", "string", "x", "is set in the report itself"),
        ("quarter", "date", "2025-1", "of the type quarter, which HQ's API cannot be asked for"),
        ("choice_list", "integer", ["1", "one"], "'one' in filter 'f' is no choice: its choices are of the type int"),
    ],
)  # fmt: skip
def test_other_kinds_of_filter_say_what_they_are(kind: str, datatype: str, value: object, said: str) -> None:
    report = {"title": "x", "filters": [{"slug": "f", "type": kind, "datatype": datatype}]}

    with pytest.raises(QueryError, match=said):
        to_params(report, {"f": value})
    with pytest.raises(QueryError, match="Report 'x' has no filter 'g'. It has no filters at all."):
        to_params({"title": "x", "filters": []}, {"g": 1})


def test_a_value_that_hq_refuses_is_an_error_that_tells_what_the_filter_takes(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    start = len(fresh_sandbox.log)
    with pytest.raises(QueryError) as caught:
        ccf.read_report(OPEN, filters={"high_risk": ["yes", "perhaps"], "district": "Gaya"})

    assert str(caught.value) == (
        f"{fresh_domain.host} fails at the report 'Open pregnancies' with these filters, and not without them: most "
        "likely a value does not suit its filter. HQ does not say which. 'district' is a dynamic_choice_list of the "
        "type string, and the report's first rows have 'Dessie Zuria', 'Gaya', 'Gondar Zuria', 'Kédougou', 'Nawada', "
        "'Purnia'; 'high_risk' is a choice_list of the type string, and the report's first rows have 'no', 'yes'."
    )
    assert len(asked_of(fresh_sandbox, start)) == QUICK.attempts + 1
    with pytest.raises(QueryError, match="with these filters"):
        ccf.read_report(OPEN, filters={"high_risk": "perhaps"}, cache=False)


def test_a_server_that_fails_with_and_without_filters_is_said_to_fail(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    fresh_sandbox.faults.status(500, path=DATA)
    for filters in (None, {"high_risk": "yes"}):
        with pytest.raises(ServerFailedError, match="Run the same call again later"):
            ccf.read_report(OPEN, filters=filters)


# Names that are not there


def test_an_unknown_report_is_an_error_with_the_reports_that_there_are(domain: Domain) -> None:
    with pytest.raises(NotFoundError, match=r"no report 'Open pregnancy'\. Did you mean 'Open pregnancies'\? Its repo"):
        ccf.read_report("Open pregnancy")
    for wrong in ("", None, 3):
        with pytest.raises(QueryError, match=r"as list_reports\(\) shows them"):
            ccf.read_report(wrong)


def test_a_title_of_several_reports_is_an_error_that_names_their_ids() -> None:
    usual = build("maternal-health", project_name="x", patients=20)
    first, second, third = (dict(report) for report in usual.reports)
    second["title"] = first["title"]
    third["title"] = None
    with served({}, reports=[first, second, third]) as sandbox:
        connected(sandbox)
        with pytest.raises(QueryError, match=f"2 reports have the title .*: {first['id']}, {second['id']}"):
            ccf.read_report(ENROLMENT.upper())
        assert len(ccf.read_report(second["id"])) > 0
        assert len(ccf.read_report(third["id"])) > 0


def test_capitals_tell_titles_apart_that_differ_in_nothing_else() -> None:
    usual = build("maternal-health", project_name="x", patients=20)
    first, second, third = (dict(report) for report in usual.reports)
    second["title"], third["title"] = "Due", "due"
    with served({}, reports=[first, second, third]) as sandbox:
        connected(sandbox)
        assert "edd" in ccf.read_report("Due")
        assert "worker" in ccf.read_report("due")
        with pytest.raises(QueryError, match="2 reports have the title"):
            ccf.read_report("DUE")


def test_a_report_that_is_listed_and_has_no_data_says_so(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox.faults.status(404, body="json", path=DATA)
    with pytest.raises(NotFoundError, match="lists the report 'Open pregnancies' .* and has no data of it"):
        ccf.read_report(OPEN)


# Pages that go wrong


def test_a_report_that_changes_once_while_it_is_read_is_read_again(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    before = ccf.read_report(WORK)
    fresh_sandbox.faults.rows_to_come = 1
    after = ccf.read_report(WORK, progress=False)

    pd.testing.assert_frame_equal(after.iloc[1:].reset_index(drop=True), before, check_like=False)
    assert len(after) == len(before) + 1


def test_a_report_that_keeps_changing_warns(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox.faults.rows_to_come = 1000
    with pytest.warns(ccf.DataWarning, match=r"HQ counted \d+ to \d+ rows of .* may be missing or stand there twice"):
        ccf.read_report(WORK)


def test_a_page_with_other_columns_is_a_change_too() -> None:
    answers = iter(range(100))

    def columns(*_: object) -> list[dict[str, str]]:
        return [{"header": "A", "slug": "a"}, *([{"header": "B", "slug": "b"}] if next(answers) > 0 else [])]

    rows = [{"a": number} for number in range(60)]
    with served({"report_rows": lambda *_: rows, "report_columns": columns}) as sandbox:
        connected(sandbox)
        frame = ccf.read_report(OPEN)
        assert list(frame.columns) == ["a", "b"]
        assert len([each for each in sandbox.log if DATA in each.path]) == 4


@pytest.mark.parametrize("fault", ["status", "reset", "cut_short", "invalid_json", "web_page"])
def test_a_page_that_fails_once_is_asked_again(fresh_sandbox: Sandbox, fresh_domain: Domain, fault: str) -> None:
    before = ccf.read_report(WORK)
    arguments = (502,) if fault == "status" else ()
    getattr(fresh_sandbox.faults, fault)(*arguments, path=DATA, skip=1, times=1)

    pd.testing.assert_frame_equal(ccf.read_report(WORK), before)


def test_throttling_in_the_middle_is_waited_for(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    before = ccf.read_report(WORK)
    fresh_sandbox.faults.status(429, path=DATA, skip=2, times=2)

    pd.testing.assert_frame_equal(ccf.read_report(WORK), before)


def test_a_pull_that_breaks_off_leaves_what_was_cached_and_begins_anew(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    before = ccf.read_report(WORK)
    fresh_sandbox.faults.status(429, path=DATA, skip=2, retry_after="3600")
    with pytest.raises(RateLimitError, match=r"60 minutes\. Run the same call again later\."):
        ccf.read_report(WORK)
    fresh_sandbox.faults.clear()

    pd.testing.assert_frame_equal(ccf.read_report(WORK, cache="offline"), before)
    start = len(fresh_sandbox.log)
    pd.testing.assert_frame_equal(ccf.read_report(WORK), before)
    assert len(asked_of(fresh_sandbox, start)) == -(-len(before) // 50)


def test_the_cost_of_a_large_report_is_told_before_it_is_read(
    domain: Domain, caplog: pytest.LogCaptureFixture, odd: Any
) -> None:
    with caplog.at_level("INFO", "commcare_frames"):
        odd([{"a": number} for number in range(1000)])

    assert "Open pregnancies: 1,000 rows, about 20 requests" in caplog.text
    assert "the next call begins anew" in caplog.text


def test_an_old_server_is_asked_by_its_old_paths(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    before = ccf.read_report(WORK), ccf.read_data_source("Pregnancies")
    fresh_sandbox.faults.old_scheme_only = True
    connection = connected(fresh_sandbox)

    pd.testing.assert_frame_equal(ccf.read_report(WORK, domain=connection), before[0])
    pd.testing.assert_frame_equal(ccf.read_data_source("Pregnancies", domain=connection), before[1])


# What is kept


def test_offline_and_a_fresh_report_ask_nothing_and_need_no_server(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    online = ccf.read_report(OPEN)
    late = {"edd": ("2020-01-01", "2030-01-01")}
    filtered = ccf.read_report(OPEN, filters=late, max_age="1h")
    rows = ccf.read_data_source("Pregnancies")
    made = fresh_domain.requests_made
    fresh_sandbox.stop()

    pd.testing.assert_frame_equal(ccf.read_report(OPEN, cache="offline"), online)
    pd.testing.assert_frame_equal(ccf.read_report("open pregnancies", max_age="1h"), online)
    pd.testing.assert_frame_equal(ccf.read_report(OPEN, filters=late, max_age="1h"), filtered)
    pd.testing.assert_frame_equal(ccf.read_report(OPEN, filters=late, cache="offline"), filtered)
    pd.testing.assert_frame_equal(ccf.read_data_source("pregnancies", max_age="1h"), rows)
    pd.testing.assert_frame_equal(ccf.read_data_source("Pregnancies", cache="offline"), rows)
    assert online.attrs["commcare"] == ccf.read_report(OPEN, cache="offline").attrs["commcare"]
    assert fresh_domain.requests_made == made


def test_what_is_not_cached_cannot_be_read_offline(domain: Domain) -> None:
    with pytest.raises(CacheError, match="Nothing is cached for 'list of reports'"):
        ccf.read_report(OPEN, cache="offline")
    ccf.list_reports()
    with pytest.raises(CacheError, match="Nothing is cached for 'Open pregnancies'"):
        ccf.read_report(OPEN, cache="offline")
    ccf.read_report(OPEN, filters={"high_risk": "yes"}, cache=False)
    ccf.read_report(OPEN, filters={"high_risk": "yes"})
    with pytest.raises(CacheError, match="Nothing is cached for 'Open pregnancies'"):
        ccf.read_report(OPEN, filters={"high_risk": "yes"}, cache="offline")


def test_each_call_reads_anew_unless_max_age_says_otherwise(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    first = ccf.read_report(OPEN)
    reports = fresh_sandbox._hq.domains["maternal-health"].report_rows
    reports.repeat_first(first.attrs["commcare"]["report_id"])

    assert len(ccf.read_report(OPEN, max_age="1h")) == len(first)
    assert len(ccf.read_report(OPEN, max_age=timedelta())) == len(first) + 1
    reports.repeat_first(first.attrs["commcare"]["report_id"])
    assert len(ccf.read_report(OPEN)) == len(first) + 2
    with pytest.raises(QueryError, match="no length of time"):
        ccf.read_report(OPEN, max_age="soon")
    with pytest.raises(QueryError, match="none of True, False and 'offline'"):
        ccf.read_report(OPEN, cache="never")


def test_nothing_is_kept_without_a_cache(domain: Domain) -> None:
    frame = ccf.read_report(WORK, cache=False)
    assert cached_tables() == []

    pd.testing.assert_frame_equal(ccf.read_report(WORK), frame)
    assert {(table.kind, table.state) for table in cached_tables()} == {
        ("list of reports", "complete"), ("reports", "complete"),
    }  # fmt: skip


def test_a_compacted_table_gives_the_same_frame_also_where_a_column_has_no_value(odd: Any) -> None:
    before = odd([{"a": None, "b": number} for number in range(60)])
    for table in cached_tables():
        table.compact()

    pd.testing.assert_frame_equal(ccf.read_report(OPEN, cache="offline"), before)


def test_a_damaged_part_is_read_anew(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    before = ccf.read_report(OPEN)
    [table] = [each for each in cached_tables() if each.kind == "reports"]
    [part] = table.manifest.parts
    (table.folder / part.file).write_bytes(b"no Parquet")

    with pytest.raises(CacheError, match="damaged or missing"):
        ccf.read_report(OPEN, cache="offline")
    pd.testing.assert_frame_equal(ccf.read_report(OPEN, max_age="1h"), before)
    pd.testing.assert_frame_equal(ccf.read_report(OPEN, cache="offline"), before)


# Data sources


def test_a_data_source_is_read_page_by_page_with_its_name_every_time() -> None:
    rows = [{"doc_id": f"{number:06}", "inserted_at": f"{2000 + number // 7}"} for number in range(20_003)]
    with source_of(rows) as sandbox:
        connected(sandbox)
        frame = ccf.read_data_source("pregnancies", dtypes="string")
        asked = [dict(each.query) for each in sandbox.log if "/ucr/" in each.path]

    assert frame["doc_id"].tolist() == [row["doc_id"] for row in rows]
    number = frame.attrs["commcare"]["data_source_id"]
    assert {(each["data_source_id"], each["limit"]) for each in asked} == {(number, "10000")}
    assert len({each.get("cursor") for each in asked}) == len(asked) == 4, "three pages of rows, and the empty one"


def test_a_data_source_s_frame_is_typed_and_in_the_order_of_insertion(domain: Domain) -> None:
    rows = ccf.read_data_source("Pregnancies")

    kinds = {name: str(rows[name].dtype) for name in ("inserted_at", "doc_id", "high_risk", "visits", "edd", "outcome")}
    assert kinds == {
        "inserted_at": "datetime64[us]", "doc_id": "str", "high_risk": "Int64", "visits": "Int64",
        "edd": "datetime64[us]", "outcome": "str",
    }  # fmt: skip
    assert rows["inserted_at"].is_monotonic_increasing
    assert rows["outcome"].isna().any()
    narrow = ccf.read_data_source("Pregnancies", columns=["visits", "edd"], max_age="1h")
    pd.testing.assert_frame_equal(narrow, rows[["visits", "edd"]])


def source_of(rows: list[dict[str, Any]]) -> Sandbox:
    return served({"data_source_rows": lambda _: iter(rows)})


def test_rows_of_one_document_are_never_merged() -> None:
    rows = [
        {"doc_id": doc_id, "inserted_at": f"2026-01-0{day}T00:00:00.000000", "visit": visit}
        for day, doc_id in enumerate("abc", 1)
        for visit in range(3)
    ]
    with source_of(rows) as sandbox:
        connected(sandbox)
        frame = ccf.read_data_source("Pregnancies")

    assert list(zip(frame["doc_id"], frame["visit"], strict=True)) == [(row["doc_id"], row["visit"]) for row in rows]


def test_a_document_that_came_with_old_and_new_rows_warns() -> None:
    rows = [
        {"doc_id": "a", "inserted_at": "2026-01-01T00:00:00.000000", "visits": 1},
        {"doc_id": "b", "inserted_at": "2026-01-02T00:00:00.000000", "visits": 1},
        {"doc_id": "a", "inserted_at": "2026-01-03T00:00:00.000000", "visits": 2},
    ]
    with source_of(rows) as sandbox:
        connected(sandbox)
        with pytest.warns(ccf.DataWarning, match="1 documents of 'Pregnancies' were written anew") as warned:
            frame = ccf.read_data_source("Pregnancies")

    assert len(frame) == 3
    assert warned[0].filename == __file__


def test_several_rows_of_one_document_over_several_pages_warn() -> None:
    rows = [
        {"doc_id": f"{number // 2:06}", "inserted_at": "2026-01-01T00:00:00.000000", "visit": number % 2}
        for number in range(10_003)
    ]
    with source_of(rows) as sandbox:
        connected(sandbox)
        with pytest.warns(ccf.DataWarning, match="several rows for one document, and HQ's pages of 10,000 rows"):
            frame = ccf.read_data_source("Pregnancies", columns=["visit"])

    assert len(frame) == 10_003


def test_a_data_source_without_rows_is_an_empty_frame() -> None:
    with source_of([]) as sandbox:
        connected(sandbox)
        assert list(ccf.read_data_source("Pregnancies").columns) == ["doc_id", "inserted_at"]


def test_a_missing_flag_is_named(domain: Domain, sandbox: Sandbox) -> None:
    other = domain.sibling("child-nutrition")
    for read in (lambda: ccf.list_data_sources(domain=other), lambda: ccf.read_data_source("x", domain=other)):
        with pytest.raises(PermissionMissingError, match="feature flag USER_CONFIGURABLE_REPORTS on the domain"):
            read()
    with pytest.raises(PermissionMissingError, match="feature flag EXPORT_DATA_SOURCE_DATA on the domain"):
        ccf.read_data_source("0123456789abcdef" * 2, domain=other)
    with pytest.raises(NotFoundError, match=r"no data source 'Pregnancy'\. Did you mean 'Pregnancies'"):
        ccf.read_data_source("Pregnancy")
    with pytest.raises(QueryError, match=r"list_data_sources\(\)"):
        ccf.read_data_source(None)


def test_rows_can_be_read_by_id_where_the_list_may_not_be_seen(domain: Domain, sandbox: Sandbox) -> None:
    number = ccf.list_data_sources()["data_source_id"].iloc[0]
    whole = ccf.read_data_source(number)
    worker = sandbox.mobile_worker
    connected(sandbox, username=worker.username, api_key=worker.api_key)
    for table in cached_tables():
        table.clear()

    frame = ccf.read_data_source(number)
    pd.testing.assert_frame_equal(frame, whole)
    assert frame.attrs["commcare"]["data_source"] == number
    pd.testing.assert_frame_equal(ccf.read_data_source(number, cache="offline"), whole)
    with pytest.raises(PermissionMissingError, match="web users only"):
        ccf.read_data_source("Pregnancies")
