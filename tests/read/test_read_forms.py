"""`read_forms` and its relatives: what an analyst gets over real HTTP, whatever happens to the forms meanwhile."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CacheError, DataWarning, DtypeError, NotFoundError, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.form_index import FormIndex

FIRST = ["form_id", "xmlns", "form_name", "app_id", "received_on", "started_on", "completed_on", "username", "user_id"]


@pytest.fixture
def forms(fresh_sandbox: Sandbox) -> FormIndex:
    return fresh_sandbox.forms("maternal-health")


@pytest.fixture
def unmoved() -> Iterator[None]:
    """Keep quiet about the questions of the programme that moved."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Questions moved", DataWarning)
        yield


def asked(sandbox: Sandbox, start: int) -> list[dict[str, list[str]]]:
    return [parse_qs(urlencode(one.query), keep_blank_values=True) for one in sandbox.log[start:]]


def served(forms: FormIndex, xmlns: str) -> set[str]:
    return set(forms.ids(xmlns))


def xmlns_of(name: str) -> str:
    listed = ccf.list_forms()
    return str(listed.loc[listed["form"] == name, "xmlns"].iloc[0])


# The frame


def test_a_form_becomes_one_tidy_typed_frame(domain: Domain) -> None:
    visits = ccf.read_forms("Visit")

    assert list(visits.columns[: len(FIRST)]) == FIRST
    assert visits["form_id"].is_unique
    assert len(visits) > 300
    assert str(visits["received_on"].dtype) == "datetime64[us, UTC]"
    assert str(visits["visit_date"].dtype) == "datetime64[us]"
    assert str(visits["examination.bp_systolic"].dtype) == "Int64"
    assert str(visits["examination.hb"].dtype) == "Float64"
    assert str(visits["medicines.count"].dtype) == "Int64"
    assert visits["received_on"].is_monotonic_increasing
    assert visits.attrs["commcare"]["form"] == "Visit"
    assert visits.attrs["commcare"]["rows"] == len(visits)
    assert not any(name.endswith(("[]", "{}")) for name in visits.columns)


def test_questions_stand_in_the_order_of_the_form(domain: Domain) -> None:
    visits = ccf.read_forms("Visit").columns.tolist()
    codebook = ccf.read_questions(form="Visit")
    asked_for = [name for name in codebook.loc[codebook["repeat"].isna(), "column"].unique() if name in visits]

    assert len(asked_for) > 15
    assert [name for name in visits if name in asked_for] == asked_for


@pytest.mark.parametrize("name", ["Visit", "visit", "Visite", "Mothers > Visit", "Mother and Child > Mothers > Visit"])
def test_a_form_is_found_by_any_of_its_names(name: str, domain: Domain) -> None:
    assert len(ccf.read_forms(name)) == len(ccf.read_forms(xmlns_of("Visit")))


def test_a_misspelled_form_is_told_with_what_it_may_be(domain: Domain) -> None:
    with pytest.raises(NotFoundError, match="'Vissit'.*Did you mean 'Visit'"):
        ccf.read_forms("Vissit")
    with pytest.raises(NotFoundError, match=r"no form with xmlns 'http://nobody'\. Nobody has submitted it"):
        ccf.read_forms("http://nobody")


def test_a_geopoint_is_four_numbers(domain: Domain) -> None:
    visits = ccf.read_forms("Visit")
    texts = ccf.read_forms("Visit", dtypes="string")["position"].replace("", None)

    assert "position" not in visits.columns
    assert (visits["position.latitude"].isna() == texts.isna()).all()
    first = texts.dropna().iloc[0].split(" ")
    row = texts.dropna().index[0]
    assert [visits.loc[row, f"position.{part}"] for part in ("latitude", "longitude", "altitude", "accuracy")] == [
        float(number) for number in first
    ]


def test_dtypes_may_be_pinned_or_left_as_hq_sent_them(domain: Domain) -> None:
    pinned = ccf.read_forms("Visit", dtypes={"examination.bp_systolic": "Float64"})
    texts = ccf.read_forms("Visit", dtypes="string")

    assert str(pinned["examination.bp_systolic"].dtype) == "Float64"
    assert str(texts["examination.bp_systolic"].dtype) == "str"
    assert (texts["danger_signs"] == "").any()
    with pytest.raises(DtypeError, match=r"visit_type: .* values do not fit Int64: 'anc' in form "):
        ccf.read_forms("Visit", dtypes={"visit_type": "Int64"})


