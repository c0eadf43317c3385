"""Gives texts their types, only where nothing is lost, and tables their frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.errors import DtypeError, did_you_mean
from commcare_frames.tables.formats import READERS, Dtype, Format, formats_like
from commcare_frames.tables.layout import CASE_V2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Kind = Dtype | Literal["str", "category"]
"""What a column of texts becomes, as pandas calls it."""

Dtypes = Literal["infer", "string"] | Mapping[str, Any]
"""What a caller may ask for: everything inferred, everything as HQ sent it, or some columns pinned."""

_PINS: dict[str, Kind] = {
    **{dtype: dtype for dtype in READERS},
    "str": "str",
    "string": "str",
    "category": "category",
}

_SAMPLE = 100
"""Rows that refute most columns, so that whole columns are looked at only where a type is likely."""

_BLANK = pa.scalar("")

_SHOWN = 5
"""Rows that an error names."""

_SHOWN_TEXT = 60
"""Characters of a text that an error quotes."""

_TYPED_ALREADY: dict[pa.DataType, Kind] = {
    pa.timestamp("us", "UTC"): "datetime64[us, UTC]",
    pa.bool_(): "boolean",
}

_FRAME_TYPES = {pa.int64(): pd.Int64Dtype(), pa.float64(): pd.Float64Dtype(), pa.bool_(): pd.BooleanDtype()}


def plan(
    chunks: Iterable[pa.Table], dtypes: Dtypes, *, values: Callable[[str], bool] = CASE_V2.is_value
) -> dict[str, Kind]:
    """Decide what every column becomes; `convert` then does it, chunk by chunk if need be.

    Parameters
    ----------
    chunks
        The whole data, in one piece or many.
    dtypes
        ``"infer"``, ``"string"``, or a mapping that pins some columns and leaves the rest to inference.
    values
        Tells the columns that hold values from those that hold metadata, which are never inferred.

    Returns
    -------
    dict
        The kind of every column that changes.

    Raises
    ------
    DtypeError
        When a pinned column does not exist, or its dtype is not one that a column can be pinned to.
    """
    if dtypes == "string":
        return {}
    if dtypes == "infer":
        return infer(chunks, values=values)
    if not isinstance(dtypes, Mapping):
        raise DtypeError(f"dtypes is 'infer', 'string' or a mapping of columns to dtypes, not {dtypes!r}.")
    pins = {column: _pin(column, dtype) for column, dtype in dtypes.items()}
    columns: dict[str, None] = {}

    def noted() -> Iterable[pa.Table]:
        for chunk in chunks:
            columns.update(dict.fromkeys(chunk.column_names))
            yield chunk

    kinds = infer(noted(), values=values)
    for column in pins:
        if column not in columns:
            raise DtypeError(f"dtypes pins {column!r}, but there is no such column.{did_you_mean(column, columns)}")
    return kinds | pins


def infer(chunks: Iterable[pa.Table], *, values: Callable[[str], bool] = CASE_V2.is_value) -> dict[str, Kind]:
    """Find the columns that are numbers, dates, times or booleans in every one of their texts.

    A column is one only if every text is the same after reading and writing it in one format for the column.

    Parameters
    ----------
    chunks
        The whole data, in one piece or many.
    values
        Tells the columns that hold values from those that hold metadata, which are left alone.

    Returns
    -------
    dict
        The kind of every column of texts that holds values.
    """
    formats: dict[str, list[Format] | None] = {}
    for chunk in chunks:
        for column in filter(values, chunk.column_names):
            if _is_text(chunk.schema.field(column).type):
                formats[column] = _surviving(formats.get(column), chunk.column(column))
    return {column: left[0].dtype if left else "str" for column, left in formats.items()}


def convert(table: pa.Table, kinds: Mapping[str, Kind], *, id_column: str) -> pa.Table:
    """Return `table` with its columns turned into their `kinds`; blank texts are missing.

    Parameters
    ----------
    table
        The data, or a chunk of them.
    kinds
        What `plan` decided; columns that it does not name stay as they are.
    id_column
        The column whose values name the rows in an error.

    Returns
    -------
    pyarrow.Table
        The same rows and columns.

    Raises
    ------
    DtypeError
        When a value does not fit.
    """
    for place, column in enumerate(table.column_names):
        if column in kinds:
            converted = _converted(table, column, kinds[column], id_column)
            table = table.set_column(place, column, converted)
    return table


def typed(
    table: pa.Table, dtypes: Dtypes, *, id_column: str, values: Callable[[str], bool] = CASE_V2.is_value
) -> pa.Table:
    """Return `table` with its texts typed as asked.

    Parameters
    ----------
    table
        The whole data.
    dtypes
        ``"infer"``, ``"string"``, or a mapping that pins some columns and leaves the rest to inference.
    id_column
        The column whose values name the rows in an error.
    values
        Tells the columns that hold values from those that hold metadata, which are never inferred.

    Returns
    -------
    pyarrow.Table
        The same rows and columns.
    """
    return convert(table, plan([table], dtypes, values=values), id_column=id_column)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return `table` as a DataFrame: texts as ``str``, numbers and booleans nullable, lists as lists.

    Parameters
    ----------
    table
        A table whose columns have the types that the frame shall have.

    Returns
    -------
    pandas.DataFrame
        The same rows and columns, numbered from 0.
    """
    frame: pd.DataFrame = table.to_pandas(types_mapper=_FRAME_TYPES.get, ignore_metadata=True)
    for field in table.schema:
        if pa.types.is_list(field.type):
            frame[field.name] = pd.Series(table.column(field.name).to_pylist(), dtype=object)
    return frame


