"""`plot_durations`: each bar has the forms that took so long, and what is beyond the axis is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from drawn import half_a_million, heights, texts, title
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, QueryError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain


def took(*minutes: float | None) -> pd.DataFrame:
    started = pd.Timestamp("2025-01-01 08:00", tz="UTC")
    completed = [pd.NaT if each is None else started + pd.Timedelta(minutes=each) for each in minutes]
    return pd.DataFrame({"form_id": "a", "form_name": "Visit", "started_on": started, "completed_on": completed})


def test_a_bar_has_the_forms_that_took_so_long(axes: Axes) -> None:
    ccf.plot_durations(took(0, 1, 9.5, 10, 10.4, 20), ax=axes)

    bars = {round(bar.get_x(), 2): int(bar.get_height()) for bar in axes.containers[0] if bar.get_height()}
    assert bars == {0: 1, 1: 1, 9.5: 1, 10: 2, 20: 1}
    assert texts(axes) == ["half took at most 9.75 minutes"]
    assert axes.lines[0].get_xdata()[0] == 9.75
    assert title(axes) == "Time to fill in 6 Visit forms"
    assert axes.get_ylabel() == "Forms per 30 seconds"


def test_what_took_far_longer_is_beyond_the_axis_and_told(axes: Axes) -> None:
    usual = np.linspace(4, 8, 500)
    ccf.plot_durations(took(*usual, 300, 60 * 24 * 40), ax=axes)

    assert np.sum(heights(axes)) == 500
    assert axes.get_xlim()[1] < 10
    assert texts(axes)[1].startswith("2 took 8.25 minutes or longer, up to 40 days, and are beyond the axis")
    assert title(axes) == "Time to fill in 502 Visit forms"


def test_what_is_hardly_too_long_is_drawn_in_the_last_bar_and_not_told_twice(axes: Axes) -> None:
    ccf.plot_durations(took(*[1] * 10, *[2.02] * 10, 5.06, 5.1), ax=axes)

    assert np.sum(heights(axes)) == 22
    assert len(texts(axes)) == 1


def test_the_forms_of_a_frame_are_all_drawn_or_told(domain: Domain, axes: Axes) -> None:
    visits = ccf.read_forms("Visit")
    ccf.plot_durations(visits, ax=axes)

    assert np.sum(heights(axes)) == len(visits)
    assert title(axes).endswith(f"as of {visits.attrs['commcare']['refreshed_at'][:10]}")


@pytest.mark.parametrize("minutes", [[0.0], [0.0, 0.0], [3.07], [5.0] * 100, [1440.0 * 30, 1.0]])
def test_few_or_equal_times_are_drawn(axes: Axes, minutes: list[float]) -> None:
    ccf.plot_durations(took(*minutes), ax=axes)

    assert np.sum(heights(axes)) == len(minutes)


@given(st.lists(st.floats(0, 100_000), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_every_form_is_in_a_bar_or_told_to_be_beyond_the_axis(minutes: list[float]) -> None:
    axes = Figure().subplots()
    ccf.plot_durations(took(*minutes), ax=axes)

    beyond = int(texts(axes)[1].split(" ")[0]) if len(texts(axes)) > 1 else 0
    assert np.sum(heights(axes)) + beyond == len(minutes)


def test_forms_that_lack_a_time_or_go_backwards_are_left_out_and_told(axes: Axes) -> None:
    with (
        pytest.warns(DataWarning, match="1 of 4 forms have no started_on or no completed_on"),
        pytest.warns(DataWarning, match="1 of 4 forms were completed before they were started"),
    ):
        ccf.plot_durations(took(3, None, -60, 4), ax=axes)

    assert np.sum(heights(axes)) == 2
    assert title(axes) == "Time to fill in 2 Visit forms"


def test_half_a_million_forms_are_drawn(axes: Axes) -> None:
    ccf.plot_durations(half_a_million(took(3, 4, 5, 6)), ax=axes)

    assert np.sum(heights(axes)) == 500_000


def test_an_empty_frame_gives_a_picture_that_says_so(axes: Axes) -> None:
    ccf.plot_durations(took(1)[:0], ax=axes)

    assert texts(axes) == ["No forms"]
    assert title(axes) == "Time to fill in 0 forms"


def test_what_cannot_be_drawn_is_told(axes: Axes) -> None:
    with pytest.raises(QueryError, match=r"no column 'completed_on'.*Did you mean 'completed'"):
        ccf.plot_durations(took(1).rename(columns={"completed_on": "completed"}), ax=axes)
