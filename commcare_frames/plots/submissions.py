"""How many forms came in over time, and of which kind or from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from commcare_frames.arguments import checked
from commcare_frames.errors import QueryError, did_you_mean
from commcare_frames.plots.look import GREY, GROUPS, HEIGHT, counted, entitle, new_axes, plain, require, say_nothing
from commcare_frames.plots.periods import Period, stack_bars, to_periods

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NEEDED = {"form": "form_name", "user": "username"}


@checked
def plot_submissions(
    forms: pd.DataFrame, *, by: Period = "month", split: Literal["form", "user"] = "form", ax: Axes | None = None
) -> Axes:
    """Draw how many forms HQ received in each month, by form or by user.

    Parameters
    ----------
    forms
        A frame of `read_forms`; of its columns ``received_on`` is needed, and ``form_name`` or ``username``.
    by
        ``"day"``, ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``, in UTC.
    split
        What has a colour of its own: each ``"form"`` or each ``"user"``. The six with the most submissions have one;
        the others are drawn together.
    ax
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    Axes
        A bar for each month, as high as the number of forms received in it.

    Raises
    ------
    QueryError
        When the frame lacks one of the columns, or `by` or `split` is none of those named.

    Warns
    -----
    DataWarning
        When forms have no ``received_on``.

    Notes
    -----
    Two forms of the same name are two forms where the frame has ``xmlns``, and one that was renamed is one, under its
    latest name.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ax = ccf.plot_submissions(ccf.read_forms("Visit"), by="week", split="user")
    >>> ax.get_ylabel()
    'Forms per week'
    """
    counts = _counts(forms, by, split)
    axes = ax or new_axes()
    plain(axes, grid="y")
    above = 0.0
    if counts.empty:
        say_nothing(axes, "No forms")
    else:
        above = stack_bars(axes, _most(counts, split), (*GROUPS, GREY), by)
        if ax is None:
            axes.figure.set_figheight(HEIGHT + above / 72)  # type: ignore[union-attr]
    and_user = " and user" if split == "user" else ""
    entitle(
        axes, forms, f"{counted(int(counts.to_numpy().sum()), forms, 'form')} by {by} received{and_user}", above=above
    )
    axes.set(xlabel=f"{by.capitalize()} received (UTC)", ylabel=f"Forms per {by}")
    return axes


def _counts(forms: pd.DataFrame, by: Period, split: str) -> pd.DataFrame:
    """Count forms, a row per period and a column per group, the largest first."""
    if split not in NEEDED:
        raise QueryError(f"split={split!r} is neither 'form' nor 'user'.{did_you_mean(split, NEEDED)}")
    require(forms, ["received_on", NEEDED[split]], "forms")
    periods = to_periods(forms, "received_on", by, "forms").rename("period")
    groups = _form_names(forms) if split == "form" else forms["username"].fillna("no username")
    counts = forms.groupby([periods, groups.rename("group")], observed=True).size().unstack(fill_value=0)  # noqa: PD010  pivot_table has no count of rows
    return counts[counts.sum().sort_values(ascending=False, kind="stable").index]


def _form_names(forms: pd.DataFrame) -> pd.Series[str]:
    """Return which form each row is of, by the form's latest name."""
    from commcare_frames.tables.labels import distinct  # noqa: PLC0415  it loads pandas

    if "xmlns" not in forms.columns:
        return forms["form_name"].fillna("no name")
    xmlns = forms["xmlns"].fillna("no xmlns")
    latest = forms.groupby(xmlns)["form_name"].last().items()
    return xmlns.map(distinct({str(each): name if isinstance(name, str) else str(each) for each, name in latest}))


def _most(counts: pd.DataFrame, split: str) -> pd.DataFrame:
    """Keep the groups that have a colour, and add up the others where they are several."""
    rest = counts.shape[1] - len(GROUPS)
    if rest <= 1:
        return counts
    return counts.iloc[:, : len(GROUPS)].assign(**{f"{rest} other {split}s": counts.iloc[:, len(GROUPS) :].sum(axis=1)})
