"""Writes whole frames to files, as an export of cases or forms does it piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.read.exporting import About, Rows, put_in_place, write
from commcare_frames.read.file_names import safe_name
from commcare_frames.read.files import format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd


def export_frame(
    path: Path, title: str, read: Callable[[], pd.DataFrame], *, neutralise: bool, label_row: bool = False
) -> Path:
    """Write a frame to a file.

    Parameters
    ----------
    path
        Where to; its ending says how, as in `export_cases`.
    title
        Name of the table, where a file holds names of tables.
    read
        Reads the frame, once it is known that the file can be written.
    neutralise, label_row
        As in `export_report`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExportError
        When the file cannot be written, or cannot hold the frame.
    QueryError
        When the path's ending is no format's.
    """
    path = path.expanduser()
    with put_in_place(path) as file:
        kind = format_of(path)
        frame = read()
        headers = frame.attrs.get("commcare", {}).get("headers", {})
        about = About(title, {name: {"label": header} for name, header in headers.items()}, None, label_row)
        write(path, file, kind, Rows.of_frame(frame), about, neutralise=neutralise)
    return path


def export_tables(path: Path, read: Callable[[], Mapping[str, pd.DataFrame]], *, neutralise: bool) -> list[Path]:
    """Write tables to files beside each other, each named like `path` with the table's own name before the ending.

    Parameters
    ----------
    path
        ``visits.csv`` makes ``visits-medicines.csv`` of the table ``"medicines"``.
    read
        Reads the tables, once it is known that there is such a format.
    neutralise
        As in `export_cases`.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ExportError
        When a file cannot be written, or cannot hold its table.
    QueryError
        When the path's ending is no format's.
    """
    path = path.expanduser()
    format_of(path)
    return [
        export_frame(
            path.with_name(safe_name(f"{path.stem}-{name}{path.suffix}" if name else path.name)),
            name or path.stem,
            lambda frame=frame: frame,  # type: ignore[misc]
            neutralise=neutralise,
        )
        for name, frame in read().items()
    ]
