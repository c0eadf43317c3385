"""Finds reports and data sources by their ids or titles, in HQ's list of them or in the cached one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from commcare_frames.cache.refresh import is_fresh
from commcare_frames.errors import CommCareError, NotFoundError, QueryError, did_you_mean
from commcare_frames.hq.pull import Question
from commcare_frames.read.reading import Cache, Reading, Request, to_age
from commcare_frames.tables.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from commcare_frames.connection import Domain
    from commcare_frames.hq.resource import Resource, Wire

Definition = dict[str, Any]


@dataclass(frozen=True)
class Catalogue:
    """A list of definitions that a domain has on HQ.

    Parameters
    ----------
    resource
        What lists them.
    noun
        What one of them is called.
    title
        HQ's key of a definition's title.
    parts
        Keys of the lists that a definition consists of.
    """

    resource: Resource
    noun: str
    title: str
    parts: tuple[str, ...] = ()

    def of(self, domain: Domain, *, cache: Cache = True, wire: Wire = "json") -> Definitions:
        """List all definitions of a domain; the list is kept, so that things can be named offline too."""
        request = Request(domain, Question(self.resource, wire=wire), ROWS, f"list of {self.noun}s", "all", {})
        reading = Reading.of(request, cache=cache, max_age=None, progress=False, connections=1)
        return Definitions(self, domain, [self._whole(each) for each in reading.table().to_pylist()])

    def _whole(self, cached: dict[str, str | None]) -> Definition:
        """Return a definition with its title, which HQ may leave out, and its parts, which a table holds as JSON."""
        parts = {part: orjson.loads(cached.get(part) or "[]") for part in self.parts}
        return {**cached, "title": cached.get(self.title) or "", **parts}


@dataclass(frozen=True)
class Definitions:
    """The definitions of a domain.

    Parameters
    ----------
    catalogue
        Which list they are of.
    domain
        Whose they are.
    known
        Their contents.
    """

    catalogue: Catalogue
    domain: Domain
    known: list[Definition]

    def named(self, name: str) -> Definition:
        """Return the definition of that id or title; capitals matter only where titles differ in nothing else."""
        noun = self.catalogue.noun
        if not name.strip():
            plural = f"list_{noun.lower().replace(' ', '_')}s()"
            raise QueryError(f"{name!r} is no {noun}: give its title or its id, as {plural} shows them.")
        found = [each for each in self.known if each["id"] == name]
        found = found or [each for each in self.known if each["title"] == name]
        found = found or [each for each in self.known if _plain(each["title"]) == _plain(name)]
        if len(found) > 1:
            ids = ", ".join(each["id"] for each in found)
            raise QueryError(f"{len(found)} {noun}s have the title {name!r}. Name one by its id: {ids}.")
        if not found:
            titles = sorted({each["title"] for each in self.known if each["title"]})
            raise NotFoundError(
                f"Domain {self.domain.name!r} has no {noun} {name!r}.{did_you_mean(name, titles)} "
                f"Its {noun}s are {', '.join(map(repr, titles)) or 'none yet'}."
            )
        return found[0]


def _plain(title: str) -> str:
    return title.strip().casefold()


def read_rows(
    find: Callable[[Cache], Request], *, cache: Cache, max_age: str | timedelta | None, progress: bool | None
) -> Reading:
    """Read the rows of what a catalogue defines.

    Parameters
    ----------
    find
        Builds the request from the definitions, which it takes from HQ or the cache as it is told.
    cache, max_age, progress
        As the caller said.
    """
    if cache is True and max_age is not None:
        # Rows that are fresh are served without a request: the list was read just before them.
        with contextlib.suppress(CommCareError):
            request = find("offline")
            if is_fresh(request.on_disk(request.folder), to_age(max_age)):
                return Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    return Reading.of(find(cache), cache=cache, max_age=max_age, progress=progress, connections=1)
