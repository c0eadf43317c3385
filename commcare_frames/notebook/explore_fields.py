"""The fields of the explorer in which one chooses what to read, and the choice that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from commcare_frames.notebook.explore_calls import Choice
from commcare_frames.notebook.explore_filters import Filters
from commcare_frames.notebook.explore_options import (
    app_options,
    case_columns,
    form_options,
    repeat_options,
    report_filters,
    report_options,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.notebook.explore_options import Options
    from commcare_frames.read.definitions import Definition
    from commcare_frames.tables.structure import Structure

KINDS = [
    ("Cases", "cases"),
    ("Forms", "forms"),
    ("Repeat of a form", "repeat"),
    ("Report", "report"),
    ("Codebook", "questions"),
    ("Mobile workers", "users"),
    ("Web users", "web_users"),
    ("Groups", "groups"),
    ("Locations", "locations"),
    ("Lookup table", "lookup_table"),
    ("Messages", "messages"),
]
WHAT = {
    "cases": ("case_type",),
    "forms": ("form", "app"),
    "repeat": ("form", "repeat", "app"),
    "report": ("report",),
    "questions": ("form", "app"),
    "lookup_table": ("tag",),
}
FILTERS = {
    "cases": ("since", "until", "closed", "owner_id", "query"),
    "forms": ("since", "until", "case_id", "include_archived"),
    "repeat": ("since", "until", "case_id", "include_archived"),
    "report": ("filters",),
    "users": ("active",),
    "messages": ("since", "until", "case_id"),
}
SHOWN = {
    "cases": ("columns", "dtypes", "labels", "lang"),
    "forms": ("columns", "dtypes", "labels", "lang"),
    "repeat": ("columns", "dtypes", "labels", "lang"),
    "questions": (),
}
AS_THEY_ARE = ("columns", "dtypes")
WIDE = {"width": "98%"}
NAMED = {"description_width": "6.5em"}
ALL_FORMS = ("All forms", None)
ALL_TYPES = ("All case types", None)
ALL_APPS = ("All apps", None)
ACTIVE = [("Active and deactivated", None), ("Active only", True), ("Deactivated only", False)]
ALL_COLUMNS = "All columns, unless some are marked; Ctrl or Shift marks several."
NO_COLUMNS = "All columns; once fetched, some can be marked here."
ANYTHING = {"owner_id": "anybody: type an owner's id", "query": "dob < '2020-01-01'", "case_id": "any: type a case id"}


class Fields:
    """The fields, and what they say.

    Parameters
    ----------
    changed
        Is called whenever the choice may have changed.

    Attributes
    ----------
    box
        The fields, laid out.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._known: Structure | None = None
        self._reports: Sequence[Definition] | None = None
        self._tags: Sequence[str] | None = None
        self._forms: Options = []
        self._repeats: dict[str, list[str]] = {}
        self._seen: dict[object, list[str]] = {}
        self.kind = widgets.ToggleButtons(options=KINDS, style={"button_width": "auto"})
        self.filters = Filters(changed)
        self._fields: dict[str, Any] = {
            "case_type": _dropdown("Case type", [ALL_TYPES]),
            "form": _dropdown("Form", [ALL_FORMS]),
            "repeat": _dropdown("Repeat", []),
            "report": _dropdown("Report", []),
            "app": _dropdown("App", [ALL_APPS]),
            "tag": _dropdown("Lookup table", []),
            "active": _dropdown("Active", ACTIVE),
            "since": widgets.DatePicker(description="Since", style=NAMED, layout=WIDE),
            "until": widgets.DatePicker(description="Until", style=NAMED, layout=WIDE),
            "closed": _dropdown("Closed", [("Open and closed", None), ("Open only", False), ("Closed only", True)]),
            "owner_id": _text("Owner", "owner_id"),
            "query": _text("Query", "query"),
            "case_id": _text("Case", "case_id"),
            "include_archived": widgets.Checkbox(description="Archived ones too", style=NAMED, layout=WIDE),
            "columns": widgets.SelectMultiple(description="Columns", rows=5, style=NAMED, layout=WIDE),
            "dtypes": _dropdown("Dtypes", [("Inferred", "infer"), ("Text, as HQ sent it", "string")]),
            "labels": _dropdown("Choices", [("Values", ""), ("Labels", "label"), ("Values and labels", "both")]),
            "lang": widgets.Dropdown(description="Language", style=NAMED, layout=WIDE, disabled=True),
        }
        self._columns_hint = widgets.HTML(description=" ", style=NAMED)
        self._what = widgets.VBox(layout=_column(wider=True))  # for names of forms and reports
        self._filter = widgets.VBox(layout=_column())
        self._shown = widgets.VBox(layout=_column())
        columns = widgets.HBox(
            [self._what, self._filter, self._shown], layout=widgets.Layout(flex_flow="row wrap", margin="10px 0 0")
        )
        self.box = widgets.VBox([self.kind, columns])
        self._arrange()
        self.kind.observe(self._on_kind, "value")
        for name, field in self._fields.items():
            field.observe(self._on_what if name in {"case_type", "form", "report", "tag"} else self._on_field, "value")

    @property
    def choice(self) -> Choice:
        """What the fields say, as far as they are shown."""
        kind = self.kind.value
        asked = {name: self._said(name) for names in _names(kind) for name in names}
        if not asked.get("labels"):
            asked.pop("lang", None)
        return Choice(kind=kind, **{name: value for name, value in asked.items() if value is not None})

    @property
    def problem(self) -> str:
        """What is still to be chosen; blank if nothing is."""
        choice = self.choice
        if choice.kind == "report" and choice.report is None:
            return "The domain has no report." if self.knows_reports else "The reports are not known."
        if choice.kind == "lookup_table" and choice.tag is None:
            return "The domain has no lookup table." if self.knows_lookup_tables else "The lookup tables are not known."
        if choice.kind == "repeat" and (choice.form is None or choice.repeat is None):
            return "No form has a repeat group." if self.knows_applications else "The forms are not known."
        if choice.labels and choice.kind == "forms" and choice.form is None:
            return "Labels are those of one form: choose a form, or show values."
        return ""

    @property
    def knows_case_types(self) -> bool:
        """Whether there are case types to choose from."""
        return len(self._fields["case_type"].options) > 1

    @property
    def knows_applications(self) -> bool:
        """Whether the applications were read."""
        return self._known is not None

    @property
    def knows_reports(self) -> bool:
        """Whether the reports were read."""
        return self._reports is not None

    @property
    def knows_lookup_tables(self) -> bool:
        """Whether the lookup tables were listed."""
        return self._tags is not None

    def set_case_types(self, case_types: Sequence[str]) -> None:
        """Offer case types."""
        _offer(self._fields["case_type"], [*((name, name) for name in case_types), ALL_TYPES])
        self._on_what(None)

    def set_applications(self, known: Structure) -> None:
        """Offer forms, applications and languages."""
        self._known = known
        if not self.knows_case_types:
            self.set_case_types(sorted(known.case_properties()))
        self._forms = form_options(known)
        self._repeats = {form: repeat_options(known, form) for _, form in self._forms}
        _offer(self._fields["app"], [ALL_APPS, *app_options(known)])
        _offer(self._fields["lang"], [(lang, lang) for lang in known.languages] or [("as it is", "")])
        self._on_kind(None)

    def set_reports(self, known: Sequence[Definition]) -> None:
        """Offer reports."""
        self._reports = known
        _offer(self._fields["report"], report_options(known))
        self._on_what(None)

    def set_lookup_tables(self, tags: Sequence[str]) -> None:
        """Offer lookup tables."""
        self._tags = tags
        _offer(self._fields["tag"], [(tag, tag) for tag in tags])
        self._on_what(None)

    def set_columns(self, choice: Choice, columns: Sequence[str]) -> None:
        """Offer the columns of a frame that was read."""
        self._seen[_thing(choice)] = list(columns)
        self._offer_columns()

    def _said(self, name: str) -> Any:  # noqa: ANN401  whatever the field holds
        if name == "filters":
            return self.filters.values
        value = self._fields[name].value
        if name in {"since", "until"}:
            return value and value.isoformat()
        return value.strip() or None if name in ANYTHING else value

    def _on_kind(self, _change: object) -> None:
        self._arrange()
        with_repeats = [option for option in self._forms if self._repeats[option[1]]]
        forms = with_repeats if self.kind.value == "repeat" else [*self._forms, ALL_FORMS]
        _offer(self._fields["form"], forms)
        self._on_what(None)

    def _on_what(self, _change: object) -> None:
        repeats = self._repeats.get(self._fields["form"].value, [])
        _offer(self._fields["repeat"], [(name, name) for name in repeats])
        self.filters.offer(report_filters(self._reports or (), self._fields["report"].value))
        self._offer_columns()
        self._changed()

    def _on_field(self, _change: object) -> None:
        self._fields["lang"].disabled = not self._fields["labels"].value
        self._changed()

    def _offer_columns(self) -> None:
        choice = self.choice
        columns = self._seen.get(_thing(choice), [])
        if not columns and choice.kind == "cases":
            columns = case_columns(self._known, choice.case_type)
        field = self._fields["columns"]
        if field.options != tuple(columns):
            chosen = [name for name in field.value if name in columns]
            field.options = columns
            field.value = chosen
        field.layout.display = "" if columns else "none"
        self._columns_hint.value = f"<small>{ALL_COLUMNS if columns else NO_COLUMNS}</small>"

    def _arrange(self) -> None:
        what, filters, shown = _names(self.kind.value)
        fields = [self._fields[name] for name in shown]
        fields[1:1] = [self._columns_hint] * bool(fields)
        _fill(self._what, "What", [self._fields[name] for name in what])
        _fill(
            self._filter,
            "Only those",
            [self.filters.box if name == "filters" else self._fields[name] for name in filters],
        )
        _fill(self._shown, "Shown with", fields)


