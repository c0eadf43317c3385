"""Bringing a table up to date: what to ask, what was deleted, when to fold parts.

A first pull, a refresh, and going on with a pull that broke off are one mechanism: segments of change stamps are
read, and every page becomes a part of the table together with the new state of its segment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from commcare_frames.cache.comparison import comparison_of
from commcare_frames.cache.manifest import Running
from commcare_frames.cache.store import DamagedPartError
from commcare_frames.errors import CommCareError, warn
from commcare_frames.hq.pull import Segment, pull
from commcare_frames.hq.stamps import earlier, from_http_date, to_stamp, to_time
from commcare_frames.hq.windows import count, side_by_side
from commcare_frames.tables.pages import flattener

if TYPE_CHECKING:
    from commcare_frames.cache.store import Store
    from commcare_frames.hq.client import Client
    from commcare_frames.hq.pull import Question
    from commcare_frames.tables.pages import PageFlattener

OVERLAP = timedelta(minutes=15)
"""HQ's index shows a change seconds to minutes after its stamp, and not in order: as much is read again."""

FOLD_SHARE = 0.25
SMALL_PART = 1_000
MOST_SMALL_PARTS = 40
WORTH_A_WARNING = 0.1


class Progress(Protocol):
    """Whoever shows how far a pull has come."""

    def expect(self, rows: int, largest_page: int) -> None:
        """Learn how many more rows are to come, and how many of them a request brings at most."""

    def advance(self, rows: int) -> None:
        """Learn that rows have arrived."""


@dataclass(frozen=True)
class _Taken:
    """What a pull took.

    Parameters
    ----------
    at_once, in_order
        Whether it was the work of one instant, and whether a single reader has just come to its end.
    started
        When it began, by the server's clock.
    total
        How many rows HQ counted at its end.
    """

    at_once: bool
    in_order: bool
    started: str | None
    total: int | None


