"""What every reader does: find the table, bring it up to date, give it out."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pandas as pd

from commcare_frames.cache import places
from commcare_frames.cache.disk import DiskStore
from commcare_frames.cache.memory import MemoryStore
from commcare_frames.cache.refresh import Refresh, is_fresh
from commcare_frames.cache.renewal import Renewal
from commcare_frames.cache.store import UnsoundTableError
from commcare_frames.errors import CacheError, QueryError
from commcare_frames.read.frames import frame_of
from commcare_frames.read.progress import ProgressLine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import timedelta
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.dataset as ds

    from commcare_frames.cache.store import Store
    from commcare_frames.connection import Domain
    from commcare_frames.hq.pull import Question
    from commcare_frames.tables.dtypes import Dtypes
    from commcare_frames.tables.layout import Layout

Cache = bool | Literal["offline"]

NAMES = ("case_type", "form", "xmlns", "report", "data_source", "lookup_table", "feed")
"""What a request may name: the first that it does is its title."""

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What a call wants to read.

    Parameters
    ----------
    domain
        From where.
    question, layout
        What to ask, and how its records become columns.
    kind
        The kind of data, such as ``"cases"``.
    what
        Name of the whole table that is asked for, such as a case type; None for a filtered read, which is a pull of
        its own: a record that stops matching a filter never shows up among the changes.
    asked
        What is asked, in words for people.
    """

    domain: Domain
    question: Question
    layout: Layout
    kind: str
    what: str | None
    asked: dict[str, Any]

    @property
    def title(self) -> str:
        """A short name for progress."""
        return str(next((self.asked[name] for name in NAMES if self.asked.get(name)), self.kind))

    @property
    def folder(self) -> Path:
        """Where the table is cached."""
        # What came as XML is kept apart: HQ leaves out of it what XML cannot hold.
        wire = () if self.question.wire == "json" else (self.question.wire,)
        if self.what is not None:
            return places.folder(self.domain.host, self.domain.name, " as ".join((self.kind, *wire)), self.what)
        asked = json.dumps([self.question.resource.path + self.question.tail, *self.question.params, *wire])
        name = hashlib.sha256(asked.encode()).hexdigest()[:24]
        return places.folder(self.domain.host, self.domain.name, "queries", name)

    def on_disk(self, folder: Path, *, holds: bool = False) -> DiskStore:
        """Return the table in a folder; whether it `holds` what is written, see `DiskStore`."""
        return DiskStore(folder, self._about, self.layout, stamp=self.question.resource.stamp, holds=holds)

    def in_memory(self) -> MemoryStore:
        """Return a table that is not kept."""
        return MemoryStore(self._about, self.layout, stamp=self.question.resource.stamp)

    @property
    def _about(self) -> dict[str, Any]:
        return {"server": self.domain.server, "domain": self.domain.name, "kind": self.kind, **self.asked}


