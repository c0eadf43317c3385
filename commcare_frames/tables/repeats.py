"""Makes tables of forms: one of the forms, one for each repeat, one of the cases they touched, one of attachments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.blocks import attachments_of, cases_of
from commcare_frames.tables.form_layout import ATTACHMENTS, FORM
from commcare_frames.tables.leaves import BLOCK, LIST, TEXT, unpack
from commcare_frames.tables.paths import to_name, to_path

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from commcare_frames.tables.layout import Path

FORM_ID = FORM.id_column
ENTRY = "entry"
COUNT = "count"


@dataclass(frozen=True)
class FormTables:
    """The tables that forms make, values as HQ sent them.

    Attributes
    ----------
    main
        One row per form: metadata, answers outside repeats, and ``<repeat>.count``.
    repeats
        By path: one row per entry, keyed by ``form_id``, the entries of enclosing repeats, and ``entry``.
    cases
        One row per case block.
    attachments
        One row per attachment.
    """

    main: pa.Table
    repeats: dict[Path, pa.Table]
    cases: pa.Table
    attachments: pa.Table


@dataclass
class _Parts:
    """What is found on the way down: tables of repeats, and the columns of case blocks with their keys."""

    repeats: dict[Path, pa.Table] = field(default_factory=dict)
    blocks: list[tuple[pa.Table, Path]] = field(default_factory=list)


def tables_of(forms: pa.Table, repeats: Collection[Path] = ()) -> FormTables:
    """Make the tables of forms.

    Parameters
    ----------
    forms
        Forms as `FormFlattener` gives them.
    repeats
        Paths of the questions that are known to repeat; what is a list in any form repeats as well.

    Returns
    -------
    FormTables
        Every value of the forms is in one of them.
    """
    parts = _Parts()
    metadata = [name for name in forms.column_names if FORM.path_of(name) is None and name != ATTACHMENTS]
    answers = {
        _Place(path, _ending(name)): forms[name]
        for name in forms.column_names
        if name != ATTACHMENTS and (path := FORM.path_of(name)) is not None
    }
    keys = forms.select([FORM_ID])
    left = _split(answers, keys, (), repeats, parts)
    main = forms.select(metadata)
    for place, column in left.items():
        main = main.append_column(FORM.question(place.path), column)
    return FormTables(
        main.select(FORM.ordered(main.column_names)),
        dict(sorted(parts.repeats.items())),
        cases_of(parts.blocks),
        attachments_of(keys, forms[ATTACHMENTS] if ATTACHMENTS in forms.column_names else None),
    )


@dataclass(frozen=True, order=True)
class _Place:
    """Where a column's values stand below a form or an entry, and whether they are JSON, and of what."""

    path: Path
    ending: str = ""

    def below(self, path: Path) -> bool:
        """Whether it is that path or lies below it."""
        return self.path[: len(path)] == path


Columns = dict[_Place, "pa.ChunkedArray[Any]"]


def _split(columns: Columns, keys: pa.Table, here: Path, repeats: Collection[Path], parts: _Parts) -> Columns:
    """Take repeats and case blocks out of columns, and return what is left with the counts of entries.

    Parameters
    ----------
    columns
        Answers by their place, relative to `here`.
    keys
        The keys of the rows.
    here
        Path of the entries that the rows are; empty for forms.
    repeats
        Paths of questions known to repeat, relative to `here`.
    parts
        Where what is taken out goes.
    """
    lists = {place.path for place in columns if place.ending == LIST}
    known = {path for path in {*repeats, *lists} if path}
    outermost = sorted(path for path in known if not any(path[:size] in known for size in range(1, len(path))))
    left: Columns = {}
    for place, column in columns.items():
        if place.ending == BLOCK and not any(place.below(path) for path in outermost):
            parts.blocks.append((keys.append_column("json", column), (*here, *place.path)))
        elif not any(place.below(path) for path in outermost):
            left[place] = column
    left = _without_blank_groups(left, outermost)
    for path in outermost:
        inside = {
            _Place(place.path[len(path) :], place.ending): column
            for place, column in columns.items()
            if place.below(path)
        }
        entries = _entries(inside, keys.num_rows)
        left[_Place((*path, COUNT))] = pa.chunked_array([entries.counts(keys.num_rows)])
        entry_keys = _entry_keys(keys, here, entries)
        inner = [each[len(path) :] for each in repeats if each[: len(path)] == path and len(each) > len(path)]
        answers = _split(entries.columns, entry_keys, (*here, *path), inner, parts)
        table = entry_keys
        for place in sorted(answers):
            name = answer_name(place.path, entry_keys.column_names) + place.ending
            table = table.append_column(name, answers[place])
        parts.repeats[(*here, *path)] = table
    return left


