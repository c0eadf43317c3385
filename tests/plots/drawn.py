"""Reads from a picture what it says, and makes a frame large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def title(axes: Axes) -> str:
    return axes.get_title(loc="left").replace("\n", " ")


def heights(axes: Axes) -> list[list[int]]:
    return [[int(bar.get_height()) for bar in bars] for bars in axes.containers]


def lengths(axes: Axes) -> list[list[int]]:
    return [[int(bar.get_width()) for bar in bars] for bars in axes.containers]


def columns(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def rows(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def legend(axes: Axes) -> list[str]:
    made = axes.get_legend()
    return [text.get_text() for text in made.get_texts()] if made else []


def half_a_million(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[np.resize(np.arange(len(frame)), 500_000)].reset_index(drop=True)
