"""What all pictures share: colours, axes, and how they say what they show."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import QueryError, did_you_mean, warn
from commcare_frames.plots.letters import find_letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap

# Okabe and Ito's colours, told apart by every eye; neighbours differ in lightness, for every printer.
BLUE = "#0072B2"
ORANGE = "#E69F00"
GROUPS = (BLUE, ORANGE, "#009E73", "#56B4E9", "#D55E00", "#CC79A7")
PALE = "#A6CEE3"
GREY = "#AAAAAA"
INK = "#333333"
FAINT = "#DDDDDD"

SHADES = ("#CFE3F3", "#0072B2", "#03253D")  # of counts, from few to many; none is left blank

WIDTH = 9.0  # inches
HEIGHT = 4.5
ROW_HEIGHT = 0.21  # of a line of text beside a row
MOST_ROWS = 50
LABEL_WIDTH = 36  # characters
KEY_HEIGHT = 3.0  # inches
MOST_LINES = 3
KEPT_END = 14  # characters
MOST_IN_TITLE = 120  # characters of a question
SMALL = 9  # points
CHARACTERS_PER_INCH = 8.5  # of a title
SMALL_CHARACTERS_PER_INCH = 13  # of a legend


def new_axes(height: float = HEIGHT) -> Axes:
    """Return the axes of a new figure; `height` in inches."""
    from matplotlib import pyplot as plt  # noqa: PLC0415  importing the package loads nothing heavy

    return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]


def rows_axes(labels: Sequence[str]) -> Axes:
    """Return the axes of a new figure that is high enough for a row with each of these labels."""
    return new_axes(max(1.8 + ROW_HEIGHT * sum(label.count("\n") + 1.1 for label in labels), 2.6))


def wrapped(text: object, width: int = LABEL_WIDTH, most_lines: int = MOST_LINES) -> str:
    """Return a text of the server's in lines that fit beside a row; dollars are dollars, not the start of a formula.

    What is too long loses its middle, as what tells it from others is often at its end.
    """
    whole, room = " ".join(str(text).split()), (width - 8) * most_lines
    if len(whole) > room:
        whole = f"{whole[: room - KEPT_END]} … {whole[-KEPT_END:]}"
    lines = textwrap.wrap(whole, width, max_lines=most_lines, placeholder=" …") or [""]
    return "\n".join(lines).replace("$", r"\$")


def shortened(text: str) -> str:
    """Return a text of the server's as a title may have it."""
    return textwrap.shorten(text, MOST_IN_TITLE, placeholder=" …")


def require(frame: pd.DataFrame, columns: Iterable[str], rows: str) -> None:
    """Raise where the frame lacks one of the columns that a picture is made of.

    Parameters
    ----------
    frame
        What is to be drawn.
    columns
        What it needs.
    rows
        What the frame holds: ``"forms"``, ``"cases"``.

    Raises
    ------
    QueryError
        Naming what is missing.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        guess = "".join(did_you_mean(name, map(str, frame.columns)) for name in missing)
        raise QueryError(
            f"The frame has no column {' and no column '.join(map(repr, missing))}.{guess} Read the {rows} without "
            f"columns=, or name {' and '.join(missing)} there."
        )


def utc(times: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Return times in UTC, but without a zone, as periods and matplotlib take them."""
    import pandas as pd  # noqa: PLC0415

    return pd.to_datetime(times, utc=True, format="ISO8601").dt.tz_localize(None)


def moments(frame: pd.DataFrame, column: str, rows: str) -> pd.Series[pd.Timestamp]:
    """Return a column of times, and warn where there are none."""
    times = utc(frame[column])
    if times.isna().any():
        warn(f"{times.isna().sum():,} of {len(frame):,} {rows} have no {column} and are not in the picture.")
    return times


def counted(number: int, frame: pd.DataFrame, noun: str | None = None) -> str:
    """Return a number of rows in the words of their kind: ``1,200 Visit forms``, ``1 patient case``."""
    return f"{number:,} {named(frame, number, noun)}"


def named(frame: pd.DataFrame, number: int = 2, noun: str | None = None) -> str:
    """Return what so many rows of a frame are called."""
    about = frame.attrs.get("commcare", {})
    if noun is None:
        noun = "case" if "case_type" in frame.columns else "form" if "form_id" in frame.columns else "row"
    if "repeat" in about:
        return f"{'entry' if number == 1 else 'entries'} of {about['repeat']}"
    column = {"case": "case_type", "form": "form_name"}.get(noun)
    names: Sequence[str] = frame[column].dropna().unique().tolist() if column in frame.columns else []
    of_kind = f"{names[0]} " if len(names) == 1 else ""
    return f"{of_kind}{noun}{'s' * (number != 1)}"


