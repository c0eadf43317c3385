"""The fields for the filters of a report, as the report describes them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from commcare_frames.read.report_filters import CHOICES, OPERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NAMED = {"description_width": "6.5em"}
WIDE = {"width": "98%"}


class Filters:
    """One field or two for each filter.

    Parameters
    ----------
    changed
        Is called when a filter is set or taken away.

    Attributes
    ----------
    box
        The fields, laid out.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.box = widgets.VBox()
        self._changed = changed
        self._offered: list[Mapping[str, Any]] = []
        self._values: dict[str, Callable[[], object]] = {}

    @property
    def values(self) -> dict[str, object]:
        """The filters that are set, as `read_report` takes them."""
        said = {name: value() for name, value in self._values.items()}
        return {name: value for name, value in said.items() if value is not None}

    def offer(self, described: Sequence[Mapping[str, Any]]) -> None:
        """Make fields for filters; those that are the same as before keep what they hold."""
        if list(described) == self._offered:
            return
        self._offered = list(described)
        self._values = {}
        fields = []
        for each in described:
            made = self._made(each["slug"], each["type"])
            if made:
                field, self._values[each["slug"]] = made
                fields.append(field)
        nothing = widgets.HTML("This report has no filters.")
        self.box.children = fields or [nothing]

    def _made(self, name: str, kind: str) -> tuple[widgets.Widget, Callable[[], object]] | None:
        if kind == "date":
            return self._dates(name)
        if kind == "numeric":
            return self._comparison(name)
        return self._choices(name) if kind in CHOICES else None

    def _dates(self, name: str) -> tuple[widgets.Widget, Callable[[], object]]:
        start = self._watched(widgets.DatePicker(description=f"{name} from", style=NAMED, layout=WIDE))
        end = self._watched(widgets.DatePicker(description="to", style=NAMED, layout=WIDE))

        def value() -> object:
            days = (start.value and start.value.isoformat(), end.value and end.value.isoformat())
            return days if any(days) else None

        return widgets.VBox([start, end]), value

    def _comparison(self, name: str) -> tuple[widgets.Widget, Callable[[], object]]:
        operator = self._watched(
            widgets.Dropdown(description=name, options=OPERATORS, value=">=", style=NAMED, layout={"width": "12em"})
        )
        operand = self._watched(
            widgets.Text(placeholder="any number", tooltip=f"{name}: number", layout={"width": "8em"})
        )
        return widgets.HBox([operator, operand]), lambda: _compared(operator.value, operand.value.strip())

    def _choices(self, name: str) -> tuple[widgets.Widget, Callable[[], object]]:
        field = self._watched(
            widgets.Textarea(description=name, placeholder="any; one choice a line", rows=2, style=NAMED, layout=WIDE)
        )
        return field, lambda: _chosen([line.strip() for line in field.value.splitlines() if line.strip()])

    def _watched(self, field: widgets.ValueWidget) -> widgets.ValueWidget:
        field.observe(lambda _change: self._changed(), "value")
        return field


def _compared(operator: str, text: str) -> tuple[str, object] | None:
    if not text:
        return None
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return operator, number(text)
    return operator, text


def _chosen(lines: list[str]) -> str | list[str] | None:
    return lines[0] if len(lines) == 1 else lines or None