def test_columns_may_be_chosen_and_a_wrong_one_is_named(domain: Domain) -> None:
    assert ccf.read_forms("Visit", columns=["visit_date", "form_id"]).columns.tolist() == ["visit_date", "form_id"]
    with pytest.warns(DataWarning, match="has 'visit_dat'.*Did you mean 'visit_date'"):
        ccf.read_forms("Visit", columns=["visit_dat"])


@pytest.mark.usefixtures("unmoved")
def test_all_forms_are_one_frame(domain: Domain) -> None:
    everything = ccf.read_forms()

    assert len(everything) == sum(len(ccf.read_forms(xmlns)) for xmlns in everything["xmlns"].dropna().unique()) + (
        everything["xmlns"].isna().sum()
    )
    assert everything["received_on"].is_monotonic_increasing
    assert everything["medicines.count"].notna().sum() == len(ccf.read_forms("Visit"))


def test_moved_questions_are_named(domain: Domain) -> None:
    with pytest.warns(DataWarning, match=r"husband_name is now husband\.husband_name"):
        mothers = ccf.read_forms("Register mother")

    assert {"husband_name", "husband.husband_name"} <= set(mothers.columns)


# Requests and the cache


def test_requests_are_few(fresh_domain: Domain) -> None:
    ccf.list_forms()
    before = fresh_domain.requests_made
    first = ccf.read_forms("Visit")
    assert fresh_domain.requests_made - before == 1
    again = ccf.read_forms("Visit")
    assert fresh_domain.requests_made - before <= 3
    pd.testing.assert_frame_equal(first, again)
    before = fresh_domain.requests_made
    pd.testing.assert_frame_equal(ccf.read_forms("Visit", max_age="1h"), first)
    pd.testing.assert_frame_equal(ccf.read_forms("Visit", cache="offline"), first)
    ccf.read_repeats("Visit", "medicines", cache="offline")
    assert fresh_domain.requests_made == before


def test_a_form_of_a_newer_application_makes_the_applications_be_read_anew(
    fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex
) -> None:
    xmlns = xmlns_of("Visit")
    ccf.read_forms("Visit")
    app_id = forms.stored(forms.ids(xmlns)[0]).content()["app_id"]
    forms.submit({"app_id": app_id, "metadata": {"app_build_version": 99}, "form": {"@xmlns": xmlns}})
    start = len(fresh_sandbox.log)
    ccf.read_forms("Visit")

    assert sum("/application/" in one.path for one in fresh_sandbox.log[start:]) == 1


def test_nothing_is_cached_offline_is_said(fresh_domain: Domain) -> None:
    ccf.list_forms()
    with pytest.raises(CacheError, match="Nothing is cached for 'Visit'"):
        ccf.read_forms("Visit", cache="offline")


@pytest.mark.parametrize("change", ["edit", "archive", "delete", "reindex", "submit"])
def test_the_next_read_has_what_happened_since(change: str, fresh_domain: Domain, forms: FormIndex) -> None:
    xmlns = xmlns_of("Visit")
    before = ccf.read_forms("Visit")
    ids = forms.ids(xmlns)
    match change:
        case "edit":
            forms.edit(ids[2], visit_type="edited")
        case "archive":
            forms.archive(ids[:1])
        case "delete":
            forms.delete(ids[3:4])
        case "reindex":
            forms.reindex(ids[:20])
        case "submit":
            forms.submit({"form": {"@xmlns": xmlns, "@name": "Visit", "visit_type": "new"}})
    after = ccf.read_forms("Visit")

    assert set(after["form_id"]) == served(forms, xmlns)
    pd.testing.assert_frame_equal(after, ccf.read_forms("Visit", cache=False))
    if change == "edit":
        row = after.set_index("form_id").loc[ids[2]]
        assert row["visit_type"] == "edited"
        assert row["received_on"] == before.set_index("form_id").loc[ids[2], "received_on"]
        assert pd.notna(row["edited_on"])


