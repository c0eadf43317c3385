"""Layouts: every part of a record has a column of its own, and columns have one order."""

from __future__ import annotations

from awkward_records import NAMES
from hypothesis import example, given
from hypothesis import strategies as st

from commcare_frames.tables.layout import CASE_V1, CASE_V2

PATHS = st.one_of(
    st.tuples(NAMES),
    st.tuples(st.just("properties"), NAMES),
    st.tuples(st.just("indices"), st.sampled_from(["a", "a.b", 'a."b', "a\\"]), NAMES),
)


@given(PATHS, PATHS)
@example(("indices", "a", "b.c"), ("indices", "a.b", "c"))
@example(("indices", "a", "b.c"), ("indices", 'a."b', 'c"'))
@example(("properties", "case_id"), ("properties", "properties.case_id"))
def test_two_paths_never_share_a_column(one, other):
    assert (CASE_V2.name_at(one) == CASE_V2.name_at(other)) == (one == other)


@given(PATHS)
def test_no_path_takes_the_column_of_metadata(path):
    assert CASE_V2.name_at(path) not in CASE_V1.reserved


def test_columns_of_many_pages_come_in_the_order_of_a_frame():
    columns = [
        "metadata.new", "weight", "properties.owner_id", "age", "indices.parent.case_type", "indices.host.case_id",
        "indices.parent.case_id", "closed", "case_id", "date_closed", "is_deprecated",
    ]  # fmt: skip
    assert CASE_V2.ordered(columns) == [
        "case_id", "closed", "date_closed", "is_deprecated",
        "indices.host.case_id", "indices.parent.case_id", "indices.parent.case_type",
        "age", "properties.owner_id", "weight", "metadata.new",
    ]  # fmt: skip


def test_both_versions_of_the_case_api_share_their_reserved_names_and_first_columns():
    assert CASE_V1.reserved == CASE_V2.reserved
    assert {column.name for column in CASE_V1.metadata + CASE_V2.metadata} == CASE_V2.reserved
    assert [column.name for column in CASE_V1.metadata[:11]] == [column.name for column in CASE_V2.metadata[:11]]


def test_values_are_told_from_metadata_and_links():
    columns = ["age", "properties.closed", "closed", "indices.p.case_id", "metadata.x", "user_id"]
    assert list(filter(CASE_V2.is_value, columns)) == ["age", "properties.closed"]
