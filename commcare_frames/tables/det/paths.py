"""Paths into a record, in the JSONPath that commcare-export speaks: that of jsonpath-ng 1.6.

Later versions of jsonpath-ng speak another one, in which ``[*]`` does not find the only entry of a repeat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commcare_frames.tables.det.places import ID, TOP, IdPlace, Place, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator


class PathError(ValueError):
    """A text that is no path."""


class Found(list[Any]):
    """The values that a path led to."""


class Path:
    """A path, and what it leads to from a place."""

    def find(self, place: Place) -> list[Place]:
        """Return the places that the path leads to."""
        raise NotImplementedError

    def places(self, place: Place) -> Iterator[Place]:
        """Return the places that the path leads to; objects there are given their ids, which other paths then see."""
        for found in self.find(place):
            if isinstance(found.value, dict) and ID not in found.value:
                found.value[ID] = found.id
            yield found

    def values(self, place: Place) -> Found:
        """Return the values that the path leads to."""
        return Found([found.value for found in list(self.places(place))])


@dataclass(frozen=True)
class Here(Path):
    """The place itself."""

    def find(self, place: Place) -> list[Place]:
        """Return the place."""
        return [place]


@dataclass(frozen=True)
class Top(Path):
    """The record around everything."""

    def find(self, place: Place) -> list[Place]:
        """Return the record."""
        return [Place(place.top.value, TOP)]


@dataclass(frozen=True)
class Around(Path):
    """The place around this one."""

    def find(self, place: Place) -> list[Place]:
        """Return the place around this one."""
        return [] if place.around is None else [place.around]


@dataclass(frozen=True)
class Names(Path):
    """What stands under names; ``*`` is every name."""

    names: tuple[str, ...]

    def find(self, place: Place) -> list[Place]:
        """Return what stands under the names."""
        names = self.names
        if "*" in names:
            names = (*place.value, ID) if isinstance(place.value, dict) else ()
        return [found for name in names if (found := place.named(name)) is not None]


@dataclass(frozen=True)
class Element(Path):
    """One element of a list."""

    number: int

    def find(self, place: Place) -> list[Place]:
        """Return the element, or nothing where the list is too short."""
        whole = place.as_list() if isinstance(place.value, dict) else place
        if not whole.value or not isinstance(whole.value, list | str) or len(whole.value) <= self.number:
            return []
        return [whole.numbered(self.number)]


@dataclass(frozen=True)
class Elements(Path):
    """The elements of a list, or a stretch of them."""

    stretch: tuple[int | None, ...] = (None, None)

    def find(self, place: Place) -> list[Place]:
        """Return the elements."""
        if not place.value:
            return []
        whole = place.as_list()
        return [whole.numbered(number) for number in range(len(whole.value))[slice(*self.stretch)]]


@dataclass(frozen=True)
class Within(Path):
    """A path from where another one leads to."""

    outer: Path
    inner: Path

    def find(self, place: Place) -> list[Place]:
        """Return what the inner path finds where the outer one leads to."""
        starts = (start for start in self.outer.find(place) if not isinstance(start, IdPlace))
        return [found for start in starts for found in self.inner.find(start)]


@dataclass(frozen=True)
class Anywhere(Path):
    """A path from anywhere in what another one leads to."""

    outer: Path
    inner: Path

    def find(self, place: Place) -> list[Place]:
        """Return what the inner path finds where the outer one leads to, and in everything there."""
        return [found for start in self.outer.find(place) for found in self._beneath(start)]

    def _beneath(self, place: Place) -> Iterator[Place]:
        yield from self.inner.find(place)
        if isinstance(place.value, list):
            for number in range(len(place.value)):
                yield from self._beneath(place.numbered(number))
        elif isinstance(place.value, dict):
            for name in list(place.value):
                yield from self._beneath(Place(place.value[name], quoted(name), place))


@dataclass(frozen=True)
class Chain(Path):
    """Names within each other, as nearly all paths are: the same as `Within` of `Names`, and much quicker.

    Parameters
    ----------
    names
        One name after the other.
    slow
        The same path.
    """

    names: tuple[str, ...]
    slow: Path

    def find(self, place: Place) -> list[Place]:
        """Return what stands there."""
        return self.slow.find(place)

    def values(self, place: Place) -> Found:
        """Return the value that stands there."""
        value = place.value
        for name in self.names:
            if type(value) is not dict or name not in value:
                return Found()
            value = value[name]
        return self.slow.values(place) if type(value) is dict else Found([value])


_TOKEN = re.compile(
    r"""[ \t\n]*(?:
    (?P<id>[a-zA-Z_@][a-zA-Z0-9_@\-]*)
    |(?P<number>-?\d+)
    |'(?P<single>(?:[^'\\]|\\.)*)'
    |"(?P<double>(?:[^"\\]|\\.)*)"
    |`(?P<operator>this|parent)`
    |(?P<sign>\.\.|[*.\[\]()$,:])
    |(?P<end>$)
    |(?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_RESERVED = "where"
_BINDING = {"..": 1, ".": 2}

Token = tuple[str, str]


def parse(text: str) -> Path:
    """Read a path; raise `PathError` for what is none."""
    return _Parser(text).whole()


def quickened(path: Path) -> Path:
    """Return a path that finds the same, more quickly where it only names one thing within the other."""
    names = _chained(path)
    return path if names is None or {ID, "*"}.intersection(names) else Chain(names, path)


def parse_field(text: str) -> Path:
    """Read what people write as a source field: names need no quotes there, whatever is in them.

    Parameters
    ----------
    text
        A path, or names with dots between them, some of which would need quotes in a path.

    Returns
    -------
    Path
        The path.
    """
    try:
        path = parse(text)
    except PathError:
        if text.endswith("."):
            raise
        path = parse(".".join(map(_safe, text.split("."))))
    return quickened(path)


def split_source(path: Path) -> tuple[str, Path | None]:
    """Return the source of records that a path begins with, and the path within a record, if it goes on.

    That all records are meant, as in ``form[*].form.children``, may be said or not.
    """
    first, rest = _split(path)
    if not isinstance(first, Names) or len(first.names) > 1:
        raise PathError("a data source begins with the name of what is read, as in form.form.children[*]")
    second, beneath = _split(rest)
    if isinstance(second, Elements):
        rest = beneath
    return first.names[0], None if isinstance(rest, Here | Top) else rest


def _split(path: Path) -> tuple[Path, Path]:
    """Return the first step of a path and the others."""
    if not isinstance(path, Within | Anywhere):
        return path, Here()
    first, rest = _split(path.outer)
    if isinstance(path, Anywhere):
        return first, Anywhere(rest, path.inner)
    return first, path.inner if isinstance(rest, Here) else Within(rest, path.inner)


def _safe(name: str) -> str:
    try:
        if name:
            parse(name)
    except PathError:
        return f'"{name}"'
    return name


class _Parser:
    """Reads one path: ``..`` binds less than ``.``, and brackets apply to all that stands before them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind, self._token = self._next()

    def whole(self) -> Path:
        path = self._path(0)
        if self._kind != "end":
            raise self._error()
        return path

    def _path(self, binding: int) -> Path:
        path = self._one()
        while True:
            if self._is("["):
                if binding:
                    return path
                path = Within(path, self._brackets())
                continue
            own = _BINDING.get(self._token, 0) if self._kind == "sign" else 0
            if own <= binding:
                return path
            kind = Anywhere if self._take() == ".." else Within
            path = kind(path, self._path(own))

    def _one(self) -> Path:
        if self._kind == "id":
            return self._names()
        if self._kind == "operator":
            return Here() if self._take() == "this" else Around()
        if self._is("["):
            return self._brackets()
        if self._is("*"):
            return Names((self._take(),))
        if self._is("$"):
            self._take()
            return Top()
        self._expect("(")
        path = self._path(0)
        self._expect(")")
        return path

    def _names(self) -> Path:
        names = [self._name()]
        while self._is(","):
            self._take()
            names.append(self._name())
        return Names(tuple(names))

    def _name(self) -> str:
        if self._kind != "id":
            raise self._error()
        return self._take()

    def _brackets(self) -> Path:
        self._expect("[")
        path = self._names() if self._kind == "id" else self._elements()
        self._expect("]")
        return path

    def _elements(self) -> Path:
        if self._is("*"):
            self._take()
            return Elements()
        bounds = [self._bound()]
        while self._is(":") and len(bounds) <= 2:  # noqa: PLR2004  start, stop and step
            self._take()
            bounds.append(self._bound())
        if len(bounds) > 1 and 0 not in bounds[2:]:
            return Elements(tuple(bounds))
        if len(bounds) > 1 or bounds[0] is None:
            raise self._error()
        return Element(bounds[0])

    def _bound(self) -> int | None:
        return int(self._take()) if self._kind == "number" else None

    def _is(self, sign: str) -> bool:
        return self._kind == "sign" and self._token == sign

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise self._error()
        self._take()

    def _take(self) -> str:
        token = self._token
        self._kind, self._token = self._next()
        return token

    def _next(self) -> Token:
        match = _TOKEN.match(self._text, self._at)
        assert match is not None, self._text  # noqa: S101  some alternative fits whatever comes
        self._at = match.end()
        kind = str(match.lastgroup)
        if kind in {"single", "double"}:
            return "id", re.sub(r"\\(.)", r"\1", match[kind], flags=re.DOTALL)
        return ("other" if match[kind] == _RESERVED else kind), match[kind]

    def _error(self) -> PathError:
        what = f"{self._token!r} is not expected" if self._token else "something is missing at the end"
        return PathError(f"{self._text!r} is no path: {what}")


def _chained(path: Path) -> tuple[str, ...] | None:
    """Return the names that a path consists of, one within the other."""
    if isinstance(path, Names) and len(path.names) == 1:
        return path.names
    if not isinstance(path, Within):
        return None
    outer, inner = _chained(path.outer), _chained(path.inner)
    return None if outer is None or inner is None else outer + inner
