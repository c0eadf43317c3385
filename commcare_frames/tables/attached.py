"""Tells which question the files that are attached to forms answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.leaves import BLOCK, LIST
from commcare_frames.tables.paths import to_name
from commcare_frames.tables.repeats import ENTRY, answer_path, tables_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from commcare_frames.tables.layout import Path

FORM_XML = "form.xml"
"""The attachment that is the submission itself."""

MEDIA = frozenset({"Image", "Audio", "Video", "Signature", "Document", "MicroImage"})
"""HQ's types of the questions that are answered with a file."""


def attached_files(forms: pa.Table, repeats: Collection[Path], types: Mapping[Path, str]) -> pa.Table:
    """Return the files of forms of one kind, with the question that each answers.

    Parameters
    ----------
    forms
        Forms as `FormFlattener` gives them.
    repeats, types
        What the application says of the form.

    Returns
    -------
    pyarrow.Table
        One row per attachment: ``form_id``, ``question``, ``name``, ``content_type``, ``length`` and ``url``, the
        question missing where no answer names the file.
    """
    tables = tables_of(forms, repeats)
    files = tables.attachments
    names = files["name"].combine_chunks().filter(pc.not_equal(files["name"], FORM_XML)).unique()
    columns: list[tuple[Path, pa.Table, str]] = [
        (path, tables.main, column)
        for column in tables.main.column_names
        if FORM.is_value(column) and (path := FORM.path_of(column)) is not None
    ]
    for repeat, table in tables.repeats.items():
        answers = [name for name in table.column_names if not _is_key(name)]
        columns += [((*repeat, *answer_path(column)), table, column) for column in answers]
    places = {path: place for place, path in enumerate(types)}
    columns.sort(key=lambda each: (types.get(each[0]) not in MEDIA, places.get(each[0], len(places))))
    found: dict[tuple[str, str], str] = {}
    for path, table, column in columns:
        for pair in _holding(table, column, names):
            found.setdefault(pair, question_name(path, repeats=tables.repeats))
    pairs = zip(files["form_id"].to_pylist(), files["name"].to_pylist(), strict=True)
    questions = pa.array([found.get(pair) for pair in pairs], pa.string())
    return files.add_column(1, "question", questions)


def question_name(path: Path, repeats: Collection[Path]) -> str:
    """Return what a question is called: its column in the table of forms, its whole path where it is in a repeat."""
    inside = any(path[: len(repeat)] == repeat for repeat in repeats)
    return to_name(path) if inside else FORM.question(path)


def _holding(table: pa.Table, column: str, names: pa.Array[pa.StringScalar]) -> Iterator[tuple[str, str]]:
    if not pa.types.is_string(table.schema.field(column).type):
        return
    hits = table.select([FORM.id_column, column]).filter(pc.is_in(table[column], names))
    yield from zip(hits[FORM.id_column].to_pylist(), hits[column].to_pylist(), strict=True)


def _is_key(column: str) -> bool:
    return column in {FORM.id_column, ENTRY} or column.endswith((LIST, BLOCK, f"_{ENTRY}"))
