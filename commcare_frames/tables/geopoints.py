"""Finds the degrees of the answers to a geopoint question, however a frame has them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from commcare_frames.errors import QueryError, did_you_mean
from commcare_frames.tables.answers import positions

_ENDS = (".{}", " ({})")
"""How the columns of a geopoint end, with their own names and with those that `label_columns` gives them."""


def degrees(frame: pd.DataFrame, question: str) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return latitude and longitude of each row, in degrees.

    Parameters
    ----------
    frame
        A frame of cases, forms or entries of a repeat.
    question
        The geopoint: what comes before ``.latitude`` and ``.longitude``, or the name of a column of texts such as
        ``"5.0 5.0 0 0"``.

    Returns
    -------
    tuple of Series
        Missing where there is no position.

    Raises
    ------
    QueryError
        When the frame has no such geopoint.
    """
    for end in _ENDS:
        split = [question + end.format(part) for part in ("latitude", "longitude")]
        if all(name in frame.columns for name in split):
            return frame[split[0]].astype("float64"), frame[split[1]].astype("float64")
    if question in frame.columns and pd.api.types.is_string_dtype(frame[question].dtype):
        texts = pa.Table.from_pandas(frame[[question]].astype("str"), preserve_index=False)[question].combine_chunks()
        numbers = positions(texts)
        latitude, longitude = (numbers[part].to_numpy(zero_copy_only=False) for part in ("latitude", "longitude"))
        return pd.Series(latitude, frame.index), pd.Series(longitude, frame.index)
    ends = [end.format("latitude") for end in _ENDS]
    points = [name.removesuffix(end) for name in frame.columns for end in ends if name.endswith(end)]
    known = f" Its geopoints are {', '.join(points)}." if points else ""
    raise QueryError(f"The frame has no geopoint {question!r}.{did_you_mean(question, points)}{known}")
