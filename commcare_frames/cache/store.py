"""One table made of parts and a manifest, in which the latest version of a row wins."""

from __future__ import annotations

import abc
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from commcare_frames.cache.latest import is_among, latest_rows, take_rows
from commcare_frames.cache.manifest import Manifest, Part, Running
from commcare_frames.errors import CacheError, warn
from commcare_frames.hq.pull import Segment
from commcare_frames.hq.stamps import MILLISECOND, earlier, from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from commcare_frames.tables.layout import Layout

FOLDED_ROWS = 50_000
READ_ATTEMPTS = 3


class UnsoundTableError(CacheError):
    """A cached table is not to be read as it is; a refresh puts it right."""


class DamagedPartError(UnsoundTableError):
    """A part of a cached table cannot be read any more."""


class IncompleteTableError(UnsoundTableError):
    """A cached table does not have all its rows yet."""


class Store(abc.ABC):
    """A table of parts; where they are kept is up to the subclass.

    Parameters
    ----------
    layout
        How its records are laid out as columns.
    stamp
        The column that tells when a row last changed.
    """

    def __init__(self, layout: Layout, *, stamp: str | None) -> None:
        self.layout = layout
        self.key = layout.id_column
        self.stamp = stamp
        self._latest_of: tuple[tuple[Part, ...], NDArray[np.int64]] = ((), np.empty(0, np.int64))

    @property
    @abc.abstractmethod
    def manifest(self) -> Manifest:
        """What the table consists of now."""

    @abc.abstractmethod
    def save(self, manifest: Manifest) -> None:
        """Put a manifest in place of the old one, in one step."""

    @abc.abstractmethod
    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep other processes from changing the table meanwhile; readers are not kept waiting."""

    @abc.abstractmethod
    def _open(self, parts: Sequence[Part], schema: pa.Schema) -> ds.Dataset:
        """Open parts with the given columns; what a part lacks is missing."""

    @abc.abstractmethod
    def _keep(self, table: pa.Table) -> Part:
        """Keep rows as a new part, which counts once a manifest names it."""

    @abc.abstractmethod
    def _discard(self, part: Part) -> None:
        """Put a damaged part out of the way."""

    def append(self, table: pa.Table, running: Running | None) -> None:
        """Add rows as a new part, and note how far the pull has come, in one step."""
        self.save(self.with_rows(replace(self.manifest, running=running), table))

    def with_rows(self, manifest: Manifest, table: pa.Table) -> Manifest:
        """Keep rows as a new part, and return the manifest that names it, to be saved."""
        manifest = manifest.with_columns(table.schema)
        return replace(manifest, parts=(*manifest.parts, self._keep(table))) if table.num_rows else manifest

    def empty(self) -> None:
        """Forget all rows, so that they are read anew."""
        manifest = self.manifest
        self.save(Manifest(manifest.asked, manifest.layout, manifest.stamp))

    def finish(self, complete_until: str | None, refreshed_at: str) -> None:
        """Note that the table is complete up to a change stamp."""
        self.save(
            replace(
                self.manifest,
                rows=self.count(),
                complete_until=complete_until,
                refreshed_at=refreshed_at,
                running=None,
            )
        )

    def count(self, *, after: str | None = None, until: str | None = None) -> int:
        """Return the number of distinct rows, of those whose stamp is later than `after` and not later than `until`."""
        manifest = self.manifest
        rows = self._latest(manifest)
        return len(rows) if after is None and until is None else len(self._within(manifest, after, until))

    def count_of(self, manifest: Manifest) -> int:
        """Return the number of distinct rows of a manifest that is not saved yet."""
        return len(self._latest(manifest))

    def keys(self, *, after: str | None = None, until: str | None = None) -> set[str]:
        """Return the ids of rows, of those whose stamp is later than `after` and not later than `until`."""
        manifest = self.manifest
        keys = self._load(manifest.parts, manifest.schema, [self.key])[self.key]
        if after is None and until is None:
            return set(keys.to_pylist())
        return set(keys.take(pa.array(self._within(manifest, after, until))).to_pylist())

    def middle(self, *, after: str | None = None, until: str | None = None) -> str | None:
        """Return a stamp that halves the rows in a stretch of time; None where they share one stamp."""
        manifest = self.manifest
        moments = np.sort(self._moments(manifest)[self._within(manifest, after, until)])
        if not len(moments) or moments[0] == moments[-1]:
            return None
        half = moments[(len(moments) - 1) // 2]
        return from_milliseconds(int(half if half < moments[-1] else moments[moments < moments[-1]][-1]))

    def _within(self, manifest: Manifest, after: str | None, until: str | None) -> NDArray[np.int64]:
        """Return the positions of the rows that count within a stretch of time, as HQ's index sees it."""
        rows = self._latest(manifest)
        moments = self._moments(manifest)[rows]
        low, high = (stamp and to_milliseconds(stamp) for stamp in (after, until))
        is_within = np.ones(len(rows), dtype=bool)
        if low:
            is_within &= moments > low
        if high:
            is_within &= moments <= high
        return rows[is_within]

    def _moments(self, manifest: Manifest) -> NDArray[np.int64]:
        """Return the stamps of all rows to the millisecond, which is all that HQ's index looks at."""
        stamps = self._load(manifest.parts, manifest.schema, [str(self.stamp)])[str(self.stamp)]
        moments: NDArray[np.int64] = stamps.cast(pa.int64()).to_numpy() // 1000
        return moments

    def last_stamp(self) -> str | None:
        """Return the latest change stamp that was seen."""
        return max((part.last for part in self.manifest.parts if part.last), default=None)

    def read(self, columns: Collection[str] | None = None) -> pa.Table:
        """Read the rows that count, ordered by change stamp and id.

        Parameters
        ----------
        columns
            The columns to read, of which those that the table lacks are left out; by default all that have a value.
        """
        for _ in range(READ_ATTEMPTS):
            manifest = self._whole()
            try:
                table = self._rows(manifest, columns)
            except DamagedPartError:
                if self.manifest.parts == manifest.parts:
                    raise
                continue  # folded meanwhile by another process: there is a new manifest now
            return self._tidy(table) if columns is None else table.select(self._ordered(table, columns))
        raise self._damage()

    def dataset(self) -> ds.Dataset:
        """Return the table as a dataset that holds each row once."""
        manifest = self._whole()
        if manifest.superseded:
            with self.locked():
                self.fold()
                manifest = self._whole()
        with self._readable():
            return self._open(sorted_parts(manifest.parts), manifest.schema)

    def fold(self, drop: Collection[str] = ()) -> None:
        """Write the rows that count into new parts, without superseded ones and those whose id is in `drop`.

        One part after the other is read, so that memory does not grow with the table.
        """
        manifest = self.manifest
        counts = is_among(self._latest(manifest), sum(part.rows for part in manifest.parts))
        gone = pa.array(list(drop), pa.string())
        parts: list[Part] = []
        schemas: list[pa.Schema] = []
        waiting: list[pa.Table] = []
        offset = 0
        for number, part in enumerate(sorted_parts(manifest.parts), 1):
            table = self._load([part], manifest.schema)
            dropped = pc.is_in(table[self.key], value_set=gone)
            waiting.append(
                table.filter(pc.and_not(pa.array(counts[offset : offset + part.rows]), dropped.combine_chunks()))
            )
            offset += part.rows
            if sum(piece.num_rows for piece in waiting) >= FOLDED_ROWS or number == len(manifest.parts):
                folded = self._tidy(self._in_order(pa.concat_tables(waiting)))
                waiting = []
                if folded.num_rows:
                    parts.append(self._keep(folded))
                    schemas.append(folded.schema)
        schema = pa.unify_schemas(schemas) if schemas else manifest.schema
        columns = {column.name: str(column.type) for column in schema}
        rows = sum(part.rows for part in parts)
        self.save(replace(manifest, parts=tuple(parts), columns=columns, rows=rows))

    def damaged(self) -> list[Part]:
        """Read every part to its last byte and return those that are damaged or missing."""
        manifest = self.manifest
        return [part for part in manifest.parts if not self._is_sound(part, manifest.schema)]

    def set_aside(self, damaged: Collection[Part]) -> None:
        """Take damaged parts out of the table, and note that what they held is to be fetched again."""
        manifest = self.manifest
        lost = tuple(
            Segment(after=earlier(part.first, MILLISECOND) if part.first else None, until=part.last) for part in damaged
        )
        running = manifest.running or Running(segments=())
        self.save(
            replace(
                manifest,
                parts=tuple(part for part in manifest.parts if part not in damaged),
                refreshed_at=None,
                running=replace(running, segments=(*running.segments, *lost)),
            )
        )
        for part in damaged:
            self._discard(part)
            warn(
                f"Part {part.file} of the cached {manifest.title} is damaged. It was set aside, and its "
                f"{part.rows:,} rows are fetched again."
            )

    def _in_order(self, table: pa.Table) -> pa.Table:
        return take_rows(table, latest_rows(table, self.key, self.stamp))

    def _ordered(self, table: pa.Table, columns: Collection[str]) -> list[str]:
        return self.layout.ordered(name for name in table.column_names if name in columns)

    def _tidy(self, table: pa.Table) -> pa.Table:
        """Order the columns, without those that no record has any more."""
        if not table.num_rows:
            return table.select(self.layout.ordered(table.column_names))
        always = {column.name for column in self.layout.metadata if column.when == "always"}
        used = {name for name in table.column_names if table[name].null_count < table.num_rows}
        return table.select(self._ordered(table, always | used))

    def _whole(self) -> Manifest:
        """Return the manifest of a table that has all its rows."""
        return self.manifest

    @property
    def _versions(self) -> list[str]:
        return [self.key, self.stamp] if self.stamp else [self.key]

    def _latest(self, manifest: Manifest) -> NDArray[np.int64]:
        """Return the positions of the rows that count, over all parts, in the order in which they are read."""
        parts, rows = self._latest_of
        if parts != manifest.parts:
            versions = self._load(manifest.parts, manifest.schema, self._versions)
            rows = latest_rows(versions, self.key, self.stamp)
            self._latest_of = (manifest.parts, rows)
        return rows

    def _rows(self, manifest: Manifest, columns: Collection[str] | None) -> pa.Table:
        """Return the rows that count, in their order."""
        return take_rows(self._load(manifest.parts, manifest.schema, columns), self._latest(manifest))

    def _load(self, parts: Sequence[Part], schema: pa.Schema, columns: Collection[str] | None = None) -> pa.Table:
        if columns is not None:
            schema = pa.schema([column for column in schema if column.name in columns])
        with self._readable():
            return self._open(sorted_parts(parts), schema).to_table()

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn errors of damaged files into ours."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise self._damage() from error

    def _damage(self) -> DamagedPartError:
        return DamagedPartError(
            f"A part of the cached {self.manifest.title} is damaged or missing. The next call that may use the network "
            "fetches it again; `commcare-frames cache verify` says which part it is."
        )

    def _is_sound(self, part: Part, schema: pa.Schema) -> bool:
        try:
            return bool(self._load([part], schema).num_rows == part.rows)
        except DamagedPartError:
            return False


def together(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """Return tables as one with the given columns; what a table lacks is missing."""
    return pa.concat_tables([schema.empty_table(), *tables], promote_options="default").select(schema.names)


def sorted_parts(parts: Sequence[Part]) -> list[Part]:
    """Order parts by the stamps they begin with, so that most tables are in order as they stand."""
    return sorted(parts, key=lambda part: (part.first or "", part.last or ""))


def stamp_range(table: pa.Table, stamp: str | None) -> Iterator[str | None]:
    """Give the first and the last change stamp in a table."""
    ends = pc.min_max(table[stamp]).as_py() if stamp else {"min": None, "max": None}
    for end in (ends["min"], ends["max"]):
        yield end and end.isoformat(timespec="microseconds").replace("+00:00", "Z")
