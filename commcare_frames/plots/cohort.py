"""Cases by when they were opened, and how many of them are still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.plots.look import BLUE, PALE, counted, entitle, new_axes, plain, require, say_nothing
from commcare_frames.plots.periods import Period, stack_bars, to_periods

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@checked
def plot_cohort(cases: pd.DataFrame, *, by: Period = "month", ax: Axes | None = None) -> Axes:
    """Draw how many cases were opened in each month, and how many of them are still open.

    Parameters
    ----------
    cases
        A frame of `read_cases`; of its columns ``date_opened`` and ``date_closed`` are needed.
    by
        ``"day"``, ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``, in UTC.
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

    Warns
    -----
    DataWarning
        When cases have no ``date_opened``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ax = ccf.plot_cohort(ccf.read_cases("patient"))
    >>> ax.figure.savefig(folder / "patients.png")
    """
    cohorts = _cohorts(cases, by)
    axes = ax or new_axes()
    plain(axes, grid="y")
    above = 0.0
    if cohorts.empty:
        say_nothing(axes, "No cases")
    else:
        above = stack_bars(axes, cohorts, (BLUE, PALE), by)
    drawn = int(cases["date_opened"].notna().sum())
    entitle(axes, cases, f"{counted(drawn, cases, 'case')} by {by} of opening", above=above)
    axes.set(xlabel=f"{by.capitalize()} opened (UTC)", ylabel=f"Cases opened per {by}")
    return axes


def _cohorts(cases: pd.DataFrame, by: Period) -> pd.DataFrame:
    """Count the cases still open, and those closed since, by the period in which they were opened."""
    import pandas as pd  # noqa: PLC0415

    require(cases, ["date_opened", "date_closed"], "cases")
    is_open = cases["date_closed"].isna()
    parts = pd.DataFrame({"still open": is_open, "closed since": ~is_open})
    return parts.groupby(to_periods(cases, "date_opened", by, "cases")).sum()
