"""`plot_timeline`: the forms of one case, each at its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from drawn import half_a_million, legend, rows, texts, title
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.text import Text

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, QueryError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain

FORMS = pd.DataFrame(
    {
        "form_id": list("abc"),
        "form_name": ["Visit", "Registration", "Visit"],
        "case_id": ["m", None, "m"],
        "received_on": pd.to_datetime(["2025-03-03", "2025-02-03", "2025-05-03"], utc=True),
        "completed_on": pd.to_datetime(["2025-03-01 12:00", "2025-02-01", None], utc=True, format="ISO8601"),
    }
)
CASE = pd.Series(
    {
        "case_id": "m",
        "case_name": "Geeta",
        "date_opened": pd.Timestamp("2025-02-01", tz="UTC"),
        "date_closed": pd.NaT,
    }
)


def points(axes: Axes, line: int) -> list[tuple[float, float]]:
    drawn = [each for each in axes.lines if each.get_marker() == "o"][line]
    return list(zip(date2num(drawn.get_xdata()), drawn.get_ydata(), strict=True))


def test_a_point_is_at_the_time_of_a_form_in_the_row_of_its_kind(axes: Axes) -> None:
    ccf.plot_timeline(FORMS, ax=axes)

    assert rows(axes) == ["Registration", "Visit"]
    assert points(axes, 0) == [
        (date2num(np.datetime64("2025-02-01")), 0),
        (date2num(np.datetime64("2025-03-01T12")), 1),
    ]
    assert points(axes, 1) == [(date2num(np.datetime64("2025-05-03")), 1)]
    assert legend(axes) == ["completed", "received; not known when completed"]
    assert texts(axes) == ["1 Feb", "1 Mar", "3 May"]
    assert title(axes) == "3 forms"
    assert axes.get_xlabel() == "Form completed (phone's clock, UTC)"


def test_the_case_gives_its_name_and_when_it_was_opened_and_closed(axes: Axes) -> None:
    ccf.plot_timeline(FORMS, CASE, ax=axes)
    assert title(axes) == "3 forms of Geeta"
    assert texts(axes)[-1] == "opened 1 Feb 2025"

    axes.clear()
    closed = CASE.copy()
    closed["date_closed"] = pd.Timestamp("2025-06-01 10:00", tz="UTC")
    ccf.plot_timeline(FORMS, closed, ax=axes)
    assert texts(axes)[-2:] == ["opened 1 Feb 2025", "closed 1 Jun 2025"]
    west, east = axes.get_xlim()
    assert west < date2num(np.datetime64("2025-02-01")) < date2num(np.datetime64("2025-06-01T10")) < east


def test_the_forms_of_a_case_of_the_server_are_all_drawn(domain: Domain, axes: Axes) -> None:
    patient = ccf.read_cases("patient").iloc[0]
    forms = ccf.read_forms(case_id=patient["case_id"])
    ccf.plot_timeline(forms, patient, ax=axes)

    assert len(points(axes, 0)) == len(forms) > 1
    assert rows(axes) == forms.sort_values("completed_on")["form_name"].unique().tolist()
    assert title(axes).startswith(f"{len(forms)} forms of {patient['case_name']}, as of")


def test_a_day_is_written_once_in_a_row(axes: Axes) -> None:
    near = pd.concat([FORMS, FORMS.assign(completed_on=FORMS["completed_on"] + pd.Timedelta(hours=3))])
    ccf.plot_timeline(near, ax=axes)

    assert texts(axes) == ["1 Feb", "1 Mar", "3 May"]


@pytest.mark.parametrize("is_small", [False, True])
def test_no_day_is_left_out_and_none_hides_another(pyplot: None, is_small: bool) -> None:
    days = [0, 2, 3, 5, 9, 10, 60, 1, 30, 31, 32]
    times = pd.Timestamp("2025-03-01", tz="UTC") + pd.to_timedelta(days, unit="D")
    forms = pd.DataFrame({"form_name": ["Visit"] * 7 + ["Call"] * 4, "received_on": times, "completed_on": times})
    axes = ccf.plot_timeline(forms, CASE, ax=Figure(figsize=(6, 3)).subplots() if is_small else None)
    axes.figure.draw_without_rendering()

    days_written = [text for text in axes.texts if not text.get_text().startswith("opened")]
    assert sorted(text.get_text() for text in days_written) == sorted(f"{time.day} {time:%b}" for time in times)
    boxes = [Text.get_window_extent(text) for text in days_written]  # without the line to the point
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_half_a_million_forms_are_drawn(axes: Axes) -> None:
    ccf.plot_timeline(half_a_million(FORMS), ax=axes)

    assert len(points(axes, 0)) + len(points(axes, 1)) == 500_000
    assert texts(axes) == []


@pytest.mark.parametrize("rows_", [FORMS[:0], FORMS[:0].astype(object)])
def test_an_empty_frame_gives_a_picture_that_says_so(axes: Axes, rows_: pd.DataFrame) -> None:
    ccf.plot_timeline(rows_, CASE, ax=axes)

    assert texts(axes) == ["No forms"]
    assert title(axes) == "0 forms of Geeta"


def test_one_form_is_one_point_with_days_around_it(axes: Axes) -> None:
    ccf.plot_timeline(FORMS[:1].drop(columns="case_id"), ax=axes)

    assert len(points(axes, 0)) == 1
    assert len(axes.get_xticks()) >= 2


def test_without_completed_on_forms_are_where_they_were_received(axes: Axes) -> None:
    ccf.plot_timeline(FORMS.drop(columns="completed_on"), ax=axes)

    assert [place for place, _ in points(axes, 1)] == sorted(date2num(FORMS["received_on"].to_numpy()))


def test_forms_without_any_time_are_left_out_and_told(axes: Axes) -> None:
    with pytest.warns(DataWarning, match="1 of 3 forms have no completed_on and no received_on"):
        ccf.plot_timeline(FORMS.assign(received_on=FORMS["received_on"].where([True, True, False])), ax=axes)

    assert title(axes) == "2 forms"


def test_forms_of_several_cases_or_of_another_are_refused(axes: Axes) -> None:
    with pytest.raises(QueryError, match=r"forms of 2 cases. Read those of one case: read_forms\(case_id"):
        ccf.plot_timeline(FORMS.assign(case_id=["m", "n", "m"]), ax=axes)
    with pytest.raises(QueryError, match="those of case m, not of case n"):
        ccf.plot_timeline(FORMS, CASE.replace("m", "n"), ax=axes)
    with pytest.raises(QueryError, match="case is a row of read_cases"):
        ccf.plot_timeline(FORMS, "m", ax=axes)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match=r"no column 'form_name'.*Did you mean 'form_names'"):
        ccf.plot_timeline(FORMS.rename(columns={"form_name": "form_names"}), ax=axes)
