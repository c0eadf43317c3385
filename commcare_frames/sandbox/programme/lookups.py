"""The lookup tables of the programme and their rows: facilities, vaccines in three languages, and districts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .answers import VACCINES, facilities
from .draws import hex_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .course import World

Json = dict[str, Any]

_VACCINE_NAMES = {
    "bcg": ("BCG", "BCG", "बीसीजी"),
    "opv": ("Polio drops {}", "Polio oral {}", "पोलियो की खुराक {}"),
    "hepb": ("Hepatitis B {}", "Hépatite B {}", "हेपेटाइटिस बी {}"),
    "penta": ("Pentavalent {}", "Pentavalent {}", "पेंटावैलेंट {}"),
    "measles": ("Measles {}", "Rougeole {}", "खसरा {}"),
}
_DUE_WEEKS = (0, 0, 0, 6, 6, 10, 10, 14, 14, 39)


def lookup_tables(world: World) -> list[Json]:
    """Describe the lookup tables."""
    return [
        _table(world, "facility", {"code": [], "name": [], "level": [], "district": []}),
        _table(world, "vaccine", {"code": [], "name": ["lang"], "due_weeks": []}, ["programme"]),
        _table(world, "district", {"code": [], "name": [], "country": []}),
    ]


def _table(world: World, tag: str, fields: dict[str, list[str]], attributes: Iterable[str] = ()) -> Json:
    return {
        "id": _table_id(world, tag),
        "tag": tag,
        "is_global": True,
        "fields": [{"field_name": name, "properties": properties} for name, properties in fields.items()],
        "item_attributes": list(attributes),
        "resource_uri": "",
    }


def _table_id(world: World, tag: str) -> str:
    return hex_id(world.root, "lookup table", tag)


def lookup_items(world: World) -> list[Json]:
    """List the rows of all lookup tables, as HQ's API does."""
    rows: list[tuple[str, dict[str, list[Json]], Json]] = []
    for district in world.places.districts:
        fields = {"code": district.code, "name": district.name, "country": district.country.name}
        rows.append(("district", _plain(fields), {}))
        hospital = {"code": f"{district.code.upper()}-HOSP", "name": f"{district.name} District Hospital"}
        rows.append(("facility", _plain({**hospital, "level": "hospital", "district": district.code}), {}))
    for block in world.places.blocks:
        centre = {"code": facilities(block)[0], "name": f"{block.name} Health Centre"}
        rows.append(("facility", _plain({**centre, "level": "centre", "district": block.district.code}), {}))
    for code, weeks in zip(VACCINES, _DUE_WEEKS, strict=True):
        names = _VACCINE_NAMES[code.rstrip("0123456789")]
        dose = code[len(code.rstrip("0123456789")) :]
        fields_of_vaccine = _plain({"code": code, "due_weeks": str(weeks)})
        fields_of_vaccine["name"] = [
            _value(name.format(dose), lang=lang) for lang, name in zip(("en", "fr", "hi"), names, strict=True)
        ]
        rows.append(("vaccine", fields_of_vaccine, {"programme": "national"}))
    return [
        {
            "id": hex_id(world.root, "lookup row", tag, order),
            "data_type_id": _table_id(world, tag),
            "fields": {name: {"field_list": values} for name, values in fields.items()},
            "item_attributes": attributes,
            "sort_key": order,
            "resource_uri": "",
        }
        for order, (tag, fields, attributes) in enumerate(rows)
    ]


def _plain(fields: dict[str, str]) -> dict[str, list[Json]]:
    return {name: [_value(value)] for name, value in fields.items()}


def _value(value: str, **properties: str) -> Json:
    return {"field_value": value, "properties": properties}
