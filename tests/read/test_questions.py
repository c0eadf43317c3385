"""The codebook, the lists of applications and forms, and finding a form by what people call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CacheError, NotFoundError, PermissionMissingError, QueryError
from commcare_frames.read.applications import structure
from commcare_frames.read.naming import resolve_form
from commcare_frames.sandbox import Sandbox, start
from commcare_frames.tables.applications import structure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.tables.structure import Structure

VISIT = "http://openrosa.org/formdesigner/C3E1A7B0-64F5-4E0A-B7C4-9D1A2F3B4C03"
COLUMNS = [
    "path", "column", "label", "label.en", "label.fr", "type", "choices", "group", "repeat", "required", "relevant",
    "constraint", "calculate", "app", "app_id", "module", "form", "xmlns", "version",
]  # fmt: skip


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A small sandbox that is there in no time."""
    with start(patients=20) as running:
        yield running


def application(name: str, *forms: tuple[str, str, str], app_id: str = "a") -> dict[str, Any]:
    modules = [
        {
            "name": {"en": module, "fr": f"{module} (fr)"},
            "case_type": "t",
            "forms": [{"xmlns": xmlns, "unique_id": f"{app_id}-{xmlns}", "name": {"en": form}, "questions": []}],
        }
        for module, form, xmlns in forms
    ]
    return {"id": app_id, "name": name, "version": 1, "modules": modules, "versions": []}


CLINIC = application("Clinic", ("Mothers", "Visit", "x1"), ("Children", "Visit", "x2"), ("Children", "Weigh", "x3"))
TEAM = application("Team", ("Mothers", "Visit", "x1"), app_id="b")
KNOWN = structure_of([CLINIC, TEAM])


def asked(sandbox: Sandbox, start: int) -> list[str]:
    return [each.path for each in sandbox.log[start:]]


def test_the_codebook_has_one_row_per_question_and_says_everything_of_it(domain: Domain) -> None:
    questions = ccf.read_questions()
    registration = questions[questions["form"] == "Register mother"].set_index("path")
    weight = registration.loc["/data/measures/weight_kg"]

    assert list(questions.columns) == COLUMNS
    assert not questions.duplicated(["app", "form", "path"]).any()
    assert weight["column"] == "measures.weight_kg"
    assert (weight["label.en"], weight["label.fr"], weight["type"]) == ("Weight in kg", "Poids en kg", "Double")
    assert weight["group"] == "/data/measures"
    assert registration.loc["/data/marital_status", "choices"].startswith("married = Married; single = Single; ")
    assert registration.loc["/data/place/nearest_facility", "choices"] == "lookup table facility: code = name"
    assert registration.loc["/data/age", "calculate"].startswith("int((today()")
    assert bool(registration.loc["/data/name", "required"])
    assert registration.loc["/data/dob", "constraint"] == ". < today()"
    assert registration["version"].unique().tolist() == [32]
    assert {str(questions[name].dtype) for name in set(COLUMNS) - {"required", "version"}} == {"str"}


def test_columns_are_those_of_the_frames_relative_to_a_repeat(domain: Domain) -> None:
    household = ccf.read_questions("Mother and Child", "Register household").set_index("path")

    assert household["column"].dropna().loc["/data/children"] == "children.count"
    assert household.loc["/data/children/sex", ["column", "repeat"]].tolist() == ["sex", "/data/children"]
    assert household.loc["/data/children/vaccinations", "column"] == "vaccinations.count"
    assert household.loc["/data/children/vaccinations/vaccine", "column"] == "vaccine"
    assert pd.isna(household.loc["/data/home", "column"])


def test_columns_of_odd_keys_are_named_like_those_of_forms(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    form = fresh_sandbox._hq.domains["maternal-health"].programme.applications[0]["modules"][0]["forms"][0]
    form["questions"] += [{"value": "/data/a.b/c", "type": "Text"}, {"value": "/data/username", "type": "Text"}]
    questions = ccf.read_questions(form="Register household").set_index("path")

    assert questions.loc["/data/a.b/c", "column"] == '"a.b".c'
    assert questions.loc["/data/username", "column"] == "form.username"


def test_a_form_in_two_apps_has_its_rows_for_each(domain: Domain) -> None:
    both = ccf.read_questions(form=VISIT)
    one = ccf.read_questions("Supervision", "Visite")

    assert both["app"].unique().tolist() == ["Mother and Child", "Supervision"]
    assert one["app"].unique().tolist() == ["Supervision"]
    assert len(both) == 2 * len(one)
    assert one.attrs["commcare"]["form"] == "Visite"


def test_an_earlier_version_is_read_once_for_ever(domain: Domain, sandbox: Sandbox) -> None:
    now = ccf.read_questions("Mother and Child", "Register mother")
    start = len(sandbox.log)
    then = ccf.read_questions("Mother and Child", "Register mother", version=12)
    again = ccf.read_questions("Mother and Child", "Register mother", version=12, max_age="1h")

    assert "/data/phone" in set(then["path"]) - set(now["path"])
    assert then["version"].unique().tolist() == [12]
    assert then["app_id"].unique().tolist() == now["app_id"].unique().tolist()
    assert len(asked(sandbox, start)) == 1
    pd.testing.assert_frame_equal(then, again)
    pd.testing.assert_frame_equal(
        ccf.read_questions("Mother and Child", version=32), ccf.read_questions("Mother and Child")
    )


def test_what_is_not_there_is_an_error_that_says_what_is(domain: Domain) -> None:
    with pytest.raises(NotFoundError, match="no app 'Mother and Chid'. Did you mean 'Mother and Child'"):
        ccf.read_questions("Mother and Chid")
    with pytest.raises(NotFoundError, match="No form is called 'Register mothr'. Did you mean 'Register mother'"):
        ccf.read_questions(form="Register mothr")
    with pytest.raises(NotFoundError, match="has no version 13. Its versions are 12, 18, 25, 31, 32"):
        ccf.read_questions("Mother and Child", version=13)
    with pytest.raises(QueryError, match="name one of Mother and Child, Supervision"):
        ccf.read_questions(version=12)
    with pytest.raises(NotFoundError, match="No form is called 'Delivery'"):
        ccf.read_questions("Supervision", "Delivery")
    with pytest.raises(NotFoundError, match="no app 'x'"):
        ccf.list_forms(app="x")
    with pytest.raises(QueryError, match="form is a form's name, xmlns or unique id"):
        ccf.read_questions(form=3)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="none of True, False"):
        ccf.read_questions(cache="of")  # type: ignore[arg-type]


