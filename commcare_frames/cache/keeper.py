"""Writes the rows of a pull in a thread of its own, while the next page is taken apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    import pyarrow as pa

    from commcare_frames.cache.manifest import Running
    from commcare_frames.cache.store import Store


class Progress(Protocol):
    """Whoever shows how far a pull has come."""

    def expect(self, rows: int, largest_page: int) -> None:
        """Learn how many more rows are to come, and how many of them a request brings at most."""

    def advance(self, rows: int) -> None:
        """Learn that rows have arrived."""


class Keeper:
    """Appends to a store, one page after the other; only one is under way at a time.

    Parameters
    ----------
    store
        Where rows are kept.
    progress
        Told of rows once they are kept.

    Attributes
    ----------
    rows
        How many rows were kept.
    """

    def __init__(self, store: Store, progress: Progress) -> None:
        self._store = store
        self._progress = progress
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="commcare_frames")
        self._pending: tuple[Future[None], int] | None = None
        self.rows = 0

    def keep(self, table: pa.Table, running: Running) -> None:
        """Keep rows, and how far the pull has come; what went wrong with those before is raised here."""
        self.settle()
        self._pending = (self._pool.submit(self._store.append, table, running), table.num_rows)

    def settle(self) -> None:
        """Wait until everything is kept, and raise what went wrong."""
        if self._pending is None:
            return
        (kept, rows), self._pending = self._pending, None
        kept.result()
        self.rows += rows
        self._progress.advance(rows)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let what is under way come to its end."""
        try:
            if kind is None:
                self.settle()
        finally:
            self._pool.shutdown()
