"""A table in a folder of Parquet files that only its owner can read."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import time
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from commcare_frames.cache.latest import is_among, keep_rows, take_rows
from commcare_frames.cache.manifest import Manifest, Part, UnreadableManifestError
from commcare_frames.cache.store import IncompleteTableError, Store, sorted_parts, stamp_range, together
from commcare_frames.errors import CacheError, warn
from commcare_frames.hq.client import SHOWN_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import pyarrow as pa

    from commcare_frames.tables.layout import Layout

logger = logging.getLogger("commcare_frames")

MANIFEST = "manifest.json"
LOCK = "lock"
SET_ASIDE = ".unreadable-"
GRACE_SECONDS = 3600  # how long a part that nothing names any more stays for readers that opened it before


class DiskStore(Store):
    """A table in a folder.

    Parameters
    ----------
    folder
        Where it is, or will be.
    asked
        What the table holds, in words for people.
    layout
        How its records are laid out as columns.
    stamp
        The column that tells when a row last changed.
    holds
        Whether what is written stays in memory, for a caller who wants all rows there next.
    """

    def __init__(
        self, folder: Path, asked: dict[str, Any], layout: Layout, *, stamp: str | None, holds: bool = False
    ) -> None:
        super().__init__(layout, stamp=stamp)
        self.folder = folder
        self._empty = Manifest(asked, layout.name, stamp)
        self._lock = FileLock(folder / LOCK, mode=0o600)
        self._verified: set[Part] = set()
        self._holds = holds
        self._held: dict[str, pa.Table] = {}

    @property
    def manifest(self) -> Manifest:
        """What is on disk now; an empty table where there is nothing, or nothing that can be read."""
        try:
            return Manifest.from_json((self.folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            return self._empty
        except UnreadableManifestError as error:
            self._start_over(str(error))
            return self._empty
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def save(self, manifest: Manifest) -> None:
        """Put a manifest in place of the old one, in one step."""
        self._write(MANIFEST, lambda file: file.write(manifest.to_json().encode()))
        named = {part.file for part in manifest.parts}
        self._held = {name: table for name, table in self._held.items() if name in named}

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep other processes from changing the table meanwhile; readers are not kept waiting."""
        return holding(self._lock, self._empty.title)

    def finish(self, complete_until: str | None, refreshed_at: str) -> None:
        """Finish as every store does, then delete what folds and processes that were killed left behind."""
        super().finish(complete_until, refreshed_at)
        named = {MANIFEST, LOCK, *(part.file for part in self.manifest.parts)}
        for file in self.folder.iterdir():
            if file.name not in named and time.time() - file.stat().st_mtime > GRACE_SECONDS:
                with contextlib.suppress(OSError):  # on Windows a file that is being read cannot be deleted
                    file.unlink()

    def clear(self) -> None:
        """Delete the table, once no other process is changing it."""
        with self.locked(), explained(self.folder):
            (self.folder / MANIFEST).unlink(missing_ok=True)
            for path in self.folder.iterdir():
                if path.name != LOCK:
                    path.unlink()
        with contextlib.suppress(OSError):  # another process may have come in
            (self.folder / LOCK).unlink()
            self.folder.rmdir()

    def _open(self, parts: Sequence[Part], schema: pa.Schema) -> ds.Dataset:
        self._verify(parts)
        if self._holds:
            return ds.dataset(together(_side_by_side(lambda part: self._part(part, schema.names), parts), schema))
        return ds.dataset([str(self.folder / part.file) for part in parts], schema=schema, format="parquet")

    def _rows(self, manifest: Manifest, columns: Collection[str] | None) -> pa.Table:
        if not self._holds or columns is not None:
            return super()._rows(manifest, columns)
        rows = self._latest(manifest)
        parts = sorted_parts(manifest.parts)
        starts = list(itertools.accumulate((part.rows for part in parts), initial=0))
        counts = is_among(rows, starts[-1])

        def counting(part: Part, start: int) -> pa.Table:
            # Part by part, the memory of what is left out serves the next one.
            return keep_rows(self._part(part), counts[start : start + part.rows])

        with self._readable():
            self._verify(parts)
            table = together(_side_by_side(counting, parts, starts), manifest.schema)
        places = np.cumsum(counts) - 1
        return take_rows(table, places[rows])

    def _verify(self, parts: Sequence[Part]) -> None:
        # Parquet's own checksums leave out the footer: a column misnamed there would silently be read as missing.
        for part in set(parts) - self._verified:
            if part.file not in self._held:
                if self._checksum(part.file) != part.checksum:
                    raise OSError(f"{part.file} is not as it was written")
                self._verified.add(part)

    def _part(self, part: Part, columns: Collection[str] | None = None) -> pa.Table:
        if part.file in self._held:
            return self._held[part.file]
        with pq.ParquetFile(self.folder / part.file) as file:
            if file.metadata.num_rows != part.rows:
                raise OSError(f"{part.file} has not the rows that it had")
            names = None if columns is None else [name for name in file.schema_arrow.names if name in columns]
            return file.read(names, use_threads=False)

    def _keep(self, table: pa.Table) -> Part:
        name = f"{time.time_ns() // 1_000_000:013d}-{uuid.uuid4().hex[:8]}.parquet"
        size = self._write(name, lambda file: self._write_rows(table, file))
        if self._holds:
            self._held[name] = table
        first, last = stamp_range(table, self.stamp)
        return Part(name, table.num_rows, size, first, last, self._checksum(name))

    def _write_rows(self, table: pa.Table, file: IO[bytes]) -> None:
        """Write what is quick to write and read, rather than small: a pull waits for it, page by page."""
        ordered = [self.stamp] if self.stamp else []
        pq.write_table(table, file, compression="lz4", use_dictionary=False, write_statistics=ordered)

    def _discard(self, part: Part) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self.folder / part.file).rename(self.folder / f"{part.file}.damaged")

    def _whole(self) -> Manifest:
        manifest = self.manifest
        if manifest.refreshed_at is None:
            raise IncompleteTableError(
                f"The cached {manifest.title} was cleared, or is being fetched anew, by another program. Read it again."
            )
        return manifest

    def _is_sound(self, part: Part, schema: pa.Schema) -> bool:
        self._verified.discard(part)
        self._held.pop(part.file, None)
        return super()._is_sound(part, schema)

    def _checksum(self, name: str) -> int:
        checksum = 0
        with (self.folder / name).open("rb") as file:
            while chunk := file.read(1 << 20):
                checksum = zlib.crc32(chunk, checksum)
        return checksum

    def _start_over(self, why: str) -> None:
        aside = self.folder.with_name(f"{self.folder.name}{SET_ASIDE}{time.time_ns()}")
        with explained(self.folder):
            self.folder.rename(aside)
            make_private(self.folder)
        warn(
            f"The cached table in {self.folder} cannot be used: {why}. It was set aside as {aside.name}, "
            "and is fetched anew."
        )

    def _write(self, name: str, write: Callable[[IO[bytes]], object]) -> int:
        return write_whole(self.folder / name, write)


