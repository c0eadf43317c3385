"""`plot_missing`: what was left blank is told from what was never asked, where the frame can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from drawn import half_a_million, legend, lengths, rows, texts, title

import commcare_frames as ccf

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain

FORMS = pd.DataFrame(
    {
        "form_id": list("abcd"),
        "form_name": "Visit",
        "username": [None, "", None, None],
        "weight": ["52", "61", "", "70"],
        "referral.facility": [None, None, "", "PHC"],
        "name": list("wxyz"),
        "medicines.count": [0, 1, 2, 3],
    }
)


def test_a_row_has_the_blanks_of_a_question_its_answers_and_where_it_was_not_asked(axes: Axes) -> None:
    ccf.plot_missing(FORMS, ax=axes)

    assert rows(axes) == ["weight", "referral.facility", "name"]
    assert lengths(axes) == [[1, 1, 0], [3, 1, 4], [0, 2, 0]]
    assert legend(axes) == ["asked, left blank", "answered", "never asked"]
    assert texts(axes) == ["25%", "50%", "0%", "blank\nof asked"]
    assert title(axes) == "4 Visit forms: answers to 3 questions"
    assert axes.get_xlabel() == "Number of Visit forms"


def test_a_question_that_nobody_was_asked_has_no_share(axes: Axes) -> None:
    ccf.plot_missing(FORMS.assign(**{"referral.facility": None}), ax=axes)

    assert texts(axes)[rows(axes).index("referral.facility")] == "none"


def test_a_typed_frame_does_not_claim_to_know_the_difference(axes: Axes) -> None:
    typed = FORMS.assign(weight=pd.array([52, 61, None, 70], "Int64")).replace({"referral.facility": {"": None}})
    ccf.plot_missing(typed, ax=axes)

    assert legend(axes) == ["missing: left blank or never asked", "answered"]
    assert rows(axes) == ["referral.facility", "weight", "name"]
    assert lengths(axes) == [[3, 1, 0], [1, 3, 4]]
    assert texts(axes)[:3] == ["75%", "25%", "0%"]


def test_the_counts_are_those_of_the_frame_and_the_two_frames_agree(domain: Domain, axes: Axes) -> None:
    sent, typed = ccf.read_forms("Visit", dtypes="string"), ccf.read_forms("Visit")
    ccf.plot_missing(sent, ax=axes)
    drawn = dict(zip(rows(axes), zip(*lengths(axes), strict=True), strict=True))

    assert drawn["position"] == ((sent["position"] == "").sum(), (sent["position"] > "").sum(), 0)
    assert drawn["comment"][2] == sent["comment"].isna().sum() > 0
    assert not {"form_id", "received_on", "case_id", "medicines.count", "geo_point.latitude"} & set(drawn)
    axes.clear()
    ccf.plot_missing(typed, ax=axes)
    missing = dict(zip(rows(axes), lengths(axes)[0], strict=True))
    assert missing == {question: blank + unasked for question, (blank, _, unasked) in drawn.items()}


def test_questions_have_their_texts_where_the_frame_has(domain: Domain, axes: Axes) -> None:
    ccf.plot_missing(ccf.label_columns(ccf.read_forms("Visit")), ax=axes)

    assert {"Position", "Weight in kg"} <= set(rows(axes))
    assert not [row for row in rows(axes) if "latitude" in row or "altitude" in row]


def test_the_keys_of_a_repeat_are_no_questions(domain: Domain, axes: Axes) -> None:
    children = ccf.read_repeats("Register household", "children")
    ccf.plot_missing(children, ax=axes)

    assert sorted(rows(axes)) == ["age_months", "child_name", "sex"]
    assert title(axes).startswith(f"{len(children):,} entries of children: answers to 3 questions")


def test_of_very_many_questions_those_most_often_blank_are_drawn(axes: Axes) -> None:
    blanks = {f"q{number:03}": [""] * number + ["x"] * (200 - number) for number in range(120)}
    ccf.plot_missing(pd.DataFrame(blanks), ax=axes)

    assert rows(axes)[0] == "q119"
    assert len(rows(axes)) == 50
    assert title(axes) == "200 rows: answers to the 50 most often blank of 120 questions"


def test_long_texts_are_wrapped_and_keep_their_end(axes: Axes) -> None:
    long = "Has anybody else in the household been visited by a community health worker since the last visit (q7)?"
    ccf.plot_missing(pd.DataFrame({long: ["", "x"]}), ax=axes)

    lines = rows(axes)[0].split("\n")
    assert lines[0].startswith("Has anybody else")
    assert lines[-1].endswith("(q7)?")
    assert len(lines) <= 3
    assert max(map(len, lines)) <= 36


def test_lists_of_labels_are_answers(axes: Axes) -> None:
    ccf.plot_missing(pd.DataFrame({"signs": pd.Series([["Fever"], None, ["Fever", "Pain"]], dtype=object)}), ax=axes)

    assert lengths(axes) == [[1], [2]]


def test_half_a_million_forms_are_drawn(axes: Axes) -> None:
    ccf.plot_missing(half_a_million(FORMS), ax=axes)

    assert lengths(axes)[0] == [125_000, 125_000, 0]


@pytest.mark.parametrize(("frame", "said"), [(FORMS[:0], "No forms"), (FORMS[["form_id"]], "No questions")])
def test_where_nothing_can_be_drawn_the_picture_says_so(axes: Axes, frame: pd.DataFrame, said: str) -> None:
    ccf.plot_missing(frame, ax=axes)

    assert texts(axes) == [said]
