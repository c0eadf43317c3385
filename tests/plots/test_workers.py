"""`plot_workers`: each field has the number of forms of one worker in one period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from drawn import columns, half_a_million, rows, texts, title
from matplotlib.collections import QuadMesh

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, QueryError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain

FORMS = pd.DataFrame(
    {
        "form_id": list("abcd"),
        "form_name": "Visit",
        "username": ["ann", "bob", "bob", "bob"],
        "received_on": pd.to_datetime(["2025-01-05", "2025-01-06", "2025-01-12", "2025-01-20"], utc=True),
    }
)


def fields(axes: Axes) -> list[list[int]]:
    mesh = next(each for each in axes.collections if isinstance(each, QuadMesh))
    return np.ma.filled(mesh.get_array(), 0).tolist()


def test_a_field_has_the_forms_of_a_worker_in_a_week_the_most_active_first(axes: Axes) -> None:
    ccf.plot_workers(FORMS, ax=axes)

    assert rows(axes) == ["bob", "ann"]
    assert fields(axes) == [[0, 2, 0, 1], [1, 0, 0, 0]]
    assert columns(axes) == ["30 Dec\n2024", "6 Jan\n2025", "13 Jan", "20 Jan"]
    assert texts(axes) == ["3", "1", "forms"]
    assert title(axes) == "4 Visit forms of 2 mobile workers by week received"
    assert axes.get_xlabel() == "Week received (UTC)"


def test_the_first_row_is_on_top(axes: Axes) -> None:
    ccf.plot_workers(FORMS, ax=axes)

    bottom, top = axes.get_ylim()
    assert bottom > top


def test_a_frame_of_the_cache_is_drawn_whole(domain: Domain, axes: Axes) -> None:
    visits = ccf.read_forms("Visit")
    ccf.plot_workers(visits, by="month", ax=axes)

    drawn = dict(zip(rows(axes), map(sum, fields(axes)), strict=True))
    assert drawn == visits["username"].value_counts().to_dict()
    assert title(axes).endswith(f"as of {visits.attrs['commcare']['refreshed_at'][:10]}")


def test_one_extraordinary_week_does_not_leave_the_others_pale(axes: Axes) -> None:
    weeks = pd.date_range("2024-01-01", periods=150, freq="W-MON", tz="UTC")
    usual = pd.DataFrame({"username": "ann", "received_on": weeks.repeat(3)})
    many = pd.DataFrame({"username": "ann", "received_on": weeks[:1].repeat(5000)})
    ccf.plot_workers(pd.concat([usual, many]), ax=axes)

    assert axes.collections[0].norm.vmax == 3
    key = axes.figure.axes[1]
    assert max(tick for tick in key.get_yticks() if tick <= 3) == 3


def test_of_very_many_workers_the_most_active_are_drawn_and_the_title_says_so(axes: Axes) -> None:
    names = np.repeat([f"worker {number:03}" for number in range(200)], range(1, 201))
    ccf.plot_workers(pd.DataFrame({"username": names, "received_on": FORMS["received_on"][0]}), ax=axes)

    assert rows(axes) == [f"worker {number:03}" for number in range(199, 149, -1)]
    assert title(axes) == "8,775 forms of the 50 most active of 200 mobile workers by week received"


def test_half_a_million_forms_are_drawn(axes: Axes) -> None:
    ccf.plot_workers(half_a_million(FORMS), by="day", ax=axes)

    assert np.sum(fields(axes)) == 500_000


def test_an_empty_frame_gives_a_picture_that_says_so(axes: Axes) -> None:
    ccf.plot_workers(FORMS[:0], ax=axes)

    assert texts(axes) == ["No forms"]
    assert title(axes) == "0 forms of 0 mobile workers by week received"


def test_one_form_is_one_field(axes: Axes) -> None:
    ccf.plot_workers(FORMS[:1], ax=axes)

    assert fields(axes) == [[1]]
    assert title(axes) == "1 Visit form of 1 mobile worker by week received"


def test_forms_of_nobody_are_left_out_and_told(axes: Axes) -> None:
    with pytest.warns(DataWarning, match="1 of 4 forms have no username"):
        ccf.plot_workers(FORMS.assign(username=["ann", None, "bob", "bob"]), ax=axes)

    assert title(axes).startswith("3 Visit forms of 2 mobile workers")


def test_what_cannot_be_drawn_is_told(axes: Axes) -> None:
    with pytest.raises(QueryError, match=r"no column 'username'.*Did you mean 'user_name'"):
        ccf.plot_workers(FORMS.rename(columns={"username": "user_name"}), ax=axes)
    with pytest.raises(QueryError, match="by='days' is none of.*Did you mean 'day'"):
        ccf.plot_workers(FORMS, by="days", ax=axes)  # type: ignore[arg-type]


@pytest.mark.usefixtures("pyplot")
def test_a_figure_of_its_own_is_as_high_as_its_rows_need() -> None:
    few = ccf.plot_workers(FORMS)
    many = ccf.plot_workers(pd.concat([FORMS.assign(username=f"worker {number}") for number in range(30)]))

    assert many.figure.get_figheight() > 2 * few.figure.get_figheight()
