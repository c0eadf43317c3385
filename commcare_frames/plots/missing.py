"""Which questions stay without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.arguments import checked
from commcare_frames.plots.look import (
    FAINT,
    GREY,
    MOST_ROWS,
    ORANGE,
    PALE,
    beside,
    count_along,
    counted,
    entitle,
    head,
    legend,
    name_rows,
    named,
    new_axes,
    percent,
    plain,
    rows_axes,
    say_nothing,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

OF_A_POINT = {
    **{f".{part}": ".latitude" for part in ("longitude", "altitude", "accuracy")},
    **{f" ({part})": " (latitude)" for part in ("longitude", "altitude", "accuracy")},
}
"""How the further columns of a geopoint end, and how its first does: it is one question."""


@checked
def plot_missing(forms: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how often each question of a form was left blank, and how often it was never asked.

    Parameters
    ----------
    forms
        A frame of `read_forms` or `read_repeats`, of one form. Read it with ``dtypes="string"`` to tell a question
        that was asked and left blank from one that was never asked; `label_columns` gives questions their texts.
    ax
        The axes to draw on; by default those of a new figure, as high as its rows need.

    Returns
    -------
    Axes
        A row for each question, those most often blank on top, 50 at most, and beside it the share that is blank of
        the forms in which it was asked.

    Notes
    -----
    A phone sends a question that it showed and that nobody answered as a blank text, and leaves out one that it did
    not show, because its condition was not met or because the form's version did not have it. In a frame of
    ``dtypes="string"`` that is ``""`` and missing. With ``dtypes="infer"`` both are missing: such a question is drawn
    as missing, of all forms, which says nothing of the work of whoever filled in the form. The frame counts as one
    that tells them apart as soon as one answer in it is ``""``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ax = ccf.plot_missing(ccf.read_forms("Visit", dtypes="string"))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['asked, left blank', 'answered', 'never asked']
    """
    counts = _counts(forms)
    shown = counts.iloc[:MOST_ROWS]
    labels = [wrapped(name) for name in shown.index]
    axes = ax or (rows_axes(labels) if len(shown) and len(forms) else new_axes())
    plain(axes)
    above = 0.0
    if forms.empty or counts.empty:
        say_nothing(axes, "No forms" if forms.empty else "No questions")
    else:
        above = _draw(axes, shown, labels, named(forms))
    most = f"the {MOST_ROWS} most often blank of " if len(counts) > MOST_ROWS else ""
    questions = f"{most}{len(counts):,} question{'s' * (len(counts) != 1)}"
    entitle(axes, forms, f"{counted(len(forms), forms)}: answers to {questions}", above=above)
    return axes


def _counts(forms: pd.DataFrame) -> pd.DataFrame:
    """Count what became of each question: a row for each, those most often blank or missing first."""
    import pandas as pd  # noqa: PLC0415

    columns = {_question(name): forms[name] for name in _asked(forms)}
    missing = pd.Series({name: int(column.isna().sum()) for name, column in columns.items()}, dtype="int64")
    blank = pd.Series({name: _blanks(column) for name, column in columns.items()}, dtype="int64")
    if blank.any():
        counts = pd.DataFrame({"asked, left blank": blank, "answered": len(forms) - blank - missing})
        counts["never asked"] = missing
    else:
        counts = pd.DataFrame({"missing: left blank or never asked": missing, "answered": len(forms) - missing})
    return counts.sort_values(counts.columns[0], ascending=False, kind="stable")


def _asked(forms: pd.DataFrame) -> list[str]:
    """Return the columns with answers, one for each question."""
    import pandas as pd  # noqa: PLC0415

    from commcare_frames.tables.form_layout import FORM  # noqa: PLC0415
    from commcare_frames.tables.repeats import COUNT, ENTRY  # noqa: PLC0415  it loads pyarrow

    of_repeat = "repeat" in forms.attrs.get("commcare", {})

    def is_asked(name: str) -> bool:
        if FORM.path_of(name) is None or (of_repeat and (name == ENTRY or name.endswith(f"_{ENTRY}"))):
            return False
        if name.endswith(f".{COUNT}") and pd.api.types.is_integer_dtype(forms[name].dtype):
            return False
        return not any(
            name.endswith(rest) and name.removesuffix(rest) + first in forms.columns
            for rest, first in OF_A_POINT.items()
        )

    return [name for name in forms.columns if is_asked(name)]


def _question(column: str) -> str:
    return column.removesuffix(".latitude").removesuffix(" (latitude)")


def _blanks(column: pd.Series[str]) -> int:
    import pandas as pd  # noqa: PLC0415

    return int((column == "").sum()) if pd.api.types.is_string_dtype(column.dtype) else 0


def _draw(axes: Axes, counts: pd.DataFrame, labels: list[str], rows: str) -> float:
    """Draw a bar for each question, what is blank first, and return the height of the legend."""
    colours = (ORANGE, PALE, FAINT) if "never asked" in counts else (GREY, PALE)
    floor = counts.iloc[:, 0] * 0
    bars: list[Any] = []
    for (_, lengths), colour in zip(counts.items(), colours, strict=True):
        bars.append(axes.barh(range(len(counts)), lengths, left=floor, height=0.75, color=colour))
        floor = floor + lengths
    size = name_rows(axes, labels)
    blank, asked = counts.iloc[:, 0], counts.iloc[:, :2].sum(axis=1)
    for row, (part, whole) in enumerate(zip(blank, asked, strict=True)):
        beside(axes, row, percent(part, whole), size)
    heading = "blank\nof asked" if "never asked" in counts else "missing"
    head(axes, heading, size)
    axes.set_xlim(0, floor.max())
    axes.set_xlabel(f"Number of {rows}")
    count_along(axes, "x")
    return legend(axes, bars, [str(name) for name in counts])
