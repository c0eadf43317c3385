"""Puts the labels of choices in place of their values, and names columns by their questions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from commcare_frames.tables.structure import REPEAT, UNASKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from commcare_frames.tables.structure import Labels, Question, Select

LABEL = ".label"
"""What the column of labels ends with where values are shown too."""


@dataclass(frozen=True)
class Labelling:
    """How choices are shown.

    Parameters
    ----------
    lang
        The language of labels; None for the application's default language.
    show
        Labels in place of values, or both: values as ever, and labels in columns beside them.
    multi
        The labels of all choices made as a list, or a column for every choice that says whether it was made.
    """

    lang: str | None = None
    show: Literal["label", "both"] = "label"
    multi: Literal["list", "indicators"] = "list"


def labelled(
    frame: pd.DataFrame,
    texts: pa.Table,
    selects: Mapping[str, Select],
    labelling: Labelling,
    text: Callable[[Labels], str],
) -> pd.DataFrame:
    """Show the choices in a frame by their labels.

    Parameters
    ----------
    frame
        Typed rows.
    texts
        The same rows as HQ sent them.
    selects
        What could be chosen, by column; columns that the frame lacks are passed over.
    labelling
        How to show it.
    text
        Chooses the language of a label; blank where there is none.

    Returns
    -------
    DataFrame
        With ordered categoricals, in the order of the choices, where one choice could be made; with lists of labels or
        boolean columns ``<column>.<value>`` where several could. Values that are no choice stay, after all choices.
        What is missing or blank is missing.
    """
    columns: dict[str, pd.Series[Any]] = {}
    for name in frame.columns:
        select = selects.get(name)
        if select is None or (name in texts.column_names and not pa.types.is_string(texts.schema.field(name).type)):
            columns[name] = frame[name]
            continue
        cells = _Cells.of(texts[name] if name in texts.column_names else pa.nulls(len(frame), pa.string()))
        if labelling.show == "both":
            columns[name] = frame[name]
        for made, array in _shown(name, cells, select, labelling, text):
            column = made if made == name else free_name(made, {*frame.columns, *columns})
            columns[column] = pd.Series(array, index=frame.index)
    shown = pd.DataFrame(columns, index=frame.index)
    shown.attrs = frame.attrs
    return shown


@dataclass(frozen=True)
class _Cells:
    """A column of texts as its different values, and the place of each row's value among them (-1: missing)."""

    different: list[str]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, texts: pa.ChunkedArray[Any] | pa.Array[Any]) -> _Cells:
        whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        encoded = whole.dictionary_encode()
        different = encoded.dictionary.to_pylist()
        places = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        # Blank as well: what is before the first of the values is the last of an array, and that is for missing ones.
        kept = np.array([place if value.strip() else -1 for place, value in enumerate(different)] + [-1], np.int64)
        return cls(different, kept[places])

    def used(self) -> list[str]:
        """Return the values that are not blank."""
        return [value for value in self.different if value.strip()]


def _shown(
    name: str, cells: _Cells, select: Select, labelling: Labelling, text: Callable[[Labels], str]
) -> Iterator[tuple[str, Any]]:
    """Give the columns that show a question's answers, by name."""
    used = cells.used()
    met = {part for value in used for part in value.split()} if select.is_multiple else set(used)
    labels = with_unknown(distinct({value: text(labels) or value for value, labels in select.options.items()}), met)
    labels_column = name + LABEL if labelling.show == "both" else name
    if not select.is_multiple:
        yield labels_column, _categorical(cells, labels)
    elif labelling.multi == "list":
        yield labels_column, _lists(cells, labels)
    else:
        for value in labels:
            chosen = np.array([value in each.split() for each in cells.different] + [False])
            yield f"{name}.{value}", pd.arrays.BooleanArray(chosen[cells.places], cells.places < 0)


def _categorical(cells: _Cells, labels: Mapping[str, str]) -> pd.Categorical:
    place = {value: number for number, value in enumerate(labels)}
    codes = np.array([place.get(value, -1) for value in cells.different] + [-1], np.int64)
    categories = pd.Index(list(labels.values()), dtype="str")
    return pd.Categorical.from_codes(codes[cells.places], categories=categories, ordered=True)


def _lists(cells: _Cells, labels: Mapping[str, str]) -> NDArray[np.object_]:
    chosen = [[labels[part] for part in value.split()] for value in cells.different]
    lists = np.empty(len(cells.places), dtype=object)
    for row, place in enumerate(cells.places.tolist()):
        if place >= 0:
            lists[row] = chosen[place].copy()  # each row its own, to be changed without changing others
    return lists


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Make the labels of different values different, by naming the value too: ``Other (other_2)``.

    Parameters
    ----------
    labels
        Labels by value.

    Returns
    -------
    dict
        In the same order.
    """
    times = Counter(labels.values())
    made: dict[str, str] = {}
    taken = {label for label, count in times.items() if count == 1}
    for value, label in labels.items():
        if times[label] == 1:
            made[value] = label
            continue
        named = f"{label} ({value})"
        while named in taken:
            named = f"{named} ({value})"
        taken.add(named)
        made[value] = named
    return made


def with_unknown(labels: Mapping[str, str], values: set[str]) -> dict[str, str]:
    """Add values that are no choice, as they are; only one that reads like a choice's label is marked."""
    made = dict(labels)
    taken = set(labels.values())
    for value in sorted(values - labels.keys()):
        named = value
        while named in taken:
            named = f"{named} ({value})"
        taken.add(named)
        made[value] = named
    return made


def column_labels(
    columns: list[str], questions: Mapping[str, Question], selects: Mapping[str, Select], text: Callable[[Labels], str]
) -> dict[str, str]:
    """Name columns by their questions.

    Parameters
    ----------
    columns
        Names in a frame.
    questions
        The questions whose answers columns have, by column.
    selects
        Their choices.
    text
        Chooses the language of a label; blank where there is none.

    Returns
    -------
    dict
        A name for each column, all different; columns of no question, or one without a text, keep their own.
    """
    asked = {column: each for column, each in questions.items() if each.type == REPEAT or each.type not in UNASKED}

    def label(column: str) -> str:
        if column in asked:
            of = text(asked[column].labels)
            return f"{of} (count)" if of and asked[column].type == REPEAT else of
        around = [column[:at] for at, mark in enumerate(column) if mark == "." and column[:at] in asked]
        if not around:
            return ""
        of, part = text(asked[around[-1]].labels), column[len(around[-1]) + 1 :]
        if part == LABEL[1:] or not of:
            return of
        option = selects[around[-1]].options.get(part) if around[-1] in selects else None
        return f"{of}: {text(option) or part}" if option is not None else f"{of} ({part})"

    return distinct({column: label(column) or column for column in columns})


def free_name(name: str, taken: set[str]) -> str:
    """Return a name for a new column that no other column has."""
    while name in taken:
        name += "_"
    return name
