"""`plot_choices`: each choice is counted, however a frame has the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from drawn import half_a_million, lengths, rows, texts, title

import commcare_frames as ccf
from commcare_frames.errors import QueryError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain


def of(answers: object) -> pd.DataFrame:
    return pd.DataFrame({"form_id": "a", "form_name": "Visit", "signs": answers})


def drawn(axes: Axes) -> dict[str, int]:
    return dict(zip(rows(axes), lengths(axes)[0], strict=True))


def test_codes_of_a_select_are_counted_the_most_frequent_first(axes: Axes) -> None:
    ccf.plot_choices(of(["tap", "well", "well", None, "", "well"]), "signs", ax=axes)

    assert drawn(axes) == {"well": 3, "tap": 1}
    assert rows(axes) == ["well", "tap"]
    assert texts(axes) == ["3 (75%)", "1 (25%)"]
    assert title(axes) == "signs: answered in 4 of 6 Visit forms"
    assert axes.get_xlabel() == "Number of Visit forms, and share of those with an answer"


def test_codes_of_a_multi_select_are_counted_each(axes: Axes) -> None:
    ccf.plot_choices(of(["fever pain", "fever", " pain  fever", None]), "signs", ax=axes)

    assert drawn(axes) == {"fever": 3, "pain": 2}
    assert texts(axes) == ["3 (100%)", "2 (67%)"]
    assert title(axes).startswith("signs: answered in 3 of 4")
    assert axes.get_xlabel().endswith("Several choices are possible.")


def test_lists_of_labels_are_counted_each(axes: Axes) -> None:
    ccf.plot_choices(of(pd.Series([["Belly pain", "Fever"], None, ["Fever"]], dtype=object)), "signs", ax=axes)

    assert drawn(axes) == {"Fever": 2, "Belly pain": 1}
    assert axes.get_xlabel().endswith("Several choices are possible.")


def test_labels_of_a_select_are_in_the_order_of_the_form_with_those_never_chosen(axes: Axes) -> None:
    labels = pd.Categorical(["High", "Low", "High"], categories=["Low", "Middle school", "High"], ordered=True)
    ccf.plot_choices(of(labels), "signs", ax=axes)

    assert rows(axes) == ["Low", "Middle school", "High"]
    assert lengths(axes) == [[1, 0, 2]]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_columns_of_true_and_false_are_the_choices(axes: Axes) -> None:
    frame = of(["x"] * 3).drop(columns="signs")
    frame["signs.fever"] = pd.array([True, None, None], "boolean")
    frame["signs.pain"] = pd.array([True, True, None], "boolean")
    frame["signs.note"] = "text"
    ccf.plot_choices(frame, "signs", ax=axes)

    assert drawn(axes) == {"pain": 2, "fever": 1}
    assert title(axes).startswith("signs: answered in 2 of 3")


def test_labels_beside_the_values_count(axes: Axes) -> None:
    frame = of(["f", "p", "f"]).assign(**{"signs.label": pd.Categorical(["Fever", "Pain", "Fever"])})
    ccf.plot_choices(frame, "signs", ax=axes)

    assert drawn(axes) == {"Fever": 2, "Pain": 1}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (pd.array([10, 2, 2, None], "Int64"), ["2", "10"]),
        (pd.array([2.5, 1, 1, None], "Float64"), ["1", "2.5"]),
        (pd.array([True, False, True, None], "boolean"), ["False", "True"]),
    ],
)
def test_numbers_are_in_their_order(axes: Axes, answers: object, expected: list[str]) -> None:
    ccf.plot_choices(of(answers), "signs", ax=axes)

    assert rows(axes) == expected
    assert sum(lengths(axes)[0]) == 3


@pytest.mark.parametrize("labels", [None, "en", "both", {"multi": "indicators"}])
def test_however_patients_are_read_the_counts_are_the_same(domain: Domain, axes: Axes, labels: object) -> None:
    codes = ccf.read_cases("patient")["danger_signs"]
    patients = ccf.read_cases("patient", labels=labels)  # type: ignore[arg-type]
    ccf.plot_choices(patients, "danger_signs", ax=axes)

    expected = codes.str.split().explode().value_counts()
    assert sorted(lengths(axes)[0]) == sorted(expected)
    assert title(axes).startswith(f"danger_signs: answered in {codes.notna().sum()} of 300 patient cases, as of")


def test_of_very_many_choices_the_rest_is_added_up_without_a_bar(axes: Axes) -> None:
    ccf.plot_choices(of([f"village_{n:02}" for n in range(60) for _ in range(60 - n)]), "signs", ax=axes)

    assert len(rows(axes)) == 21
    assert rows(axes)[0] == "village_00"
    assert rows(axes)[-1] == "40 other choices"
    assert lengths(axes)[0][-1] == 0
    assert texts(axes)[-1] == "820 (45%)"


def test_a_share_that_is_neither_nothing_nor_all_does_not_look_so(axes: Axes) -> None:
    ccf.plot_choices(of(["yes"] * 999 + ["no"]), "signs", ax=axes)

    assert texts(axes) == ["999 (>99%)", "1 (<1%)"]


def test_dollars_and_long_labels_can_be_read(axes: Axes) -> None:
    long = "They walk for more than two hours, as there is no transport at all, or pay $5 (or $6) to a driver (other)"
    ccf.plot_choices(of(pd.Categorical([long, long])), "signs", ax=axes)
    axes.figure.draw_without_rendering()

    assert rows(axes)[0].startswith("They walk for more")
    assert rows(axes)[0].endswith("(other)")
    assert max(map(len, rows(axes)[0].split("\n"))) <= 40
    assert "$" not in rows(axes)[0].replace(r"\$", "")


def test_half_a_million_answers_are_drawn(axes: Axes) -> None:
    ccf.plot_choices(half_a_million(of(["fever pain", "fever"])), "signs", ax=axes)

    assert drawn(axes) == {"fever": 500_000, "pain": 250_000}


@pytest.mark.parametrize("rows_", [of(["x"])[:0], of([None, None]), of(["x"])[:0].astype(object)])
def test_without_answers_the_picture_says_so(axes: Axes, rows_: pd.DataFrame) -> None:
    ccf.plot_choices(rows_, "signs", ax=axes)

    assert texts(axes) == ["No answers"]
    assert title(axes).startswith("signs: answered in 0 of")


def test_a_column_that_is_not_there_is_told(axes: Axes) -> None:
    with pytest.raises(QueryError, match=r"no column 'sign'.*Did you mean 'signs'"):
        ccf.plot_choices(of(["x"]), "sign", ax=axes)


@pytest.mark.usefixtures("pyplot")
def test_a_figure_of_its_own_is_as_high_as_its_rows_need() -> None:
    few = ccf.plot_choices(of(["a"]), "signs")
    many = ccf.plot_choices(of([f"choice_{n}" for n in range(15)]), "signs")

    assert many.figure.get_figheight() > 1.5 * few.figure.get_figheight()
