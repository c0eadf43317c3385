"""Gives frames a geometry: geopoints as points on the earth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from commcare_frames.errors import CommCareError, QueryError, did_you_mean

if TYPE_CHECKING:
    import geopandas as gpd

WGS84 = "EPSG:4326"


def to_geo(frame: pd.DataFrame, question: str) -> gpd.GeoDataFrame:
    """Return a frame as a GeoDataFrame whose geometry is the answers to a geopoint question.

    Parameters
    ----------
    frame
        A frame of `read_forms`, `read_repeats` or `read_cases`.
    question
        The geopoint: ``"place.gps"`` for the columns ``place.gps.latitude`` and ``.longitude``, or the name of a
        column of texts such as ``"5.0 5.0 0 0"``, as case properties have them.

    Returns
    -------
    geopandas.GeoDataFrame
        The same rows and columns, with a column ``geometry`` of points (WGS 84, degrees), None where there is none.

    Raises
    ------
    QueryError
        When the frame has no such geopoint.
    CommCareError
        When GeoPandas is not installed.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> visits = ccf.to_geo(ccf.read_forms("Visit"), "position")  # doctest: +SKIP
    >>> visits.explore()  # doctest: +SKIP
    """
    try:
        import geopandas as gpd  # noqa: PLC0415  an extra
    except ImportError:
        raise CommCareError(
            "to_geo needs GeoPandas, which is not installed: pip install 'commcare-frames[geo]'"
        ) from None
    latitude, longitude = _degrees(frame, question)
    points = gpd.points_from_xy(longitude, latitude)
    geometry = gpd.GeoSeries(points, index=frame.index, crs=WGS84)
    geometry[latitude.isna() | longitude.isna()] = None
    made = gpd.GeoDataFrame(frame, geometry=geometry)
    made.attrs = dict(frame.attrs)
    return made


def _degrees(frame: pd.DataFrame, question: str) -> tuple[pd.Series[float], pd.Series[float]]:
    split = [f"{question}.latitude", f"{question}.longitude"]
    if all(name in frame.columns for name in split):
        return frame[split[0]].astype("float64"), frame[split[1]].astype("float64")
    if question in frame.columns and pd.api.types.is_string_dtype(frame[question].dtype):
        parts = frame[question].str.extract(r"^(-?[\d.]+) (-?[\d.]+)(?: |$)").apply(pd.to_numeric, errors="coerce")
        return parts[0].astype("float64"), parts[1].astype("float64")
    points = [name.removesuffix(".latitude") for name in frame.columns if name.endswith(".latitude")]
    known = f" Its geopoints are {', '.join(points)}." if points else ""
    raise QueryError(f"The frame has no geopoint {question!r}.{did_you_mean(question, points)}{known}")
