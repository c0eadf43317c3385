"""Finds what HQ no longer has, and what a table lacks: HQ never says that a record was deleted."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from commcare_frames.errors import QueryError
from commcare_frames.hq.bulk import fetch_cases
from commcare_frames.hq.pull import Question, Segment, pull
from commcare_frames.hq.windows import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.cache.store import Store
    from commcare_frames.hq.client import Client
    from commcare_frames.tables.pages import PageFlattener


@dataclass
class Comparison(abc.ABC):
    """A comparison of a table with HQ.

    Parameters
    ----------
    store
        The table.
    client, question
        Who asks what.
    flattener
        Makes tables of the records that the table lacks.

    Attributes
    ----------
    total
        How many records HQ had.
    """

    store: Store
    client: Client
    question: Question
    flattener: PageFlattener
    total: int = field(default=0, init=False)

    def settle(self) -> set[str]:
        """Make the table hold what HQ holds, and return the ids that are gone."""
        gone = self._gone()
        if gone:
            self.store.fold(drop=gone)
        return gone

    @abc.abstractmethod
    def _gone(self) -> set[str]:
        """Fetch what the table lacks, and return the ids that HQ lacks."""

    def _append(self, records: bytes) -> None:
        self.store.append(self.flattener.table(records), self.store.manifest.running)


class ById(Comparison):
    """Lists all ids, which is cheap where HQ gives out chosen fields only, and records by their ids."""

    def _gone(self) -> set[str]:
        ours, theirs = self.store.keys(), self._list_ids()
        self.total = len(theirs)
        for fetched in fetch_cases(self.client, sorted(theirs - ours)):
            self._append(fetched.records)
        return ours - theirs

    def _list_ids(self) -> set[str]:
        resource, params = self.question.resource, self.question.params
        narrow = Question(resource, (*params, ("fields", f"{resource.key},{resource.stamp}")))
        try:
            return self._ids(narrow)
        except QueryError:  # servers from before March 2026 do not know `fields`
            return self._ids(self.question)

    def _ids(self, question: Question) -> set[str]:
        def ids(records: bytes) -> list[str]:
            return [record[question.resource.key] for record in orjson.loads(records)]

        pieces = pull(self.client, question, [Segment()], ids)
        return {key for piece in pieces for key in piece.value}


class ByCount(Comparison):
    """Compares counts, halving the stretch of time until it is one page, and reads only the pages that differ."""

    def _gone(self) -> set[str]:
        gone: set[str] = set()
        self.total = count(self.client, self.question)
        for window in self._differing(Segment()):
            ours, theirs = self.store.keys(after=window.after, until=window.until), self._read(window)
            self.total += len(theirs) - self._counted
            gone |= ours - theirs
        return gone

    def _differing(self, window: Segment) -> Iterator[Segment]:
        ours = self.store.count(after=window.after, until=window.until)
        theirs = count(self.client, self.question, after=window.after, until=window.until)
        if ours == theirs:
            return
        middle = self.store.middle(after=window.after, until=window.until)
        if max(ours, theirs) <= self.question.resource.largest_page or middle is None:
            self._counted = theirs
            yield window
        else:
            yield from self._differing(Segment(window.after, middle))
            yield from self._differing(Segment(middle, window.until))

    def _read(self, window: Segment) -> set[str]:
        ids: set[str] = set()
        for piece in pull(self.client, self.question, [window], self.flattener.table):
            self.store.append(piece.value, self.store.manifest.running)
            ids.update(piece.value[self.store.key].to_pylist())
        return ids


def comparison_of(store: Store, client: Client, question: Question, flattener: PageFlattener) -> Comparison:
    """Return the cheapest comparison that HQ allows for what is asked."""
    kind = ById if question.resource.is_selective else ByCount
    return kind(store, client, question, flattener)
