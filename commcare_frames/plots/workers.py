"""Who was active when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import warn
from commcare_frames.plots.look import (
    INK,
    MOST_ROWS,
    beside,
    counted,
    entitle,
    head,
    name_rows,
    new_axes,
    plain,
    require,
    rows_axes,
    say_nothing,
    shade_key,
    shades,
    wrapped,
)
from commcare_frames.plots.periods import Period, name_periods, places, to_periods

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

NONE = "#F7F7F7"


@checked
def plot_workers(forms: pd.DataFrame, *, by: Period = "week", ax: Axes | None = None) -> Axes:
    """Draw how many forms HQ received from each mobile worker in each week.

    Parameters
    ----------
    forms
        A frame of `read_forms`; of its columns ``username`` and ``received_on`` are needed.
    by
        ``"day"``, ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``, in UTC.
    ax
        The axes to draw on; by default those of a new figure, as high as its rows need.

    Returns
    -------
    Axes
        A row for each worker, those with the most forms on top, 50 at most; a field for each week, the darker the more
        forms. Beside each row is its sum.

    Raises
    ------
    QueryError
        When the frame lacks one of the columns, or `by` is no period.

    Warns
    -----
    DataWarning
        When forms have no ``username`` or no ``received_on``.

    Notes
    -----
    A phone sends its forms when it has a network: a gap may be a week without forms, or a week without network.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ax = ccf.plot_workers(ccf.read_forms("Visit"), by="month")
    >>> ax.get_xlabel()
    'Month received (UTC)'
    """
    counts = _counts(forms, by)
    shown = counts.iloc[:MOST_ROWS]
    labels = [wrapped(name) for name in shown.index]
    axes = ax or (new_axes() if counts.empty else rows_axes(labels))
    plain(axes)
    if counts.empty:
        say_nothing(axes, "No forms")
    else:
        _draw(axes, shown, labels, by)
    most = f"the {MOST_ROWS} most active of " if len(counts) > MOST_ROWS else ""
    workers = f"{most}{len(counts):,} mobile worker{'s' * (len(counts) != 1)}"
    entitle(axes, forms, f"{counted(int(shown.to_numpy().sum()), forms, 'form')} of {workers} by {by} received")
    axes.set_xlabel(f"{by.capitalize()} received (UTC)", color=INK)
    return axes


def _counts(forms: pd.DataFrame, by: Period) -> pd.DataFrame:
    """Count forms, a row per worker, the most active first, and a column for every period from first to last."""
    import pandas as pd  # noqa: PLC0415

    require(forms, ["username", "received_on"], "forms")
    nobody = forms["username"].isna()
    if nobody.any():
        warn(f"{nobody.sum():,} of {len(forms):,} forms have no username and are not in the picture.")
    periods = to_periods(forms, "received_on", by, "forms").rename("period")
    counts = forms.groupby([forms["username"], periods], observed=True).size().unstack(fill_value=0)  # noqa: PD010  pivot_table has no count of rows
    if counts.empty:
        return counts
    drawn = pd.PeriodIndex(counts.columns)
    whole = counts.reindex(columns=pd.period_range(drawn.min(), drawn.max()), fill_value=0)
    return whole.loc[whole.sum(axis=1).sort_values(ascending=False, kind="stable").index]


def _draw(axes: Axes, counts: pd.DataFrame, labels: list[str], by: Period) -> None:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    periods = pd.PeriodIndex(counts.columns)
    starts = places(periods)
    edges = np.append(starts, places(periods[-1:] + 1))
    numbers: NDArray[np.int64] = counts.to_numpy()
    top = _robust_top(numbers)
    rows = np.arange(len(counts) + 1) - 0.5
    mesh = axes.pcolormesh(edges, rows, np.ma.masked_equal(numbers, 0), cmap=shades(), vmin=1, vmax=max(top, 2))
    axes.set_facecolor(NONE)
    axes.xaxis_date()
    size = name_rows(axes, labels)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(len(counts) - 0.5, -0.5))
    axes.hlines(rows[1:-1], edges[0], edges[-1], color="white", linewidth=1.2)
    name_periods(axes, periods, by)
    for row, total in enumerate(counts.sum(axis=1)):
        beside(axes, row, f"{total:,}", size)
    head(axes, "forms", size)
    shade_key(axes, mesh, f"Forms\nper {by}", beyond=top < numbers.max())


def _robust_top(numbers: NDArray[np.int64]) -> int:
    """Return the count with the darkest shade: the highest, unless that leaves all others pale."""
    import numpy as np  # noqa: PLC0415

    usual = int(np.ceil(np.quantile(numbers[numbers > 0], 0.99)))
    return usual if numbers.max() > 2 * usual else int(numbers.max())
