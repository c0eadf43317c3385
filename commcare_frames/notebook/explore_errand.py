"""One thing done for a panel in a thread of its own, so that the panel stays alive, and can be cancelled."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import CommCareError, heard_warnings
from commcare_frames.read.progress import watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.connection import Domain

CANCELLED = "Cancelled. What has arrived is kept where it can be gone on from: Fetch again to have the rest."


@dataclass(frozen=True)
class Outcome:
    """What became of an errand.

    Parameters
    ----------
    value
        What it returned; None if it failed.
    problem
        Why it failed, in the words of the error; blank if it did not.
    warnings
        What it warned of.
    is_cancelled
        Whether it was cancelled, in which case that is the problem.
    """

    value: Any = None
    problem: str = ""
    warnings: tuple[str, ...] = ()
    is_cancelled: bool = False


class Errand:
    """Work on a domain in a thread.

    Parameters
    ----------
    domain
        Whose. The work is given the same domain with a client of its own, so that cancelling it ends nothing else.
    work
        What to do with the domain.
    tell
        Is told how far it has come: a text, and the share from 0 to 1 that has arrived.
    then
        Is given the outcome; called in the thread.
    """

    def __init__(
        self,
        domain: Domain,
        work: Callable[[Domain], Any],
        *,
        tell: Callable[[str, float], None],
        then: Callable[[Outcome], None],
    ) -> None:
        self._domain = domain.sibling(domain.name)
        self._client = self._domain.client
        self._client.on_wait = self._wait
        self._work = work
        self._tell = tell
        self._then = then
        self._arrived = self._expected = 0
        self._started = 0.0
        self._is_cancelled = False
        # A daemon: a session that ends must not wait for an answer that nobody wants any more.
        self._thread = threading.Thread(target=self._run, daemon=True, name="explore")

    def start(self) -> None:
        """Go."""
        self._started = time.monotonic()
        self._thread.start()

    def cancel(self) -> None:
        """Let the answer that is on its way be the last."""
        self._is_cancelled = True
        self._client.cancel()
        self._tell("Cancelling, once the answer that is on its way has arrived.", self._share)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, and tell whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def expect(self, rows: int, _largest_page: int) -> None:
        """Learn how many more rows are to come."""
        self._expected += rows

    def advance(self, rows: int) -> None:
        """Learn that rows have arrived."""
        self._arrived += rows
        self._expected = max(self._expected, self._arrived)
        if self._is_cancelled:
            return
        requests = self._client.requests_made
        seconds = time.monotonic() - self._started
        self._tell(
            f"{self._arrived:,} of {self._expected:,} rows, {requests:,} request{'s' * (requests != 1)}, "
            f"{seconds:.0f} s",
            self._share,
        )

    @property
    def _share(self) -> float:
        return self._arrived / self._expected if self._expected else 0.0

    def _wait(self, seconds: float, why: str) -> None:
        until = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
        self._tell(f"Waiting {seconds:.0f} s, until {until}: {why}.", self._share)

    def _run(self) -> None:
        watcher.set(self)
        with heard_warnings() as warnings:
            try:
                outcome = Outcome(self._work(self._domain))
            except CommCareError as error:
                outcome = Outcome(problem=str(error))
            except Exception as error:  # noqa: BLE001  a thread has nobody else to tell
                outcome = Outcome(problem=f"{type(error).__name__}: {error}")
        if self._is_cancelled:
            outcome = Outcome(problem=outcome.problem or CANCELLED, is_cancelled=True)
        self._client.close()
        self._then(replace(outcome, warnings=tuple(dict.fromkeys(warnings))))