def _pin(column: str, dtype: Any) -> Kind:  # noqa: ANN401 - pandas takes names, dtypes and Python types
    try:
        return _PINS[str(pd.api.types.pandas_dtype(dtype))]
    except (TypeError, KeyError) as error:
        raise DtypeError(f"{column} cannot be pinned to {dtype!r}, only to {', '.join(_PINS)}.") from error


def _is_text(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type))


def _surviving(formats: list[Format] | None, texts: pa.ChunkedArray[Any]) -> list[Format] | None:
    """Return those of `formats` that fit all `texts` too; None as long as no text was seen."""
    for part in (texts[:_SAMPLE], texts):
        if different := _different(part):
            formats = list(formats_like(different[0].as_py())) if formats is None else formats
            formats = [each for each in formats if each.fits(different)]
        if formats == []:
            break
    return formats


def _different(texts: pa.ChunkedArray[Any]) -> Any:  # noqa: ANN401 - one Array
    """Return every text once, without the blank one."""
    different = texts.unique().cast(pa.string())
    return different.filter(pc.not_equal(different, _BLANK))


def _converted(table: pa.Table, column: str, kind: Kind, id_column: str) -> pa.ChunkedArray[Any]:
    texts = table.column(column)
    if not _is_text(texts.type):
        if _TYPED_ALREADY.get(texts.type) == kind:
            return texts
        raise DtypeError(f"{column} cannot be pinned to {kind}: it is metadata, and always {texts.type}.")
    texts = pa.chunked_array(map(_blanks_missing, texts.chunks), texts.type)
    match kind:
        case "str":
            return texts
        case "category":
            return texts.dictionary_encode()
    read: Callable[[pa.ChunkedArray[Any]], pa.ChunkedArray[Any]] = READERS[kind]
    try:
        return read(texts)
    except pa.ArrowInvalid as error:
        raise DtypeError(_misfits(column, texts, kind, table.column(id_column), id_column)) from error


def _blanks_missing(texts: pa.Array[Any]) -> pa.Array[Any]:
    """Return texts of which the blank ones are missing, without a copy of them."""
    validity, ends, data = texts.buffers()
    width = np.dtype("i8" if pa.types.is_large_string(texts.type) else "i4")
    offsets = np.frombuffer(ends, width)[texts.offset :][: len(texts) + 1] if ends else np.zeros(1, width)
    is_there = offsets[1:] != offsets[:-1]
    if is_there.all():
        return texts
    bits = np.packbits(is_there, bitorder="little")
    if validity:
        first, shift = divmod(texts.offset, 8)
        was_there = np.frombuffer(validity, np.uint8)[first:]
        if shift:
            was_there = np.packbits(np.unpackbits(was_there, bitorder="little")[shift:], bitorder="little")
        bits &= was_there[: len(bits)]
    return pa.Array.from_buffers(texts.type, len(texts), [pa.py_buffer(bits), pa.py_buffer(offsets), data])


def _misfits(column: str, texts: pa.ChunkedArray[Any], kind: Dtype, ids: pa.ChunkedArray[Any], id_column: str) -> str:
    wrong = [text for text in _different(texts) if not reads(kind, text)]
    rows = pc.is_in(texts, pa.array(wrong, texts.type))
    misfits, their_ids = texts.filter(rows), ids.filter(rows)
    record = id_column.removesuffix("_id")
    shown = [
        f"{str(text)[:_SHOWN_TEXT]!r} in {record} {row_id}"
        for text, row_id in zip(misfits[:_SHOWN], their_ids[:_SHOWN], strict=True)
    ]
    more = ", ..." if len(misfits) > _SHOWN else ""
    found = f"{len(misfits):,} of {len(texts) - texts.null_count:,} values do not fit {kind}"
    return f"{column}: {found}: {', '.join(shown)}{more}"


def reads(kind: Dtype, text: pa.Scalar[Any]) -> bool:
    """Tell whether a text can be read as that kind."""
    try:
        READERS[kind](pa.array([text]))
    except pa.ArrowInvalid:
        return False
    return True
