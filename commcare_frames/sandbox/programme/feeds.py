"""The OData feeds of the programme: which columns, under which labels, of which cases or forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .draws import hex_id
from .questionnaires import FORMS

if TYPE_CHECKING:
    from .course import World

Json = dict[str, Any]
_FORM_COLUMNS = (
    ("formid", ("id",)),
    ("completed_time", ("metadata", "timeEnd")),
    ("username", ("metadata", "username")),
    ("received_on", ("received_on",)),
)


class Table(NamedTuple):
    """A table of a feed: the labels of its columns and where their values stand.

    `repeat` is the path of the entries that are its rows; a path that begins with ``"#entry"`` begins at the entry.
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...]
    repeat: tuple[str, ...] = ()


class Feed(NamedTuple):
    """A feed; its first table has a row per case or form."""

    id: str
    kind: str
    of: str
    tables: tuple[Table, ...]


def odata_feeds(world: World) -> list[Feed]:
    """Describe the feeds."""
    patients = Table(
        (
            ("caseid", ("case_id",)),
            ("name", ("case_name",)),
            ("closed", ("closed",)),
            ("opened_date", ("date_opened",)),
            ("owner_id", ("owner_id",)),
            ("Date de naissance", ("properties", "dob")),
            ("Due date", ("properties", "edd")),
            ("age", ("properties", "age")),
            ("registration_id", ("properties", "registration_id")),
            ("blood_group", ("properties", "blood_group")),
        )
    )
    households = Table(
        (
            *_FORM_COLUMNS,
            ("form.head_name", ("form", "head_name")),
            ("form.members", ("form", "members")),
            ("form.water_source", ("form", "water_source")),
        )
    )
    children = Table(
        (
            ("number", ("#number",)),
            ("formid", ("id",)),
            ("form.children.child_name", ("#entry", "child_name")),
            ("form.children.age_months", ("#entry", "age_months")),
        ),
        ("form", "children"),
    )
    return [
        Feed(feed_id(world.root, "patients"), "cases", "patient", (patients,)),
        Feed(feed_id(world.root, "households"), "forms", FORMS["household"].xmlns, (households, children)),
    ]


def feed_id(root: str, key: str) -> str:
    """Make the id of a feed."""
    return hex_id(root, "odata feed", key)
