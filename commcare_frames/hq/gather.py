"""Runs iterators in threads and gives what they yield as it comes: the next page is fetched while one is used."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from commcare_frames.hq.client import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

T = TypeVar("T")

STOP_CHECK = 0.1  # seconds


class _End:
    """The end of one source, with the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Feed(Generic[T]):
    """A queue that sources put items into until it is stopped."""

    def __init__(self, size: int) -> None:
        self.stop = threading.Event()
        self.items: queue.Queue[T | _End] = queue.Queue(size)

    def run(self, source: Callable[[threading.Event], Iterator[T]]) -> None:
        """Put all items of a source, then its end."""
        try:
            for item in source(self.stop):
                self._put(item)
            end = _End()
        except CancelledError:
            return
        except BaseException as error:  # noqa: BLE001  raised again where the items are taken
            end = _End(error)
        with contextlib.suppress(CancelledError):
            self._put(end)

    def _put(self, item: T | _End) -> None:
        while not self.stop.is_set():
            try:
                self.items.put(item, timeout=STOP_CHECK)
            except queue.Full:
                continue
            return
        raise CancelledError


def gather(sources: Sequence[Callable[[threading.Event], Iterator[T]]]) -> Generator[T, None, None]:
    """Run every source in a thread of its own and yield what they give as it comes, one item ahead.

    Parameters
    ----------
    sources
        Functions that take the event that tells them to stop, and give an iterator.

    Yields
    ------
    T
        The items; an exception of any source is raised here and stops the others.
    """
    feed: _Feed[T] = _Feed(len(sources))
    for source in sources:
        # Daemons: an interrupted session must not wait for an answer that nobody wants any more.
        threading.Thread(target=feed.run, args=(source,), daemon=True).start()
    running = len(sources)
    try:
        while running:
            item = feed.items.get()
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                running -= 1
    finally:
        feed.stop.set()
