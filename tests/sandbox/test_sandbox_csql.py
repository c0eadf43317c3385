"""The case search query language."""

from __future__ import annotations

import contextlib
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.sandbox.csql import BadQueryError, read_query

CASE = {
    "case_id": "a1", "case_type": "patient", "case_name": "Asha Devi", "external_id": None, "owner_id": "w1",
    "closed": False, "date_opened": "2026-01-05T10:00:00.000000Z", "last_modified": "2026-02-01T23:30:00.000000Z",
    "date_closed": None, "server_last_modified": "2026-02-01T23:31:00.000000Z",
    "indexed_on": "2026-02-01T23:32:00.000000Z",
    "properties": {"age": "9", "hb": "10.5", "edd": "2026-07-15", "risk": "hiv twins", "village": "O'Neill", "b-p": "1",
                   "blank": ""},
}  # fmt: skip


def holds(query):
    return read_query(query, "2026-07-20")(CASE)


@pytest.mark.parametrize(
    "query",
    [
        "age = 9", "age = '9'", 'age="9"', "age < 10", "age <= 9", "age > 8.5", "hb >= 10.5", "b-p = 1", "age > -1",
        "edd < '2026-08-01'", "edd >= date('2026-07-15')", "edd < today()", "edd = '2026-07-15'",
        "missing = ''", "blank = ''", "age != '10'", "missing != 'x'",
        "@case_id = 'a1'", "@case_type = 'patient'", "case_type = 'patient'", "@owner_id != 'w2'", "@status = 'open'",
        "name = 'Asha Devi'", "external_id = ''", "date_opened < '2026-01-06'",
        "last_modified <= '2026-02-01'", "indexed_on >= '2026-02-01'",
        "selected(risk, 'hiv')", "selected(risk, 'tb twins')", "selected-any(risk, 'tb twins')",
        "selected-all(risk, 'twins hiv')",
        "starts-with(name, 'Asha')", "starts-with(village, \"O'N\")", "match-all()", "not(match-none())",
        "not(age = 10 and hb > 1)", "age = 1 or age = 9", "age = 9 or nothing = 1 and nothing = 2",
        "(age = 9 or age = 1) and hb < 11", "  age=9  ",
    ],
)  # fmt: skip
def test_it_holds(query):
    assert holds(query)


@pytest.mark.parametrize(
    "query",
    [
        "age = '09'", "age > 9", "age > 10", "missing > 0", "blank < 5", "village > 3", "age > '2020-01-01'",
        "edd > date('2026-07-15')", "edd > today()", "missing < today()", "@status = 'closed'",
        "selected(risk, 'hi')", "selected-all(risk, 'hiv tb')",
        "starts-with(name, 'Devi')", "match-none()", "not(match-all())",
        "last_modified < '2026-02-01'", "closed_on > '2000-01-01'", "(age = 9 or age = 1) and hb > 11",
    ],
)  # fmt: skip
def test_it_does_not_hold(query):
    assert not holds(query)


@pytest.mark.parametrize(
    "query",
    [
        "", "age", "age =", "age = 9 and", "age = 9 age", "(age = 9", "age = 9)", "age = nine",
        "age = 9 xor age = 1", "age == 9", "age ~ 9",
        "= 9", "'age' = 9", "not age = 9", "age > 'old'", "edd < '15/07'", "edd < date('2026-13-01')",
        "date(9) = 1", "edd < date()",
        "fuzzy-match(name, 'Asha')", "selected(risk)", "selected('risk', 'hiv')", "age = 'nine", "match-all(age)",
        "edd < today(1)", "age = 9;", "§",
    ],
)  # fmt: skip
def test_it_is_refused(query):
    with pytest.raises(BadQueryError):
        read_query(query, "2026-07-20")


@given(st.integers(-50, 50), st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), st.integers(-50, 50))
def test_whole_numbers_compare_as_numbers(own, sign, other):
    python = {
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "=": operator.eq,
        "!=": operator.ne,
    }
    case = {**CASE, "properties": {"n": str(own)}}
    assert read_query(f"n {sign} {other}", "")(case) == python[sign](own, other)


LEAVES = st.sampled_from([("match-all()", True), ("match-none()", False)])
TREES = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        below.map(lambda one: (f"not({one[0]})", not one[1])),
        st.tuples(below, below).map(lambda two: (f"({two[0][0]} and {two[1][0]})", two[0][1] and two[1][1])),
        st.tuples(below, below).map(lambda two: (f"({two[0][0]} or {two[1][0]})", two[0][1] or two[1][1])),
    ),
)


@given(TREES)
def test_and_or_not_and_parentheses_nest(tree):
    query, value = tree
    assert read_query(query, "")(CASE) == value


@given(st.text(alphabet="ab =<>!()'\",and or not@-0123456789", max_size=30))
def test_any_text_is_a_query_or_is_refused(text):
    with contextlib.suppress(BadQueryError):
        assert read_query(text, "2026-07-20")(CASE) in {True, False}
