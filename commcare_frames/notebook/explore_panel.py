"""The explorer's panel: choose, see what it costs, fetch, look, export, and the line of Python that does the same."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import CommCareError
from commcare_frames.notebook.display import heading, hint, notice
from commcare_frames.notebook.explore_calls import EVER, NOW, Choice
from commcare_frames.notebook.explore_cost import likely
from commcare_frames.notebook.explore_errand import Errand
from commcare_frames.notebook.explore_fields import Fields
from commcare_frames.notebook.explore_preview import preview
from commcare_frames.notebook.followers import followers
from commcare_frames.read.applications import structure
from commcare_frames.read.cases import list_case_types
from commcare_frames.read.frame_export import export_frame
from commcare_frames.read.lookup_tables import list_lookup_tables
from commcare_frames.read.reports import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from commcare_frames.notebook.explore_calls import Call
    from commcare_frames.notebook.explore_errand import Outcome

# It is the browser that has a clipboard: Python may run on another computer.
COPY = (
    "const line = this.previousElementSibling.lastElementChild; line.select();"
    "const done = () => {this.textContent = 'Copied'; setTimeout(() => {this.textContent = 'Copy'}, 1500)};"
    "const old = () => {document.execCommand('copy'); done()};"
    "navigator.clipboard ? navigator.clipboard.writeText(line.value).then(done, old) : old()"
)

NEED_APPLICATIONS = {"cases", "forms", "repeat", "questions"}


class Explorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The panel that `explore` shows.

    Parameters
    ----------
    domain
        As in `explore`.

    Attributes
    ----------
    frame
        What was fetched last, as it is shown; None before.
    """

    def __init__(self, domain: str | Domain | None) -> None:
        super().__init__()
        self.add_class("commcare-card")
        self.add_class("ccf-explorer")
        self.frame: pd.DataFrame | None = None
        self._asked_for = domain
        self._queue: deque[tuple[str, Callable[[Domain], Any], Callable[[Any], None]]] = deque()
        self._errand: Errand | None = None
        self._doing = ""
        self._turn = threading.RLock()  # the panel's own thread and that of an errand
        self._fetched: Choice | None = None
        self._shown: Choice | None = None
        self._message = widgets.HTML()
        self._again = _button("Look again", self._open, "Look for a connected domain again")
        self._open()
        if domain is None:
            followers.add(self)

    def __repr__(self) -> str:
        """Stand in for the panel where widgets cannot be shown, in saved notebooks too."""
        return "The explorer of commcare_frames. Run this cell to see it."

    @property
    def line(self) -> str:
        """The line of Python that reads what is chosen."""
        return f"frame = {self.fields.choice.lasting_call.of(self.domain)}"

    def wait(self, seconds: float = 60) -> bool:
        """Wait until nothing is under way.

        Parameters
        ----------
        seconds
            How long at most, for each thing that is under way.

        Returns
        -------
        bool
            Whether it has ended.
        """
        while self._errand is not None:
            if not self._errand.wait(seconds):
                return False
        return True

    def follow(self) -> None:
        """Show the domain that is connected by now, with what was chosen forgotten."""
        with self._turn:
            self._on_cancel(None)
            self._open()

    def close(self) -> None:
        """Remove the panel from every notebook and page."""
        followers.discard(self)
        super().close()

    def _open(self, _button: object = None) -> None:
        try:
            self.domain = resolve(self._asked_for)
            _ = self.domain.client  # a login that is not there is told at once
        except CommCareError as error:
            self._say(f"{error} Or sign in with ccf.login(): then this panel opens by itself.", is_error=True)
            self.children = [widgets.HTML(heading("Explore")), self._message, self._again]
            return
        self._message.value = ""
        self._fetched = self._shown = self.frame = None
        self._build()
        self._load()

    def _build(self) -> None:
        self._line = widgets.HTML()
        self._preview = widgets.HTML()
        self._bar = widgets.FloatProgress(max=1, layout=widgets.Layout(width="12em", visibility="hidden"))
        self._progress = widgets.HTML()
        self._count = _button("Count", self._on_count, "Ask HQ for the number of rows only: one request", "calculator")
        self._fetch = _button("Fetch", self._on_fetch, "Read it, and keep it in the cache", "download", "primary")
        self._cancel = _button("Cancel", self._on_cancel, "Stop after the answer that is on its way", "stop")
        self._path = widgets.Text(
            description="Export to", placeholder="patients.xlsx, or .csv .parquet .duckdb", layout={"width": "30em"}
        )
        self._export = _button("Export", self._on_export, "Write it to a file where Python runs", "save")
        self._exporting = widgets.HBox([self._path, self._export], layout={"margin": "8px 0 0"})
        self.fields = Fields(self._on_change)
        self.fields.kind.observe(self._on_kind, "value")
        actions = widgets.HBox(
            [self._count, self._fetch, self._cancel, self._bar, self._progress],
            layout=widgets.Layout(align_items="center", flex_flow="row wrap"),
        )
        title = widgets.HTML(heading(f"Explore {self.domain.name}") + hint(f"on {self.domain.host}"))
        self.children = [
            title,
            self.fields.box,
            self._line,
            actions,
            self._message,
            self._preview,
            self._exporting,
        ]
        self._on_change()

    def _load(self) -> None:
        """Find out what there is to choose from, as far as it is not known yet."""
        kind = self.fields.kind.value
        if kind == "cases" and not self.fields.knows_case_types:
            self._find_out("Asking for the case types", _case_types, self.fields.set_case_types)
        if kind in NEED_APPLICATIONS and not self.fields.knows_applications:
            known = partial(structure, required=True)
            self._find_out("Asking for the applications", known, self.fields.set_applications)
        if kind == "report" and not self.fields.knows_reports:
            self._find_out("Asking for the reports", _reports, self.fields.set_reports)
        if kind == "lookup_table" and not self.fields.knows_lookup_tables:
            self._find_out("Asking for the lookup tables", _lookup_tables, self.fields.set_lookup_tables)

    def _find_out(self, what: str, work: Callable[[Domain], Any], then: Callable[[Any], None]) -> None:
        if what not in {self._doing, *(each for each, _, _ in self._queue)}:
            self._run(what, work, then)

    def _on_kind(self, _change: object) -> None:
        self._message.value = ""
        self._load()

    def _on_change(self) -> None:
        self._line.value = _line(self.line)
        self._exporting.layout.display = "" if self.fields.choice.is_one_table else "none"
        with self._turn:
            self._enable()
            if self._errand is None:
                self._catch_up()

    def _on_count(self, _button: object) -> None:
        choice = self.fields.choice
        self._run("Counting", partial(likely, choice), self._say)

    def _on_fetch(self, _button: object) -> None:
        choice = self.fields.choice
        call = choice.call if choice.is_topped_up else choice.call.but(max_age=NOW)
        self._run("Fetching", partial(_make, call), partial(self._on_fetched, choice))

    def _on_cancel(self, _button: object) -> None:
        self._queue.clear()
        if self._errand:
            self._errand.cancel()

    def _on_export(self, _button: object) -> None:
        path, choice = self._path.value.strip(), self.fields.choice
        if not path:
            self._say("Type the path of a file to export to, such as patients.xlsx.", is_error=True)
        elif call := choice.export(path):
            self._run("Exporting", partial(_make, call), partial(self._on_exported, call))
        else:
            self._run("Exporting", partial(_write, Path(path), choice), partial(self._on_exported, None))

    def _on_fetched(self, choice: Choice, frame: pd.DataFrame) -> None:
        self._fetched = choice
        self._show(choice, frame)

    def _on_exported(self, call: Call | None, path: Path) -> None:
        how = f"The same in Python: {call.of(self.domain)}" if call else "It holds the frame of the line above."
        self._say(f"Wrote {path.resolve()}. {how}")

    def _show(self, choice: Choice, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._shown = choice
        self._preview.value = preview(frame)
        if not choice.columns and not choice.labels:
            self.fields.set_columns(choice, frame.columns.tolist())

    def _catch_up(self) -> None:
        """Show what was fetched as it is wanted by now, if that takes no other rows."""
        choice = self.fields.choice
        if self._fetched is None:
            return
        is_answered = choice.is_answered_by(self._fetched)
        if is_answered and choice != self._shown and not self.fields.problem:
            self._shown = choice
            self._run("Showing", partial(_make, choice.call.but(max_age=EVER)), partial(self._show, choice))
        (self._preview.remove_class if is_answered else self._preview.add_class)("ccf-stale")

    def _run(self, what: str, work: Callable[[Domain], Any], then: Callable[[Any], None]) -> None:
        with self._turn:
            self._queue.append((what, work, then))
            if self._errand is None:
                self._message.value = ""
                self._next()

    def _next(self) -> None:
        what, work, then = self._queue.popleft()
        self._doing = what
        self._tell(what, "", 0.0)
        ended = partial(self._ended, self.domain, then)
        self._errand = Errand(self.domain, work, tell=partial(self._tell, what), then=ended)
        self._enable()
        self._errand.start()

    def _ended(self, domain: Domain, then: Callable[[Any], None], outcome: Outcome) -> None:
        """Take what came of an errand, unless it was for a domain shown before; called in its thread."""
        with self._turn:
            self._tell("", "", 0.0)
            if domain is self.domain:
                self._take(then, outcome)
            if self._queue:
                self._next()
            else:
                self._errand, self._doing = None, ""
                self._enable()

    def _take(self, then: Callable[[Any], None], outcome: Outcome) -> None:
        if outcome.problem:
            self._message.value += notice(outcome.problem, "done" if outcome.is_cancelled else "error")
        else:
            then(outcome.value)
        self._message.value += "".join(map(_warning, outcome.warnings))
        self._catch_up()

    def _enable(self) -> None:
        is_busy = self._errand is not None
        problem = self.fields.problem
        for button in (self._count, self._fetch, self._export):
            button.disabled = is_busy or bool(problem)
        self._cancel.disabled = not is_busy
        if problem and not is_busy:
            self._progress.value = escape(problem)

    def _tell(self, what: str, text: str, share: float) -> None:
        self._bar.layout.visibility = "visible" if what else "hidden"
        self._bar.value = share
        self._progress.value = escape(f"{what}: {text}" if text else f"{what} …" if what else "")

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self._message.value = notice(text, "error" if is_error else "done")


def _case_types(domain: Domain) -> list[str]:
    names: list[str] = list_case_types(domain=domain)["case_type"].tolist()
    return names


def _reports(domain: Domain) -> Sequence[dict[str, Any]]:
    return CATALOGUE.of(domain).known


def _lookup_tables(domain: Domain) -> list[str]:
    tags: list[str] = list_lookup_tables(domain=domain)["tag"].tolist()
    return tags


def _write(path: Path, choice: Choice, domain: Domain) -> Path:
    return export_frame(path, choice.tag or choice.kind, choice.lasting_call.but(domain=domain), neutralise=False)


def _make(call: Call, domain: Domain) -> Any:  # noqa: ANN401  what the call returns
    return call.but(domain=domain)()


def _line(line: str) -> str:
    """Return the line in a field that is for reading and copying only."""
    return (
        '<div style="display: flex; align-items: end; gap: 0.5em; margin: 6px 0">'
        '<label style="flex: 1"><b>The same in Python</b><input readonly class="ccf-line" onfocus="this.select()" '
        'style="display: block; box-sizing: border-box; width: 100%; height: 32px; padding: 0 8px; color: inherit; '
        "font: 13px/20px var(--jp-code-font-family, monospace); border: 1px solid var(--jp-border-color1, #bbb); "
        f'background: var(--jp-layout-color2, #f5f5f5)" value="{escape(line)}"></label>'
        '<button type="button" class="jupyter-button widget-button" style="width: 6em; height: 32px" '
        f'onclick="{escape(COPY)}">Copy</button></div>'
    )


def _warning(text: str) -> str:
    return (
        '<div role="status" style="border-left: 4px solid var(--jp-warn-color1, #f57c00); padding-left: 8px">'
        f"{escape(text)}</div>"
    )


def _button(
    name: str, pressed: Callable[[object], None], tooltip: str, icon: str = "", style: str = ""
) -> widgets.Button:
    button = widgets.Button(description=name, tooltip=tooltip, icon=icon, button_style=style, layout={"width": "8em"})
    button.on_click(pressed)
    return button
