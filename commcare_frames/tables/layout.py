"""Says, kind of record by kind of record, which part of a JSON record becomes which column."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str, ...]
"""Where a value stands in a record: ``("case_id",)``, ``("properties", "age")``."""

Kind = Literal["text", "time", "flag", "texts", "value"]
"""What a metadata column holds: a text, a moment in UTC, true or false, a list of texts, a text to be typed."""


@dataclass(frozen=True)
class Column:
    """A metadata column: its name, where it stands in a record, what it holds.

    Attributes
    ----------
    name
        The column's name in every frame.
    path
        Where the value stands in a record.
    kind
        What the column holds.
    when
        Whether the column is there ``"always"``, or once a record has it (``"sent"``), or once two records
        ``"differ"`` in it.
    """

    name: str
    path: Path
    kind: Kind = "text"
    when: Literal["always", "sent", "differ"] = "always"


@dataclass(frozen=True)
class Layout:
    """How one kind of record is laid out as columns: metadata, links, values, then what HQ added since.

    Attributes
    ----------
    name
        What a cached table calls it by.
    metadata
        The metadata columns in their order; the first one is the record's id.
    values
        Key of the object whose every entry becomes a column under its own name.
    links
        Key of the object that names related records.
    dropped
        Top-level keys that repeat what another column says.
    reserved
        Names that metadata have in any layout of this kind of record: a value never takes them.
    """

    name: str
    metadata: tuple[Column, ...]
    values: str = "properties"
    links: str = "indices"
    dropped: frozenset[str] = frozenset()
    reserved: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def id_column(self) -> str:
        """Name of the column that identifies a record."""
        return self.metadata[0].name

    def kind_at(self, path: Path) -> Kind:
        """Return what stands at `path`: text, unless the metadata say otherwise."""
        return next((column.kind for column in self.metadata if column.path == path), "text")

    def name_at(self, path: Path) -> str:
        """Return the column of a `path` that is not metadata; different paths have different columns."""
        match path:
            case (self.links, link, key):
                # A dot in the key would leave open where the link's name ends.
                part = json.dumps(key) if "." in key or '"' in key else key
                return f"{self.links}.{link}.{part}"
            case (self.values, name):
                taken = name in self.reserved or name.startswith(self._prefixes)
                return f"{self.values}.{name}" if taken else name
            case _:
                return f"metadata.{path[0]}"

    def is_value(self, column: str) -> bool:
        """Tell whether `column` holds values (case properties), not metadata or links."""
        return column not in self.reserved and not column.startswith(self._prefixes[1:])

    def ordered(self, columns: Iterable[str]) -> list[str]:
        """Return `columns` in the order of a frame, whatever the order in which they were met."""
        fixed = {column.name: place for place, column in enumerate(self.metadata)}

        def place(column: str) -> tuple[int, str, str]:
            if column in fixed:
                return fixed[column], "", ""
            if column.startswith(f"{self.links}."):
                link, _, key = column.rpartition(".")
                return len(fixed), link, key
            if column.startswith("metadata."):
                return len(fixed) + 2, column, ""
            return len(fixed) + 1, column.removeprefix(f"{self.values}."), ""

        return sorted(columns, key=place)

    @property
    def _prefixes(self) -> tuple[str, str, str]:
        return f"{self.values}.", f"{self.links}.", "metadata."


_CASE_NAMES = frozenset(
    {
        "case_id",
        "case_type",
        "case_name",
        "external_id",
        "owner_id",
        "date_opened",
        "last_modified",
        "server_last_modified",
        "indexed_on",
        "closed",
        "date_closed",
        "is_deprecated",
        "domain",
        "opened_by",
        "closed_by",
        "user_id",
        "xform_ids",
        "server_date_opened",
    }
)

CASE_V2 = Layout(
    name="case v2",
    metadata=(
        Column("case_id", ("case_id",)),
        Column("case_type", ("case_type",)),
        Column("case_name", ("case_name",)),
        Column("external_id", ("external_id",)),
        Column("owner_id", ("owner_id",)),
        Column("date_opened", ("date_opened",), "time"),
        Column("last_modified", ("last_modified",), "time"),
        Column("server_last_modified", ("server_last_modified",), "time"),
        Column("indexed_on", ("indexed_on",), "time"),
        Column("closed", ("closed",), "flag"),
        Column("date_closed", ("date_closed",), "time"),
        Column("is_deprecated", ("is_deprecated",), "flag", when="sent"),
        Column("domain", ("domain",), when="differ"),
    ),
    dropped=frozenset({"resource_uri"}),
    reserved=_CASE_NAMES,
)
"""A case as version 2 of HQ's case API sends it."""

CASE_V1 = Layout(
    name="case v1",
    metadata=(
        Column("case_id", ("case_id",)),
        Column("case_type", ("properties", "case_type")),
        Column("case_name", ("properties", "case_name")),
        Column("external_id", ("properties", "external_id")),
        Column("owner_id", ("properties", "owner_id")),
        Column("date_opened", ("properties", "date_opened"), "time"),
        Column("last_modified", ("date_modified",), "time"),
        Column("server_last_modified", ("server_date_modified",), "time"),
        Column("indexed_on", ("indexed_on",), "time"),
        Column("closed", ("closed",), "flag"),
        Column("date_closed", ("date_closed",), "time"),
        Column("opened_by", ("opened_by",)),
        Column("closed_by", ("closed_by",)),
        Column("user_id", ("user_id",)),
        Column("server_date_opened", ("server_date_opened",), "time"),
        Column("xform_ids", ("xform_ids",), "texts"),
        Column("is_deprecated", ("is_deprecated",), "flag", when="sent"),
        Column("domain", ("domain",), when="differ"),
    ),
    dropped=frozenset({"id", "resource_uri"}),
    reserved=_CASE_NAMES,
)
"""A case as version 1 of HQ's case API sends it; its columns have version 2's names."""
