"""The ways of writing values as text that type inference knows, each able to read and to write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Dtype = Literal["Int64", "Float64", "boolean", "datetime64[us]", "datetime64[us, UTC]"]
"""The pandas dtypes that a text can turn out to be."""

_NUMBERS_BEGIN_WITH = frozenset("-0123456789")

_HEAD = 100
"""Texts that refute most formats, so that all texts are read only in a format that is likely."""


@dataclass(frozen=True)
class Format:
    """One way of writing the values of a whole column.

    Attributes
    ----------
    dtype
        What the values are in a frame.
    read
        Texts to values; raises `pyarrow.ArrowInvalid` where a text is none.
    write
        Values to texts in this format.
    """

    dtype: Dtype
    read: Callable[[pa.Array[Any]], pa.Array[Any]]
    write: Callable[[pa.Array[Any]], pa.Array[Any]]

    def fits(self, texts: pa.Array[Any]) -> bool:
        """Tell whether every text is the same after reading and writing it."""
        return self._fits_all(texts[:_HEAD]) and (len(texts) <= _HEAD or self._fits_all(texts))

    def _fits_all(self, texts: pa.Array[Any]) -> bool:
        try:
            return bool(self.write(self.read(texts)).equals(texts))
        except pa.ArrowInvalid:
            return False


def formats_like(text: str) -> Iterator[Format]:
    """Yield the formats that a column may be written in when one of its texts is `text`."""
    if text in {"true", "false"}:
        yield Format("boolean", READERS["boolean"], _plainly)
    elif "T" in text:
        fraction = len(text.removesuffix("Z").partition(".")[2])
        if fraction in _UNITS:
            yield _datetime(_UNITS[fraction], "UTC" if text.endswith("Z") else None)
    elif text.count("-") == len("--"):
        yield Format("datetime64[us]", READERS["datetime64[us]"], _as_days)
    elif text[:1] in _NUMBERS_BEGIN_WITH:
        yield Format("Int64", READERS["Int64"], _plainly)
        yield Format("Float64", _decimals_without_exponent, _plainly)
        yield Format("Float64", _decimals_without_exponent, _with_point)
        if decimals := len(text.partition(".")[2]):
            yield Format("Float64", _decimals_without_exponent, _with_decimals(decimals))


def _integers(texts: pa.Array[Any]) -> pa.Array[Any]:
    for mark in "xX":  # Arrow reads 0x1F
        _refuse(pc.match_substring(texts, mark))
    return texts.cast(pa.int64())


def _decimals(texts: pa.Array[Any]) -> pa.Array[Any]:
    values = texts.cast(pa.float64())
    if not pc.all(pc.is_finite(values), min_count=0).as_py():
        raise pa.ArrowInvalid("neither nan nor inf is a decimal")
    return values


def _decimals_without_exponent(texts: pa.Array[Any]) -> pa.Array[Any]:
    _refuse(pc.match_substring_regex(texts, "[eE]|^-0$"))  # whole numbers are integers or no numbers at all
    return _decimals(texts)


def _times(zone: str | None) -> Callable[[pa.Array[Any]], pa.Array[Any]]:
    def read(texts: pa.Array[Any]) -> pa.Array[Any]:
        _refuse(pc.starts_with(texts, "0000"))  # Python and pandas begin with the year 1
        return texts.cast(pa.timestamp("us", zone))

    return read


def _refuse(wrong: pa.Array[Any]) -> None:
    if pc.any(wrong).as_py():
        raise pa.ArrowInvalid("Arrow reads texts that we do not")


READERS: dict[Dtype, Callable[[Any], Any]] = {
    "Int64": _integers,
    "Float64": _decimals,
    "boolean": lambda texts: texts.cast(pa.bool_()),
    "datetime64[us]": _times(None),
    "datetime64[us, UTC]": _times("UTC"),
}
"""How texts become a dtype's values, whatever their format; `pyarrow.ArrowInvalid` where one does not fit."""

_UNITS = {0: "s", 3: "ms", 6: "us"}


def _plainly(values: pa.Array[Any]) -> pa.Array[Any]:
    return values.cast(pa.string())


def _as_days(values: pa.Array[Any]) -> pa.Array[Any]:
    return _plainly(values.cast(pa.date32()))


def _with_point(values: pa.Array[Any]) -> pa.Array[Any]:
    texts = _plainly(values)
    pointed: pa.Array[Any] = pc.replace_substring_regex(texts, "^[^.]+$", r"\0.0")
    return pointed


def _with_decimals(count: int) -> Callable[[pa.Array[Any]], pa.Array[Any]]:
    return lambda values: pa.array([f"{value:.{count}f}" for value in values.to_pylist()], pa.string())


def _datetime(unit: str, zone: str | None) -> Format:
    dtype: Dtype = "datetime64[us, UTC]" if zone else "datetime64[us]"

    def write(values: pa.Array[Any]) -> pa.Array[Any]:
        return pc.replace_substring(_plainly(values.cast(pa.timestamp(unit, zone))), " ", "T")

    return Format(dtype, READERS[dtype], write)
