"""What happened to one case, form by form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.arguments import checked
from commcare_frames.errors import QueryError, warn
from commcare_frames.plots.look import (
    BLUE,
    FAINT,
    GREY,
    INK,
    SMALL,
    WIDTH,
    counted,
    entitle,
    legend,
    name_rows,
    new_axes,
    plain,
    require,
    rows_axes,
    say_nothing,
    utc,
    wrapped,
)
from commcare_frames.plots.periods import name_periods

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

MOST_DATES = 14  # more cannot be read
MARGIN = 0.06  # of the time from first to last, left free at both ends
DATE_WIDTH, DATE_HEIGHT = 36, 11  # of a written day, in points
ROOM = 0.6  # of a row: beside the first and the last
ENDS = ("opened", "closed")
PLOT_SHARE = 0.75  # of a figure's width, beside the names of the rows


@checked
def plot_timeline(forms: pd.DataFrame, case: pd.Series[Any] | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw when the forms of one case were filled in.

    Parameters
    ----------
    forms
        The forms of one case, as ``read_forms(case_id=...)`` gives them; of the columns ``form_name`` and
        ``received_on`` are needed.
    case
        The case, a row of `read_cases`: the picture has its name, and says when it was opened and closed.
    ax
        The axes to draw on; by default those of a new figure, as high as its rows need.

    Returns
    -------
    Axes
        A row for each kind of form, in the order in which they first came; a point for each form, at its
        ``completed_on``, by the phone's clock. Where that is missing the point is hollow, at ``received_on``. Up to 14
        days are written above their points, higher up where others are near; of more, the axis tells the time.

    Raises
    ------
    QueryError
        When the frame lacks one of the columns, or has forms of several cases.

    Warns
    -----
    DataWarning
        When forms have neither time.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> patient = ccf.read_cases("patient").iloc[0]
    >>> ax = ccf.plot_timeline(ccf.read_forms(case_id=patient["case_id"]), patient)
    >>> ax.get_yticklabels()[0].get_text()
    'Register mother'
    """
    events = _events(forms, case)
    rows, kinds = events["form"].factorize()
    labels = [wrapped(kind) for kind in kinds]
    above = 0.0
    if events.empty:
        axes = ax or new_axes()
        plain(axes)
        say_nothing(axes, "No forms")
    else:
        inches = ax.bbox.width / ax.figure.dpi if ax else WIDTH
        events = events.assign(row=rows, level=_levels(events, rows, case, inches * 72 * PLOT_SHARE))
        highest = events.groupby("row")["level"].max().clip(lower=0).tolist()
        axes = ax or rows_axes([label + "\n" * (1 + top) for label, top in zip(labels, highest, strict=True)])
        plain(axes)
        above = _draw(axes, events.assign(y=_heights(axes, labels, highest)[rows]))
        if case is not None:
            _mark_ends(axes, case)
        _name_days(axes)
    name = f" of {case.get('case_name', case.get('case_id'))}" if case is not None else ""
    entitle(axes, forms, f"{counted(len(events), forms, 'form')}{name}", above=above)
    axes.set_xlabel("Form completed (phone's clock, UTC)")
    return axes


def _events(forms: pd.DataFrame, case: pd.Series[Any] | None) -> pd.DataFrame:
    """Return a row for each form that has a time, in their order."""
    import pandas as pd  # noqa: PLC0415

    require(forms, ["form_name", "received_on"], "forms")
    _check_case(forms, case)
    received, completed = utc(forms["received_on"]), utc(forms.get("completed_on", pd.Series(pd.NaT, forms.index)))
    events = pd.DataFrame(
        {
            "form": forms["form_name"].fillna("no name"),
            "time": completed.fillna(received),
            "known": completed.notna(),
        }
    )
    untimed = events["time"].isna().sum()
    if untimed:
        warn(f"{untimed:,} of {len(forms):,} forms have no completed_on and no received_on and are not in the picture.")
    return events.dropna(subset="time").sort_values("time", kind="stable")


def _check_case(forms: pd.DataFrame, case: pd.Series[Any] | None) -> None:
    """Refuse forms of several cases, and of another one."""
    asked = forms.attrs.get("commcare", {}).get("case_id")
    touched = [asked] if asked else forms["case_id"].dropna().unique() if "case_id" in forms.columns else []
    if len(touched) > 1:
        raise QueryError(
            f"These are forms of {len(touched):,} cases. Read those of one case: read_forms(case_id=...) finds also "
            "those that touched it beside others."
        )
    if case is not None and len(touched) == 1 and case.get("case_id", touched[0]) != touched[0]:
        raise QueryError(f"The forms are those of case {touched[0]}, not of case {case['case_id']}.")


