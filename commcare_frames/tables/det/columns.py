"""Makes DataFrames of the rows of a query: a column has a dtype where its values have one, or its sheet says so."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd

from commcare_frames.errors import warn
from commcare_frames.tables.det.fields import Unjoinable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from commcare_frames.tables.det.fields import Field
    from commcare_frames.tables.det.functions import Value

_LARGEST_EXACT = 2**53
"""Whole numbers up to here are exact among numbers with decimals."""

_LARGEST = 2**63
_DTYPES: dict[str, Any] = {
    "text": "str",
    "json": "str",
    "integer": "Int64",
    "boolean": "boolean",
    "datetime": "datetime64[us]",
    "date": "datetime64[us]",
}
_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})


def to_frame(fields: Sequence[Field], rows: Sequence[Sequence[Value]]) -> pd.DataFrame:
    """Return rows as a DataFrame.

    Parameters
    ----------
    fields
        The columns.
    rows
        A value for each column.

    Returns
    -------
    pandas.DataFrame
        Values as they are; a column with values of several types holds objects.

    Warns
    -----
    DataWarning
        When commcare-export leaves values out, or some do not have the data type that their sheet promises.
    """
    columns = [_column(field, [row[place] for row in rows]) for place, field in enumerate(fields)]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = pd.Index([field.name for field in fields], dtype="str")
    return frame


def _column(field: Field, values: list[Value]) -> pd.Series[Any]:
    lost = sum(isinstance(value, Unjoinable) for value in values)
    if lost:
        warn(
            f"{field.where}: {lost:,} values of {field.name!r} are lists of more than texts, which are blank here as "
            "in commcare-export. Name what is wanted of their entries, or read them into a sheet of their own."
        )
        values = ["" if isinstance(value, Unjoinable) else value for value in values]
    if field.kind:
        values = _as_said(field, values)
    dtype = _dtype(values) or (_DTYPES.get(field.kind or field.result, "str") if _all_missing(values) else object)
    return pd.Series(values, dtype=dtype)


def _all_missing(values: Iterable[Value]) -> bool:
    return all(value is None for value in values)


def _dtype(values: Iterable[Value]) -> str | None:
    """Return the dtype that holds all values as they are."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {str}:
        return "str"
    if kinds == {bool}:
        return "boolean"
    if kinds == {datetime}:
        return "datetime64[us]"
    whole = max((abs(value) for value in values if type(value) is int), default=0)
    if kinds == {int} and whole < _LARGEST:
        return "Int64"
    return "Float64" if kinds in ({float}, {int, float}) and whole <= _LARGEST_EXACT else None


def _as_said(field: Field, values: list[Value]) -> list[Value]:
    """Return values in the data type that their sheet promises; as they are, with a warning, if some have another."""
    read = _READERS[field.kind]
    try:
        return [None if value is None else read(value) for value in values]
    except (ValueError, OverflowError):
        pass
    misfits = [value for value in values if value is not None and not _reads(read, value)]
    warn(
        f"{field.where}: {len(misfits):,} of {len(values):,} values of {field.name!r} are not of the data type "
        f"{field.kind!r} that stands beside it, such as {misfits[0]!r}: the column is left as it is."
    )
    return values


def _reads(read: Callable[[Value], Value], value: Value) -> bool:
    try:
        read(value)
    except (ValueError, OverflowError):
        return False
    return True


def _text(value: Value) -> str:
    return value if isinstance(value, str) else str(value)


def _json(value: Value) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _integer(value: Value) -> int | None:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    if isinstance(value, str):
        if not value:
            return None
        if not re.fullmatch(r"-?\d+", value):
            raise ValueError(value)
    if isinstance(value, datetime):
        raise ValueError(value)  # noqa: TRY004  a misfit like the others
    return int(value)


def _boolean(value: Value) -> bool | None:
    text = str(value).lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    if text:
        raise ValueError(value)
    return None


def _moment(value: Value) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  a misfit like the others
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _day(value: Value) -> datetime | None:
    moment = _moment(value)
    return moment and datetime.combine(date(moment.year, moment.month, moment.day), datetime.min.time())


_READERS: dict[str, Callable[[Value], Value]] = {
    "text": _text,
    "json": _json,
    "integer": _integer,
    "boolean": _boolean,
    "datetime": _moment,
    "date": _day,
}
