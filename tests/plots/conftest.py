"""Axes to draw on that belong to no window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes


@pytest.fixture
def axes() -> Axes:
    return Figure(figsize=(9, 4.5)).subplots()


@pytest.fixture
def pyplot() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")
