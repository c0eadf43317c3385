"""Where a value stands in a record: what it is called from there, and the id that entries of repeats are told by."""

from __future__ import annotations

from typing import Any

ID = "id"
HERE, TOP = "`this`", "$"
_QUOTED = frozenset("*.[]()$,:|&~")
"""Characters that put a name in quotes within an id."""


class Place:
    """A value in a record.

    Parameters
    ----------
    value
        The value.
    step
        What leads from the place around it to here.
    around
        The place around it; None for a record.
    """

    __slots__ = ("around", "step", "value")

    def __init__(self, value: Any, step: str = HERE, around: Place | None = None) -> None:  # noqa: ANN401
        self.value = value
        self.step = step
        self.around = around

    @property
    def top(self) -> Place:
        """The record that the value is in."""
        return self if self.around is None else self.around.top

    @property
    def id(self) -> str:
        """The path from the record to here, in which every part that has an id goes by it."""
        has_id = isinstance(self.value, dict) and ID in self.value
        own = quoted(str(self.value[ID])) if has_id else self.step
        if self.around is None:
            return own
        outer = self.around.id
        return own if outer in {HERE, TOP} else f"{outer}.{own}"

    def named(self, name: str) -> Place | None:
        """Return what stands under a name here; everything has an ``id``."""
        if name == ID:
            return IdPlace(self)
        if not isinstance(self.value, dict) or name not in self.value:
            return None
        return Place(self.value[name], quoted(name), self)

    def numbered(self, number: int) -> Place:
        """Return an element of the list that stands here."""
        return Place(self.value[number], f"[{number}]", self)

    def as_list(self) -> Place:
        """Return the list that stands here; what is none is the only entry of one, as in a form that has one entry."""
        return self if isinstance(self.value, list) else Place([self.value], self.step, self.around)


class IdPlace(Place):
    """The id of a place, in which nothing stands; it is made when it is asked for, as ids are still being given."""

    __slots__ = ("_whose",)

    def __init__(self, whose: Place) -> None:
        self._whose = whose
        self.step = ID
        self.around = whose

    @property
    def value(self) -> str:
        """The id."""
        return self._whose.id


def quoted(name: str) -> str:
    """Return a name as a part of an id."""
    return name if _QUOTED.isdisjoint(name) else f"'{name}'"