def test_archived_forms_come_when_they_are_asked_for(fresh_domain: Domain, forms: FormIndex) -> None:
    xmlns = xmlns_of("Visit")
    forms.archive(forms.ids(xmlns)[:3])

    assert len(ccf.read_forms("Visit")) == forms.count(xmlns)
    everything = ccf.read_forms("Visit", include_archived=True)
    assert everything["archived"].sum() >= 3
    assert len(everything) == forms.count(xmlns, include_archived=True)


@pytest.mark.parametrize("fault", ["reindexed_per_page", "deleted_per_page"])
def test_a_thousand_forms_of_one_stamp_and_an_index_that_moves_lose_nothing(
    fault: str, fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex
) -> None:
    xmlns = "http://openrosa.org/formdesigner/many"
    ids = [forms.submit({"form": {"@xmlns": xmlns, "number": str(number)}}) for number in range(2300)]
    forms.reindex(ids)
    setattr(fresh_sandbox.faults, fault, 3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DataWarning)
        ccf.read_forms(xmlns)
    fresh_sandbox.faults.clear()
    after = ccf.read_forms(xmlns)

    assert set(after["form_id"]) == served(forms, xmlns)
    assert after["number"].is_unique


def test_a_pull_that_breaks_off_goes_on(fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex) -> None:
    xmlns = "http://openrosa.org/formdesigner/many"
    for number in range(2300):
        forms.submit({"form": {"@xmlns": xmlns, "number": str(number)}})
    fresh_sandbox.faults.status(502, skip=2)
    ccf.list_forms()
    fresh_sandbox.faults.clear()
    fresh_sandbox.faults.status(502, skip=2)
    with pytest.raises(ccf.CommCareError, match=r"1,\d\d\d of 2,300 rows had arrived|2,000 of 2,300 rows had arrived"):
        ccf.read_forms(xmlns)
    fresh_sandbox.faults.clear()
    before = fresh_domain.requests_made
    after = ccf.read_forms(xmlns)

    assert len(after) == 2300
    assert fresh_domain.requests_made - before <= 6


# Filters


