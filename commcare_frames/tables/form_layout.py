"""Says which part of a form becomes which column: metadata first, then every question under its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commcare_frames.tables.layout import Column, Layout, Path
from commcare_frames.tables.leaves import BLOCK, LIST, TEXT
from commcare_frames.tables.paths import to_name, to_path

if TYPE_CHECKING:
    from collections.abc import Iterable

ATTACHMENTS = f"attachments{BLOCK}"
"""The column of the attachments' details, as JSON."""


@dataclass(frozen=True)
class FormLayout(Layout):
    """How a form is laid out; a question whose name metadata have is ``form.<name>``."""

    def name_at(self, path: Path) -> str:
        """Return the column of a `path` that is not metadata; different paths have different columns."""
        return self.question(path[1:]) if path[0] == self.values else f"metadata.{to_name(path)}"

    def question(self, path: Path) -> str:
        """Return the column of the question at a path below the form."""
        name = to_name(path or (TEXT,))
        return f"form.{name}" if name in self.reserved or name.startswith(_PREFIXES) else name

    def path_of(self, column: str) -> Path | None:
        """Return the path of the question that a column holds; None for metadata."""
        name = column.removesuffix(LIST).removesuffix(BLOCK)
        if name in self.reserved or name.startswith("metadata."):
            return None
        return to_path(name.removeprefix("form."))

    def is_value(self, column: str) -> bool:
        """Tell whether `column` holds answers or other texts that may be typed."""
        if column in _TYPED_METADATA:
            return True
        return not column.endswith((LIST, BLOCK)) and self.path_of(column) is not None

    def ordered(self, columns: Iterable[str]) -> list[str]:
        """Return `columns` in the order of a frame: metadata, questions by name, what HQ added since."""
        fixed = {column.name: place for place, column in enumerate(self.metadata)}

        def place(column: str) -> tuple[int, str]:
            if column in fixed:
                return fixed[column], ""
            if column.startswith("metadata."):
                return len(fixed) + 1, column
            return len(fixed), column.removeprefix("form.")

        return sorted(columns, key=place)


_PREFIXES = ("form.", "metadata.")

_METADATA = (
    Column("form_id", ("id",)),
    Column("xmlns", ("form", "@xmlns")),
    Column("form_name", ("form", "@name")),
    Column("app_id", ("app_id",)),
    Column("received_on", ("received_on",), "time"),
    Column("started_on", ("metadata", "timeStart"), "time"),
    Column("completed_on", ("metadata", "timeEnd"), "time"),
    Column("username", ("metadata", "username")),
    Column("user_id", ("metadata", "userID")),
    Column("device_id", ("metadata", "deviceID")),
    Column("app_version", ("metadata", "appVersion")),
    Column("app_build_version", ("metadata", "app_build_version"), "value"),
    Column("commcare_version", ("metadata", "commcare_version")),
    Column("build_id", ("build_id",)),
    Column("server_modified_on", ("server_modified_on",), "time"),
    Column("indexed_on", ("indexed_on",), "time"),
    Column("edited_on", ("edited_on",), "time"),
    Column("edited_by_user_id", ("edited_by_user_id",)),
    Column("archived", ("archived",), "flag"),
    Column("is_phone_submission", ("is_phone_submission",), "flag", when="sent"),
    Column("initial_processing_complete", ("initial_processing_complete",), "flag", when="sent"),
    Column("problem", ("problem",), when="sent"),
    Column("submit_ip", ("submit_ip",), when="sent"),
    Column("type", ("type",), when="sent"),
    Column("version", ("version",), when="sent"),
    Column("uiversion", ("uiversion",), when="sent"),
    Column("deprecated_id", ("metadata", "deprecatedID"), when="sent"),
    Column("location", ("metadata", "location"), when="sent"),
    Column("geo_point.latitude", ("metadata", "geo_point", "latitude"), "value", when="sent"),
    Column("geo_point.longitude", ("metadata", "geo_point", "longitude"), "value", when="sent"),
    Column("geo_point.altitude", ("metadata", "geo_point", "altitude"), "value", when="sent"),
    Column("geo_point.accuracy", ("metadata", "geo_point", "accuracy"), "value", when="sent"),
    Column("domain", ("domain",), when="differ"),
    Column("attachments", ("attachments",), "texts"),
    Column("case_id", ("case_id",)),
)

_TYPED_METADATA = frozenset(column.name for column in _METADATA if column.kind == "value")

FORM = FormLayout(
    name="form",
    metadata=_METADATA,
    values="form",
    links="",
    # What other columns say: HQ copies these out of the form.
    dropped=frozenset({"resource_uri", "#type", "@version", "@uiVersion", "instanceID", "doc_type"}),
    reserved=frozenset({*(column.name for column in _METADATA), "attachments"}),
)
"""A form as HQ's form API sends it."""
