"""Writes a table to an Excel file batch by batch, each value as what it is."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from commcare_frames.read.files import Sheet

EXACT_DIGITS = 15
"""Digits of a number that Excel keeps."""

FIRST_DAY = datetime(1900, 3, 1)  # noqa: DTZ001  Excel knows no zones
"""The first day that all programs count alike: Excel has a 29 February 1900, and nothing before that year."""

TIME_WIDTH = 19
"""Characters of a date and time."""

CODEBOOK = "codebook"
LONGEST_TITLE = 31
_ODD = re.compile(r"[\[\]:*?/\\]")
"""What Excel does not allow in the name of a sheet."""


@contextlib.contextmanager
def open_excel(file: Path, content: Sheet) -> Iterator[Callable[[pa.Table], object]]:
    """Create an Excel file with the given columns and codebook, and give what writes a batch to it."""
    import xlsxwriter  # noqa: PLC0415  an extra
    from xlsxwriter.exceptions import XlsxWriterException  # noqa: PLC0415

    # Its temporary files hold people's records too: they stay in the private folder that the file is made in.
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": str(file.parent)})
    sheet = _Sheet(book, content.title, content.schema, label_row=content.label_row)
    with contextlib.closing(sheet.rows_file):
        yield sheet.write
        if content.codebook is not None:
            _Sheet(book, CODEBOOK, content.codebook.schema).write(content.codebook)
        try:
            book.close()
        except XlsxWriterException as error:
            raise OSError(str(error)) from error


class _Sheet:
    """One sheet of a book.

    Parameters
    ----------
    book
        An xlsxwriter book; what is written to earlier sheets of it is complete.
    title
        What the sheet is called.
    schema
        The columns.
    label_row
        Whether the columns' labels stand below their names.
    """

    def __init__(self, book: Any, title: str, schema: pa.Schema, *, label_row: bool = False) -> None:  # noqa: ANN401
        self._sheet = book.add_worksheet(_ODD.sub(" ", title)[:LONGEST_TITLE].strip("'") or None)
        self._plain = book.add_format()
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._writers = [self._writer(field.type) for field in schema]
        heads = 2 if label_row else 1
        self._sheet.freeze_panes(heads, 0)
        for place, field in enumerate(schema):
            self._write_text(0, place, field.name)
            if pa.types.is_timestamp(field.type):
                self._sheet.set_column(place, place, TIME_WIDTH)
        if label_row:
            for place, field in enumerate(schema):
                self._write_text(1, place, (field.metadata or {}).get(b"label", b"").decode())
        self._next_row = heads

    @property
    def rows_file(self) -> Any:  # noqa: ANN401
        """The temporary file of the rows, which xlsxwriter leaves open when a book is given up."""
        return self._sheet.row_data_fh

    def write(self, table: pa.Table) -> None:
        """Write a batch below what is there."""
        columns = [_without_zone(column).to_pylist() for column in table.columns]
        for row, values in enumerate(zip(*columns, strict=True), self._next_row):
            for place, (write, value) in enumerate(zip(self._writers, values, strict=True)):
                if value is not None:
                    write(row, place, value)
        self._next_row += table.num_rows

    def _writer(self, kind: pa.DataType) -> Callable[[int, int, Any], object]:
        write: Callable[[int, int, Any], object]
        if pa.types.is_timestamp(kind):
            write = self._write_moment if kind.tz else self._write_day
        elif pa.types.is_boolean(kind):
            write = self._sheet.write_boolean
        elif pa.types.is_integer(kind):
            write = self._write_integer
        elif pa.types.is_floating(kind):
            write = self._sheet.write_number
        else:
            write = self._write_text
        return write

    def _write_text(self, row: int, place: int, text: str) -> None:
        if text.startswith("<r>"):
            # xlsxwriter takes such a text for its own markup, unless it comes in pieces.
            self._sheet.write_rich_string(row, place, text[:1], self._plain, text[1:])
        else:
            self._sheet.write_string(row, place, text)

    def _write_integer(self, row: int, place: int, number: int) -> None:
        if abs(number) < 10**EXACT_DIGITS:
            self._sheet.write_number(row, place, number)
        else:
            self._sheet.write_string(row, place, str(number))

    def _write_day(self, row: int, place: int, value: datetime) -> None:
        self._write_time(row, place, value, self._day if value.time() == time.min else self._moment)

    def _write_moment(self, row: int, place: int, value: datetime) -> None:
        self._write_time(row, place, value, self._moment)

    def _write_time(self, row: int, place: int, value: datetime, look: Any) -> None:  # noqa: ANN401
        if value < FIRST_DAY:
            self._sheet.write_string(row, place, value.isoformat())
        else:
            self._sheet.write_datetime(row, place, value, look)


def _without_zone(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    return column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column
