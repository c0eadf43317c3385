"""Says whether frames hold what commcare-export would write."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

SERVER = "{server}"


def write(sheets: dict[str, list[list[Any]]], path: Path) -> Path:
    """Write a query file."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def plain(recorded: Any, server: str) -> Any:
    """What was recorded of a query, without the address of the sandbox."""
    return json.loads(json.dumps(recorded).replace(server, SERVER))


def differences(frames: dict[str, pd.DataFrame], recorded: dict[str, Any], server: str) -> list[str]:
    """Every table, column, row or value that is not as recorded."""
    found = [] if frames.keys() == recorded.keys() else [f"tables {list(frames)} instead of {list(recorded)}"]
    for name in frames.keys() & recorded.keys():
        frame, table = frames[name], recorded[name]
        if list(frame.columns) != table["headings"]:
            found.append(f"{name}: columns {list(frame.columns)} instead of {table['headings']}")
        elif len(frame) != len(table["rows"]):
            found.append(f"{name}: {len(frame)} rows instead of {len(table['rows'])}")
        else:
            columns = [[_value(each, server) for each in frame.iloc[:, place]] for place in range(frame.shape[1])]
            for number, row in enumerate(table["rows"]):
                found += [
                    f"{name}, row {number}, {heading}: {column[number]!r} instead of {_expected(value)!r}"
                    for heading, column, value in zip(table["headings"], columns, row, strict=True)
                    if not _same(column[number], value)
                ]
    return found


def _value(value: Any, server: str) -> Any:
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124  NaN
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, str):
        return value.replace(server, SERVER)
    return value.item() if hasattr(value, "item") else value


def _expected(value: Any) -> Any:
    if isinstance(value, dict) and list(value) == ["a datetime"]:
        return datetime.fromisoformat(value["a datetime"])
    return value


def _same(value: Any, recorded: Any) -> bool:
    expected = _expected(recorded)
    if isinstance(expected, dict):
        return isinstance(value, str) and json.loads(value) == expected
    return isinstance(value, bool) == isinstance(expected, bool) and value == expected