def _names(kind: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the fields that say what to read, which rows of it, and how it is shown."""
    return WHAT.get(kind, ()), FILTERS.get(kind, ()), SHOWN.get(kind, AS_THEY_ARE)


def _thing(choice: Choice) -> object:
    return choice.kind, choice.case_type, choice.form, choice.repeat, choice.report, choice.tag


def _dropdown(name: str, options: list[tuple[str, Any]]) -> widgets.Dropdown:
    # An option of the value None counts as no choice unless its index says otherwise.
    return widgets.Dropdown(description=name, options=options, index=0 if options else None, style=NAMED, layout=WIDE)


def _text(name: str, field: str) -> widgets.Text:
    return widgets.Text(description=name, placeholder=ANYTHING[field], style=NAMED, layout=WIDE)


def _column(*, wider: bool = False) -> widgets.Layout:
    return widgets.Layout(flex="2 1 20em" if wider else "1 1 20em", min_width="18em", padding="0 1em 0 0")


def _fill(column: widgets.VBox, title: str, fields: list[widgets.Widget]) -> None:
    column.children = [widgets.HTML(f"<b>{title}</b>"), *fields]
    column.layout.display = "" if fields else "none"


def _offer(field: widgets.Dropdown, options: Sequence[tuple[str, Any]]) -> None:
    """Put options in a field, and keep what is chosen where it is still among them."""
    if tuple(options) == field.options:
        return
    chosen, was_choice = field.value, len(field.options) > 1
    field.options = options
    values = [value for _, value in options]
    field.index = values.index(chosen) if was_choice and chosen in values else 0 if values else None