def _side_by_side(read: Callable[..., pa.Table], parts: Sequence[Part], *others: Sequence[Any]) -> list[pa.Table]:
    with ThreadPoolExecutor() as pool:  # Arrow's own threads would be put to work part by part
        return list(pool.map(read, parts, *others))


@contextlib.contextmanager
def holding(lock: FileLock, title: str) -> Iterator[None]:
    """Keep other processes out of what a lock guards, in a folder that is made if need be."""
    folder = Path(lock.lock_file).parent
    with explained(folder):
        make_private(folder)
        try:
            lock.acquire(timeout=SHOWN_WAIT)
        except Timeout:
            logger.warning("Another program is refreshing %s. Waiting for it.", title)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> int:
    """Write a file beside its place, move it there once it is whole and on the disk, and return its size."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    with explained(path.parent):
        try:
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return size


def make_private(folder: Path) -> None:
    """Create a folder that only its owner may open: the tables are people's health records."""
    for path in reversed([folder, *folder.parents]):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn errors of the disk into ours."""
    try:
        yield
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> CacheError:
    return CacheError(
        f"The cache folder {folder} cannot be used: {error.strerror or error}. What it held before is unchanged. "
        "Make room or check its permissions, set COMMCARE_CACHE_DIR to a folder that can be written, "
        "or pass cache=False."
    )
