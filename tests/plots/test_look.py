"""What all pictures share: colours and letters for every eye, and titles that say the same things."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from drawn import title
from matplotlib import colors
from matplotlib.figure import Figure

import commcare_frames as ccf
from commcare_frames.plots import letters, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SOME = pd.DataFrame(
    {
        "form_id": ["a"],
        "form_name": "Visit",
        "username": "ann",
        "q": "yes",
        "gps": "24.5 85.0 0 0",
        **dict.fromkeys(("received_on", "started_on", "completed_on"), pd.Timestamp("2025-01-01", tz="UTC")),
    }
)
PICTURES = {
    "submissions": ccf.plot_submissions,
    "workers": ccf.plot_workers,
    "missing": ccf.plot_missing,
    "choices": lambda frame, ax: ccf.plot_choices(frame, "q", ax=ax),
    "durations": ccf.plot_durations,
    "map": lambda frame, ax: ccf.plot_map(frame, "gps", ax=ax),
    "timeline": ccf.plot_timeline,
}


def lightness(colour: str) -> float:
    return float(np.dot(colors.to_rgb(colour), [0.2126, 0.7152, 0.0722]))


def test_neighbouring_colours_differ_in_lightness() -> None:
    for below, above in zip(look.GROUPS, look.GROUPS[1:], strict=False):
        assert abs(lightness(below) - lightness(above)) > 0.1
    for drawn, ground in ((look.ORANGE, look.PALE), (look.PALE, look.FAINT), (look.GREY, look.PALE)):
        assert abs(lightness(drawn) - lightness(ground)) > 0.05


def test_shades_only_grow_darker() -> None:
    shades = [float(np.dot(look.shades()(step)[:3], [0.2126, 0.7152, 0.0722])) for step in np.linspace(0, 1, 20)]

    assert shades == sorted(shades, reverse=True)
    assert shades[0] < 0.9


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_says_as_of_when_and_is_drawn_where_it_is_told(name: str) -> None:
    frame = SOME.copy()
    frame.attrs["commcare"] = {"refreshed_at": "2026-02-03T04:05:06Z"}
    left, right = Figure(figsize=(12, 5), layout="constrained").subplots(1, 2)
    made = PICTURES[name](frame, ax=right)  # type: ignore[operator]
    made.figure.draw_without_rendering()

    assert made is right
    assert title(made).endswith(", as of 2026-02-03")
    assert not left.has_data()


@pytest.mark.parametrize("name", PICTURES)
def test_without_axes_a_new_figure_is_made_and_not_shown(name: str, pyplot: None) -> None:
    made = PICTURES[name](SOME, ax=None)  # type: ignore[operator]

    assert made.figure.get_figwidth() == look.WIDTH
    assert "as of" not in title(made)


def test_a_long_title_is_wrapped_before_the_date(axes: Axes) -> None:
    frame = SOME.rename(columns={"q": "Has she been visited by a community health worker in the last three months?"})
    frame.attrs["commcare"] = {"refreshed_at": "2026-02-03T04:05:06Z"}
    ccf.plot_choices(frame, frame.columns[3], ax=axes)

    lines = axes.get_title(loc="left").split("\n")
    assert lines[0].startswith("Has she been visited")
    assert lines[-1].endswith("as of 2026-02-03")
    assert max(map(len, lines)) <= 62


@pytest.mark.parametrize(
    ("frame", "number", "words"),
    [
        (pd.DataFrame({"case_type": ["patient"]}), 1, "1 patient case"),
        (pd.DataFrame({"case_type": ["patient", "child"]}), 1200, "1,200 cases"),
        (pd.DataFrame({"form_id": ["a"], "form_name": [None]}), 2, "2 forms"),
        (pd.DataFrame({"x": [1]}), 0, "0 rows"),
    ],
)
def test_rows_are_called_what_they_are(frame: pd.DataFrame, number: int, words: str) -> None:
    assert look.counted(number, frame) == words


def test_letters_that_the_usual_font_lacks_come_from_another(axes: Axes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ccf.plot_choices(SOME.assign(q="\N{MATHEMATICAL SCRIPT CAPITAL A}"), "q", ax=axes)
        axes.figure.draw_without_rendering()

    assert axes.get_yticklabels()[0].get_fontfamily()[0] == "sans-serif"
    assert len(axes.get_yticklabels()[0].get_fontfamily()) == 2


def test_where_no_font_has_a_letter_that_is_told_once(axes: Axes, caplog: pytest.LogCaptureFixture) -> None:
    letters._tell_once.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("\N{PHAISTOS DISC SIGN PEDESTRIAN}", "\N{PHAISTOS DISC SIGN TIARA}"):
            axes.clear()
            ccf.plot_choices(SOME.assign(q=name), "q", ax=axes)
            axes.set_title(f"{name} too", weight="bold")
            letters.find_letters(axes)
            axes.figure.draw_without_rendering()

    assert len(caplog.records) == 1
    assert "drawn as boxes" in caplog.text
    assert "notofonts.github.io" in caplog.text


def test_importing_the_pictures_loads_nothing_heavy() -> None:
    code = "import sys, commcare_frames.plots; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"pandas", "numpy", "pyarrow", "matplotlib"} & set(loaded)
