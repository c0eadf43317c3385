"""Reading a table anew: of reports, users and much else HQ never says what changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from commcare_frames.cache.manifest import Manifest
from commcare_frames.cache.store import FOLDED_ROWS
from commcare_frames.errors import warn
from commcare_frames.hq.pull import Segment, pull
from commcare_frames.hq.stamps import to_stamp
from commcare_frames.tables.pages import rows_flattener

if TYPE_CHECKING:
    from commcare_frames.cache.refresh import Progress
    from commcare_frames.cache.store import Store
    from commcare_frames.hq.client import Client
    from commcare_frames.hq.pull import Piece, Question


@dataclass(frozen=True)
class _Taken:
    """What a pull took.

    Parameters
    ----------
    manifest
        The table that it makes.
    totals, shapes
        Every count of all rows and every set of columns that HQ gave on the way: of more than one, the data changed
        meanwhile, and rows may have moved from one page to another.
    arrived
        How many rows came, those included that came again.
    """

    manifest: Manifest
    totals: frozenset[int]
    shapes: frozenset[tuple[str, ...]]
    arrived: int

    @property
    def is_sound(self) -> bool:
        """Whether the rows are those that HQ counted, all the way; where it does not count, whether none came twice."""
        agreed = self.totals <= {self.manifest.rows} if self.totals else self.arrived == self.manifest.rows
        return agreed and len(self.shapes) <= 1


@dataclass(frozen=True)
class Renewal:
    """The renewal of one table: the old one stays as it is until the new one is whole.

    Parameters
    ----------
    store
        The table.
    client, question
        Who asks what.
    progress
        Told of rows as they arrive.
    """

    store: Store
    client: Client
    question: Question
    progress: Progress

    def run(self) -> None:
        """Read all rows, and put them in place of those that the table has.

        Raises
        ------
        CommCareError
            When the server does not let it finish; the table is then as it was.
        """
        with self.store.locked():
            taken = self._pull()
            if not taken.is_sound:
                taken = self._pull()
            if not taken.is_sound:
                warn(_doubt(taken))
            manifest = replace(taken.manifest, refreshed_at=to_stamp(datetime.now(UTC)))
            self.store.save(manifest)
            self.store.finish(None, str(manifest.refreshed_at))

    repair = run

    def _pull(self) -> _Taken:
        flattener = rows_flattener(self.store.layout)
        before = self.store.manifest
        manifest = Manifest(before.asked, before.layout, before.stamp)
        headers: dict[str, str] = {}
        shapes: set[tuple[str, ...]] = set()
        totals: set[int] = set()
        waiting: list[pa.Table] = []
        arrived = 0
        pieces = pull(self.client, self.question, [Segment()], flattener.table)
        try:
            for piece in pieces:
                headers |= piece.headers
                shapes.add(tuple(piece.headers))
                self._note_total(piece, totals)
                waiting.append(piece.value)
                arrived += piece.value.num_rows
                if sum(table.num_rows for table in waiting) >= FOLDED_ROWS:
                    manifest, waiting = self._with_rows(manifest, waiting), []
        finally:
            # A notebook keeps the frames of an interrupted cell, and with them what still asks for pages.
            pieces.close()
        if waiting:
            manifest = self._with_rows(manifest, waiting)
        manifest = replace(manifest, headers=headers, numbers=tuple(flattener.numbers))
        manifest = replace(manifest, rows=self.store.count_of(manifest))
        return _Taken(manifest, frozenset(totals), frozenset(shapes), arrived)

    def _note_total(self, piece: Piece[pa.Table], totals: set[int]) -> None:
        if piece.total is not None:
            if not totals and self.question.resource.largest_page:
                self.progress.expect(piece.total, self.question.resource.largest_page)
            totals.add(piece.total)
        self.progress.advance(piece.value.num_rows)

    def _with_rows(self, manifest: Manifest, tables: list[pa.Table]) -> Manifest:
        return self.store.with_rows(manifest, pa.concat_tables(tables, promote_options="default"))


def _doubt(taken: _Taken) -> str:
    title, rows = taken.manifest.title, taken.manifest.rows
    if not taken.totals:
        return (
            f"{taken.arrived - rows:,} of {rows:,} rows of {title} came twice, at a second reading too: HQ gives them "
            "out in no certain order, and others may be missing. Read fewer at a time, with a filter."
        )
    counted = " to ".join(f"{total:,}" for total in sorted({min(taken.totals), max(taken.totals)}))
    columns = ", with other columns from page to page" if len(taken.shapes) > 1 else ""
    return (
        f"HQ counted {counted} rows of {title} and gave {rows:,}{columns}; a second reading agreed no better. The data "
        "are changing while they are read, page by page: rows may be missing or stand there twice. Read it again later."
    )
