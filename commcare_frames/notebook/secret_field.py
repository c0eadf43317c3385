"""A password field that holds nothing: what is typed is taken out of it before anything could save it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import ipywidgets as widgets
from IPython import get_ipython
from traitlets import Unicode

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY = ""
TAKEN = "entered; type to replace it"
BUSY = "Python is busy: wait until it is done"
ENTER_LAGS = 0.2  # seconds


class SecretField(widgets.Password):  # type: ignore[misc]  # ipywidgets is untyped
    """A password field whose value is empty at all times.

    Notebooks save the values of widgets (ipywidgets issue 1793). The browser sends what was typed once, when the field
    is left or Enter is pressed; it is put aside here, where nothing is saved, and the browser's field is emptied.

    That takes a kernel that answers: a notebook that is saved while a cell runs would hold what was typed meanwhile.
    Hence nothing can be typed while a cell runs, nor while a panel has `shut` its fields to wait for HQ. What is left
    are the milliseconds until an idle kernel answers.
    """

    # No echo: it would tell the secret to every browser that has the notebook open.
    value = Unicode(EMPTY).tag(sync=True, echo_update=False)

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  as ipywidgets has them
        self._typed: list[str] = []
        super().__init__(continuous_update=False, placeholder=EMPTY, **options)
        self.shut(_cell_runs())
        _fields.add(self)
        _watch_cells()

    def shut(self, is_shut: bool = True) -> None:
        """Let nothing be typed for a while, or let it be typed again."""
        self.disabled = is_shut
        self._show_state()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser sends."""
        if typed := sync_data.pop("value", EMPTY):
            self._typed[:] = [typed]
            self._show_state()
            self.send_state("value")
        super().set_state(sync_data)

    def reveal(self) -> str:
        """Return what was typed."""
        return "".join(self._typed)

    def forget(self) -> None:
        """Forget what was typed."""
        self._typed.clear()
        self._show_state()

    def _show_state(self) -> None:
        self.placeholder = TAKEN if self._typed else BUSY if self.disabled else EMPTY


_fields: WeakSet[SecretField] = WeakSet()


def _watch_cells() -> None:
    """Have all fields shut whenever a cell runs; each time, as IPython hears of the same function only once."""
    if shell := get_ipython():
        # Not `pre_execute`: notebooks run code of their own unasked, and an update takes what is half typed away.
        shell.events.register("pre_run_cell", _on_start)
        shell.events.register("post_run_cell", _on_end)


def _cell_runs() -> bool:
    """Whether this is called from a cell, rather than because somebody used a widget."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and kernel.get_parent().get("header", {}).get("msg_type") == "execute_request"


def _on_start(*_: object) -> None:
    for field in list(_fields):
        field.shut()


def _on_end(*_: object) -> None:
    for field in list(_fields):
        field.shut(is_shut=False)


def on_enter(field: widgets.Text, act: Callable[[], None]) -> None:
    """Call `act` when Enter is pressed in a field."""

    def heard(_: object, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "submit":
            # The browser tells of the key first, and just after that what the field held.
            asyncio.get_running_loop().call_later(ENTER_LAGS, act)

    field.on_msg(heard)
