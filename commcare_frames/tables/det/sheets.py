"""The cells of a query file's sheet, found by the titles of their columns as commcare-export finds them."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Cell:
    """A cell.

    Parameters
    ----------
    value
        What stands in it; None where nothing does.
    where
        Its sheet and address, for errors.
    """

    value: Any
    where: str

    @property
    def is_filled(self) -> bool:
        """Whether it holds something; commcare-export takes 0 and FALSE for nothing."""
        return bool(self.value)

    @property
    def text(self) -> str:
        """The text that stands in it; an error where none does."""
        if not isinstance(self.value, str) or not self.value:
            found = "empty" if not self.value else f"{self.value!r}"
            raise QueryError(f"{self.where} is {found}, where the query needs a text.")
        return self.value


@dataclass(frozen=True)
class Sheet:
    """A sheet.

    Parameters
    ----------
    title
        What it is called.
    rows
        Its rows of cells, the titles of the columns first.
    """

    title: str
    rows: Sequence[Sequence[Any]]

    @property
    def where(self) -> str:
        """The sheet, for errors."""
        return f"Sheet {self.title!r}"

    def column(self, title: str) -> list[Cell]:
        """Return the cells of a column, without the empty ones at its end; none where there is no such column."""
        place = self._places.get(title)
        if place is None:
            return []
        filled = [number for number in range(1, len(self.rows)) if self._cell(number, place).is_filled]
        return [self._cell(number, place) for number in range(1, max(filled, default=0) + 1)]

    def beside(self, cells: Sequence[Cell], title: str) -> list[Cell]:
        """Return the cells of a column in the rows that another column has, empty ones included."""
        place = self._places.get(title)
        numbers = range(1, len(cells) + 1)
        if place is None:
            return [Cell(None, f"{self.where}: its {title.title()!r} of row {number + 1}") for number in numbers]
        return [self._cell(number, place) for number in numbers]

    def titles(self, beginning: str) -> Iterator[str]:
        """Go through the titles of columns that begin so."""
        return (title for title in self._places if title.startswith(beginning))

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where the columns are; of several with one title the first counts."""
        head = self.rows[0] if self.rows else ()
        titles = [(title.strip().lower(), place) for place, title in enumerate(head) if isinstance(title, str)]
        return dict(reversed(titles))

    def _cell(self, number: int, place: int) -> Cell:
        row = self.rows[number]
        value = row[place] if place < len(row) else None
        return Cell(value, f"{self.where}, cell {_letters(place)}{number + 1}")


def _letters(place: int) -> str:
    """Return what Excel calls a column, counted from 0."""
    before, letter = divmod(place, 26)
    return (_letters(before - 1) if before else "") + string.ascii_uppercase[letter]
