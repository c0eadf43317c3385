"""Learns what records have in common, and reads those that are alike in a fraction of the time that JSON takes."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Sequence

    from commcare_frames.tables.exact import Record
    from commcare_frames.tables.layout import Path

    Object: TypeAlias = "Record | Alike"

_SCALAR = str | int | float | bool | None

_ODD_KEY = re.compile(r'[\x00-\x1f"\\]')
"""What no attribute can be renamed to."""

_TRIES = 3
"""Lots of records that may be unlike all before them, beyond those that were alike, until no shape is tried."""


class Alike(msgspec.Struct):
    """An object whose keys were known before it was read; what stands under a key that it lacks is `UNSET`."""

    names: ClassVar[dict[str, str]]
    """The attribute of each key."""
    lacking: ClassVar[frozenset[str]]
    """The keys that JSON may lack."""
    removable: ClassVar[frozenset[str]]
    """The keys that may be taken away from it."""


def value_of(thing: Object, key: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what stands under a key; None where it is missing."""
    if isinstance(thing, Alike):
        value = getattr(thing, thing.names.get(key, ""), None)
        return None if value is UNSET else value
    return thing.get(key)


def put(thing: Object, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Put a value under a key, which `UNSET` takes away."""
    if isinstance(thing, Alike):
        setattr(thing, thing.names[key], value)
    elif value is UNSET:
        thing.pop(key, None)
    else:
        thing[key] = value


def keys_of(thing: Object) -> Collection[str]:
    """Return the keys that are there."""
    if isinstance(thing, Alike):
        return [key for key, value in zip(thing.names, astuple(thing), strict=True) if value is not UNSET]
    return thing.keys()


def all_have(things: Sequence[Any], key: str) -> bool:
    """Tell whether all of these are objects with that key."""
    kinds = set(map(type, things))
    if len(kinds) == 1 and issubclass(kind := kinds.pop(), Alike) and kind.lacking.isdisjoint({key}):
        return key in kind.names
    return all(isinstance(thing, dict | Alike) and key in keys_of(thing) for thing in things)


def sort_of(thing: Object) -> Hashable:
    """Return what is the same for objects with the same keys, found out without a look at the keys where possible."""
    return type(thing) if isinstance(thing, Alike) and not thing.lacking else tuple(keys_of(thing))


def columns_of(records: Sequence[Alike]) -> Iterator[tuple[str, list[Any]]]:
    """Yield what stands under each key that is there at all; None for a record that lacks it."""
    names = records[0].names
    perhaps = records[0].lacking | records[0].removable
    values = list(chain.from_iterable(map(astuple, records)))
    for number, key in enumerate(names):
        column = values[number :: len(names)]
        if key in perhaps:
            there = [value for value in column if value is not UNSET]
            if not there:
                continue
            if len(there) < len(column):
                column = [None if value is UNSET else value for value in column]
        yield key, column


class Shape:
    """What the records of a pull look like, as far as they have been read.

    Parameters
    ----------
    plain
        Places that hold objects with all sorts of keys.
    removable
        Places that may be taken away from records, themselves or what is in them.
    """

    def __init__(self, plain: Collection[Path] = (), removable: Collection[Path] = ()) -> None:
        self._root = _Place()
        self._plain, self._removable = frozenset(plain), frozenset(removable)
        self._decoder: msgspec.json.Decoder[list[Alike]] | None = None
        self._unlike = 0

    def read(self, records: bytes) -> Sequence[Alike] | None:
        """Return records that all have the shape; None where one does not."""
        if self._decoder is None and self._root.objects and self._unlike <= _TRIES:
            kind = self._kind(self._root, ())
            self._decoder = None if kind is Any else msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        if self._decoder is None:
            return None
        try:
            alike = self._decoder.decode(records)
        except ValueError:
            return None
        self._unlike -= 1
        return alike

    def learn(self, records: Sequence[Record]) -> None:
        """Widen the shape so that these records have it too."""
        self._unlike += 1
        if self._unlike <= _TRIES:
            self._root.learn(records)
            self._decoder = None

    def _kind(self, place: _Place, path: Path) -> Any:  # noqa: ANN401 - a type
        """Return the type that the values of a place are read as."""
        if path in self._plain or not place.is_regular:
            return Any
        removable = {key for *parent, key in self._plain | self._removable if tuple(parent) == path}
        keys = [*place.within, *(removable - place.within.keys())]
        names = {key: f"key{number}" for number, key in enumerate(keys)}
        lacking = {key for key in keys if place.within[key].times < place.objects}
        removable |= set(keys) if path in self._removable else set()
        kinds = {key: self._kind(place.within[key], (*path, key)) for key in keys}
        kind = msgspec.defstruct(
            "Alike",
            [(name, kinds[key], UNSET) if key in lacking else (name, kinds[key]) for key, name in names.items()],
            bases=(Alike,),
            namespace={"names": names, "lacking": frozenset(lacking), "removable": frozenset(removable)},
            rename={name: key for key, name in names.items()},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        return kind if place.objects == place.times else kind | _SCALAR


class _Place:
    """What stood at one place of the records that were learned from."""

    def __init__(self) -> None:
        self.times = 0
        self.objects = 0
        self.lists = 0
        self.within: defaultdict[str, _Place] = defaultdict(_Place)

    @property
    def is_regular(self) -> bool:
        """Whether there are objects, no lists, and of the keys that were met half in each object: not many others."""
        met = sum(place.times for place in self.within.values())
        is_dense = 0 < len(self.within) * self.objects <= 2 * met
        return is_dense and not self.lists and not any(map(_ODD_KEY.search, self.within))

    def learn(self, values: Sequence[Any]) -> None:
        objects = [value for value in values if type(value) is dict]
        self.times += len(values)
        self.objects += len(objects)
        self.lists += sum(type(value) is list for value in values)
        columns: defaultdict[str, list[Any]] = defaultdict(list)
        for each in objects:
            for key, value in each.items():
                columns[key].append(value)
        for key, column in columns.items():
            self.within[key].learn(column)
