"""A table that is kept in memory only: for pulls that nobody asked to cache."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as ds

from commcare_frames.cache.manifest import Manifest, Part
from commcare_frames.cache.store import Store, stamp_range, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from commcare_frames.tables.layout import Layout


class MemoryStore(Store):
    """A table that nothing is written of."""

    def __init__(self, asked: dict[str, Any], layout: Layout, *, stamp: str | None) -> None:
        super().__init__(layout, stamp=stamp)
        self._manifest = Manifest(asked, layout.name, stamp)
        self._tables: dict[str, pa.Table] = {}
        self._numbers = itertools.count(1)

    @property
    def manifest(self) -> Manifest:
        """What the table consists of now."""
        return self._manifest

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest, and forget the parts it does not name."""
        self._manifest = manifest
        named = {part.file for part in manifest.parts}
        self._tables = {name: table for name, table in self._tables.items() if name in named}

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Nobody else sees this table."""
        return contextlib.nullcontext()

    def _open(self, parts: Sequence[Part], schema: pa.Schema) -> ds.Dataset:
        return ds.dataset(together([self._tables[part.file] for part in parts], schema))

    def _keep(self, table: pa.Table) -> Part:
        name = f"part {next(self._numbers)}"
        self._tables[name] = table
        first, last = stamp_range(table, self.stamp)
        return Part(name, table.num_rows, table.nbytes, first, last)

    def _discard(self, part: Part) -> None:
        self._tables.pop(part.file, None)
