"""One column of a query file's sheet: where its value stands in a record, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import QueryError
from commcare_frames.tables.det.functions import Function, Spot, unwrapped
from commcare_frames.tables.det.places import ID
from commcare_frames.tables.exact import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from commcare_frames.tables.det.functions import Value
    from commcare_frames.tables.det.paths import Path

_SHOWN = 60
"""Characters of a value that an error quotes."""

_TEXT = "#text"


class Unjoinable(str):
    """What commcare-export writes for a list that holds more than texts: nothing."""

    __slots__ = ()


@dataclass(frozen=True)
class Field:
    """A column.

    Parameters
    ----------
    name
        What it is called.
    where
        Its sheet and cell, for errors.
    paths
        Where its value may stand: the first place with a value counts.
    functions
        What is made of the value, one after the other.
    mapping
        Values that stand for others, and what they stand for.
    kind
        The data type that its sheet gives it; "" where it gives none.
    """

    name: str
    where: str
    paths: tuple[Path, ...]
    functions: tuple[Function, ...] = ()
    mapping: Mapping[Any, Value] | None = None
    kind: str = ""

    @property
    def result(self) -> str:
        """The data type that is known of its values without a look at them; "" where none is."""
        return self.functions[-1].result if self.functions and not self.mapping else ""

    @property
    def is_plain(self) -> bool:
        """Whether its value is what stands at its one place."""
        return not (self.functions or self.mapping or len(self.paths) > 1)

    def value(self, spot: Spot) -> Value:
        """Return the value of a row; what several places held is a list.

        Parameters
        ----------
        spot
            The row.

        Raises
        ------
        QueryError
            When a function does not take the value.
        """
        value = self._found(spot)
        for function in self.functions:
            try:
                value = function.apply(value, spot)
            except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
                raise QueryError(self._refused(value, spot, error)) from error
        if self.mapping:
            key = unwrapped(value)
            value = (self.mapping.get(key) if isinstance(key, str) else None) or value
        return value

    def _found(self, spot: Spot) -> Value:
        if len(self.paths) == 1:
            return self.paths[0].values(spot.place)
        values = (unwrapped(path.values(spot.place)) for path in self.paths)
        return next((value for value in values if value is not None and value != []), None)

    def _refused(self, value: Value, spot: Spot, error: Exception) -> str:
        record = spot.place.top.value.get(ID)
        return (
            f"{self.where}: a function for {self.name!r} does not take {str(unwrapped(value))[:_SHOWN]!r} "
            f"of record {record} ({error}). commcare-export stops there too: name another function, or none."
        )


def row_of(fields: Sequence[Field], spot: Spot) -> list[Value]:
    """Return the values of a row as commcare-export writes them; objects are JSON.

    Ids that paths give to objects are seen by later paths, and are part of the objects. So the order counts: first
    what functions make, then what is only looked up, and objects are written when the row is whole.

    Parameters
    ----------
    fields
        The columns.
    spot
        The row.
    """
    made = [None if field.is_plain else field.value(spot) for field in fields]
    whole = [_joined(field.value(spot) if field.is_plain else value) for field, value in zip(fields, made, strict=True)]
    return [_shown(value) for value in whole]


def _joined(value: Value) -> Value:
    """Return the one value that is there, several with commas between, or None."""
    value = unwrapped(value)
    if not isinstance(value, list):
        return value
    if not value:
        return None
    parts = [_joined(each) for each in value]
    if not all(isinstance(part, str) for part in parts):
        return Unjoinable()
    return ",".join(parts)


def _shown(value: Value) -> Value:
    """Return what stands in an object that is a text with attributes, and JSON for other objects."""
    if not isinstance(value, dict):
        return value
    if _TEXT in value:
        return _shown(value[_TEXT])
    return "" if all(key == ID or key.startswith("@") for key in value) else to_json(value)
