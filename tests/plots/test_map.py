"""`plot_map`: points are where the answers say, and a kilometre is as long in both directions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from drawn import columns, half_a_million, texts, title
from matplotlib.collections import QuadMesh
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, QueryError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from commcare_frames.connection import Domain


def at(*places: tuple[float | None, float | None]) -> pd.DataFrame:
    latitude, longitude = zip(*places, strict=True)
    return pd.DataFrame(
        {
            "form_id": "a",
            "form_name": "Visit",
            "gps.latitude": pd.array(latitude, "Float64"),
            "gps.longitude": pd.array(longitude, "Float64"),
        }
    )


def points(axes: Axes) -> list[tuple[float, float]]:
    return list(zip(axes.lines[0].get_ydata(), axes.lines[0].get_xdata(), strict=True))


def test_a_point_is_where_the_answer_says(axes: Axes) -> None:
    ccf.plot_map(at((24.5, 85.0), (None, None), (24.9, 85.1)), "gps", ax=axes)

    assert points(axes) == [(24.5, 85.0), (24.9, 85.1)]
    assert title(axes) == "gps: position of 2 of 3 Visit forms"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Longitude", "Latitude")


def test_a_kilometre_is_as_long_to_the_north_as_to_the_east(axes: Axes, caplog: pytest.LogCaptureFixture) -> None:
    ccf.plot_map(at((59.9, 10.0), (60.1, 10.5)), "gps", ax=axes)
    axes.figure.draw_without_rendering()

    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    box = axes.get_window_extent()
    per_north, per_east = box.height / (north - south), box.width / (east - west)
    assert per_east / per_north == pytest.approx(math.cos(math.radians(60)), rel=0.01)
    assert west < 10.0
    assert east > 10.5
    assert south < 59.9
    assert north > 60.1
    assert caplog.messages == []


def test_texts_of_case_properties_are_positions_too(axes: Axes) -> None:
    cases = pd.DataFrame(
        {"case_type": "patient", "gps": ["24.5 85.0 0 0", "", "somewhere", "-24.9 -85.1 3.5 10", None]}
    )
    ccf.plot_map(cases, "gps", ax=axes)

    assert points(axes) == [(24.5, 85.0), (-24.9, -85.1)]
    assert title(axes) == "gps: position of 2 of 5 patient cases"


def test_the_same_positions_in_every_kind_of_frame(domain: Domain, axes: Axes) -> None:
    typed = ccf.read_forms("Visit")
    ccf.plot_map(typed, "position", ax=axes)
    ccf.plot_map(ccf.read_forms("Visit", dtypes="string"), "position", ax=axes)
    ccf.plot_map(ccf.label_columns(typed), "Position", ax=axes)

    expected = typed[["position.latitude", "position.longitude"]].dropna().to_numpy(dtype=float)
    assert len(axes.lines) == 3
    for line in axes.lines:
        assert np.array_equal(np.column_stack([line.get_ydata(), line.get_xdata()]), expected)


def test_axes_have_degrees_with_their_hemisphere_and_the_scale_kilometres(axes: Axes) -> None:
    ccf.plot_map(at((-0.2, -0.1), (0.2, 0.1)), "gps", ax=axes)
    axes.figure.draw_without_rendering()

    assert [name for name in columns(axes) if name in {"0.2°W", "0°", "0.2°E"}] == ["0.2°W", "0°", "0.2°E"]
    scale = next(artist for artist in axes.artists if isinstance(artist, AnchoredSizeBar))
    assert scale.txt_label.get_text() == "20 km"
    assert scale.size_bar.get_children()[0].get_width() == pytest.approx(20 / 111.32)


def test_over_half_the_earth_there_is_no_scale(axes: Axes) -> None:
    ccf.plot_map(at((24.5, 85.0), (12.5, -12.0)), "gps", ax=axes)

    assert not [artist for artist in axes.artists if isinstance(artist, AnchoredSizeBar)]


def test_one_point_has_ground_around_it_and_steps_that_differ(axes: Axes) -> None:
    ccf.plot_map(at((24.878, 85.0479)), "gps", ax=axes)
    axes.figure.draw_without_rendering()

    assert axes.get_ylim()[1] - axes.get_ylim()[0] > 0.001
    assert len(set(columns(axes))) == len(columns(axes)) > 2


def test_half_a_million_points_are_shaded_fields(axes: Axes) -> None:
    ccf.plot_map(half_a_million(at((24.5, 85.0), (24.9, 85.1), (24.9, 85.1), (None, None))), "gps", ax=axes)

    mesh = next(each for each in axes.collections if isinstance(each, QuadMesh))
    assert np.sort(mesh.get_array().compressed()).tolist() == [125_000, 250_000]
    assert axes.lines == [] or len(axes.lines) == 0
    assert "Positions" in axes.figure.axes[1].texts[0].get_text()


def test_no_place_on_earth_and_zero_are_left_out_and_told(axes: Axes) -> None:
    with (
        pytest.warns(DataWarning, match="1 of 3 positions in 'gps' are no place on earth"),
        pytest.warns(DataWarning, match="1 of 3 positions in 'gps' are 0° north and 0° east"),
    ):
        ccf.plot_map(at((91.0, 10.0), (0.0, 0.0), (24.5, 85.0)), "gps", ax=axes)

    assert points(axes) == [(24.5, 85.0)]


@pytest.mark.parametrize(
    "frame", [at((1.0, 1.0))[:0], at((None, None)), pd.DataFrame({"gps": pd.Series([], dtype=object)})]
)
def test_without_positions_the_picture_says_so(axes: Axes, frame: pd.DataFrame) -> None:
    ccf.plot_map(frame, "gps", ax=axes)

    assert texts(axes) == ["No positions"]


def test_a_question_that_is_not_there_is_told(axes: Axes) -> None:
    with pytest.raises(QueryError, match=r"no geopoint 'gsp'. Did you mean 'gps'\? Its geopoints are gps."):
        ccf.plot_map(at((1.0, 1.0)), "gsp", ax=axes)
