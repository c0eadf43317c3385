"""What a person does with the cache as a whole: list its tables, verify, compact and clear them."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from commcare_frames.cache import places
from commcare_frames.cache.disk import MANIFEST, SET_ASIDE, DiskStore, explained
from commcare_frames.cache.manifest import Manifest, UnreadableManifestError
from commcare_frames.cache.store import FOLDED_ROWS
from commcare_frames.tables.pages import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LONGEST_EXPORT = 86_400  # seconds
ADDRESS = ("server", "domain", "kind", "case_type")


@dataclass(frozen=True)
class CachedTable:
    """One cached table, as its folder shows it: nothing is changed, set aside or asked of a server.

    Parameters
    ----------
    folder
        Where it lies.
    """

    folder: Path

    @cached_property
    def manifest(self) -> Manifest | None:
        """What it consists of; None where that cannot be read."""
        try:
            with explained(self.folder):
                return Manifest.from_json((self.folder / MANIFEST).read_bytes())
        except UnreadableManifestError:
            return None

    @property
    def host(self) -> str:
        """Host name of the server."""
        return urlsplit(self.manifest.asked["server"]).netloc if self.manifest else self._names[0]

    @property
    def domain(self) -> str:
        """The domain."""
        return str(self.manifest.asked["domain"]) if self.manifest else self._names[1]

    @property
    def kind(self) -> str:
        """The kind of data, such as ``"cases"``."""
        return str(self.manifest.asked["kind"]) if self.manifest else self._names[2]

    @property
    def what(self) -> str:
        """What it holds: a case type, with the filters of a filtered read."""
        asked = self.manifest.asked if self.manifest else {}
        filters = [f"{name}={value}" for name, value in asked.items() if name not in ADDRESS]
        return ", ".join([asked.get("case_type", self._names[3] if not filters else "all"), *filters])

    @property
    def rows(self) -> int:
        """Number of records; of a first pull that broke off, those that had arrived."""
        if self.manifest is None:
            return 0
        return self.manifest.rows if self.manifest.refreshed_at else sum(part.rows for part in self.manifest.parts)

    @property
    def superseded(self) -> int:
        """Number of rows for which there is a later version."""
        return self.manifest.superseded if self.manifest and self.manifest.refreshed_at else 0

    @property
    def parts(self) -> int:
        """Number of its Parquet files that count."""
        return len(self.manifest.parts) if self.manifest else 0

    @property
    def size(self) -> int:
        """Bytes of everything in its folder."""
        return size_of(self.folder)

    @property
    def refreshed_at(self) -> str | None:
        """When it was last brought up to date."""
        return self.manifest.refreshed_at if self.manifest else None

    @property
    def state(self) -> str:
        """``"complete"``, ``"broken off"`` (or being refreshed at this moment), or ``"unreadable"``."""
        if self.manifest is None:
            return "unreadable"
        return "broken off" if self.manifest.running or not self.refreshed_at else "complete"

    def misfits(self) -> list[str]:
        """Return the files that are missing or of another size than they were written with: a quick look."""
        found = {path.name: path.stat().st_size for path in self.folder.iterdir()}
        parts = self.manifest.parts if self.manifest else ()
        return [part.file for part in parts if found.get(part.file) != part.size]

    def damaged(self) -> list[str]:
        """Read everything to the last byte, and return the files that are damaged or missing."""
        store = self._store()
        return [part.file for part in store.damaged()] if store else [MANIFEST]

    @property
    def is_compact(self) -> bool:
        """Whether compacting it would gain nothing."""
        return not self.superseded and self.parts <= math.ceil(self.rows / FOLDED_ROWS)

    def compact(self) -> None:
        """Drop superseded rows and join small parts; the rows that count stay as they are.

        Raises
        ------
        CacheError
            When a part is damaged or the disk is full; the table is then as it was.
        """
        store = self._store()
        if store:
            with store.locked():
                store.fold()

    def clear(self) -> None:
        """Delete the table, once no other process is refreshing it."""
        store = self._store()
        if store:
            store.clear()
        else:
            remove(self.folder)

    def _store(self) -> DiskStore | None:
        if self.manifest is None:
            return None
        return DiskStore(self.folder, self.manifest.asked, LAYOUTS[self.manifest.layout], stamp=self.manifest.stamp)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(map(unquote, self.folder.parts[-4:]))


def cached_tables(*, domain: str | None = None, what: str | None = None) -> list[CachedTable]:
    """Return the cached tables.

    Parameters
    ----------
    domain
        Only those of this domain.
    what
        Only those of this name, such as a case type.

    Returns
    -------
    list of CachedTable
        In the order of their folders.
    """
    tables = map(CachedTable, places.table_folders())
    return [table for table in tables if domain in {None, table.domain} and what in {None, table.what}]


def documents(*, domain: str | None = None) -> Iterator[Path]:
    """Give what is kept of a domain's applications and lookup tables, to name forms and label choices by.

    Parameters
    ----------
    domain
        Only those of this domain.

    Yields
    ------
    Path
        A folder of documents.
    """
    for folder in sorted(places.root().glob(f"*/*/{places.APPLICATIONS}/*")):
        if domain in {None, unquote(folder.parts[-3])}:
            yield folder


def set_aside(*, domain: str | None = None, what: str | None = None) -> Iterator[Path]:
    """Give what nobody reads any more: damaged files and tables, and what exports that were killed left behind.

    Parameters
    ----------
    domain, what
        As for `cached_tables`.

    Yields
    ------
    Path
        A file or folder.
    """
    for folder in sorted(places.root().glob(f"*/*/*/*{SET_ASIDE}*")):
        name = unquote(folder.name.partition(SET_ASIDE)[0])
        if domain in {None, unquote(folder.parts[-3])} and what in {None, name}:
            yield folder
    for table in cached_tables(domain=domain, what=what):
        yield from sorted(table.folder.glob("*.damaged"))
    if domain is None and what is None:
        for folder in sorted(places.root().glob("export-*")):
            if time.time() - folder.stat().st_mtime > LONGEST_EXPORT:
                yield folder


def remove(path: Path) -> None:
    """Delete a file, or a folder with all that is in it."""
    with explained(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files: Iterable[Path] = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