def test_filters_run_on_the_server(domain: Domain, sandbox: Sandbox) -> None:
    visits = ccf.read_forms("Visit")
    middle = visits["received_on"].iloc[len(visits) // 2]
    start = len(sandbox.log)
    some = ccf.read_forms("Visit", since="2025-01-01", until=middle)

    assert set(some["form_id"]) == set(
        visits.loc[visits["received_on"].between(pd.Timestamp("2025-01-01", tz="UTC"), middle), "form_id"]
    )
    first = asked(sandbox, start)[0]
    assert first["received_on_start"] == ["2025-01-01T00:00:00.000000"]
    assert first["xmlns"] == [xmlns_of("Visit")]
    case_id = visits["case_id"].dropna().iloc[0]
    assert set(ccf.read_forms("Visit", case_id=case_id)["form_id"]) >= set(
        visits.loc[visits["case_id"] == case_id, "form_id"]
    )


def test_forms_of_one_application(domain: Domain) -> None:
    supervision = ccf.list_apps().set_index("app").loc["Supervision", "app_id"]
    found = ccf.read_forms("Supervision", app="Supervision")

    assert len(found) > 0
    assert found["app_id"].unique().tolist() == [supervision]
    with pytest.raises((NotFoundError, QueryError), match="Did you mean 'Supervision'"):
        ccf.read_forms(app="Supervison")


def test_forms_by_their_ids(domain: Domain) -> None:
    ids = ccf.read_forms("Visit")["form_id"].head(2).tolist()
    with pytest.warns(DataWarning, match="no form with 1 of the form ids: nobody"):
        found = ccf.read_forms(form_ids=[*ids, "nobody"])

    assert sorted(found["form_id"]) == sorted(ids)
    with pytest.raises(QueryError, match="leave out form"):
        ccf.read_forms("Visit", form_ids=ids)
    with pytest.raises(QueryError, match=r"write form_ids=\['abc'\]"):
        ccf.read_forms(form_ids="abc")


# Related tables


def test_repeats_join_back_to_their_forms(domain: Domain) -> None:
    households = ccf.read_forms("Register household")
    children = ccf.read_repeats("Register household", "children")
    shots = ccf.read_repeats("Register household", "children.vaccinations")

    counts = children.groupby("form_id").size().reindex(households["form_id"], fill_value=0)
    assert (counts.to_numpy() == households["children.count"].to_numpy()).all()
    joined = shots.merge(
        children, left_on=["form_id", "children_entry"], right_on=["form_id", "entry"], validate="many_to_one"
    )
    assert len(joined) == len(shots) > 0
    assert children["vaccinations.count"].sum() == len(shots)
    assert str(children["age_months"].dtype) == "Int64"


def test_a_repeat_that_does_not_exist_is_told_with_those_that_do(domain: Domain) -> None:
    with pytest.raises(QueryError, match=r"no repeat 'childs'\. Did you mean 'children'\?.*children\.vaccinations"):
        ccf.read_repeats("Register household", "childs")


def test_a_form_has_all_its_tables(domain: Domain) -> None:
    tables = ccf.read_form_tables("Delivery")

    assert list(tables) == ["", "babies", "cases", "attachments"]
    assert set(tables["cases"]["form_id"]) <= set(tables[""]["form_id"])
    assert {"path", "case_id", "update.delivery_outcome"} <= set(tables["cases"].columns)
    assert str(tables["attachments"]["length"].dtype) == "Int64"
    pd.testing.assert_frame_equal(tables[""], ccf.read_forms("Delivery"))
    pd.testing.assert_frame_equal(tables["babies"], ccf.read_repeats("Delivery", "babies"))


@pytest.mark.usefixtures("unmoved")
def test_all_forms_have_their_tables_by_xmlns(domain: Domain) -> None:
    tables = ccf.read_form_tables()
    delivery: Any = tables[xmlns_of("Delivery")]

    assert list(delivery) == ["", "babies", "cases", "attachments"]
    assert sum(len(each[""]) for each in tables.values()) == len(ccf.read_forms())  # type: ignore[arg-type]


def test_the_columns_do_not_depend_on_the_rows_that_were_read(domain: Domain) -> None:
    whole = ccf.read_forms("Visit")
    few = ccf.read_forms("Visit", since="2026-06-01", until="2026-06-02")
    codebook = ccf.read_questions(form="Visit")
    answered = {name for name in codebook["column"] if name in whole.columns}

    assert answered <= set(few.columns)
    none = ccf.read_repeats("Register household", "children", until="2000-01-01")
    assert len(none) == 0
    assert none.columns.tolist() == ccf.read_repeats("Register household", "children").columns.tolist()


# Doubt


def test_answers_that_do_not_fit_their_question_are_listed(fresh_domain: Domain, forms: FormIndex) -> None:
    xmlns = xmlns_of("Visit")
    wrong = forms.submit(
        {"form": {"@xmlns": xmlns, "examination": {"bp_systolic": "high"}, "position": "somewhere", "visit_date": "x"}}
    )
    with pytest.warns(DataWarning, match=r"3 answers do not fit.*review\(frame\) lists them"):
        visits = ccf.read_forms("Visit")
    listed = ccf.review(visits[visits["form_id"] == wrong])

    assert listed.sort_values("column")[["form_id", "column", "value"]].to_numpy().tolist() == [
        [wrong, "examination.bp_systolic", "high"],
        [wrong, "position", "somewhere"],
        [wrong, "visit_date", "x"],
    ]
    assert listed["link"].iloc[0] == f"{fresh_domain.server}/a/maternal-health/reports/form_data/{wrong}/"
    row = visits.set_index("form_id").loc[wrong]
    assert row[["examination.bp_systolic", "position.latitude", "visit_date"]].isna().all()


def test_a_frame_without_misfits_has_none_to_review(domain: Domain) -> None:
    assert len(ccf.review(ccf.read_forms("Visit"))) == 0
    with pytest.raises(QueryError, match="Read it again"):
        ccf.review(pd.DataFrame())


def test_without_the_applications_the_forms_say_what_repeats(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    xmlns = xmlns_of("Register household")
    known = ccf.read_repeats("Register household", "children")
    fresh_sandbox.faults.status(500, path="/application/")
    fresh_sandbox.domains  # noqa: B018
    ccf.connect("maternal-health", server=fresh_sandbox.url, username=fresh_sandbox.admin.username,
                api_key=fresh_sandbox.admin.api_key)  # fmt: skip
    with pytest.warns(DataWarning, match="could not be read"):
        told = ccf.read_repeats(xmlns, "children", cache=False)

    assert sorted(told["form_id"]) == sorted(known["form_id"])