@dataclass(frozen=True)
class Reading:
    """A table that a call reads, brought up to date as far as the call allows.

    Parameters
    ----------
    request
        What is read.
    store
        The table.
    cache, max_age, progress, connections
        As the caller said; see `read_cases`.
    """

    request: Request
    store: Store
    cache: Cache = True
    max_age: timedelta | None = None
    progress: bool | None = None
    connections: int = 1

    @classmethod
    def of(
        cls,
        request: Request,
        *,
        cache: Cache,
        max_age: str | timedelta | None,
        progress: bool | None,
        connections: int,
        scratch: Path | None = None,
        is_for_frame: bool = False,
    ) -> Reading:
        """Choose where the table lies, and bring it up to date.

        Parameters
        ----------
        request
            What is read.
        cache, max_age, progress, connections
            As the caller said.
        scratch
            A folder for a table that is not kept but too large for memory.
        is_for_frame
            Whether all rows are wanted in memory, so that they need not be read from the disk once they have arrived.
        """
        check_cache(cache)
        age = to_age(max_age)
        is_kept = cache == "offline" or (cache is True and (request.what is not None or age is not None))
        folder = request.folder if is_kept else scratch
        store = request.on_disk(folder, holds=is_for_frame) if folder else request.in_memory()
        reading = cls(request, store, cache, age, progress, connections)
        reading._bring_up_to_date()
        return reading

    def table(self, columns: Collection[str] | None = None) -> pa.Table:
        """Return the rows as an Arrow table, values as HQ sent them."""
        return self.sound(lambda: self.store.read(columns))

    def dataset(self) -> ds.Dataset:
        """Return the table as a dataset, not loaded."""
        return self.sound(self.store.dataset)

    def sound(self, look: Callable[[], T]) -> T:
        """Return what `look` makes of the table, which is put right first where it is damaged or lacks rows by now."""
        with contextlib.suppress(UnsoundTableError):
            return look()
        if self.cache == "offline":
            return look()
        with self.store.locked():
            with contextlib.suppress(UnsoundTableError):
                return look()  # another process has put it right meanwhile
            with self._line() as line:
                self._refresh(line).repair()
            return look()

    def forget(self) -> None:
        """Remove what is cached of a table that turned out not to exist."""
        if isinstance(self.store, DiskStore):
            self.store.clear()

    def frame(self, table: pa.Table, dtypes: Dtypes, columns: Sequence[str] | None) -> pd.DataFrame:
        """Return a table of this reading as the DataFrame that the caller sees."""
        manifest = self.store.manifest
        # Kept small, as pandas copies it often.
        attributes = {**manifest.asked, "refreshed_at": manifest.refreshed_at, "rows": table.num_rows}
        return frame_of(
            table,
            self.request.layout,
            dtypes=dtypes,
            attributes=attributes,
            columns=columns,
            known=manifest.columns,
        )

    def _bring_up_to_date(self) -> None:
        manifest = self.store.manifest
        if self.cache == "offline":
            if manifest.refreshed_at is None:
                in_part = " as a whole, as a pull broke off or a part was damaged" if manifest.parts else ""
                raise CacheError(
                    f"Nothing is cached for {self.request.title!r} of domain {self.request.domain.name!r}{in_part}. "
                    "Read it once with cache=True while there is a network."
                )
            return
        if is_fresh(self.store, self.max_age):
            return
        with self.store.locked():
            if is_fresh(self.store, self.max_age):
                return  # another process has refreshed it meanwhile
            if self.request.what is None and self.store.manifest.refreshed_at:
                self.store.empty()
            with self._line() as line:
                self._refresh(line).run()

    def _line(self) -> ProgressLine:
        is_kept = isinstance(self.store, DiskStore) and self.store.folder == self.request.folder
        resumes = is_kept and self.request.question.resource.stamp is not None
        return ProgressLine(self.request.title, self.request.domain.client, show=self.progress, resumes=resumes)

    def _refresh(self, line: ProgressLine) -> Refresh | Renewal:
        if self.request.question.resource.stamp is None:
            return Renewal(self.store, self.request.domain.client, self.request.question, line)
        return Refresh(
            self.store, self.request.domain.client, self.request.question, line, connections=self.connections
        )


def check_cache(cache: object) -> None:
    """Raise for a `cache` that is none of what a caller may ask for."""
    if cache not in (True, False, "offline"):
        raise QueryError(f"cache={cache!r} is none of True, False and 'offline'.")


def to_age(max_age: str | timedelta | None) -> timedelta | None:
    """Read what a caller says of how old a table may be."""
    if max_age is None:
        return None
    try:
        age = pd.Timedelta(max_age)
        if pd.isna(age):
            raise ValueError(max_age)
    except (ValueError, TypeError) as error:
        raise QueryError(f"max_age={max_age!r} is no length of time: write '30min', '1h' or '2 days'.") from error
    return age.to_pytimedelta()