@dataclass(frozen=True)
class Refresh:
    """The refresh of one table.

    Parameters
    ----------
    store
        The table.
    client, question
        Who asks what.
    progress
        Who shows how far it has come.
    connections
        How many stretches of a first pull are read side by side.
    """

    store: Store
    client: Client
    question: Question
    progress: Progress
    connections: int = 1

    def run(self) -> None:
        """Bring the table up to date.

        Raises
        ------
        CommCareError
            When the server does not let it finish; what has arrived stays, and the next run goes on from there.
        """
        with self.store.locked():
            try:
                self._run()
            except DamagedPartError:
                self.repair()

    def repair(self) -> None:
        """Bring the table up to date, fetching again what damaged parts held."""
        with self.store.locked():
            damaged = self.store.damaged()
            if damaged:
                self.store.set_aside(damaged)
            self._run()

    def _run(self) -> None:
        is_first = self.store.manifest.complete_until is None
        is_counted = self.question.resource.is_counted
        taken = self._pull(self._begin())
        expected = taken.total if is_first else None
        if not taken.at_once and not (is_counted and taken.in_order and self._has_all_since(taken.started)):
            taken = self._catch_up(taken.started)
        if is_counted and (expected is None or self.store.count() != expected):
            taken = self._agree_with_hq(taken)
        complete_until = self._edge(taken.started)
        self.store.finish(complete_until, to_stamp(datetime.now(UTC)))
        self._fold_if_worthwhile()

    def _begin(self) -> Running:
        """Say what is to be read: everything, what is new, or the rest of a pull that broke off."""
        manifest = self.store.manifest
        running = manifest.running
        if running is None and manifest.complete_until is None:
            return Running(tuple(side_by_side(self.client, self.question, self.connections)))
        running = running or Running(segments=())
        open_ended = [segment for segment in running.segments if segment.until is None]
        if not open_ended:
            return replace(running, segments=(*running.segments, Segment(after=manifest.complete_until)))
        seen = self.store.last_stamp()
        if not open_ended[0].done and running.started and seen and seen < earlier(running.started, OVERLAP):
            # It broke off among old stamps: what changed since it began still lies ahead of it.
            return replace(running, started=None)
        return running

    def _pull(self, running: Running) -> _Taken:
        resumed = running.started is not None or any(segment.following or segment.done for segment in running.segments)
        pages = rows = 0
        totals: dict[int, int] = {}
        latest_totals: dict[int, int] = {}
        pieces = pull(self.client, self.question, running.segments, self._flattener.table)
        try:
            for piece in pieces:
                segments = list(running.segments)
                segments[piece.index] = piece.segment
                started = running.started or _trusted_time(piece.date)
                running = replace(running, segments=tuple(segments), started=started)
                self.store.append(piece.value, running)
                if piece.total is not None:
                    if piece.index not in totals and not resumed:
                        self.progress.expect(piece.total, self.question.resource.largest_page)
                    totals.setdefault(piece.index, piece.total)
                    latest_totals[piece.index] = piece.total
                self.progress.advance(piece.value.num_rows)
                pages += 1
                rows += piece.value.num_rows
        except CommCareError as error:
            if error.retryable and totals:
                error.args = (f"{error} {rows:,} of {sum(totals.values()):,} rows had arrived by then.",)
            raise
        finally:
            # A notebook keeps the frames of an interrupted cell, and with them what still asks for pages.
            pieces.close()
        whole = len(totals) == len(running.segments) and not resumed
        return _Taken(
            at_once=pages <= 1 and not resumed,
            in_order=len(running.segments) == 1 and pages > 0,
            started=running.started,
            total=sum(latest_totals.values()) if whole else None,
        )

    def _catch_up(self, started: str | None) -> _Taken:
        """Read what changed since `started`, and what the index had not shown by then."""
        return self._pull(Running((Segment(after=self._edge(started)),)))

    def _has_all_since(self, started: str | None) -> bool:
        """Whether a single reader, which meets what moves to the end, missed nothing that the index showed late."""
        edge = self._edge(started)
        return self.store.count(after=edge) == count(self.client, self.question, after=edge)

    def _agree_with_hq(self, taken: _Taken) -> _Taken:
        """Make sure that the table has as many rows as HQ, which never says that a record was deleted."""
        if self.store.count() == count(self.client, self.question):
            return taken
        taken = self._catch_up(taken.started)
        if self.store.count() != count(self.client, self.question):
            self._compare_ids()
        return taken

    def _compare_ids(self) -> None:
        before = self.store.count()
        comparison = comparison_of(self.store, self.client, self.question, self._flattener)
        gone = comparison.settle()
        if self.store.manifest.complete_until and len(gone) > WORTH_A_WARNING * before:
            warn(
                f"{len(gone):,} of {before:,} rows of {self.store.manifest.title} are no longer on HQ, and were "
                "taken out of the table. They were deleted, or changed their type, or this login may see less than "
                "the one before."
            )
        if self.store.count() != comparison.total:
            warn(
                f"HQ lists {comparison.total:,} rows of {self.store.manifest.title}, and the table has "
                f"{self.store.count():,}. Records are changing while they are read: read again later."
            )

    def _edge(self, started: str | None) -> str | None:
        """Return the stamp up to which a pull that began at `started` has seen everything.

        Where the server's clock is in doubt, the last stamp seen stands in for it.
        """
        last = started or self.store.last_stamp()
        return last and earlier(last, OVERLAP)

    def _fold_if_worthwhile(self) -> None:
        manifest = self.store.manifest
        small = sum(part.rows < SMALL_PART for part in manifest.parts)
        if manifest.superseded > FOLD_SHARE * manifest.rows or small > MOST_SMALL_PARTS:
            self.store.fold()

    @cached_property
    def _flattener(self) -> PageFlattener:
        return flattener(self.store.layout)


def is_fresh(store: Store, max_age: timedelta | None) -> bool:
    """Whether the table was refreshed within `max_age`."""
    refreshed = store.manifest.refreshed_at
    # A clock that went back makes no table fresh.
    return bool(max_age and refreshed and timedelta() <= datetime.now(UTC) - to_time(refreshed) <= max_age)


def _trusted_time(date: str | None) -> str | None:
    """Return the server's time, if this computer's clock agrees that it can be."""
    time = from_http_date(date)
    return to_stamp(time) if time and abs(time - datetime.now(UTC)) < OVERLAP else None
