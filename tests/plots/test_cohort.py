"""`plot_cohort`: the bars say what the frame says, and the labels can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from drawn import columns, half_a_million, heights, title
from matplotlib import pyplot as plt

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, QueryError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain

CASES = pd.DataFrame(
    {
        "case_type": "patient",
        "date_opened": pd.to_datetime(
            ["2024-11-30 23:59", "2025-01-01", "2025-01-31 23:59", "2025-01-15"], utc=True, format="ISO8601"
        ),
        "date_closed": pd.to_datetime([None, "2025-03-01", None, None], utc=True),
    }
)


def test_a_bar_has_the_cases_opened_in_its_month_parted_in_open_and_closed(axes: Axes) -> None:
    ccf.plot_cohort(CASES, ax=axes)

    assert heights(axes) == [[1, 2], [0, 1]]
    assert [bar.get_y() for bar in axes.containers[1]] == [1, 2]


def test_labels_say_what_is_shown(axes: Axes) -> None:
    ccf.plot_cohort(CASES, ax=axes)

    assert title(axes) == "4 patient cases by month of opening"
    assert axes.get_xlabel() == "Month opened (UTC)"
    assert axes.get_ylabel() == "Cases opened per month"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["still open (3)", "closed since (1)"]
    assert columns(axes) == ["Nov\n2024", "Dec", "Jan\n2025"]


def test_a_frame_of_the_cache_says_as_of_when(domain: Domain, axes: Axes) -> None:
    patients = ccf.read_cases("patient")
    ccf.plot_cohort(patients, ax=axes)

    assert sum(map(sum, heights(axes))) == len(patients) == 300
    assert sum(heights(axes)[0]) == (~patients["closed"]).sum()
    assert title(axes).endswith(f"as of {patients.attrs['commcare']['refreshed_at'][:10]}")


@pytest.mark.parametrize(
    ("by", "opened", "labels"),
    [
        ("day", [1, 1, 1, 1], ["2 Dec\n2024", "9 Dec"]),
        ("week", [1, 1, 1, 1], ["25 Nov\n2024"]),
        ("quarter", [1, 3], ["Q4\n2024", "Q1\n2025"]),
        ("year", [1, 3], ["2024"]),
    ],
)
def test_other_periods_are_counted_too(axes: Axes, by: str, opened: list[int], labels: list[str]) -> None:
    ccf.plot_cohort(CASES, by=by, ax=axes)

    assert np.sum(heights(axes), axis=0).tolist() == opened
    assert columns(axes)[: len(labels)] == labels


def test_many_years_keep_a_readable_number_of_labels(axes: Axes) -> None:
    opened = pd.date_range("1990-02-01", "2026-01-01", freq="MS", tz="UTC")
    ccf.plot_cohort(pd.DataFrame({"date_opened": opened, "date_closed": pd.NaT}), ax=axes)

    assert 6 <= len(columns(axes)) <= 12
    assert all(label.startswith("Jan\n") for label in columns(axes))


def test_half_a_million_cases_are_drawn(axes: Axes) -> None:
    many = half_a_million(CASES)
    ccf.plot_cohort(many, ax=axes)

    assert heights(axes) == [[125_000, 250_000], [0, 125_000]]


@pytest.mark.parametrize("rows", [CASES[:0], CASES[:0].astype(object), CASES[["date_opened", "date_closed"]][:0]])
def test_an_empty_frame_gives_a_picture_that_says_so(axes: Axes, rows: pd.DataFrame) -> None:
    ccf.plot_cohort(rows, ax=axes)

    assert [text.get_text() for text in axes.texts] == ["No cases"]
    assert title(axes) == "0 cases by month of opening"


def test_cases_without_a_date_are_left_out_and_told(axes: Axes) -> None:
    gaps = CASES.assign(date_opened=CASES["date_opened"].where([True, True, False, True]))
    with pytest.warns(DataWarning, match="1 of 4 cases have no date_opened"):
        ccf.plot_cohort(gaps, ax=axes)

    assert title(axes).startswith("3 patient cases")


def test_what_cannot_be_drawn_is_told(axes: Axes) -> None:
    with pytest.raises(QueryError, match="no column 'date_closed'"):
        ccf.plot_cohort(CASES.drop(columns="date_closed"), ax=axes)
    with pytest.raises(QueryError, match=r"by='mont' is none of.*Did you mean 'month'"):
        ccf.plot_cohort(CASES, by="mont", ax=axes)  # type: ignore[arg-type]


@pytest.mark.usefixtures("pyplot")
def test_without_axes_a_new_figure_is_made_and_not_shown() -> None:
    drawn = ccf.plot_cohort(CASES)

    assert plt.get_fignums() == [drawn.figure.number]


def test_the_colours_differ_in_lightness(axes: Axes) -> None:
    ccf.plot_cohort(CASES, ax=axes)
    dark, light = (np.dot(bars[0].get_facecolor()[:3], [0.2126, 0.7152, 0.0722]) for bars in axes.containers)

    assert light - dark > 0.3
