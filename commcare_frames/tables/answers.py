"""Gives answers the types of their questions, and lists what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.dtypes import Kind, convert, plan, reads
from commcare_frames.tables.formats import READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from commcare_frames.tables.dtypes import Dtypes

GEOPOINT = "Geopoint"
POSITION = ("latitude", "longitude", "altitude", "accuracy")
_POSITION = r"^(?P<latitude>\S+) (?P<longitude>\S+)(?: (?P<altitude>\S+))?(?: (?P<accuracy>\S+))?$"

KINDS: dict[str, Kind] = {
    "Int": "Int64",
    "Long": "Int64",
    "Decimal": "Float64",
    "Double": "Float64",
    "Date": "datetime64[us]",
    **dict.fromkeys(
        ("Text", "Select", "MSelect", "Barcode", "PhoneNumber", "Secret", "Time", "Image", "Audio", "Video",
         "Signature", "Document"),
        "str",
    ),
}  # fmt: skip
"""What the answers to a type of question become; those of other types are inferred."""


@dataclass
class Misfits:
    """Values that do not fit the type of their question, and so are missing in a frame.

    Attributes
    ----------
    keys
        The columns that identify a row; the first names it in errors.
    rows
        Of each value: the keys of its row, its column, the text that HQ sent, and what was expected.
    """

    keys: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def note(self, table: pa.Table, column: str, wrong: Any, expected: str) -> None:  # noqa: ANN401 - array of booleans
        """Note the values of a column that are wrong."""
        for row in table.select([*self.keys, column]).filter(wrong).to_pylist():
            value = row.pop(column)
            self.rows.append({**row, "column": column, "value": value, "expected": expected})


def typed_answers(
    table: pa.Table,
    dtypes: Dtypes,
    questions: Mapping[str, str],
    *,
    values: Callable[[str], bool],
    misfits: Misfits,
) -> pa.Table:
    """Return a table of texts with the types of its questions.

    Parameters
    ----------
    table
        Answers as HQ sent them.
    dtypes
        ``"infer"``: by the question's type where it is known, else by inference. ``"string"``: left as they are.
        A mapping pins columns.
    questions
        HQ's type of the question of each column that is known.
    values
        Tells the columns that hold values.
    misfits
        Where values go that do not fit.

    Returns
    -------
    pyarrow.Table
        The same rows; a geopoint has become four columns.
    """
    if dtypes == "string":
        return table
    table, known = fitted(table, dtypes, questions, misfits)
    kinds = plan([table], dtypes, values=lambda name: values(name) and name not in known)
    return convert(table, {**kinds, **known}, id_column=misfits.keys[0])


def fitted(
    table: pa.Table, dtypes: Dtypes, questions: Mapping[str, str], misfits: Misfits
) -> tuple[pa.Table, dict[str, Kind]]:
    """Return a table, or a piece of one, in which every answer fits its question, and what its columns become.

    Parameters
    ----------
    table, dtypes, questions, misfits
        As for `typed_answers`.

    Returns
    -------
    pyarrow.Table
        Texts still, but for geopoints, which have become four columns of numbers.
    dict
        The kinds of the columns of known questions that no caller has pinned.
    """
    pinned = set() if isinstance(dtypes, str) else set(dtypes)
    asked = {name: kind for name, kind in questions.items() if name in table.column_names and name not in pinned}
    known = {name: KINDS[kind] for name, kind in asked.items() if kind in KINDS}
    for column, kind in known.items():
        if kind != "str":
            table = _without_misfits(table, column, kind, misfits)
    for column, question in asked.items():
        if question == GEOPOINT:
            table = _split_position(table, column, misfits)
    return table, known


def _without_misfits(table: pa.Table, column: str, kind: Kind, misfits: Misfits) -> pa.Table:
    texts = table[column]
    try:
        READERS[kind](pc.if_else(pc.equal(texts, ""), None, texts))  # type: ignore[index]
    except pa.ArrowInvalid:
        wrong = [text for text in texts.unique() if text.as_py() and not reads(kind, text)]  # type: ignore[arg-type]
        is_wrong = pc.is_in(texts, pa.array(wrong, texts.type))
        misfits.note(table, column, is_wrong, str(kind))
        texts = pc.if_else(is_wrong, None, texts)
    return table.set_column(table.column_names.index(column), column, texts)


def _split_position(table: pa.Table, column: str, misfits: Misfits) -> pa.Table:
    texts = table[column].combine_chunks()
    numbers = positions(texts)
    is_right = pc.and_(pc.is_valid(numbers["latitude"]), pc.is_valid(numbers["longitude"]))
    is_wrong = pc.and_(pc.not_equal(pc.fill_null(texts, ""), ""), pc.invert(is_right))
    if pc.any(is_wrong).as_py():
        misfits.note(table, column, is_wrong, f"a position: {' '.join(POSITION)}")
    at = table.column_names.index(column)
    table = table.remove_column(at)
    for offset, (name, values) in enumerate(numbers.items()):
        table = table.add_column(at + offset, f"{column}.{name}", values)
    return table


def positions(texts: pa.Array[Any]) -> dict[str, pa.Array[Any]]:
    """Return the numbers of positions, in the order of `POSITION`; missing where a text is none."""
    parts = pc.extract_regex(texts, _POSITION)
    return {name: _numbers(parts, name) for name in POSITION}


def _numbers(parts: pa.StructArray, name: str) -> pa.Array[Any]:
    texts = parts.field(name) if parts.type.num_fields else pa.nulls(len(parts), pa.string())
    texts = pc.if_else(pc.is_valid(parts), texts, None)
    is_number = pc.match_substring_regex(texts, r"^-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?$")
    return pc.if_else(is_number, texts, None).cast(pa.float64())
