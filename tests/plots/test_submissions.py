"""`plot_submissions`: the bars add up to the forms received, by the form or the user that they are of."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from drawn import columns, half_a_million, heights, legend, texts, title
from matplotlib.patches import StepPatch

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, QueryError
from commcare_frames.plots.look import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain

FORMS = pd.DataFrame(
    {
        "form_id": list("abcde"),
        "xmlns": ["visit", "visit", "visit", "birth", "visit"],
        "form_name": ["Visit", "Visit", "Visit", "Delivery", "Visit"],
        "username": ["ann", "bob", "ann", "ann", None],
        "received_on": pd.to_datetime(
            ["2025-01-01", "2025-01-31 23:59", "2025-02-01", "2025-02-28", "2025-04-01"], utc=True, format="ISO8601"
        ),
    }
)


def test_a_bar_has_the_forms_received_in_its_month_by_form_the_most_frequent_first(axes: Axes) -> None:
    ccf.plot_submissions(FORMS, ax=axes)

    assert heights(axes) == [[2, 1, 1], [0, 1, 0]]
    assert [bar.get_y() for bar in axes.containers[1]] == [2, 1, 1]
    assert legend(axes) == ["Visit (4)", "Delivery (1)"]
    assert columns(axes) == ["Jan\n2025", "Feb", "Mar", "Apr"]
    assert title(axes) == "5 forms by month received"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Month received (UTC)", "Forms per month")


def test_by_user_those_without_one_are_told_apart(axes: Axes) -> None:
    ccf.plot_submissions(FORMS, split="user", by="year", ax=axes)

    assert heights(axes) == [[3], [1], [1]]
    assert legend(axes) == ["ann (3)", "bob (1)", "no username (1)"]
    assert title(axes) == "5 forms by year received and user"


def test_one_form_needs_no_legend_as_the_title_names_it(domain: Domain, axes: Axes) -> None:
    visits = ccf.read_forms("Visit")
    ccf.plot_submissions(visits, ax=axes)

    assert np.sum(heights(axes)) == len(visits)
    assert legend(axes) == []
    refreshed = visits.attrs["commcare"]["refreshed_at"][:10]
    assert title(axes) == f"{len(visits):,} Visit forms by month received, as of {refreshed}"


def test_many_groups_are_added_up_in_grey(axes: Axes) -> None:
    many = pd.DataFrame({"received_on": FORMS["received_on"][0], "form_name": [f"form {n}" for n in range(40)]})
    ccf.plot_submissions(many, ax=axes)

    assert [bars[0] for bars in heights(axes)] == [1] * 6 + [34]
    assert legend(axes)[-1] == "34 other forms (34)"
    assert axes.containers[-1][0].get_facecolor()[:3] == pytest.approx([int(GREY[1:3], 16) / 255] * 3)


def test_a_seventh_group_has_its_name(axes: Axes) -> None:
    seven = pd.DataFrame({"received_on": FORMS["received_on"][0], "form_name": list("abcdefg")})
    ccf.plot_submissions(seven, ax=axes)

    assert legend(axes)[-1] == "g (1)"


def test_forms_of_the_same_name_are_told_apart_and_a_renamed_one_is_one(axes: Axes) -> None:
    same = FORMS.assign(form_name=["Visit", "Visit", "Follow-up", "Follow-up", "Follow-up"])
    ccf.plot_submissions(same, ax=axes)

    assert legend(axes) == ["Follow-up (visit) (4)", "Follow-up (birth) (1)"]


def test_forms_without_a_name_or_an_xmlns_are_counted(axes: Axes) -> None:
    ccf.plot_submissions(FORMS.assign(form_name=None), ax=axes)
    assert legend(axes) == ["visit (4)", "birth (1)"]

    axes.clear()
    ccf.plot_submissions(FORMS.assign(form_name=["Visit", None] * 2 + [None]).drop(columns="xmlns"), ax=axes)
    assert legend(axes) == ["no name (3)", "Visit (2)"]


def test_names_that_matplotlib_would_take_for_something_else_are_shown(axes: Axes) -> None:
    odd = FORMS.assign(form_name=["_hidden", "_hidden", "_hidden", "cost $5 to $6", "_hidden"])
    ccf.plot_submissions(odd, ax=axes)
    axes.figure.draw_without_rendering()

    assert legend(axes) == ["_hidden (4)", r"cost \$5 to \$6 (1)"]


def test_a_long_name_keeps_its_beginning_its_end_and_its_number(axes: Axes) -> None:
    ccf.plot_submissions(FORMS.assign(form_name=FORMS["form_name"] + " of the mother" * 9 + " (2nd)"), ax=axes)

    first = legend(axes)[0]
    assert first.startswith("Visit of the mother")
    assert first.endswith("(2nd) (4)")
    assert max(map(len, first.split("\n"))) <= 32


def test_days_over_years_are_areas_named_by_month(axes: Axes) -> None:
    days = pd.date_range("2023-01-10", "2025-12-31", freq="D", tz="UTC").delete(5)
    ccf.plot_submissions(
        pd.DataFrame({"received_on": days, "form_name": ["a", "b"] * (len(days) // 2)}), by="day", ax=axes
    )

    areas = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    tops, edges, _ = areas[-1].get_data()
    assert len(areas) == 2
    assert tops[:7].tolist() == [1, 1, 1, 1, 1, 0, 1]
    assert len(edges) == len(tops) + 1 == len(days) + 2
    assert columns(axes)[0] == "Apr\n2023"


@pytest.mark.parametrize(("by", "first"), [("day", "2 Jun\n2025"), ("week", "2 Jun\n2025")])
def test_days_and_weeks_are_named_by_their_mondays(axes: Axes, by: str, first: str) -> None:
    days = pd.date_range("2025-06-02", periods=60, tz="UTC")
    ccf.plot_submissions(pd.DataFrame({"received_on": days, "form_name": "a"}), by=by, ax=axes)

    named = axes.get_xticks()
    assert columns(axes)[0] == first
    assert {(dt.date(1970, 1, 1) + dt.timedelta(days=day)).weekday() for day in named} == {0}


def test_half_a_million_forms_are_drawn(axes: Axes) -> None:
    ccf.plot_submissions(half_a_million(FORMS), split="user", ax=axes)

    assert np.sum(heights(axes)) == 500_000


@pytest.mark.parametrize("rows", [FORMS[:0], FORMS[:0].astype(object)])
def test_an_empty_frame_gives_a_picture_that_says_so(axes: Axes, rows: pd.DataFrame) -> None:
    ccf.plot_submissions(rows, ax=axes)

    assert texts(axes) == ["No forms"]
    assert title(axes) == "0 forms by month received"


def test_forms_without_a_time_are_left_out_and_told(axes: Axes) -> None:
    gaps = FORMS.assign(received_on=FORMS["received_on"].where([True, True, False, True, True]))
    with pytest.warns(DataWarning, match="1 of 5 forms have no received_on"):
        ccf.plot_submissions(gaps, ax=axes)

    assert title(axes).startswith("4 forms")


def test_what_cannot_be_drawn_is_told(axes: Axes) -> None:
    with pytest.raises(QueryError, match=r"no column 'received_on'.*Did you mean 'received_at'"):
        ccf.plot_submissions(FORMS.rename(columns={"received_on": "received_at"}), ax=axes)
    with pytest.raises(QueryError, match="no column 'username'"):
        ccf.plot_submissions(FORMS.drop(columns="username"), split="user", ax=axes)
    with pytest.raises(QueryError, match="split='users' is neither.*Did you mean 'user'"):
        ccf.plot_submissions(FORMS, split="users", ax=axes)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="by='weak' is none of"):
        ccf.plot_submissions(FORMS, by="weak", ax=axes)  # type: ignore[arg-type]


@pytest.mark.usefixtures("pyplot")
def test_a_figure_of_its_own_is_higher_for_its_legend() -> None:
    with_legend, without = ccf.plot_submissions(FORMS), ccf.plot_submissions(FORMS[:3])

    assert with_legend.figure.get_figheight() > without.figure.get_figheight()
