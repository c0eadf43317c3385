"""Runs iterators in threads and gives what they yield as it comes: the next page is fetched while one is used."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from commcare_frames.hq.client import CancelledError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

T = TypeVar("T")
U = TypeVar("U")

Source = Callable[[threading.Event], Iterator[T]]
"""A function that takes the event that tells it to stop, and gives an iterator."""

STOP_CHECK = 0.1  # seconds


class _End:
    """The end of one source, with the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Feed(Generic[T]):
    """What sources, each in a thread of its own, give until they are stopped, no more than one item each ahead."""

    def __init__(self, sources: Sequence[Source[T]], stop: threading.Event) -> None:
        self._stop = stop
        self._items: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._turns = threading.Semaphore(len(sources))
        self._running = len(sources)
        for source in sources:
            # Daemons: an interrupted session must not wait for an answer that nobody wants any more.
            threading.Thread(target=self._run, args=(source,), daemon=True).start()

    def __iter__(self) -> Iterator[T]:
        """Give the items of all sources as they come, and raise what ended one of them."""
        while self._running:
            item = self._next()
            if not isinstance(item, _End):
                self._turns.release()
                yield item
            elif item.error is not None:
                raise item.error
            else:
                self._running -= 1

    def _run(self, source: Source[T]) -> None:
        try:
            items = source(self._stop)
            self._take_turn()
            for item in items:
                self._items.put(item)
                self._take_turn()
            end = _End()
        except CancelledError:
            return
        except BaseException as error:  # noqa: BLE001  raised again where the items are taken
            end = _End(error)
        self._items.put(end)

    def _take_turn(self) -> None:
        """Wait until another item may be made."""
        while not self._turns.acquire(timeout=STOP_CHECK):
            self._check()
        self._check()

    def _next(self) -> T | _End:
        while True:
            with contextlib.suppress(queue.Empty):
                return self._items.get(timeout=STOP_CHECK)
            self._check()

    def _check(self) -> None:
        if self._stop.is_set():
            raise CancelledError


def gather(sources: Sequence[Source[T]]) -> Generator[T, None, None]:
    """Run every source in a thread of its own and yield what they give as it comes, one item ahead.

    Parameters
    ----------
    sources
        Where the items come from.

    Yields
    ------
    T
        The items; an exception of any source is raised here and stops the others.
    """
    stop = threading.Event()
    try:
        yield from _Feed(sources, stop)
    finally:
        stop.set()


def gather_worked(sources: Sequence[Source[T]], work: Callable[[T], U]) -> Generator[U, None, None]:
    """Do as `gather`, and have one more thread work on the items, one after the other, one ahead.

    Parameters
    ----------
    sources
        Where the items come from.
    work
        Makes what is yielded of an item.

    Yields
    ------
    U
        What `work` made; an exception of it, or of any source, is raised here and stops the others.
    """
    stop = threading.Event()
    try:
        arrivals = _Feed(sources, stop)
        yield from _Feed([lambda _: map(work, arrivals)], stop)
    finally:
        stop.set()
