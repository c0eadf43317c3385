"""How long it took to fill in forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import warn
from commcare_frames.plots.look import (
    BLUE,
    INK,
    SMALL,
    count_along,
    counted,
    entitle,
    new_axes,
    plain,
    require,
    say_nothing,
    utc,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

BIN_MINUTES = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)
MOST_BINS = 40
FAR = 3  # times the width of the middle half of all beyond it: an outlier, after Tukey


@checked
def plot_durations(forms: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many minutes it took to fill in forms, from opening to completing them.

    Parameters
    ----------
    forms
        A frame of `read_forms`; of its columns ``started_on`` and ``completed_on`` are needed.
    ax
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        A bar for each span of minutes, as high as the number of forms that took so long, with the median. What took
        far longer than most is beyond the axis, and the picture says how many forms that are.

    Raises
    ------
    QueryError
        When the frame lacks one of the two columns.

    Warns
    -----
    DataWarning
        When forms have no ``started_on`` or no ``completed_on``, or end before they start.

    Notes
    -----
    Both times are of the phone's clock. A form that was saved as incomplete and completed days later took days.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ax = ccf.plot_durations(ccf.read_forms("Visit"))
    >>> ax.get_xlabel()
    'Minutes from opening to completing the form'
    """
    minutes = _minutes(forms)
    axes = ax or new_axes()
    plain(axes, grid="y")
    if len(minutes):
        _draw(axes, minutes)
    else:
        say_nothing(axes, "No forms")
        axes.set_ylabel("Forms")
    entitle(axes, forms, f"Time to fill in {counted(len(minutes), forms, 'form')}", above=12 if axes.texts[1:] else 0)
    axes.set_xlabel("Minutes from opening to completing the form")
    return axes


def _minutes(forms: pd.DataFrame) -> NDArray[np.float64]:
    """Return how long each form took that has two times in their order."""
    import numpy as np  # noqa: PLC0415

    require(forms, ["started_on", "completed_on"], "forms")
    took = (utc(forms["completed_on"]) - utc(forms["started_on"])).dt.total_seconds() / 60
    for count, trouble in (
        (took.isna().sum(), "have no started_on or no completed_on"),
        ((took < 0).sum(), "were completed before they were started, as the phone's clock was set back,"),
    ):
        if count:
            warn(f"{count:,} of {len(forms):,} forms {trouble} and are not in the picture.")
    return np.asarray(took[took >= 0], dtype="float64")


def _draw(axes: Axes, minutes: NDArray[np.float64]) -> None:
    import numpy as np  # noqa: PLC0415

    quarter, median, three = np.quantile(minutes, [0.25, 0.5, 0.75])
    fence = three + FAR * (three - quarter)
    beyond = int((minutes > fence).sum()) if three > quarter else 0
    longest = minutes[minutes <= fence].max() if beyond else minutes.max()
    width = next((each for each in BIN_MINUTES if longest / each <= MOST_BINS), longest / MOST_BINS)
    edges = np.arange(int(longest / width) + 2) * width
    if edges[-1] <= longest:  # as 4 / 0.1 need not be 40
        edges = np.append(edges, edges[-1] + width)
    if beyond:
        beyond = int((minutes >= edges[-1]).sum())
    heights, _ = np.histogram(minutes[minutes < edges[-1]], edges)
    axes.bar(edges[:-1], heights, width=width * 0.92, align="edge", color=BLUE)
    axes.set_xlim(0, edges[-1])
    axes.axvline(median, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    is_left = median < edges[-1] / 2
    axes.annotate(
        f"half took at most {_said(median)}",
        (median, 1),
        (5 if is_left else -5, -2),
        ("data", "axes fraction"),
        "offset points",
        ha="left" if is_left else "right",
        va="top",
        fontsize=SMALL + 1,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )
    if beyond:
        text = f"{beyond:,} took {_said(edges[-1])} or longer, up to {_said(minutes.max())}, and are beyond the axis  →"
        axes.annotate(
            text, (1, 1), (0, 5), "axes fraction", "offset points", ha="right", va="bottom", fontsize=SMALL, color=INK
        )
    axes.set_ylim(0, heights.max() * 1.15)
    count_along(axes, "y")
    axes.set_ylabel(f"Forms per {_said(width).removeprefix('1 ')}")


def _said(minutes: float) -> str:
    """Return a span of time in the unit that suits it."""
    if minutes < 1:
        return f"{minutes * 60:.0f} seconds"
    for unit, length in (("days", 1440), ("hours", 60)):
        if minutes >= 2 * length:
            return f"{round(minutes / length, 1):,g} {unit}"
    return f"{minutes:.3g} minute{'' if minutes == 1 else 's'}"
