"""Notices questions that moved when a form was edited: their answers stand in two columns."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import warn
from commcare_frames.tables.form_layout import FORM

if TYPE_CHECKING:
    import pyarrow as pa

STAMP = "received_on"
VERSION = "app_build_version"


def moves(main: pa.Table) -> list[tuple[str, str]]:
    """Find questions of the same name, one of which was asked before and the other after some version of the form.

    Parameters
    ----------
    main
        The table of the submissions of one form.

    Returns
    -------
    list of tuple of str
        The columns where a question was and where it is now.
    """
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for column in main.column_names:
        path = FORM.path_of(column)
        if path and main[column].null_count < main.num_rows:
            by_name[path[-1]].append(column)
    places = _versions(main) or main[STAMP].to_pylist()
    spans = {
        column: _span(main[column], places) for columns in by_name.values() if len(columns) > 1 for column in columns
    }
    found = []
    for columns in by_name.values():
        for pair in combinations(columns, 2):
            first, second = sorted(pair, key=lambda column: spans[column])
            if spans[first][1] < spans[second][0]:
                found.append((first, second))
    return sorted(found)


def warn_of_moves(main: pa.Table) -> None:
    """Name the questions that moved."""
    found = moves(main)
    if found:
        named = ", ".join(f"{before} is now {after}" for before, after in found)
        warn(f"Questions moved when the form was edited, and their answers stand in two columns each: {named}.")


def _versions(main: pa.Table) -> list[int] | None:
    """Return the version of the form that each submission was made with, if all say it."""
    versions = main[VERSION].to_pylist()
    return list(map(int, versions)) if all(version and version.isdecimal() for version in versions) else None


def _span(answers: pa.ChunkedArray[Any], places: list[Any]) -> tuple[Any, Any]:
    """Return the first and the last version, or else time, with an answer to a question."""
    answered = [place for place, answer in zip(places, answers.is_valid().to_pylist(), strict=True) if answer]
    return min(answered), max(answered)
