"""Days, weeks, months, quarters and years along an axis of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from commcare_frames.errors import QueryError, did_you_mean
from commcare_frames.plots.look import count_along, legend, moments, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

Period = Literal["day", "week", "month", "quarter", "year"]

ALIASES = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
BAR_SHARE = 0.85  # of a period's width
DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}

MOST_BARS = 1000  # more would be lines, and take long to draw
MOST_TICKS = 12
TICK_EVERY = {
    "day": (1, 2, 7),
    "week": (1, 2, 4),
    "month": (1, 2, 3, 6, 12),
    "quarter": (1, 2, 4),
    "year": (1,),
}
TICK_LABEL = {
    "day": "{0.day} {0:%b}",
    "week": "{0.day} {0:%b}",
    "month": "{0:%b}",
    "quarter": "Q{0.quarter}",
    "year": "",
}
MONDAY = 4  # days since 1970 began on a Thursday


def to_periods(frame: pd.DataFrame, column: str, by: Period, rows: str) -> pd.Series[pd.Period]:
    """Return the period of each row, missing where it has no time.

    Parameters
    ----------
    frame
        The rows.
    column
        The column of times.
    by
        How long a period is.
    rows
        What the rows are, for the warning about those without a time.

    Returns
    -------
    Series
        Of periods, in UTC.

    Raises
    ------
    QueryError
        When `by` is no period.
    """
    if by not in ALIASES:
        raise QueryError(f"by={by!r} is none of {', '.join(map(repr, ALIASES))}.{did_you_mean(by, ALIASES)}")
    return moments(frame, column, rows).dt.to_period(ALIASES[by])


def places(periods: pd.PeriodIndex) -> NDArray[np.float64]:
    """Return where periods begin on matplotlib's axis of days."""
    from matplotlib.dates import date2num  # noqa: PLC0415

    found: NDArray[np.float64] = date2num(periods.start_time.to_numpy())  # type: ignore[no-untyped-call]
    return found


def name_periods(axes: Axes, drawn: pd.PeriodIndex, by: Period) -> None:
    """Name as many periods as are readable, January among them, and the year where it changes."""
    import pandas as pd  # noqa: PLC0415

    periods = pd.period_range(drawn[0], drawn[-1])
    if by in {"day", "week"} and len(periods) > MOST_TICKS * TICK_EVERY[by][-1]:
        months = pd.period_range(periods[0].start_time, periods[-1].start_time, freq="M")
        periods, by = months[months.start_time >= periods[0].start_time], "month"
    widest = TICK_EVERY[by][-1]
    steps = (*TICK_EVERY[by], *(widest * times for times in (2, 5, 10, 20, 50, 100)))
    step = next((step for step in steps if len(periods) <= MOST_TICKS * step), steps[-1])
    offset = MONDAY if by == "day" else 0
    named = periods[(periods.asi8 - offset) % step == 0]
    years = named.start_time.year.tolist()
    labels = [
        f"{TICK_LABEL[by].format(start)}\n{year if year != before else ''}".strip()
        for start, year, before in zip(named.start_time, years, [None, *years], strict=False)
    ]
    axes.set_xticks(places(named), labels)


def stack_bars(axes: Axes, counts: pd.DataFrame, colours: Sequence[str], by: Period) -> float:
    """Draw a bar for each period, each in the middle of where the axis names its period.

    Parameters
    ----------
    axes
        Where to draw.
    counts
        A row for each period and a column for each part of its bar, from the bottom.
    colours
        Of the parts.
    by
        How long a period is.

    Returns
    -------
    float
        Height of the legend in points; there is none where bars have one part.
    """
    import pandas as pd  # noqa: PLC0415

    bars: Sequence[Any]
    periods = pd.PeriodIndex(counts.index)
    starts, days = places(periods), DAYS[by]
    if counts.size > MOST_BARS:
        bars = _steps(axes, counts, colours)
    else:
        tops = counts.cumsum(axis=1)
        bars = [
            axes.bar(starts, counts[name], bottom=tops[name] - counts[name], width=days * BAR_SHARE, color=colour)
            for name, colour in zip(counts, colours, strict=False)
        ]
    axes.xaxis_date()
    axes.set_xlim(starts[0] - days, starts[-1] + days)
    name_periods(axes, periods, by)
    count_along(axes, "y")
    return (
        legend(axes, bars, [f"{wrapped(name, 28, 2)} ({counts[name].sum():,})" for name in counts])
        if len(bars) > 1
        else 0
    )


def _steps(axes: Axes, counts: pd.DataFrame, colours: Sequence[str]) -> list[Any]:
    """Draw each part of the bars as one area with steps."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    periods = pd.PeriodIndex(counts.index)
    whole = pd.period_range(periods[0], periods[-1])
    tops = counts.reindex(whole, fill_value=0).cumsum(axis=1)
    edges = np.append(places(whole), places(whole[-1:] + 1))
    floors = tops.shift(axis=1, fill_value=0)
    return [
        axes.stairs(tops[name], edges, baseline=floors[name], fill=True, color=colour)
        for name, colour in zip(tops, colours, strict=False)
    ]