def answer_name(path: Path, keys: Collection[str]) -> str:
    """Return the column of an answer in a repeat's table, which never has the name of a key."""
    name = to_name(path) or TEXT
    return f"form.{name}" if name in keys or name.startswith("form.") or name in {FORM_ID, ENTRY} else name


def answer_path(column: str) -> Path:
    """Return the path, relative to the repeat, of an answer that `answer_name` named."""
    return to_path(column.removeprefix("form."))


@dataclass(frozen=True)
class _Entries:
    """The entries of one repeat: whose each is, which of them, and their answers."""

    owners: NDArray[np.int64]
    numbers: NDArray[np.int64]
    columns: Columns

    def counts(self, rows: int) -> pa.Array[Any]:
        """Return how many entries each row has."""
        return pa.array(np.bincount(self.owners, minlength=rows), pa.int64())


def _entries(inside: Columns, rows: int) -> _Entries:
    """Gather the entries of a repeat: each element of a list, and what is no list as the only entry of its row."""
    lists = inside.pop(_Place((), LIST), None)
    many = _from_lists(lists.to_pylist()) if lists is not None else _Entries(_NONE, _NONE, {})
    given = np.zeros(rows, dtype=bool)
    for column in inside.values():
        given |= pc.is_valid(column).to_numpy()
    single = np.flatnonzero(given)
    mask = pa.array(given)
    one = {place: column.filter(mask) for place, column in inside.items()}
    owners = np.concatenate([many.owners, single])
    numbers = np.concatenate([many.numbers, np.ones(len(single), np.int64)])
    order = np.lexsort((numbers, owners))
    columns = {}
    for place in {*many.columns, *one}:
        pieces = [
            source[place] if place in source else pa.chunked_array([pa.nulls(length, pa.string())])
            for source, length in ((many.columns, len(many.owners)), (one, len(single)))
        ]
        whole = pa.chunked_array([chunk for piece in pieces for chunk in piece.chunks], pa.string())
        columns[place] = whole.take(pa.array(order))
    return _Entries(owners[order], numbers[order], columns)


_NONE: NDArray[np.int64] = np.empty(0, np.int64)


def _from_lists(lists: list[str | None]) -> _Entries:
    rows = [row for row, text in enumerate(lists) if text is not None]
    lengths, leaves = unpack([text for text in lists if text is not None])
    columns = {_Place(path): pa.chunked_array([texts]) for path, texts in leaves.texts.items()}
    columns |= {_Place(path, ending): pa.chunked_array([texts]) for (path, ending), texts in leaves.json.items()}
    numbers = np.concatenate([_NONE, *(np.arange(1, length + 1) for length in lengths)])
    return _Entries(np.repeat(np.array(rows, np.int64), lengths), numbers, columns)


def _entry_keys(keys: pa.Table, here: Path, entries: _Entries) -> pa.Table:
    """Return the keys of entries: those of the rows they belong to, and their own number."""
    owners = keys.take(pa.array(entries.owners))
    names = [f"{to_name(here)}_{ENTRY}" if name == ENTRY else name for name in owners.column_names]
    return owners.rename_columns(names).append_column(ENTRY, pa.array(entries.numbers, pa.int64()))


def _without_blank_groups(columns: Columns, repeats: Collection[Path]) -> Columns:
    """Leave out the columns of groups, which are blank where none of a group's questions was asked."""
    groups = {place.path[:size] for place in columns for size in range(1, len(place.path))}
    groups |= {path[:size] for path in repeats for size in range(1, len(path))}
    return {
        place: column
        for place, column in columns.items()
        if place.ending or place.path not in groups or not _is_blank(column)
    }


def _is_blank(column: pa.ChunkedArray[Any]) -> bool:
    return not pc.any(pc.not_equal(column, "")).as_py()


def _ending(name: str) -> str:
    return next((ending for ending in (LIST, BLOCK) if name.endswith(ending)), "")
