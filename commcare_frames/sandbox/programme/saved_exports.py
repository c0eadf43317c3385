"""The exports that people of the programme saved for the Data Export Tool, with the columns that they chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .draws import hex_id
from .questionnaires import FORMS

if TYPE_CHECKING:
    from .course import World

Json = dict[str, Any]
Columns = tuple[tuple[str, str, str], ...]
"""Where a value stands in a record, its label, and the function that makes something of it."""

_DATE, _NUMBER = "str2date", "str2num"
_DELIVERIES: Columns = (
    ("id", "id", ""),
    ("domain", "domain", ""),
    ("form.@xmlns", "@xmlns", ""),
    ("form.delivery_date", "delivery_date", _DATE),
    ("form.delivery_outcome", "delivery_outcome", ""),
    ("form.delivery_place", "delivery_place", ""),
    ("form.children_born", "children_born", _NUMBER),
    ("form.case.@case_id", "case_id", ""),
    ("form.meta.username", "username", ""),
    ("received_on", "received_on", _DATE),
)
_BABIES: Columns = (
    ("id", "number", ""),
    ("$.id", "formid", ""),
    ("baby_name", "baby_name", ""),
    ("sex", "sex", ""),
    ("birth_weight_kg", "birth_weight_kg", _NUMBER),
    ("dob", "dob", _DATE),
)
_HOUSEHOLDS: Columns = (
    ("id", "id", ""),
    ("domain", "domain", ""),
    ("form.members", "members", _NUMBER),
    ("form.home.roof", "roof", ""),
    ("form.home.water_source", "water_source", ""),
)
_PATIENTS: Columns = (
    ("case_id", "id", ""),
    ("domain", "domain", ""),
    ("id", "caseid", ""),
    ("properties.case_name", "name", ""),
    ("properties.dob", "dob", _DATE),
    ("properties.age", "age", _NUMBER),
    ("properties.danger_signs", "danger_signs", ""),
    ("closed", "closed", ""),
    ("properties.date_opened", "opened_date", _DATE),
    ("indices.parent.case_id", "indices.household", ""),
)


def saved_exports(world: World) -> list[Json]:
    """List the exports, those of forms first; each of their tables has a title, a source of rows, and columns."""
    deliveries = [
        {"title": "Deliveries", "source": "form", "columns": _DELIVERIES},
        {"title": "Repeat- babies", "source": "form.form.babies[*]", "columns": _BABIES},
    ]
    households = [{"title": "Households", "source": "form", "columns": _HOUSEHOLDS}]
    patients = [{"title": "Cases", "source": "case", "columns": _PATIENTS}]
    usual: Json = {"export_format": "xlsx", "is_deidentified": False, "case_type": None, "xmlns": None}
    described: dict[str, Json] = {
        "deliveries": {"name": "Deliveries: für M&E", "xmlns": FORMS["delivery"].xmlns, "tables": deliveries},
        "households": {
            "name": "Households without names",
            "is_deidentified": True,
            "xmlns": FORMS["household"].xmlns,
            "tables": households,
        },
        "patients": {"name": "Patients", "export_format": "csv", "case_type": "patient", "tables": patients},
    }
    return [
        usual | {"id": export_id(world.root, key), "type": "case" if "case_type" in export else "form"} | export
        for key, export in described.items()
    ]


def export_id(root: str, key: str) -> str:
    """Make the id of an export."""
    return hex_id(root, "saved export", key)
