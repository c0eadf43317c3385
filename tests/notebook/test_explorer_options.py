"""What the explorer offers is named so that readers understand it, also where names are not unique."""

from __future__ import annotations

from typing import Any

from commcare_frames.notebook.explore_options import (
    app_options,
    case_columns,
    form_options,
    repeat_options,
    report_filters,
    report_options,
)
from commcare_frames.read.naming import resolve_form
from commcare_frames.tables.structure import App, Form, Question, Structure


def form(xmlns: str, name: str, module: str, app: str = "Main", *paths: str) -> Form:
    questions = {(path,): Question((path,), "Repeat") for path in paths}
    return Form(xmlns, f"id of {xmlns}", {"en": name}, {"en": module}, app, app, 1, "patient", questions)


def known(*forms: Form) -> Structure:
    names = list(dict.fromkeys(each.app_id for each in forms))
    apps = tuple(App(f"{name}-id", name, 1, {}, 1, "", {"patient": ("dob", "case_id", "parent/x")}) for name in names)
    return Structure(apps, forms, ("en",))


def test_each_form_has_the_shortest_name_that_means_it_alone() -> None:
    forms = known(
        form("http://a", "Visit", "Mothers"),
        form("http://b", "Register", "Mothers"),
        form("http://c", "Register", "Children"),
        form("http://d", "Register", "Children", "Other"),
        form("http://e", "Twin", "Twins"),
        form("http://f", "Twin", "Twins"),
    )
    offered = form_options(forms)

    assert dict(offered) == {
        "Visit — Mothers — Main": "Visit",
        "Register — Mothers — Main": "Mothers > Register",
        "Register — Children — Main": "Main > Children > Register",
        "Register — Children — Other": "Other > Children > Register",
        "Twin — Twins — Main (http://e)": "http://e",
        "Twin — Twins — Main (http://f)": "http://f",
    }
    assert {resolve_form(forms, name).xmlns for _, name in offered} == {f"http://{each}" for each in "abcdef"}


def test_a_form_that_several_applications_have_is_offered_once() -> None:
    forms = known(form("http://a", "Visit", "Mothers"), form("http://a", "Visit", "Mothers", "Copy"))

    assert form_options(forms) == [("Visit — Mothers — Main", "Visit")]


def test_forms_without_an_xmlns_cannot_be_chosen() -> None:
    assert form_options(known(form("", "Visit", "Mothers"))) == []


def test_repeats_are_named_as_readers_name_them() -> None:
    assert repeat_options(known(form("http://a", "Visit", "Mothers", "Main", "b", "a")), "Visit") == ["a", "b"]


def test_applications_of_one_name_are_told_apart_by_their_ids() -> None:
    one, two = known(form("http://a", "V", "M")).apps * 2
    other = App("other-id", "Main", 1, {}, 1, "", {})

    assert app_options(Structure((one,), (), ())) == [("Main", "Main")]
    assert app_options(Structure((two, other), (), ())) == [
        ("Main (Main-id)", "Main-id"),
        ("Main (other-id)", "other-id"),
    ]


def test_reports_of_one_title_are_told_apart_by_their_ids() -> None:
    reports: list[dict[str, Any]] = [
        {"id": "1", "title": "Open", "filters": [{"slug": "a", "type": "date"}, {"slug": "b", "type": "pre"}]},
        {"id": "2", "title": "open ", "filters": []},
        {"id": "3", "title": "Work", "filters": []},
        {"id": "4", "title": "", "filters": []},
    ]

    assert report_options(reports) == [("4", "4"), ("Open", "1"), ("open ", "2"), ("Work", "Work")]
    assert report_filters(reports, "1") == [{"slug": "a", "type": "date"}]
    assert report_filters(reports, "Work") == report_filters(reports, "none") == []


def test_columns_of_cases_are_known_before_any_are_read() -> None:
    forms = known(form("http://a", "V", "M"))

    assert case_columns(forms, "patient")[-2:] == ["properties.case_id", "dob"]
    assert case_columns(None, "patient")[0] == "case_id"
    assert case_columns(forms, None) == case_columns(None, None)
