"""The part of the sign-in panel where one of the domains is picked, or typed where HQ does not list them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import ipywidgets as widgets

from commcare_frames.addresses import DOMAIN_NAME
from commcare_frames.notebook.display import hint
from commcare_frames.notebook.login_form import LABELS, WIDE
from commcare_frames.notebook.secret_field import SecretField, on_enter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_SHOWN = 200
TALLEST = 8  # rows
VIEW_LAGS = 0.5  # seconds


class DomainPicker:
    """A search field over a list of domains.

    Parameters
    ----------
    pick
        Called when a domain was picked.
    """

    def __init__(self, pick: Callable[[], None]) -> None:
        self._names: dict[str, str] = {}
        self.search = widgets.Text(layout=WIDE, style=LABELS)
        self.list = widgets.Select(description="Domain", layout=WIDE, style=LABELS)
        self.code = SecretField(description="Two-factor code", layout=WIDE, style=LABELS)
        self.count = widgets.HTML(description=" ", style=LABELS)
        self.button = widgets.Button(description="Open", button_style="primary")
        self.box = widgets.VBox(layout=WIDE)
        self.button.on_click(lambda _: pick())
        for field in (self.search, self.code):
            on_enter(field, pick)
        self.search.observe(self._filter, names="value")

    @property
    def picked(self) -> str:
        """The domain picked: its name, or a web address that was pasted."""
        return (self.list.value if self._names else self.search.value.strip()) or ""

    def offer(self, names: Mapping[str, str], at_first: str = "") -> None:
        """Offer domains, by name, with the names of their projects; none stands for a list that cannot be had."""
        self._names = dict(names)
        self.search.description = "Search" if names else "Domain"
        self.search.placeholder = (
            "part of a name, or a web address of the project" if names else "the word after /a/ in the web address"
        )
        self.search.value = "" if names else at_first
        self._filter()
        if at_first in names:
            self.list.value = at_first
        self.ask_code(wanted=False)
        self.focus()

    def ask_code(self, *, wanted: bool = True) -> None:
        """Show the field for a two-factor code, or hide it."""
        code = [self.code] if wanted else []
        shown = [self.list, self.count] if self._names else []
        self.box.children = [self.search, *shown, *code]

    def focus(self) -> None:
        """Have what is typed next go to the field that wants it."""
        self._focus()
        # VS Code tells a field of this before it shows it, and then nothing comes of it.
        with contextlib.suppress(RuntimeError):  # no loop, no browser
            asyncio.get_running_loop().call_later(VIEW_LAGS, self._focus)

    def _focus(self) -> None:
        (self.code if self.code in self.box.children else self.search).focus()

    def title(self, name: str) -> str:
        """Return the name of a domain's project, with the domain's own where that says more."""
        project = self._names.get(name) or name
        return name if project == name else f"{project} ({name})"

    def _filter(self, *_: object) -> None:
        typed = self.search.value.strip()
        words = typed.lower().split()
        found = [name for name in self._names if all(word in self.title(name).lower() for word in words)]
        options = [(self.title(name), name) for name in found[:MOST_SHOWN]]
        # HQ leaves out domains whose plan does not let other programs connect: one may be opened that is not listed.
        if typed not in self._names and ("/a/" in typed or (DOMAIN_NAME.fullmatch(typed) and not found)):
            options.append((f"{typed} (as typed)", typed))
        self.list.options = options
        self.list.index = 0 if options else None
        self.list.rows = min(max(len(options), 3), TALLEST)
        more = len(found) - MOST_SHOWN
        count = f"{len(found):,} of {len(self._names):,} domains" if typed else f"{len(found):,} domains"
        self.count.value = hint(f"{count}; search to see the other {more:,}." if more > 0 else f"{count}.")
