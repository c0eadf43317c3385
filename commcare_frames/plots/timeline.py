"""What happened to one case, form by form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.errors import QueryError, warn
from commcare_frames.plots.look import (
    BLUE,
    FAINT,
    GREY,
    INK,
    SMALL,
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
    import pandas as pd
    from matplotlib.axes import Axes

MOST_DATES = 14  # more cannot be read
MARGIN = 0.06  # of the time from first to last: the room that a date takes


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
        ``completed_on``, by the phone's clock. Where that is missing the point is hollow, at ``received_on``.

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
    axes = ax or (rows_axes([label + "\n" for label in labels]) if labels else new_axes())
    plain(axes)
    above = 0.0
    if events.empty:
        say_nothing(axes, "No forms")
    else:
        name_rows(axes, labels)
        above = _draw(axes, events.assign(row=rows))
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
    if case is not None and not hasattr(case, "get"):
        raise QueryError(f"case is a row of read_cases, such as cases.iloc[0], not {case!r}.")
    if case is not None and len(touched) == 1 and case.get("case_id", touched[0]) != touched[0]:
        raise QueryError(f"The forms are those of case {touched[0]}, not of case {case['case_id']}.")


def _draw(axes: Axes, events: pd.DataFrame) -> float:
    """Draw the points, with their days where these can be read; return the height of the legend."""
    first, last = events["time"].min(), events["time"].max()
    axes.set_ylim(axes.get_ylim()[0], -1)  # room for the days above the points
    for row in events["row"].unique():
        axes.axhline(row, color=FAINT, linewidth=0.8, zorder=0)
    known, guessed = events[events["known"]], events[~events["known"]]
    filled = axes.plot(known["time"], known["row"], "o", color=BLUE, markersize=8, markeredgecolor="white")
    hollow = axes.plot(
        guessed["time"], guessed["row"], "o", markerfacecolor="white", markeredgecolor=BLUE, markersize=7
    )
    if len(events) <= MOST_DATES:
        apart = events.groupby("row")["time"].diff()
        for event in events[~(apart < (last - first) * MARGIN)].itertuples():
            axes.annotate(
                f"{event.time.day} {event.time:%b}",
                (event.time, event.row),
                (0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=SMALL,
                color=INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
    if guessed.empty:
        return 0
    return legend(axes, [*filled, *hollow], ["completed", "received; not known when completed"])


def _mark_ends(axes: Axes, case: pd.Series[Any]) -> None:
    """Draw when the case was opened, and when closed."""
    import pandas as pd  # noqa: PLC0415

    for what in ("opened", "closed"):
        naive = utc(pd.Series([case.get(f"date_{what}")]))[0]
        if pd.notna(naive):
            axes.axvline(naive, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)  # type: ignore[arg-type]
            axes.annotate(
                f"{what} {naive.day} {naive:%b %Y}",
                (naive, 1),
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
