"""A password field that holds nothing: what is typed is taken out of it before anything could save it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from traitlets import Unicode

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY = ""
TAKEN = "entered; type to replace it"
ENTER_LAGS = 0.2  # seconds


class SecretField(widgets.Password):  # type: ignore[misc]  # ipywidgets is untyped
    """A password field whose value is empty at all times.

    Notebooks save the values of widgets (ipywidgets issue 1793). The browser sends what was typed once, when the field
    is left or Enter is pressed; it is put aside here, where nothing is saved, and the browser's field is emptied.
    """

    # No echo: it would tell the secret to every browser that has the notebook open.
    value = Unicode(EMPTY).tag(sync=True, echo_update=False)

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  as ipywidgets has them
        self._typed: list[str] = []
        super().__init__(continuous_update=False, placeholder=EMPTY, **options)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser sends."""
        if typed := sync_data.pop("value", EMPTY):
            self._typed[:] = [typed]
            self.placeholder = TAKEN
            self.send_state("value")
        super().set_state(sync_data)

    def reveal(self) -> str:
        """Return what was typed."""
        return "".join(self._typed)

    def forget(self) -> None:
        """Forget what was typed."""
        self._typed.clear()
        self.placeholder = EMPTY


def on_enter(field: widgets.Text, act: Callable[[], None]) -> None:
    """Call `act` when Enter is pressed in a field."""

    def heard(_: object, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "submit":
            # The browser tells of the key first, and just after that what the field held.
            asyncio.get_running_loop().call_later(ENTER_LAGS, act)

    field.on_msg(heard)
