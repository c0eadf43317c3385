"""What is chosen in the explorer becomes a line of Python, and nothing but what was chosen."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import commcare_frames as ccf
from commcare_frames.connection import Domain
from commcare_frames.notebook.explore_calls import Choice, literal

LINES = {
    'ccf.read_cases("patient")': Choice(case_type="patient"),
    "ccf.read_cases()": Choice(),
    'ccf.read_cases("patient", columns=["case_id", "dob"], dtypes="string", max_age="1h")': Choice(
        case_type="patient", columns=("case_id", "dob"), dtypes="string"
    ),
    'ccf.read_cases("patient", where={"owner_id": "abc", "closed": False}, since="2025-01-01", max_age="1h")': Choice(
        case_type="patient", owner_id="abc", closed=False, since="2025-01-01"
    ),
    """ccf.read_cases("patient", query="dob < '2020-01-01'", max_age="1h")""": Choice(
        case_type="patient", query="dob < '2020-01-01'"
    ),
    'ccf.read_cases("patient", labels="fr")': Choice(case_type="patient", labels="label", lang="fr"),
    'ccf.read_forms("Visit", labels={"lang": "fr", "show": "both"})': Choice(
        kind="forms", form="Visit", labels="both", lang="fr"
    ),
    'ccf.read_forms("Visit", app="Supervision", case_id="c1", include_archived=True, max_age="1h")': Choice(
        kind="forms", form="Visit", app="Supervision", case_id="c1", include_archived=True
    ),
    'ccf.read_repeats("Visit", "medicines", until="2025-03-31", max_age="1h")': Choice(
        kind="repeat", form="Visit", repeat="medicines", until="2025-03-31"
    ),
    'ccf.read_report("Open", filters={"edd": ("2025-01-01", "2025-02-01"), "n": (">=", 2)}, max_age="1h")': Choice(
        kind="report", report="Open", filters={"edd": ("2025-01-01", "2025-02-01"), "n": (">=", 2)}
    ),
    'ccf.read_questions(form="Visit")': Choice(kind="questions", form="Visit"),
    'ccf.read_questions("Mother and Child", "Visit")': Choice(kind="questions", app="Mother and Child", form="Visit"),
    'ccf.read_users(max_age="1h")': Choice(kind="users"),
    'ccf.read_users(active=False, columns=["username"], max_age="1h")': Choice(
        kind="users", active=False, columns=("username",)
    ),
    'ccf.read_web_users(max_age="1h")': Choice(kind="web_users"),
    'ccf.read_groups(dtypes="string", max_age="1h")': Choice(kind="groups", dtypes="string"),
    "ccf.read_locations()": Choice(kind="locations"),
    'ccf.read_lookup_table("vaccine", max_age="1h")': Choice(kind="lookup_table", tag="vaccine"),
    "ccf.read_messages()": Choice(kind="messages"),
    'ccf.read_messages(where={"case_id": "c1"}, since="2025-01-01", max_age="1h")': Choice(
        kind="messages", case_id="c1", since="2025-01-01"
    ),
    'ccf.read_questions("Mother and Child")': Choice(kind="questions", app="Mother and Child"),
}

plain = st.one_of(st.text(), st.booleans(), st.integers(), st.none(), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("line", LINES)
def test_a_choice_is_one_line(line: str) -> None:
    assert str(LINES[line].lasting_call) == line


@given(values)
def test_a_value_is_written_so_that_python_reads_the_same(value: Any) -> None:
    written = literal(value)

    assert ast.literal_eval(written) == value
    assert "\n" not in written


def test_quotes_are_double_where_nothing_has_to_be_escaped() -> None:
    assert literal("patient") == '"patient"'
    assert literal("l'âge") == '"l\'âge"'
    assert literal('a "b"') == "'a \"b\"'"
    assert literal("""both ' and " """) == repr("""both ' and " """)


def test_the_line_names_the_domain_only_where_a_notebook_would_mean_another(domain: Domain) -> None:
    call = Choice(case_type="patient").lasting_call

    assert str(call.of(domain)) == 'ccf.read_cases("patient")'
    assert str(call.of(domain.sibling("child-nutrition"))) == 'ccf.read_cases("patient", domain="child-nutrition")'
    elsewhere = Domain("maternal-health", "https://hq.example.org")
    assert 'domain=ccf.Domain("maternal-health", "https://hq.example.org"))' in str(call.of(elsewhere))


def test_without_a_connection_the_line_says_which_server() -> None:
    call = Choice(case_type="patient").lasting_call.of(Domain("d", "https://hq.example.org"))

    read = eval(str(call).replace("ccf.read_cases", "dict").replace('"patient", ', ""), {"ccf": ccf})
    assert repr(read["domain"]) == "Domain('d', 'https://hq.example.org')"


def test_what_was_fetched_answers_whatever_takes_no_other_rows() -> None:
    whole = Choice(case_type="patient")
    some = replace(whole, closed=True)
    forms = Choice(kind="forms", form="Visit")

    assert replace(whole, labels="label", lang="fr", dtypes="string").is_answered_by(whole)
    assert replace(whole, columns=("dob",)).is_answered_by(whole)
    assert not whole.is_answered_by(replace(whole, columns=("dob",)))
    assert not some.is_answered_by(whole)
    assert not replace(some, columns=("dob",)).is_answered_by(some)
    assert replace(some, dtypes="string").is_answered_by(some)
    assert replace(forms, kind="repeat", repeat="medicines", columns=("entry",)).is_answered_by(forms)
    assert not replace(forms, since="2025-01-01").is_answered_by(forms)
    assert not whole.is_answered_by(forms)


def test_exports_are_of_the_same_rows() -> None:
    assert str(Choice(case_type="patient", labels="label", lang="fr").export("a.csv")) == (
        'ccf.export_cases("a.csv", "patient")'
    )
    repeat = Choice(kind="repeat", form="Visit", repeat="medicines", since="2025-01-01")
    assert str(repeat.export("a.csv")) == (
        'ccf.export_forms("a.csv", "Visit", since="2025-01-01", max_age="1h", repeat="medicines")'
    )
    assert str(Choice(kind="report", report="Open").export("a.csv")) == (
        'ccf.export_report("a.csv", "Open", max_age="1h")'
    )
    assert Choice(kind="questions").export("a.csv") is None
    assert not Choice(kind="forms").is_one_table
