"""One case or form by its id, forms by their ids, and the history of a case, over real HTTP."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, NotFoundError, PermissionMissingError, QueryError, ServerFailedError
from commcare_frames.sandbox import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.accounts import Login
    from commcare_frames.sandbox.form_index import FormIndex
    from commcare_frames.sandbox.index import CaseIndex

VISIT = "http://example.org/visit"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """A small sandbox, which each test leaves as it was but for the cases that it took."""
    with start(patients=24) as small:
        yield small


@pytest.fixture
def fresh_sandbox(running: Sandbox) -> Iterator[Sandbox]:
    forms, cases = running.forms("maternal-health"), running.domain("maternal-health")
    yield running
    running.faults.clear()
    forms.delete(forms.ids(VISIT, include_archived=True))
    cases.delete([case_id for case_id in cases.case_ids() if case_id.startswith("c-")])


@pytest.fixture(scope="module")
def untouched(running: Sandbox) -> Iterator[str]:
    """Ids of patients, each given out once."""
    return iter(running.domain("maternal-health").case_ids("patient"))


@pytest.fixture
def cases(fresh_sandbox: Sandbox) -> CaseIndex:
    return fresh_sandbox.domain("maternal-health")


@pytest.fixture
def forms(fresh_sandbox: Sandbox) -> FormIndex:
    return fresh_sandbox.forms("maternal-health")


def block(case_id: str, **parts: object) -> dict[str, object]:
    return {"@case_id": case_id, "@date_modified": "2026-05-01T10:00:00.000000Z", "@user_id": "u1", **parts}


def submit(forms: FormIndex, *blocks: object, received_on: str = "2026-05-01T10:00:00.000000Z", **more: object) -> str:
    return forms.submit(
        {"form": {"@name": "Visit", "@xmlns": VISIT, "case": list(blocks)}, "received_on": received_on, **more}
    )


def sign_in(sandbox: Sandbox, login: Login, domain: str = "maternal-health") -> Domain:
    return ccf.connect(domain, server=sandbox.url, username=login.username, api_key=login.api_key)


# One case


def test_a_case_comes_as_hq_sends_it(fresh_domain: Domain, cases: CaseIndex) -> None:
    cases.add({"case_id": "c-1", "case_type": "patient", "properties": {"note": "Zoë 🤰", "n": "00000000000000000001"}})
    case = ccf.get_case("c-1")

    assert case["properties"] == {"note": "Zoë 🤰", "n": "00000000000000000001"}
    assert (case["case_type"], case["indices"], case["domain"]) == ("patient", {}, "maternal-health")


def test_one_request_is_made_for_a_case_and_two_where_there_is_none(fresh_domain: Domain, cases: CaseIndex) -> None:
    case_id = cases.case_ids("patient")[0]
    before = fresh_domain.requests_made
    ccf.get_case(case_id)
    assert fresh_domain.requests_made == before + 1
    with pytest.raises(NotFoundError, match="has no case with id 'gone'. It was deleted, belongs to another domain"):
        ccf.get_case("gone")
    assert fresh_domain.requests_made == before + 3


def test_the_id_of_a_form_is_told_from_that_of_a_case(fresh_domain: Domain, forms: FormIndex, cases: CaseIndex) -> None:
    form_id, case_id = forms.ids()[0], cases.case_ids()[0]

    with pytest.raises(NotFoundError, match=rf"it is the id of a form, so call get_form\('{form_id}'\)"):
        ccf.get_case(form_id)
    with pytest.raises(NotFoundError, match=rf"it is the id of a case, so call get_case\('{case_id}'\)"):
        ccf.get_form(case_id)


@pytest.mark.parametrize("wrong", ["", "a,b", "a/b", "../x", "a b", "a?limit=1", None, 7])
def test_what_cannot_be_the_id_of_a_case_is_not_asked(domain: Domain, wrong: object) -> None:
    before = domain.requests_made
    said = "is no case id" if isinstance(wrong, str) else "case_id is the id of one case"
    with pytest.raises(QueryError, match=said):
        ccf.get_case(wrong)  # type: ignore[arg-type]
    assert domain.requests_made == before


@pytest.mark.parametrize("wrong", ["", ".", "..", "a/b", None])
def test_what_cannot_be_the_id_of_a_form_is_not_asked(domain: Domain, wrong: object) -> None:
    before = domain.requests_made
    said = ("is no form id",) * 2 if wrong is not None else ("form_id is the id of one form", "is a list of texts")
    with pytest.raises(QueryError, match=said[0]):
        ccf.get_form(wrong)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match=said[1]):
        ccf.read_forms(form_ids=["x", wrong])  # type: ignore[list-item]
    assert domain.requests_made == before


def test_an_odd_id_of_a_form_asks_for_no_other_thing(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError):
        ccf.get_form("x?limit=1#é")
    assert any(one.path.endswith("/api/form/v1/x?limit=1#é/") for one in fresh_sandbox.log)


def test_a_form_comes_as_hq_sends_it_archived_too(fresh_domain: Domain, forms: FormIndex) -> None:
    form_id = submit(forms, block("c-1", update={"note": "é"}))
    forms.archive([form_id])
    form = ccf.get_form(form_id)

    assert form["form"]["case"][0]["update"] == {"note": "é"}
    assert form["archived"] is True
    assert form["attachments"]["form.xml"]["content_type"] == "text/xml"


def test_an_old_server_is_asked_under_its_own_paths(
    fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex
) -> None:
    fresh_sandbox.faults.old_scheme_only = True
    case_id, form_id = fresh_sandbox.domain("maternal-health").case_ids()[0], forms.ids()[0]

    assert ccf.get_case(case_id)["case_id"] == case_id
    assert ccf.get_form(form_id)["id"] == form_id
    with pytest.raises(NotFoundError):
        ccf.get_form("gone")


def test_who_may_not_edit_data_is_told_which_permission_is_missing(sandbox: Sandbox) -> None:
    sign_in(sandbox, sandbox.no_edit)
    for ask in (lambda: ccf.get_case("x"), lambda: ccf.get_form("x"), lambda: ccf.read_case_history("x")):
        with pytest.raises(PermissionMissingError, match='"Edit Data"'):
            ask()


def test_a_mobile_worker_may_get_cases_only(sandbox: Sandbox) -> None:
    sign_in(sandbox, sandbox.mobile_worker)
    case_id = sandbox.domain("maternal-health").case_ids()[0]

    assert ccf.get_case(case_id)["case_id"] == case_id
    with pytest.raises(PermissionMissingError, match="open to web users only"):
        ccf.read_case_history(case_id)


def test_an_answer_that_breaks_off_is_asked_again(
    fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex
) -> None:
    fresh_sandbox.faults.cut_short(times=1, path="/form/")
    fresh_sandbox.faults.web_page(times=1, path="/form/")
    form_id = forms.ids()[0]
    assert ccf.get_form(form_id)["id"] == form_id
    fresh_sandbox.faults.web_page(path="/case/")
    with pytest.raises(ServerFailedError, match="a web page instead of JSON"):
        ccf.get_case("x")


# Forms by their ids


def test_forms_by_id_are_asked_one_by_one_and_missing_ones_are_named(
    fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex
) -> None:
    wanted = [submit(forms, block("c-1"), id=f"f-{number}") for number in range(3)]
    before = len(fresh_sandbox.log)
    with pytest.warns(DataWarning, match="no form with 1 of the form ids: gone"):
        frame = ccf.read_forms(form_ids=[*wanted, "gone", wanted[0]])

    assert sorted(frame["form_id"]) == sorted(wanted)
    asked = [one.path for one in fresh_sandbox.log[before:] if "/form/" in one.path]
    assert len(asked) == 4


def test_forms_by_id_never_come_from_the_cache(fresh_domain: Domain, forms: FormIndex) -> None:
    form_id = submit(forms, block("c-1"), id="f-1")
    ccf.read_forms(VISIT)
    forms.edit(form_id, answer="corrected")

    assert ccf.read_forms(form_ids=[form_id])["answer"].tolist() == ["corrected"]
    with pytest.raises(QueryError, match="by id from HQ only"):
        ccf.read_forms(form_ids=[form_id], cache="offline")


def test_a_web_page_in_place_of_a_form_is_no_form(
    fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex
) -> None:
    fresh_sandbox.faults.web_page(times=1, path="/form/")

    assert len(ccf.read_forms(form_ids=forms.ids()[:1])) == 1


# The history of a case


def test_every_case_of_the_programme_is_what_its_forms_say(domain: Domain, sandbox: Sandbox) -> None:
    index = sandbox.domain("maternal-health")
    for case_type in index.case_types():
        for case_id in index.case_ids(case_type)[:6]:
            history = ccf.read_case_history(case_id)
            assert history.attrs["commcare"]["forms"] == history["form_id"].nunique()
            assert history["action"].iloc[0] == "create"


def test_who_changed_what_and_when(fresh_domain: Domain, forms: FormIndex, cases: CaseIndex) -> None:
    create = {"case_name": "Asha", "case_type": "patient", "owner_id": "u1"}
    link = {"parent": {"@case_type": "household", "#text": "h1"}}
    submit(forms, block("c-1", create=create, update={"hb": "9"}, index=link), id="f-1")
    submit(
        forms, block("c-1", update={"hb": "11", "owner_id": "g1"}), id="f-2", received_on="2026-05-04T10:00:00.000000Z"
    )
    submit(forms, block("c-1", close=""), id="f-3", received_on="2026-05-06T10:00:00.000000Z")
    cases.add(
        {
            "case_id": "c-1", "case_type": "patient", "case_name": "Asha", "owner_id": "g1", "closed": True,
            "properties": {"hb": "11"},
            "indices": {"parent": {"case_id": "h1", "case_type": "household", "relationship": "child"}},
        }
    )  # fmt: skip
    history = ccf.read_case_history("c-1")

    assert history.loc[history["property"] == "hb", ["form_id", "before", "after"]].fillna("").to_numpy().tolist() == [
        ["f-1", "", "9"],
        ["f-2", "9", "11"],
    ]
    assert history.query("form_id == 'f-2' and changed")["property"].tolist() == ["owner_id", "hb"]
    assert history["action"].tolist()[-1] == "close"
    assert history["after"].tolist()[-1] == "true"
    assert set(history["property"].dropna()) >= {"case_name", "owner_id", "indices.parent.case_id", "closed"}
    assert str(history["received_on"].dtype) == "datetime64[us, UTC]"
    assert str(history["changed"].dtype) == "boolean"
    assert history["user_id"].unique().tolist() == ["u1"]


def test_a_change_without_a_form_is_warned_of(fresh_domain: Domain, cases: CaseIndex, untouched: Iterator[str]) -> None:
    case_id = next(untouched)
    cases.update(case_id, hb="1", imported="yes")

    with pytest.warns(DataWarning, match="not as the forms that HQ gives out left it: hb, imported differ"):
        ccf.read_case_history(case_id)


def test_an_archived_form_leaves_no_trace_but_a_warning(
    fresh_domain: Domain, forms: FormIndex, untouched: Iterator[str]
) -> None:
    case_id = next(untouched)
    whole = ccf.read_case_history(case_id)
    archived = whole["form_id"].iloc[0]
    forms.archive([archived])

    with pytest.warns(DataWarning, match="A form was archived or deleted"):
        history = ccf.read_case_history(case_id)
    assert archived not in set(history["form_id"])


def test_a_corrected_form_stands_where_it_was_received(
    fresh_domain: Domain, forms: FormIndex, cases: CaseIndex
) -> None:
    first = submit(forms, block("c-1", create={"case_type": "a", "case_name": "b"}, update={"hb": "9"}))
    submit(forms, block("c-1", update={"hb": "10"}), received_on="2026-05-03T10:00:00.000000Z")
    forms.edit(first, case=[block("c-1", create={"case_type": "a", "case_name": "b"}, update={"hb": "8"})])
    cases.add({"case_id": "c-1", "case_type": "a", "case_name": "b", "owner_id": "u1", "properties": {"hb": "10"}})
    history = ccf.read_case_history("c-1")

    assert history.loc[history["property"] == "hb", "after"].tolist() == ["8", "10"]
    assert history["edited_on"].notna().tolist() == (history["form_id"] == first).tolist()


def test_the_history_of_a_deleted_case_is_still_there(
    fresh_domain: Domain, cases: CaseIndex, untouched: Iterator[str]
) -> None:
    case_id = next(untouched)
    cases.delete([case_id])

    with pytest.warns(DataWarning, match="is no more: it was deleted"):
        assert len(ccf.read_case_history(case_id)) > 0


def test_a_case_without_forms_has_an_empty_typed_history(fresh_domain: Domain, cases: CaseIndex) -> None:
    cases.add({"case_id": "c-1", "case_type": "patient"})
    with pytest.warns(DataWarning, match="No form that HQ gives out touched case c-1"):
        history = ccf.read_case_history("c-1")

    assert len(history) == 0
    assert str(history["received_on"].dtype) == "datetime64[us, UTC]"
    with pytest.raises(NotFoundError, match="has no case with id 'nobody'"):
        ccf.read_case_history("nobody")


def test_a_history_of_many_forms_is_read_page_by_page_each_form_once(
    fresh_domain: Domain, fresh_sandbox: Sandbox, forms: FormIndex, cases: CaseIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        submit(forms, block("c-1", update={"n": str(number)}), received_on=f"2026-05-{number + 1:02}T10:00:00.000000Z")
    cases.add({"case_id": "c-1", "case_type": "", "owner_id": "u1", "properties": {"n": "11"}})
    fresh_sandbox.faults.status(502, path="/form/", above_limit=70)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = ccf.read_case_history("c-1")

    assert history["after"].tolist() == [str(number) for number in range(12)]
    assert isinstance(history, pd.DataFrame)
