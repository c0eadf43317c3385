"""Turns tables of forms into the DataFrames that a caller sees: complete, in the form's order, typed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from commcare_frames.errors import QueryError, did_you_mean
from commcare_frames.read.frames import with_columns
from commcare_frames.read.review import remember
from commcare_frames.tables.answers import Misfits, typed_answers
from commcare_frames.tables.dtypes import to_frame, typed
from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.moves import warn_of_moves
from commcare_frames.tables.paths import to_name, to_path
from commcare_frames.tables.repeats import COUNT, ENTRY, answer_name, tables_of
from commcare_frames.tables.structure import UNASKED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pandas as pd

    from commcare_frames.tables.dtypes import Dtypes
    from commcare_frames.tables.layout import Path
    from commcare_frames.tables.repeats import FormTables

    Label = Callable[[pd.DataFrame, pa.Table, Path], pd.DataFrame]


@dataclass(frozen=True)
class Known:
    """What the application's structure says of one form.

    Attributes
    ----------
    repeats
        Paths of what repeats.
    types
        HQ's type of each question by its path, in the form's order.
    """

    repeats: frozenset[Path] = frozenset()
    types: Mapping[Path, str] = field(default_factory=dict)

    def with_repeats(self, repeats: Collection[Path]) -> Known:
        """Return this with more repeats, which submissions have."""
        return replace(self, repeats=self.repeats.union(repeats))


@dataclass(frozen=True)
class FormFrames:
    """The frames of the submissions of one form.

    Parameters
    ----------
    tables
        The submissions as tables of texts.
    known
        What is known of the form.
    dtypes
        As in `read_forms`.
    attributes
        What every frame says of itself.
    label
        Puts labels in the place of choices, given a frame, its rows as texts, and the path of the repeat.
    """

    tables: FormTables
    known: Known
    dtypes: Dtypes
    attributes: dict[str, Any]
    label: Label | None = None

    @classmethod
    def of(
        cls, forms: pa.Table, known: Known, dtypes: Dtypes, attributes: dict[str, Any], label: Label | None = None
    ) -> FormFrames:
        """Take submissions apart."""
        frames = cls(tables_of(forms, known.repeats), known, dtypes, attributes, label)
        warn_of_moves(frames.tables.main)
        return frames

    def main(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one row per submission."""
        table = self.main_table()
        frame = main_frame(table, self.main_types, self.dtypes, self.attributes, columns)
        return self.label(frame, table, ()) if self.label else frame

    def main_table(self) -> pa.Table:
        """Return the table of submissions with a column for every question, in the form's order."""
        names = {FORM.question(path): path for path in self._asked(())}
        counts = {FORM.question((*path, COUNT)): path for path in self.repeats if self._repeat_of(path) == ()}
        table = _complete(self.tables.main, names, counts)
        return table.select(in_form_order(table, self._in_order({**names, **counts})))

    @property
    def main_types(self) -> dict[str, str]:
        """HQ's types of the questions outside repeats, by column."""
        return {FORM.question(path): self.known.types[path] for path in self._asked(())}

    @property
    def repeats(self) -> list[Path]:
        """Paths of everything that repeats."""
        return sorted({*self.tables.repeats, *self.known.repeats})

    def repeat(self, path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one row per entry of a repeat."""
        table, types = self.repeat_table(path)
        keys = entry_keys(path, self.repeats)
        misfits = Misfits(keys)
        values = set(table.column_names) - set(keys)
        made = typed_answers(table, self.dtypes, types, values=values.__contains__, misfits=misfits)
        frame = _framed(made, misfits, {**self.attributes, "repeat": to_name(path)}, columns)
        return self.label(frame, table, path) if self.label else frame

    def repeat_table(self, path: Path) -> tuple[pa.Table, dict[str, str]]:
        """Return the table of a repeat, complete and in the form's order, and HQ's types of its questions."""
        keys = entry_keys(path, self.repeats)
        table = self.tables.repeats.get(path)
        if table is None:
            table = pa.table({key: pa.array([], pa.string() if key == FORM.id_column else pa.int64()) for key in keys})
        names = {answer_name(asked[len(path) :], keys): asked for asked in self._asked(path)}
        inner = [each for each in self.repeats if each != path and self._repeat_of(each) == path]
        counts = {answer_name((*each[len(path) :], COUNT), keys): each for each in inner}
        table = _complete(table, names, counts)
        asked = self._in_order({**names, **counts})
        table = table.select([*keys, *asked, *sorted(set(table.column_names) - {*keys, *asked})])
        return table, {name: self.known.types[asked] for name, asked in names.items()}

    def cases(self) -> pd.DataFrame:
        """Return one row per case block."""
        return self._plain(self.tables.cases)

    def attachments(self) -> pd.DataFrame:
        """Return one row per attachment."""
        return self._plain(self.tables.attachments)

    def _plain(self, table: pa.Table) -> pd.DataFrame:
        values = set(table.column_names) - {FORM.id_column, ENTRY}
        frame = to_frame(typed(table, self._inferred, id_column=FORM.id_column, values=values.__contains__))
        frame.attrs["commcare"] = {**self.attributes, "rows": len(frame)}
        return frame

    @property
    def _inferred(self) -> Dtypes:
        """What holds for tables whose columns nobody can pin."""
        return self.dtypes if isinstance(self.dtypes, str) else "infer"

    def _asked(self, here: Path) -> list[Path]:
        """Return the paths of the questions whose innermost repeat is `here`."""
        return [
            path
            for path, kind in self.known.types.items()
            if kind not in UNASKED and path not in self.repeats and self._repeat_of(path) == here
        ]

    def _repeat_of(self, path: Path) -> Path:
        around = [each for each in self.repeats if path[: len(each)] == each and each != path]
        return max(around, key=len, default=())

    def _in_order(self, names: Mapping[str, Path]) -> list[str]:
        """Return names of columns in the order of the form."""
        places = {path: place for place, path in enumerate(self.known.types)}
        return sorted(names, key=lambda name: (places.get(names[name], len(places)), name))


def main_frame(
    table: pa.Table,
    types: Mapping[str, str],
    dtypes: Dtypes,
    attributes: dict[str, Any],
    columns: Sequence[str] | None,
) -> pd.DataFrame:
    """Return a table of submissions as the frame that a caller sees.

    Parameters
    ----------
    table
        One row per submission.
    types
        HQ's types of the questions that are known, by column.
    dtypes, columns
        As in `read_forms`.
    attributes
        What the frame says of itself.

    Returns
    -------
    DataFrame
        The same rows, typed.
    """
    misfits = Misfits([FORM.id_column])
    made = typed_answers(table, dtypes, types, values=FORM.is_value, misfits=misfits)
    return _framed(made, misfits, attributes, columns)


def in_form_order(table: pa.Table, asked: Sequence[str] = ()) -> list[str]:
    """Return the columns of a table of submissions: metadata, what was asked in that order, the rest by name."""
    ordered = FORM.ordered(table.column_names)
    metadata = [name for name in ordered if FORM.path_of(name) is None and not name.startswith("metadata.")]
    first = dict.fromkeys([*metadata, *asked])
    return [*first, *(name for name in ordered if name not in first)]


def entry_keys(path: Path, repeats: Sequence[Path]) -> list[str]:
    """Return the columns that identify an entry of a repeat."""
    around = [each for each in repeats if path[: len(each)] == each and each != path]
    return [FORM.id_column, *(f"{to_name(each)}_{ENTRY}" for each in sorted(around, key=len)), ENTRY]


def resolve_repeat(repeat: str, repeats: Sequence[Path]) -> Path:
    """Return the path of a repeat that a caller names by its path, or by the name of what its entries stand in."""
    path = to_path(repeat)
    found = [each for each in repeats if each in (path, (*path, "item"))]
    if found:
        return found[0]
    known = [to_name(each) for each in repeats]
    have = f"Its repeats are {', '.join(known)}." if known else "It has none."
    raise QueryError(f"The form has no repeat {repeat!r}.{did_you_mean(repeat, known)} {have}")


def _complete(table: pa.Table, names: Collection[str], counts: Collection[str]) -> pa.Table:
    """Add the columns of questions that nobody answered, and of repeats without entries."""
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    for name in counts:
        if name not in table.column_names:
            table = table.append_column(name, pa.array([0] * table.num_rows, pa.int64()))
    return table


def _framed(
    table: pa.Table, misfits: Misfits, attributes: dict[str, Any], columns: Sequence[str] | None
) -> pd.DataFrame:
    if columns is not None:
        table = with_columns(table, columns, table.column_names)
    frame = to_frame(table)
    frame.attrs["commcare"] = {**attributes, "rows": len(frame), **remember(misfits.rows, attributes)}
    return frame
