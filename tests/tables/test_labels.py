"""Labels stand where values stood, and no two values ever become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.dtypes import to_frame
from commcare_frames.tables.labels import LABEL, Labelling, column_labels, distinct, labelled, with_unknown
from commcare_frames.tables.structure import Question, Select

if TYPE_CHECKING:
    from collections.abc import Sequence

SEX = Select({"m": {"en": "Man", "fr": "Homme"}, "f": {"en": "Woman", "fr": "Femme"}, "x": {"en": "Other"}, "y": {}})
SIGNS = Select({"a": {"en": "Fever"}, "b": {"en": "Cough"}, "c": {"en": "Fever"}}, is_multiple=True)


def in_english(labels: dict[str, str]) -> str:
    return labels.get("en", "")


def show(
    select: Select, values: Sequence[str | None], labelling: Labelling | None = None, text: Any = in_english
) -> pd.DataFrame:
    texts = pa.table({"id": [str(number) for number in range(len(values))], "q": pa.array(values, pa.string())})
    return labelled(to_frame(texts), texts, {"q": select}, labelling or Labelling(), text)


def test_one_choice_becomes_an_ordered_categorical_in_the_order_of_the_choices() -> None:
    shown = show(SEX, ["f", None, "m", "", "f", "y"])["q"]

    assert shown.tolist()[:1] == ["Woman"]
    assert shown.isna().tolist() == [False, True, False, True, False, False]
    assert shown.cat.categories.tolist() == ["Man", "Woman", "Other", "y"]
    assert shown.cat.ordered
    assert str(shown.cat.categories.dtype) == "str"
    assert shown.min() == "Man"


def test_an_unknown_value_stays_after_the_choices() -> None:
    shown = show(SEX, ["q", "f", "b", "q"])["q"]

    assert shown.tolist() == ["q", "Woman", "b", "q"]
    assert shown.cat.categories.tolist() == ["Man", "Woman", "Other", "y", "b", "q"]


def test_an_unknown_value_that_reads_like_a_label_is_not_taken_for_that_choice() -> None:
    assert show(SEX, ["Man", "m"])["q"].tolist() == ["Man (Man)", "Man"]


def test_choices_of_one_label_stay_apart() -> None:
    twice = Select({"o": {"en": "Other"}, "n": {"en": "None"}, "other_2": {"en": "Other"}})

    assert show(twice, ["o", "n", "other_2"])["q"].tolist() == ["Other (o)", "None", "Other (other_2)"]


def test_several_choices_become_a_list_of_labels_and_each_row_has_its_own() -> None:
    shown = show(SIGNS, ["a b", None, "", "b", "z a", "b"])["q"]

    assert shown.tolist() == [["Fever (a)", "Cough"], None, None, ["Cough"], ["z", "Fever (a)"], ["Cough"]]
    shown[3].append("changed")
    assert shown[5] == ["Cough"]


def test_several_choices_become_indicators_on_request_missing_where_the_answer_is() -> None:
    shown = show(SIGNS, ["a b", None, "", "b z"], Labelling(multi="indicators"))

    assert list(shown.columns) == ["id", "q.a", "q.b", "q.c", "q.z"]
    assert {str(shown[name].dtype) for name in shown.columns[1:]} == {"boolean"}
    assert shown["q.a"].tolist() == [True, pd.NA, pd.NA, False]
    assert shown["q.b"].tolist() == [True, pd.NA, pd.NA, True]
    assert shown["q.z"].tolist() == [False, pd.NA, pd.NA, True]


@pytest.mark.parametrize(("select", "expected"), [(SEX, "Man"), (SIGNS, ["m"])])
def test_both_keeps_the_values_and_puts_the_labels_beside_them(select: Select, expected: object) -> None:
    shown = show(select, ["m", None], Labelling(show="both"))

    assert list(shown.columns) == ["id", "q", f"q{LABEL}"]
    assert shown["q"][0] == "m"
    assert str(shown["q"].dtype) == "str"
    assert shown[f"q{LABEL}"][0] == expected


def test_a_column_that_is_there_already_is_not_replaced() -> None:
    texts = pa.table({"q": ["m"], "q.label": ["mine"]})
    shown = labelled(to_frame(texts), texts, {"q": SEX}, Labelling(show="both"), in_english)

    assert shown.iloc[0].to_dict() == {"q": "m", "q.label_": "Man", "q.label": "mine"}


def test_rows_columns_and_attributes_stay_and_the_given_frame_does_not_change() -> None:
    texts = pa.table({"id": ["1", "2"], "q": ["m", "f"], "n": ["5", "6"]})
    frame = to_frame(texts)
    frame.attrs["commcare"] = {"domain": "d"}
    before = frame.copy()
    shown = labelled(frame, texts, {"q": SEX, "absent": SEX}, Labelling(), in_english)

    assert list(shown.columns) == ["id", "q", "n"]
    assert shown.index.equals(frame.index)
    assert shown.attrs == frame.attrs
    pd.testing.assert_frame_equal(frame, before)


def test_what_no_row_has_and_what_is_no_text_is_shown_as_far_as_it_can_be() -> None:
    texts = pa.table({"id": ["1"], "closed": [True]})
    frame = to_frame(texts).assign(q=None)
    shown = labelled(frame, texts, {"q": SEX, "closed": SEX}, Labelling(), in_english)

    assert str(shown["closed"].dtype) == "boolean"
    assert shown["q"].cat.categories.tolist() == ["Man", "Woman", "Other", "y"]
    assert shown["q"].isna().all()


def test_an_empty_frame_has_the_same_columns_and_types() -> None:
    assert str(show(SEX, [])["q"].dtype) == "category"
    assert list(show(SIGNS, [], Labelling(multi="indicators")).columns) == ["id", "q.a", "q.b", "q.c"]


values = st.text(alphabet="ab (), ", min_size=1, max_size=4).filter(str.strip)


@given(st.dictionaries(values, values, max_size=6), st.sets(values, max_size=4))
def test_no_two_values_ever_have_one_label(labels: dict[str, str], unknown: set[str]) -> None:
    known = distinct(labels)
    whole = with_unknown(known, unknown)

    assert list(known) == list(labels)
    assert len(set(known.values())) == len(known)
    assert len(set(whole.values())) == len(whole) == len(labels.keys() | unknown)
    assert list(whole.items())[: len(known)] == list(known.items()), "what is unknown changes no label"
    assert all(known[value] == label for value, label in labels.items() if list(labels.values()).count(label) == 1)


words = st.text(alphabet="abc", min_size=1, max_size=2)
cells = st.one_of(st.none(), st.just(""), words, st.lists(words, min_size=1, max_size=3).map(" ".join))
options = st.dictionaries(words, st.dictionaries(st.sampled_from(["en", "fr"]), st.sampled_from(["One", "Two"])))


@given(options, st.lists(cells, max_size=12), st.booleans())
def test_every_cell_is_what_it_would_be_one_by_one(
    choices: dict[str, dict[str, str]], column: list[str | None], is_multiple: bool
) -> None:
    used = {part for cell in column if cell for part in (cell.split() if is_multiple else [cell])}
    labels = with_unknown(distinct({value: in_english(each) or value for value, each in choices.items()}), used)
    select = Select(choices, is_multiple)
    shown = show(select, column)["q"]

    for cell, found in zip(column, shown, strict=True):
        if not cell:
            assert found is None or found != found  # noqa: PLR0124
        elif is_multiple:
            assert found == [labels[part] for part in cell.split()]
        else:
            assert found == labels[cell]
    if is_multiple:
        flags = show(select, column, Labelling(multi="indicators"))
        assert list(flags.columns[1:]) == [f"q.{value}" for value in labels]
        for value in labels:
            expected = [value in cell.split() if cell else pd.NA for cell in column]
            assert flags[f"q.{value}"].tolist() == expected
    else:
        assert shown.cat.categories.tolist() == list(labels.values())


def test_columns_are_named_by_their_questions() -> None:
    questions = {
        "sex": Question(("sex",), "Select", {"en": "Sex"}),
        "signs": Question(("signs",), "MSelect", {"en": "Signs"}),
        "gps": Question(("gps",), "Geopoint", {"en": "Position"}),
        "rep.count": Question(("rep",), "Repeat", {"en": "Child"}),
        "a": Question(("a",), "Group", {"en": "Measures"}),
        "silent": Question(("silent",), "DataBindOnly"),
        "a.weight": Question(("a", "weight"), "Double", {"en": "Weight"}),
        "b.weight": Question(("b", "weight"), "Double", {"en": "Weight"}),
    }
    columns = ["case_id", "sex", "sex.label", "signs.a", "signs.z", "gps.latitude", "rep.count", "silent", "silent.x"]
    columns += ["a.weight", "b.weight", "a.height"]
    named = column_labels(columns, questions, {"signs": SIGNS}, in_english)

    assert list(named) == columns
    assert list(named.values()) == [
        "case_id", "Sex (sex)", "Sex (sex.label)", "Signs: Fever", "Signs (z)", "Position (latitude)", "Child (count)",
        "silent", "silent.x", "Weight (a.weight)", "Weight (b.weight)", "a.height",
    ]  # fmt: skip
    assert column_labels(["sex.label"], questions, {}, in_english) == {"sex.label": "Sex"}
