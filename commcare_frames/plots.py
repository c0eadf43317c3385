"""Matplotlib pictures of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from commcare_frames.errors import QueryError, did_you_mean, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

Period = Literal["week", "month", "quarter", "year"]

ALIASES = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
DAYS = {"week": 7, "month": 30, "quarter": 91, "year": 365}
BAR_SHARE = 0.85  # of a period's width

MOST_TICKS = 12
TICK_EVERY = {"week": (1, 2, 4, 13, 26, 52), "month": (1, 2, 3, 6, 12), "quarter": (1, 2, 4), "year": (1,)}
TICK_LABEL = {"week": "{0.day} {0:%b}", "month": "{0:%b}", "quarter": "Q{0.quarter}", "year": ""}

# Okabe and Ito's blue and a tint of it: told apart by lightness, so by every eye and on every printer.
STILL_OPEN = "#0072B2"
CLOSED_SINCE = "#A6CEE3"
INK = "#333333"
FAINT = "#DDDDDD"


def plot_cohort(cases: pd.DataFrame, *, by: Period = "month", ax: Axes | None = None) -> Axes:
    """Draw how many cases were opened in each month, and how many of them are still open.

    Parameters
    ----------
    cases
        A frame of `read_cases`; of its columns ``date_opened`` and ``date_closed`` are needed.
    by
        ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``, in UTC.
    ax
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        A bar for each month, as high as the number of cases opened in it; the dark part are those still open, the
        light part those closed since.

    Raises
    ------
    QueryError
        When the frame lacks one of the two columns, or `by` is no period.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ax = ccf.plot_cohort(ccf.read_cases("patient"))
    >>> ax.figure.savefig(folder / "patients.png")
    """
    import pandas as pd  # noqa: PLC0415  importing this module loads nothing heavy

    cohorts = _cohorts(cases, by)
    axes = ax or _new_axes()
    _label(axes, cases, by)
    if cohorts.empty:
        axes.text(0.5, 0.5, "No cases", transform=axes.transAxes, ha="center", va="center", color=INK)
        axes.set(xticks=[], yticks=[])
    else:
        periods = pd.PeriodIndex(cohorts.index)
        _draw_bars(axes, cohorts, _places(periods), DAYS[by])
        _name_periods(axes, periods, by)
    return axes


def _cohorts(cases: pd.DataFrame, by: Period) -> pd.DataFrame:
    """Count the cases still open, and those closed since, by the period in which they were opened."""
    import pandas as pd  # noqa: PLC0415

    if by not in ALIASES:
        raise QueryError(f"by={by!r} is none of {', '.join(map(repr, ALIASES))}.{did_you_mean(by, ALIASES)}")
    missing = [name for name in ("date_opened", "date_closed") if name not in cases.columns]
    if missing:
        raise QueryError(
            f"The frame has no column {' and no column '.join(map(repr, missing))}. Read the cases without columns=, "
            "or name date_opened and date_closed there."
        )
    opened = pd.to_datetime(cases["date_opened"], utc=True, format="ISO8601").dt.tz_localize(None)
    if opened.isna().any():
        warn(f"{opened.isna().sum():,} of {len(cases):,} cases have no date_opened and are not in the picture.")
    is_open = cases["date_closed"].isna()
    return (
        pd.DataFrame({"still open": is_open, "closed since": ~is_open}).groupby(opened.dt.to_period(ALIASES[by])).sum()
    )


def _new_axes() -> Axes:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    return plt.subplots(figsize=(9, 4.5), layout="constrained")[1]


def _places(periods: pd.PeriodIndex) -> NDArray[np.float64]:
    """Return where periods begin on matplotlib's axis of days."""
    from matplotlib.dates import date2num  # noqa: PLC0415

    places: NDArray[np.float64] = date2num(periods.start_time.to_numpy())  # type: ignore[no-untyped-call]
    return places


def _draw_bars(axes: Axes, cohorts: pd.DataFrame, places: NDArray[np.float64], days: int) -> None:
    """Draw the bars, each in the middle of where the axis names its period."""
    floor = cohorts["still open"] * 0
    for name, colour in (("still open", STILL_OPEN), ("closed since", CLOSED_SINCE)):
        label = f"{name} ({cohorts[name].sum():,})"
        axes.bar(places, cohorts[name], bottom=floor, width=days * BAR_SHARE, color=colour, label=label)
        floor += cohorts[name]
    axes.xaxis_date()
    axes.set_xlim(places[0] - days, places[-1] + days)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, labelcolor=INK)


def _name_periods(axes: Axes, cohorts: pd.PeriodIndex, by: Period) -> None:
    """Name as many periods as are readable, January among them, and the year where it changes."""
    import pandas as pd  # noqa: PLC0415

    periods = pd.period_range(cohorts[0], cohorts[-1])
    widest = TICK_EVERY[by][-1]
    steps = (*TICK_EVERY[by], *(widest * times for times in (2, 5, 10, 20, 50, 100)))
    step = next((step for step in steps if len(periods) <= MOST_TICKS * step), steps[-1])
    named = periods[periods.asi8 % step == 0]
    years = named.start_time.year.tolist()
    labels = [
        f"{TICK_LABEL[by].format(start)}\n{year if year != before else ''}".strip()
        for start, year, before in zip(named.start_time, years, [None, *years], strict=False)
    ]
    axes.set_xticks(_places(named), labels)


def _label(axes: Axes, cases: pd.DataFrame, by: Period) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter  # noqa: PLC0415

    types: Sequence[str] = cases["case_type"].dropna().unique().tolist() if "case_type" in cases.columns else []
    of_type = f"{types[0]} " if len(types) == 1 else ""
    refreshed = cases.attrs.get("commcare", {}).get("refreshed_at")
    as_of = f", as of {refreshed[:10]}" if refreshed else ""
    drawn = int(cases["date_opened"].notna().sum())
    title = f"{drawn:,} {of_type}case{'s' * (drawn != 1)} by {by} of opening{as_of}"
    axes.set_title(title, loc="left", color=INK, weight="bold", pad=28)
    axes.set_xlabel(f"{by.capitalize()} opened (UTC)", color=INK)
    axes.set_ylabel(f"Cases opened per {by}", color=INK)
    axes.yaxis.set(
        major_locator=MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]),
        major_formatter=StrMethodFormatter("{x:,.0f}"),
    )
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.tick_params(length=0, colors=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
