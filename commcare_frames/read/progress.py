"""Shows how far a pull has come, on one line, when it takes a while and somebody is looking."""

from __future__ import annotations

import importlib.util
import logging
import math
import sys
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

from tqdm.std import tqdm

if TYPE_CHECKING:
    from types import TracebackType

    from commcare_frames.cache.refresh import Progress
    from commcare_frames.hq.client import Client

logger = logging.getLogger("commcare_frames")

SHOWN_AFTER = 1.0
LARGE = 20  # requests
INTERRUPTED = {
    True: "Interrupt it if you like: the next call goes on where it broke off.",
    False: "If it is interrupted, the next call begins anew.",
}
KEPT = {
    True: "They are kept: the same call goes on from there.",
    False: "They are not kept: the next call begins anew.",
}
SMALL_PROJECT = {"minute": 25, "hour": 682}  # what HQ allows a project with five mobile workers

watcher: ContextVar[Progress | None] = ContextVar("watcher", default=None)
"""Who shows the progress of what this thread reads, in place of a line; waits are told to the client's `on_wait`."""


class Interrupted(KeyboardInterrupt):
    """Somebody interrupted a pull; says what becomes of the rows that have arrived."""

    def _render_traceback_(self) -> list[str]:
        """Return what notebooks show: no way through our code, as nothing is wrong with it."""
        return [f"Interrupted. {self}"]


class ProgressLine:
    """One line: rows that have arrived, rows to come, requests, and waiting.

    Parameters
    ----------
    title
        What is read.
    client
        Who asks.
    show
        True or False; None shows it where somebody is looking: in a notebook or a terminal.
    resumes
        Whether what has arrived of a pull that is interrupted is kept, so that the next call goes on from there.
    unit
        What is counted.
    """

    def __init__(self, title: str, client: Client, *, show: bool | None, resumes: bool, unit: str = "rows") -> None:
        self._title = title
        self._resumes = resumes
        self._unit = unit
        self._arrived = self._expected = 0
        self._client = client
        self._watcher = watcher.get()
        self._visible = self._watcher is None and (_somebody_looks() if show is None else show)
        self._requests_before = client.requests_made
        self._started = time.monotonic()
        self._has_told = False
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Start the line."""
        bar = _bar_class() if self._visible else tqdm
        self._bar = bar(desc=self._title, unit=f" {self._unit}", delay=SHOWN_AFTER, disable=not self._visible)
        self._bar.total = 0
        self._log_wait, self._client.on_wait = self._client.on_wait, self._wait
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the line, and say what becomes of the rows where somebody interrupted it."""
        self._client.on_wait = self._log_wait
        self._bar.close()
        if isinstance(error, KeyboardInterrupt):
            of_all = f" of {self._expected:,}" if self._expected else ""
            raise Interrupted(
                f"{self._title}: {self._arrived:,}{of_all} {self._unit} had arrived. {KEPT[self._resumes]}"
            ) from None

    def expect(self, rows: int, largest_page: int) -> None:
        """Learn how many more rows are to come; tell the cost of a large pull before it goes on."""
        self._expected += rows
        self._show_total()
        if self._watcher:
            self._watcher.expect(rows, largest_page)
        requests = math.ceil(rows / largest_page)
        if requests >= LARGE and not self._has_told:
            self._has_told = True
            cost = likely_cost(self._title, rows, requests, time.monotonic() - self._started)
            self.tell(f"{cost} {INTERRUPTED[self._resumes]}")

    def advance(self, rows: int) -> None:
        """Learn that rows have arrived."""
        if self._watcher:
            self._watcher.advance(rows)
        requests = self._client.requests_made - self._requests_before
        self._bar.set_postfix_str(f"{requests} request{'s' * (requests != 1)}", refresh=False)
        self._arrived += rows
        self._expected = max(self._expected, self._arrived)
        self._show_total()
        self._bar.update(rows)

    def _show_total(self) -> None:
        self._bar.total = self._expected
        if container := getattr(self._bar, "container", None):
            # tqdm's bar in a notebook is a stub, and never grows, where the total is learnt later.
            _, bar, _ = container.children
            bar.max, bar.bar_style, bar.layout.width = max(self._expected, 1), "", None

    def _wait(self, seconds: float, why: str) -> None:
        if self._visible:
            self._bar.set_postfix_str(f"waiting {seconds:.0f} s: {why}")
        else:
            self._log_wait(seconds, why)

    def tell(self, text: str) -> None:
        """Say something beside the line."""
        if self._visible:
            self._bar.write(text, file=sys.stderr)
        else:
            logger.info(text)


def likely_cost(title: str, rows: int, requests: int, first_page: float | None = None) -> str:
    """Say what a pull costs in requests and time; `first_page` is the seconds that a page took, where one was read."""
    pace = requests * (first_page or 0.0)
    limited = max(requests / SMALL_PROJECT["minute"] * 60, requests / SMALL_PROJECT["hour"] * 3600 - 3600)
    cost = f"{title}: {rows:,} rows, about {requests:,} request{'s' * (requests != 1)}."
    limits = (
        f"the limits of a small project ({SMALL_PROJECT['minute']} requests a minute, {SMALL_PROJECT['hour']} an hour)"
    )
    if max(pace, limited) <= 60:  # noqa: PLR2004
        return f"{cost} That takes less than a minute, under {limits} too."
    at_pace = f"At the pace of the first page that takes {_span(pace)}; under" if first_page is not None else "Under"
    return f"{cost} {at_pace} {limits} up to {_span(max(pace, limited))}."


def _span(seconds: float) -> str:
    return f"{max(seconds / 60, 1):.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this, rather than a terminal or a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _somebody_looks() -> bool:
    return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def _bar_class() -> Any:  # noqa: ANN401  tqdm's two bars share no typed base
    if in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as notebook_tqdm  # noqa: PLC0415  only where ipywidgets is installed

        return notebook_tqdm
    return tqdm
