"""Reads the Excel query files of commcare-export: the cells of their sheets."""

from __future__ import annotations

import importlib.util
import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import CommCareError, QueryError

if TYPE_CHECKING:
    from pathlib import Path

EXCEL_BEGINS = b"PK"
"""How every .xlsx file begins, as a zip archive does."""


def content_of(path: Path) -> bytes:
    """Return the content of a query file on this computer."""
    if path.suffix.lower() != ".xlsx":
        hint = (
            "queries in JSON are not read: keep the Excel file that it was made from"
            if path.suffix.lower() == ".json"
            else "save it as .xlsx"
        )
        raise QueryError(f"{path} is no Excel query file; {hint}.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise QueryError(f"The query file {path} cannot be read: {error.strerror}.") from error


def sheets_of(content: bytes, name: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of cells of each sheet of an Excel file.

    Parameters
    ----------
    content
        The file.
    name
        What to call it in errors.

    Returns
    -------
    dict
        Rows by the title of their sheet; formulas are texts, as commcare-export takes them.

    Raises
    ------
    CommCareError
        When openpyxl is not installed.
    QueryError
        When it is no Excel file.
    """
    if not importlib.util.find_spec("openpyxl"):
        raise CommCareError(
            "Query files are read by openpyxl, which is not installed: pip install 'commcare-frames[excel]'"
        )
    import openpyxl  # noqa: PLC0415  an extra

    try:
        with warnings.catch_warnings():
            # of what Excel files may have beside cells, and openpyxl does not know
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(io.BytesIO(content))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise QueryError(f"{name} is no Excel file (.xlsx), or it is damaged: {error}.") from error
    return {sheet.title: list(sheet.values) for sheet in book.worksheets}