def test_applications_and_forms_are_listed(domain: Domain) -> None:
    apps, forms = ccf.list_apps(), ccf.list_forms()
    supervision = ccf.list_forms(app=apps["app_id"][1])

    assert apps["app"].tolist() == ["Mother and Child", "Supervision"]
    assert apps["forms"].tolist() == [6, 2]
    assert apps["languages"].tolist() == ["en, fr", "en, fr"]
    assert (str(apps["released_on"].dtype), apps["released_on"][0].year) == ("datetime64[us, UTC]", 2025)
    assert len(forms) == 8
    assert forms["questions"].sum() == len(ccf.read_questions())
    assert supervision["app"].unique().tolist() == ["Supervision"]
    assert supervision["case_type"].isna().all()


def test_one_slow_request_serves_a_whole_day_and_offline(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    with pytest.raises(CacheError, match="Nothing is cached of the applications"):
        ccf.read_questions(cache="offline")
    start = len(fresh_sandbox.log)
    first = ccf.read_questions()
    ccf.list_apps()
    ccf.list_forms()
    offline = ccf.read_questions(cache="offline")
    assert len(asked(fresh_sandbox, start)) == 1

    pd.testing.assert_frame_equal(first, offline)
    ccf.read_questions(max_age="0s")
    ccf.read_questions(cache=False)
    assert len(asked(fresh_sandbox, start)) == 3


def test_a_domain_without_applications_has_an_empty_codebook(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox._hq.domains["maternal-health"].programme.applications.clear()

    assert ccf.read_questions().empty
    assert ccf.list_apps().empty
    assert str(ccf.list_forms()["questions"].dtype) == "Int64"
    with pytest.raises(NotFoundError, match="The forms are none yet"):
        ccf.read_questions(form="Visit")


def test_a_module_that_hq_cannot_describe_is_a_warning(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    modules = fresh_sandbox._hq.domains["maternal-health"].programme.applications[0]["modules"]
    modules[2] = {"error": "Could not build questions"}
    with pytest.warns(ccf.DataWarning, match="could not describe a module of app 'Mother and Child': Could not build"):
        questions = ccf.read_questions()

    assert "Child visit" not in set(questions["form"])
    assert len(ccf.read_questions()) == len(questions), "said once, when it was fetched"


@pytest.mark.parametrize("name", ["x3", "a-x3", "Weigh", "weigh ", "Children > Weigh", "Clinic > Children > Weigh"])
def test_a_form_is_found_by_every_name_it_has(name: str) -> None:
    assert resolve_form(KNOWN, name).xmlns == "x3"


def test_a_name_in_any_language_and_of_the_same_form_in_two_apps_is_clear(domain: Domain) -> None:
    known = structure(domain, required=True)

    assert resolve_form(known, "Visite").xmlns == VISIT
    assert resolve_form(known, "Mères > Visite").xmlns == VISIT
    assert resolve_form(KNOWN, "Mothers > Visit").xmlns == "x1"
    assert resolve_form(KNOWN, "Children (fr) > Visit").xmlns == "x2"


def test_a_name_of_several_forms_is_an_error_that_names_them() -> None:
    said = r"2 forms are called 'visit': 'Team > Mothers > Visit' \(x1\), 'Clinic > Children > Visit' \(x2\)"
    with pytest.raises(QueryError, match=said):
        resolve_form(KNOWN, "visit")


def test_capitals_count_where_forms_differ_in_nothing_else() -> None:
    known = structure_of([application("A", ("M", "visit", "x1"), ("M", "Visit", "x2"))])

    assert resolve_form(known, "Visit").xmlns == "x2"
    with pytest.raises(QueryError, match="2 forms"):
        resolve_form(known, "VISIT")


def test_a_form_without_an_xmlns_is_found_too() -> None:
    known: Structure = structure_of([application("A", ("M", "Old", ""), ("M", "Older", ""))])

    assert resolve_form(known, "Old").names == {"en": "Old"}


def test_mobile_workers_may_not_read_it(sandbox: Sandbox) -> None:
    worker = sandbox.mobile_worker
    ccf.connect("maternal-health", server=sandbox.url, username=worker.username, api_key=worker.api_key)

    with pytest.raises(PermissionMissingError, match="web users only"):
        ccf.read_questions()
