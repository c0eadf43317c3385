"""Gives frames a geometry: geopoints as points on the earth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import CommCareError
from commcare_frames.tables.geopoints import degrees

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

WGS84 = "EPSG:4326"


@checked
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
    latitude, longitude = degrees(frame, question)
    points = gpd.points_from_xy(longitude, latitude)
    geometry = gpd.GeoSeries(points, index=frame.index, crs=WGS84)
    geometry[latitude.isna() | longitude.isna()] = None
    made = gpd.GeoDataFrame(frame, geometry=geometry)
    made.attrs = dict(frame.attrs)
    return made