def _levels(events: pd.DataFrame, rows: NDArray[np.int64], case: pd.Series[Any] | None, width: float) -> list[int]:
    """Return how high above its point the day of each form is written; -1 where it is not, as it is there already."""
    if len(events) > MOST_DATES:
        return [-1] * len(events)
    times = [*events["time"], *_ends(case).values()]
    first, span = min(times), max(times) - min(times)
    ends: dict[int, list[float]] = {}
    written: set[tuple[int, date]] = set()
    levels = []
    for time, row in zip(events["time"], rows.tolist(), strict=True):
        place = (time - first) / span * width / (1 + 2 * MARGIN) if span else 0.0
        taken = ends.setdefault(row, [])
        if (row, time.date()) in written:
            levels.append(-1)
            continue
        written.add((row, time.date()))
        level = next((level for level, end in enumerate(taken) if end <= place - DATE_WIDTH / 2), len(taken))
        taken[level:] = [place + DATE_WIDTH / 2, *taken[level + 1 :]]
        levels.append(level)
    return levels


def _heights(axes: Axes, labels: list[str], highest: list[int]) -> NDArray[np.float64]:
    """Name the rows, each with room above it for its days, and return where they are."""
    import numpy as np  # noqa: PLC0415

    size = name_rows(axes, labels)
    rows = len(labels) + ROOM
    points = axes.bbox.height / axes.figure.dpi * 72
    row = max(points - DATE_HEIGHT * sum(highest), points / 2) / rows
    places: NDArray[np.float64] = np.arange(len(labels)) + np.cumsum(highest) * DATE_HEIGHT / row
    axes.set_yticks(places, labels, fontsize=size)
    axes.set_ylim(places[-1] + 0.6, -1)
    return places


def _draw(axes: Axes, events: pd.DataFrame) -> float:
    """Draw the points and their days; return the height of the legend."""
    for y in events["y"].unique():
        axes.axhline(y, color=FAINT, linewidth=0.8, zorder=0)
    known, guessed = events[events["known"]], events[~events["known"]]
    filled = axes.plot(known["time"], known["y"], "o", color=BLUE, markersize=8, markeredgecolor="white")
    hollow = axes.plot(guessed["time"], guessed["y"], "o", markerfacecolor="white", markeredgecolor=BLUE, markersize=7)
    # The highest first, so that the lines from these to their points pass behind the lower ones.
    written = events[events["level"] >= 0].sort_values("level", ascending=False, kind="stable")
    for time, y, level in zip(written["time"], written["y"], written["level"], strict=True):
        axes.annotate(
            f"{time.day} {time:%b}",
            (time, y),
            (0, 7 + DATE_HEIGHT * level),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4},
        )
    if guessed.empty:
        return 0
    return legend(axes, [*filled, *hollow], ["completed", "received; not known when completed"])


def _ends(case: pd.Series[Any] | None) -> dict[str, pd.Timestamp]:
    """Return when the case was opened, and when closed, as far as it was."""
    import pandas as pd  # noqa: PLC0415

    said = {} if case is None else {what: utc(pd.Series([case.get(f"date_{what}")]))[0] for what in ENDS}
    return {what: time for what, time in said.items() if pd.notna(time)}


def _mark_ends(axes: Axes, case: pd.Series[Any]) -> None:
    """Draw when the case was opened, and when closed."""
    for what, time in _ends(case).items():
        axes.axvline(time, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)  # type: ignore[arg-type]
        axes.annotate(
            f"{what} {time.day} {time:%b %Y}",
            (time, 1),
            (4 if what == "opened" else -4, -2),
            ("data", "axes fraction"),
            "offset points",
            ha="left" if what == "opened" else "right",
            va="top",
            fontsize=SMALL,
            color=INK,
        )


def _name_days(axes: Axes) -> None:
    """Leave some room at both ends, and name days or months."""
    import pandas as pd  # noqa: PLC0415
    from matplotlib.dates import num2date  # noqa: PLC0415

    west, east = axes.dataLim.intervalx
    margin = max((east - west) * MARGIN, 1)
    axes.set_xlim(west - margin, east + margin)
    ends = [num2date(end).replace(tzinfo=None) for end in axes.get_xlim()]  # type: ignore[no-untyped-call]
    name_periods(axes, pd.PeriodIndex(ends, freq="D")[[0, -1]], "day")
