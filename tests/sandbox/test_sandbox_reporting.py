"""Reports and UCR data sources: definitions, filters, the report's own paging, the cursor that forgets."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from asking import Ask
from openapi_schema_validator import OAS30ReadValidator

from commcare_frames.sandbox import Sandbox, start
from commcare_frames.sandbox.programme import build

FOLDER = Path(__file__).parent / "openapi"
CANNED = {"error_message": "Sorry, this request could not be processed. Please try again later."}
ENROLMENT, OPEN, WORK = range(3)
SEPARATOR, NULL = "\x1f", "\u2400"


@pytest.fixture(scope="module")
def whole():
    with start(patients=120) as sandbox:
        yield sandbox


@pytest.fixture
def ask(whole):
    whole.faults.clear()
    return Ask(whole)


@pytest.fixture
def reports(ask):
    return ask("simplereportconfiguration/v1/").json()["objects"]


@pytest.fixture
def source(ask):
    return ask("ucr_data_source/v1/").json()["objects"][0]


def data(ask, report, **params):
    return ask(f"configurablereportdata/v1/{report['id']}/", params)


def rows(ask, report, **params):
    """Return the rows of all pages, followed as HQ names them."""
    page = data(ask, report, **params).json()
    found = page["data"]
    while page["next_page"]:
        page = ask(page["next_page"]).json()
        found += page["data"]
    assert len(found) == page["total_records"]
    return found


def described(name, path, answer):
    document = json.loads((FOLDER / f"{name}.json").read_text())
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    OAS30ReadValidator({**schema, "components": document["components"]}).validate(answer)
    return document["components"]["schemas"]


def test_definitions_and_data_are_as_hq_describes_them(ask, reports):
    answer = ask("simplereportconfiguration/v1/").json()
    configured = described("report-config-v1", "/a/{domain}/api/simplereportconfiguration/v1/", answer)
    assert answer["meta"] == {"total_count": 3}
    for report in reports:
        assert report.keys() == configured["ReportConfig"]["properties"].keys()
        assert ask(f"simplereportconfiguration/v1/{report['id']}/").json() == report
        page = data(ask, report).json()
        schemas = described("report-data-v1", "/a/{domain}/api/configurablereportdata/v1/{pk}/", page)
        assert page.keys() == schemas["ReportData"]["properties"].keys()
        assert list(page["data"][0]) == [column["slug"] for column in page["columns"]]


def test_both_url_schemes_answer_alike(ask, reports, source):
    number = reports[0]["id"]
    for new, old in (
        ("simplereportconfiguration/v1/", "v0.5/simplereportconfiguration/"),
        ("ucr_data_source/v1/", "v0.5/ucr_data_source/"),
        (f"configurablereportdata/v1/{number}/", f"v0.5/configurablereportdata/{number}/"),
    ):
        assert ask(new).json() == ask(old).json()
    wanted = {"data_source_id": source["id"], "limit": "5"}
    assert ask("ucr/v1/", wanted).json() == ask("v0.5/ucr/", wanted).json()


def test_pages_of_a_report_follow_each_other_and_end_with_a_blank_next_page(ask, reports):
    report = reports[WORK]
    first = data(ask, report, limit="20", district="Gaya").json()

    assert first["next_page"] == (
        f"/a/maternal-health/api/configurablereportdata/v1/{report['id']}/?district=Gaya&offset=20&limit=20"
    )
    assert len(first["data"]) == 20
    assert first["total_records"] > 40
    assert rows(ask, report, limit="20", district="Gaya") == rows(ask, report, district="Gaya")
    assert data(ask, report, offset="100000").json()["next_page"] == ""
    assert data(ask, report, offset="100000").json()["data"] == []


def test_a_limit_of_nothing_repeats_itself_for_ever(ask, reports):
    page = data(ask, reports[WORK], limit="0").json()

    assert page["data"] == []
    assert ask(page["next_page"]).json()["next_page"] == page["next_page"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"limit": "51"}, "Limit may not exceed 50."),
        ({"limit": "-1"}, "limit must be a positive integer."),
        ({"limit": "many"}, "limit must be a positive integer."),
        ({"offset": "-1"}, "start must be a positive integer."),
        ({"offset": ""}, "start must be a positive integer."),
    ],
)
def test_a_wrong_limit_or_offset_is_refused(ask, reports, asked, said):
    answer = data(ask, reports[WORK], **asked)

    assert (answer.status_code, answer.json()) == (400, {"error": said})


def test_what_is_not_there_is_not_found_with_the_canned_words(ask):
    for path in ("simplereportconfiguration/v1/nope/", "configurablereportdata/v1/nope/", "ucr_data_source/v1/nope/"):
        answer = ask(path)
        assert (answer.status_code, answer.json()) == (404, CANNED)
    listed = ask("configurablereportdata/v1/")
    assert (listed.status_code, listed.text) == (405, "")


def test_choices_are_one_or_several_or_all_or_none(ask, reports):
    report = reports[OPEN]
    everything = rows(ask, report)
    districts = sorted({row["district"] for row in everything})

    for chosen in ([districts[0]], districts[:2], districts):
        found = rows(ask, report, district=SEPARATOR.join(chosen))
        assert found == [row for row in everything if row["district"] in chosen]
    assert rows(ask, report, district="_all") == everything
    assert rows(ask, report, nonsense="x") == everything
    assert rows(ask, report, district=NULL) == []
    assert rows(ask, report, district="Atlantis") == []


def test_dates_and_numbers_have_two_parameters_each(ask, reports):
    report = reports[ENROLMENT]
    everything = rows(ask, report)
    months = sorted({row["month"] for row in everything})
    start, end = months[3], months[9]

    found = rows(ask, report, **{"month-start": start, "month-end": end})
    assert found == [row for row in everything if start <= row["month"] <= end]
    for operator, count in (("=", 1), ("!=", 1), ("<", 2), ("<=", 1), (">", 1), (">=", 2)):
        found = rows(ask, report, **{"registrations-operator": operator, "registrations-operand": str(count)})
        kept = {"=": int.__eq__, "!=": int.__ne__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}
        assert found == [row for row in everything if kept[operator](row["registrations"], count)]
        assert 0 < len(found) < len(everything)


@pytest.mark.parametrize(
    ("which", "asked"),
    [
        (OPEN, {"high_risk": "perhaps"}),
        (OPEN, {"edd-start": "tomorrow", "edd-end": "2026-01-01"}),
        (ENROLMENT, {"registrations-operator": "~", "registrations-operand": "1"}),
        (ENROLMENT, {"registrations-operator": "=", "registrations-operand": "one"}),
    ],
)
def test_a_value_that_does_not_suit_its_filter_is_an_uncaught_error(ask, reports, which, asked):
    answer = data(ask, reports[which], **asked)

    assert (answer.status_code, answer.json()) == (500, CANNED)


def test_a_report_may_gain_rows_between_pages(ask, whole):
    with start(patients=60) as fresh:
        asking = Ask(fresh)
        report = asking("simplereportconfiguration/v1/").json()["objects"][WORK]
        before = data(asking, report).json()
        fresh.faults.rows_to_come = 1
        totals = [data(asking, report).json()["total_records"] for _ in range(3)]

    assert [total - before["total_records"] for total in totals] == [0, 1, 1]


def test_data_sources_say_more_of_themselves_one_by_one(ask, source):
    assert source.keys() == {"id", "display_name", "resource_uri"}
    detail = ask(f"ucr_data_source/v1/{source['id']}/").json()
    assert detail.keys() - source.keys() == {"configured_filter", "configured_indicators"}


def test_a_pull_of_a_data_source_ends_with_an_empty_page_and_its_cursor_forgets_the_data_source(ask, whole, source):
    wanted = {"data_source_id": source["id"], "limit": "50"}
    page = ask("ucr/v1/", wanted).json()
    found, forgot = list(page["objects"]), []
    while page["meta"]["next"]:
        link = urlsplit(page["meta"]["next"])
        assert f"{link.scheme}://{link.netloc}" == whole.url
        query = parse_qs(link.query)
        forgot.append("data_source_id" not in query)
        page = ask("ucr/v1/", {**wanted, "cursor": query["cursor"][0]}).json()
        found += page["objects"]

    assert page == {"objects": [], "meta": {"next": None, "limit": "50"}}
    assert len(found) == 120
    assert found == sorted(found, key=lambda row: (row["inserted_at"], row["doc_id"]))
    assert forgot == [False, True, True]
    bare = ask("ucr/v1/", {"limit": "50", "cursor": query["cursor"][0]})
    assert (bare.status_code, bare.text) == (400, "Missing data_source_id parameter")


def test_the_limit_of_a_data_source_is_clamped_and_sometimes_a_text(ask, source):
    limits = [
        ask("ucr/v1/", {"data_source_id": source["id"], **asked}).json()["meta"]["limit"]
        for asked in ({}, {"limit": "7"}, {"limit": "99999"})
    ]

    assert limits == ["1000", "7", 10_000]
    assert ask("ucr/v1/", {"data_source_id": source["id"], "limit": "all"}).status_code == 500


def test_flags_and_permissions_are_refused_in_hq_s_ways(ask, whole, source):
    elsewhere = "/a/child-nutrition/api"
    listed = ask(f"{elsewhere}/ucr_data_source/v1/")
    assert listed.status_code == 401
    assert listed.json() == {"error": "You don't have permission to access this API"}
    read = ask(f"{elsewhere}/ucr/v1/", {"data_source_id": source["id"]})
    assert (read.status_code, read.text) == (403, "")
    no_edit = ask("ucr/v1/", {"data_source_id": source["id"]}, login=whole.no_edit)
    assert no_edit.status_code == 403
    assert "<html>" in no_edit.text
    mobile = ask("ucr/v1/", {"data_source_id": source["id"]}, login=whole.mobile_worker)
    assert mobile.status_code == 200
    assert ask("simplereportconfiguration/v1/", login=whole.mobile_worker).status_code == 403


def test_rows_are_computed_once_whoever_asks():
    programme = build(project_name="x", patients=30)
    computed = []

    class Counting(type(programme)):
        def report_rows(self, report_id):
            computed.append(report_id)
            return super().report_rows(report_id)

    counting = Counting(**{name: getattr(programme, name) for name in programme.__dataclass_fields__})
    with Sandbox([counting]) as sandbox, ThreadPoolExecutor(4) as pool:
        asking = Ask(sandbox)
        report = programme.reports[WORK]
        pages = list(pool.map(lambda _: data(asking, report).json(), range(8)))

    assert computed == [report["id"]]
    assert all(page == pages[0] for page in pages)