def percent(part: float, whole: float) -> str:
    """Return a share; one that is neither nothing nor all never looks so."""
    if not whole:
        return "none"
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1%"
    return ">99%" if 99 < share < 100 else f"{share:.0f}%"  # noqa: PLR2004


def entitle(axes: Axes, frame: pd.DataFrame, text: str, *, above: float = 0) -> None:
    """Say over a picture what it shows, how many and as of when; `above` it by so many points, for a legend.

    This comes last, as it looks for the letters of all that is written.
    """
    refreshed = frame.attrs.get("commcare", {}).get("refreshed_at")
    as_of = f", as of {refreshed[:10]}" if refreshed else ""
    width = max(int(axes.bbox.width / axes.figure.dpi * CHARACTERS_PER_INCH), 24)
    lines = textwrap.fill(" ".join(text.split()), width)
    last = lines.rpartition("\n")[2]
    title = lines + (as_of if len(last + as_of) <= width else as_of.replace(", ", ",\n"))
    axes.set_title(title.replace("$", r"\$"), loc="left", color=INK, weight="bold", pad=10 + above)
    find_letters(axes)


def legend(axes: Axes, handles: Sequence[Artist], labels: Sequence[str]) -> float:
    """Put a legend between the picture and its title, and return its height in points."""
    longest = max(len(line) for label in labels for line in label.split("\n"))
    room = axes.bbox.width / axes.figure.dpi * SMALL_CHARACTERS_PER_INCH
    columns = max(1, min(len(labels), int(room / (longest + 5))))
    lines = max(label.count("\n") + 1 for label in labels)
    axes.legend(
        handles, labels, frameon=False, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=columns, labelcolor=INK
    )
    return 6 + math.ceil(len(labels) / columns) * (12.0 * lines + 5)


def say_nothing(axes: Axes, text: str) -> None:
    """Say in the middle of a picture that there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=INK)
    axes.set(xticks=[], yticks=[])


def plain(axes: Axes, *, grid: str | None = None) -> None:
    """Take away what says nothing; `grid` is the axis whose values are read off faint lines."""
    axes.set_axisbelow(True)
    if grid is not None:
        axes.grid(axis=grid, color=FAINT, linewidth=0.8)  # type: ignore[arg-type]
    axes.tick_params(length=0, colors=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def count_along(axes: Axes, axis: str) -> None:
    """Give an axis of counts round steps."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter  # noqa: PLC0415

    along = axes.yaxis if axis == "y" else axes.xaxis
    along.set(
        major_locator=MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]),
        major_formatter=StrMethodFormatter("{x:,.0f}"),
    )


def name_rows(axes: Axes, labels: Sequence[str]) -> float:
    """Name rows from the top, in letters that fit, and return their size in points."""
    lines = sum(label.count("\n") + 1.1 for label in labels)
    points = axes.bbox.height / axes.figure.dpi * 72
    size = min(SMALL + 1, max(5, points / lines / 1.25)) if lines else SMALL
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    return size


def beside(axes: Axes, row: int, text: str, size: float) -> None:
    """Write a text at the right of a row."""
    axes.text(
        1.01, row, text, transform=axes.get_yaxis_transform(), va="center_baseline", ha="left", fontsize=size, color=INK
    )


def head(axes: Axes, text: str, size: float) -> None:
    """Say what the texts beside rows are."""
    axes.annotate(text, (1.01, 1), (0, 3), "axes fraction", "offset points", fontsize=size, color=INK, va="bottom")


def shades() -> Colormap:
    """Return the shades of counts, even for every eye."""
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    return LinearSegmentedColormap.from_list("shades", SHADES)


def shade_key(axes: Axes, shaded: ScalarMappable, label: str, *, beyond: bool = False) -> None:
    """Say at the right what the shades mean; `beyond` is whether some counts are above the darkest."""
    from matplotlib.colors import LogNorm  # noqa: PLC0415
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter  # noqa: PLC0415

    shrink = min(0.8, KEY_HEIGHT * axes.figure.dpi / axes.bbox.height)
    key = axes.figure.colorbar(
        shaded, ax=axes, extend="max" if beyond else "neither", aspect=25, pad=0.02, shrink=shrink, anchor=(0, 0.9)
    )
    key.outline.set_visible(False)
    if not isinstance(shaded.norm, LogNorm):
        key.ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    key.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    key.ax.tick_params(length=0, colors=INK, labelsize=SMALL)
    key.ax.minorticks_off()
    # No title of the axes, as a layout leaves no room for the width of one.
    key.ax.annotate(label, (0, 1), (0, 6), "axes fraction", "offset points", fontsize=SMALL, color=INK, va="bottom")
