"""Which answers a question with choices got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import QueryError, did_you_mean
from commcare_frames.plots.look import (
    BLUE,
    INK,
    counted,
    entitle,
    name_rows,
    named,
    new_axes,
    percent,
    plain,
    rows_axes,
    say_nothing,
    shortened,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_CHOICES = 20


@checked
def plot_choices(frame: pd.DataFrame, column: str, *, ax: Axes | None = None) -> Axes:
    """Draw how often each choice of a question was made.

    Parameters
    ----------
    frame
        A frame of `read_cases`, `read_forms` or `read_repeats`, with or without labels.
    column
        The question's column. Texts with spaces are several choices, as HQ sends them; so are lists of labels, and
        columns ``<column>.<choice>`` of true and false. Where there is ``<column>.label`` as well, its labels count.
    ax
        The axes to draw on; by default those of a new figure, as high as its rows need.

    Returns
    -------
    Axes
        A bar for each choice, and beside it how often it was made and by what share of those who answered. Labels of
        a question that takes one choice are in the form's order, those never chosen among them; numbers are in
        theirs; all else is ordered by how often it was chosen. Of more than 20 choices
        the others are added up, without a bar.

    Raises
    ------
    QueryError
        When the frame has no such column.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> patients = ccf.read_cases("patient", labels="en")
    >>> ax = ccf.plot_choices(patients, "marital_status")
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['Married', 'Single', 'Widowed', 'Separated']
    """
    counts, answered, is_multiple = _counts(frame, column)
    labels, numbers = _rows(counts)
    axes = ax or (rows_axes(labels) if labels else new_axes())
    plain(axes)
    if not labels:
        say_nothing(axes, "No answers")
    else:
        _draw(axes, labels, numbers, answered)
    several = "\nSeveral choices are possible." if is_multiple else ""
    axes.set_xlabel(f"Number of {named(frame)}, and share of those with an answer{several}")
    entitle(axes, frame, f"{shortened(column)}: answered in {answered:,} of {counted(len(frame), frame)}")
    return axes


def _counts(frame: pd.DataFrame, column: str) -> tuple[pd.Series[int], int, bool]:
    """Return how often each choice was made, how many rows have an answer, and whether one may have several."""
    import pandas as pd  # noqa: PLC0415

    from commcare_frames.tables.labels import LABEL  # noqa: PLC0415

    name = column + LABEL if column + LABEL in frame.columns else column
    if name not in frame.columns:
        return _of_indicators(frame, column)
    answers = frame[name].dropna()
    if isinstance(answers.dtype, pd.CategoricalDtype):
        counts = answers.value_counts(sort=not answers.cat.ordered)
        return _named(counts), len(answers), False
    if pd.api.types.is_numeric_dtype(answers.dtype) or pd.api.types.is_datetime64_any_dtype(answers.dtype):
        return _named(answers.value_counts().sort_index()), len(answers), False
    if answers.dtype == object and answers.map(lambda answer: isinstance(answer, list)).any():
        return _named(answers.explode().value_counts()), len(answers), True
    texts = answers.astype("str").str.strip()
    texts = texts[texts != ""]
    whole = texts.value_counts()  # first, as there are few different ones to take apart
    parts = whole.rename("count").rename_axis("choices").reset_index()
    parts["choice"] = parts["choices"].str.split()
    parts = parts.explode("choice")
    counts = parts.groupby("choice", sort=False)["count"].sum().sort_values(ascending=False, kind="stable")
    return _named(counts), len(texts), bool(len(parts) > len(whole))


def _of_indicators(frame: pd.DataFrame, column: str) -> tuple[pd.Series[int], int, bool]:
    """Count the choices of a question that has a column of true and false for each."""
    import pandas as pd  # noqa: PLC0415

    prefix = f"{column}."
    chosen = [
        name for name in frame.columns if name.startswith(prefix) and pd.api.types.is_bool_dtype(frame[name].dtype)
    ]
    if not chosen:
        raise QueryError(f"The frame has no column {column!r}.{did_you_mean(column, map(str, frame.columns))}")
    counts = frame[chosen].sum().rename(lambda name: name.removeprefix(prefix))
    answered = int(frame[chosen].notna().any(axis=1).sum())
    return _named(counts.sort_values(ascending=False, kind="stable")), answered, True


def _named(counts: pd.Series[int]) -> pd.Series[int]:
    return counts.astype("int64").rename(lambda choice: f"{choice:g}" if isinstance(choice, float) else str(choice))


def _rows(counts: pd.Series[int]) -> tuple[list[str], list[int]]:
    """Return labels and numbers of the rows; where choices are too many, the last row is the sum of the others."""
    labels, numbers = [wrapped(choice) for choice in counts.index], counts.tolist()
    rest = numbers[MOST_CHOICES:]
    if len(rest) <= 1:
        return labels, numbers
    return [*labels[:MOST_CHOICES], f"{len(rest):,} other choices"], [*numbers[:MOST_CHOICES], sum(rest)]


def _draw(axes: Axes, labels: list[str], numbers: list[int], answered: int) -> None:
    """Draw the bars, each with its number and share at its end; a sum has no bar, as it would make the others short."""
    drawn = [number if row < MOST_CHOICES else 0 for row, number in enumerate(numbers)]
    axes.barh(range(len(labels)), drawn, height=0.75, color=BLUE)
    size = name_rows(axes, labels)
    for row, number in enumerate(numbers):
        axes.annotate(
            f"{number:,} ({percent(number, answered)})",
            (drawn[row], row),
            (4, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=size,
            color=INK,
        )
    axes.set_xlim(0, max(*drawn, 1) * 1.18)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
