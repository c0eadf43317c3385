"""Where things are: the answers to a geopoint question on plain axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import warn
from commcare_frames.plots.look import (
    BLUE,
    FAINT,
    INK,
    counted,
    entitle,
    new_axes,
    plain,
    say_nothing,
    shade_key,
    shades,
    shortened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

HEIGHT = 6.5  # inches
MOST_POINTS = 3000  # more hide each other: then fields are shaded by how many they hold
KM_PER_DEGREE = 111.32  # of latitude, and of longitude at the equator
LEAST_SPAN = 0.01  # degrees, about a kilometre: what is drawn around a single point
WIDEST_WITH_SCALE = 10  # degrees; over more than that a kilometre is not as long everywhere
NO_STEP = 1e-9  # degrees that only rounding makes
FIELDS = 100  # across the map


@checked
def plot_map(frame: pd.DataFrame, question: str, *, ax: Axes | None = None) -> Axes:
    """Draw where the answers to a geopoint question are.

    Parameters
    ----------
    frame
        A frame of `read_forms`, `read_repeats` or `read_cases`.
    question
        The geopoint: ``"place.gps"`` for the columns ``place.gps.latitude`` and ``.longitude``, or the name of a
        column of texts such as ``"5.0 5.0 0 0"``, as case properties have them.
    ax
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        North is up, and a kilometre is as long in both directions in the middle of the map. A point for each row that
        has a position; of more than 3,000, fields that are the darker the more they hold.

    Raises
    ------
    QueryError
        When the frame has no such geopoint.

    Warns
    -----
    DataWarning
        When positions are no place on earth, or 0° north and 0° east, which devices give that do not know where they
        are.

    Notes
    -----
    Nothing is fetched. For a map with streets beneath, ``to_geo(frame, question).explore()``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ax = ccf.plot_map(ccf.read_forms("Visit"), "position")
    >>> ax.get_ylabel()
    'Latitude'
    """
    points = _points(frame, question)
    axes = ax or new_axes(HEIGHT)
    plain(axes)
    if points.empty:
        say_nothing(axes, "No positions")
    else:
        shrink = max(math.cos(math.radians((points["north"].min() + points["north"].max()) / 2)), 0.01)
        if len(points) > MOST_POINTS:
            _shade(axes, points, shrink)
        else:
            axes.plot(points["east"], points["north"], "o", color=BLUE, markersize=5, alpha=0.5, markeredgewidth=0)
        _frame(axes, points, shrink)
    entitle(axes, frame, f"{shortened(question)}: position of {len(points):,} of {counted(len(frame), frame)}")
    axes.set(xlabel="Longitude", ylabel="Latitude")
    return axes


def _points(frame: pd.DataFrame, question: str) -> pd.DataFrame:
    """Return the positions that are places, in degrees."""
    import pandas as pd  # noqa: PLC0415

    from commcare_frames.tables.geopoints import degrees  # noqa: PLC0415

    north, east = degrees(frame, question)
    points = pd.DataFrame({"north": north, "east": east}).dropna()
    impossible = (points["north"].abs() > 90) | (points["east"].abs() > 180)  # noqa: PLR2004
    nowhere = (points["north"] == 0) & (points["east"] == 0)
    for wrong, trouble in ((impossible, "are no place on earth"), (nowhere, "are 0° north and 0° east")):
        if wrong.any():
            warn(f"{wrong.sum():,} of {len(points):,} positions in {question!r} {trouble} and are not in the picture.")
    return points[~impossible & ~nowhere]


def _frame(axes: Axes, points: pd.DataFrame, shrink: float) -> None:
    """Set the limits and the aspect, and number the axes."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    south, north = points["north"].min(), points["north"].max()
    west, east = points["east"].min(), points["east"].max()
    span = max(north - south, (east - west) * shrink, LEAST_SPAN)
    for limits, low, high, length in (
        (axes.set_ylim, south, north, span * 1.0),
        (axes.set_xlim, west, east, span / shrink),
    ):
        margin = max((length * 0.5 - (high - low)) / 2, length * 0.05)
        limits(low - margin, high + margin, auto=True)
    axes.set_aspect(1 / shrink, adjustable="datalim")
    for axis, positive, negative in ((axes.xaxis, "E", "W"), (axes.yaxis, "N", "S")):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(_degrees_of(axis, positive, negative)))
    axes.grid(color=FAINT, linewidth=0.8)
    if max(north - south, east - west) < WIDEST_WITH_SCALE:
        axes.apply_aspect()  # which widens what is drawn to the shape of the axes
        _scale(axes, shrink)


def _scale(axes: Axes, shrink: float) -> None:
    """Draw how long some kilometres are."""
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar  # type: ignore[import-untyped]  # noqa: PLC0415

    degree = KM_PER_DEGREE * shrink
    west, east = axes.get_xlim()
    widest = (east - west) * degree / 4
    power = 10 ** math.floor(math.log10(widest))
    km = next(times * power for times in (5, 2, 1) if times * power <= widest)
    label = f"{km:g} km" if km >= 1 else f"{km * 1000:g} m"
    bar = AnchoredSizeBar(
        axes.transData, km / degree, label, "lower right", frameon=False, color=INK, sep=4, borderpad=0.8
    )
    axes.add_artist(bar)


def _shade(axes: Axes, points: pd.DataFrame, shrink: float) -> None:
    """Draw how many points are in each field of a grid, whose fields are squares on the ground."""
    import numpy as np  # noqa: PLC0415
    from matplotlib.colors import LogNorm  # noqa: PLC0415

    side = max(np.ptp(points["north"]), np.ptp(points["east"]) * shrink, LEAST_SPAN) / FIELDS
    edges = [
        np.arange(points[name].min() - length / 2, points[name].max() + length, length)
        for name, length in (("east", side / shrink), ("north", side))
    ]
    numbers, easts, norths = np.histogram2d(points["east"], points["north"], bins=edges)
    mesh = axes.pcolormesh(
        easts,
        norths,
        np.ma.masked_equal(numbers.T, 0),
        cmap=shades(),
        norm=LogNorm(numbers[numbers > 0].min(), max(numbers.max(), 2)),
    )
    km = side * KM_PER_DEGREE
    size = f"{km:,.0f} km" if km >= 10 else f"{km:.2g} km"  # noqa: PLR2004
    shade_key(axes, mesh, f"Positions\nper field\n{size}\nwide")


def _degrees_of(axis: Axis, positive: str, negative: str) -> Callable[[float, int], str]:
    """Return how to write the degrees along an axis: with their hemisphere, and as many digits as its steps need."""

    def written(value: float, _place: int) -> str:
        steps = axis.get_majorticklocs()
        digits = next((digits for digits in range(7) if abs(steps - steps.round(digits)).max() < NO_STEP), 7)
        if abs(value) < NO_STEP:
            return "0°"
        return f"{abs(value):.{digits}f}°{positive if value > 0 else negative}"

    return written
