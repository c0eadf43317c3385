"""Query files for comparing with commcare-export: sheets as rows of cells, each a language feature or several."""

from __future__ import annotations

from typing import Any

Rows = list[list[Any]]
Sheets = dict[str, Rows]

FORM = "http://openrosa.org/formdesigner/"
HOUSEHOLD = FORM + "5A0D3F42-7C52-4C7B-9E0B-1E6C8C2B7A01"
MOTHER = FORM + "0F9B1C64-2D1E-4B59-8F1C-52B7D4E6A102"
VISIT = FORM + "C3E1A7B0-64F5-4E0A-B7C4-9D1A2F3B4C03"
DELIVERY = FORM + "7B6D5C4A-11AA-4D0E-A9F3-3C2B1A0F9E04"
CHILD_VISIT = FORM + "E84F0D2B-9C37-4A6F-8D55-6B7A8C9D0E05"


def sheet(
    source: str | None,
    fields: list[tuple[Any, ...]],
    filters: list[tuple[Any, Any]] | None = None,
    titles: tuple[str, ...] = ("Field", "Source Field", "Map Via", "Format Via"),
    **more: list[Any],
) -> Rows:
    """The rows of a sheet: its source and filters on the left, its fields beside them."""
    filters = filters or []
    columns: dict[str, list[Any]] = {
        "Data Source": [source],
        "Filter Name": [name for name, _ in filters],
        "Filter Value": [value for _, value in filters],
        **{
            title: [field[place] if place < len(field) else None for field in fields]
            for place, title in enumerate(titles)
        },
        **more,
    }
    height = max(map(len, columns.values()))
    padded = [[*column, *[None] * (height - len(column))] for column in columns.values()]
    return [list(columns), *map(list, zip(*padded, strict=True))]


def of(xmlns: str) -> list[tuple[Any, Any]]:
    return [("xmlns", xmlns)]


def saved(case_type: str) -> list[tuple[Any, Any]]:
    return [("type", case_type)]


MAPPINGS: Rows = [
    ["Mapping Name", "Source", "Destination"],
    ["place", "home", "At home"],
    ["place", "facility", "In a facility"],
    ["mode", "vaginal", ""],
    ["mode", "caesarean", 7],
    ["children", 1, "one"],
    ["place, short", "home", "H"],
]

QUERIES: dict[str, Sheets] = {
    "forms": {
        "Deliveries": sheet(
            "form",
            [
                ("id", "id"),
                ("received_on", "received_on"),
                ("received", "received_on", "str2date"),
                ("delivered", "form.delivery_date", "str2date"),
                ("babies", "form.babies[*].baby_name"),
                ("cases", "form..case.@case_id"),
                ("xmlns", "form.@xmlns"),
                ("type", "form.#type"),
                ("app", "form.meta.appVersion"),
                ("position", "form.meta.geo_point"),
                ("nothing", "form.no.such"),
                ("version", "form.meta.app_build_version"),
                ("archived", "archived"),
                ("edited", "edited_on"),
                ("update", "form.case.update"),
                ("update_id", "form.case.update.id"),
                ("a", "form.babies[0:1].sex"),
                ("photo", "attachments.*.content_type"),
                ("fp", "form.case.update.fp-method"),
                ("nobody", "form.meta.id"),
            ],
            of(DELIVERY),
        ),
        "babies": sheet(
            "form.form.babies[*]",
            [
                ("id", "id"),
                ("form", "$.id"),
                ("name", "baby_name"),
                ("sex", "sex"),
                ("kg", "birth_weight_kg", "str2num"),
                ("date", "$.form.delivery_date"),
                ("mother", "case.index.mother"),
                ("case", "case.@case_id"),
                ("url", "case.@case_id", "form_url"),
                ("around", "`parent`.`parent`.delivery_place"),
            ],
            of(DELIVERY),
            **{"Table Name": ["baby rows"]},
        ),
        "cases touched": sheet(
            "form..case",
            [("id", "@case_id"), ("form", "$.id"), ("type", "create.case_type"), ("all", "update.*"), ("own", "id")],
            of(DELIVERY),
        ),
    },
    "nested repeats": {
        "vaccinations": sheet(
            "form.form.children[*].vaccinations[*]",
            [
                ("id", "id"),
                ("vaccine", "vaccine"),
                ("given", "given_on", "str2date"),
                ("whole", "`this`"),
                ("child", "`parent`.`parent`.child_name"),
                ("first", "$.form.children[*].child_name"),
            ],
            of(HOUSEHOLD),
        ),
        "households": sheet(
            "form[*]",
            [
                ("id", "id"),
                ("children", "form.children[*].child_name"),
                ("vaccines", "form..vaccine"),
                ("home", "form.home", "json2str"),
                ("name of head", "form.case.create.case_name"),
                ("2nd", "form.home.2nd"),
                ("blank", "form.case.close"),
                ("whole", "form.home"),
            ],
            of(HOUSEHOLD),
        ),
    },
    "functions": {
        "visits": sheet(
            "form",
            [
                ("n", "form.visit_number", "str2num"),
                ("signs", "form.danger_signs"),
                ("count", "form.danger_signs", "count-selected"),
                ("first", "form.danger_signs", "selected-at(0)"),
                ("second", "form.danger_signs", "selected-at(1)"),
                ("last", "form.danger_signs", "selected-at(-1)"),
                ("fever", "form.danger_signs", "selected(fever)"),
                ("kg", "form.examination.weight_kg", "str2num"),
                ("date", "form.visit_date", "str2date", "substr(0,4)"),
                ("year", "form.visit_date", "substr(0, 4)"),
                ("started", "form.meta.timeStart", "str2date"),
                ("referred", "form.referred", "str2bool"),
                ("is_first", "form.visit_number", "bool2int"),
                ("has_hb", "form.examination.hb", "bool"),
                ("sha", "id", "sha1"),
                ("uuid", "form.meta.userID", "format-uuid"),
                ("no_uuid", "form.referred", "format-uuid"),
                ("text", "form.visit_type", "template(Visit {} of {}, form.visit_number, form.case.@case_id)"),
                ("own text", "form.visit_type", "template([{}])"),
                ("gone text", "form.gone", "template({}/{}, form.gone, id)"),
                ("form", "id", "form_url"),
                ("case", "id", "case_url"),
                ("photo", "form.photo", "attachment_url"),
                ("file", "form.visit_type", "attachment_url"),
                ("gone file", "form.gone", "attachment_url"),
                ("json", "form.examination", "json2str"),
                ("gone json", "form.gone", "json2str"),
                ("gone bool", "form.gone", "str2bool"),
                ("gone int", "form.gone", "bool2int"),
                ("gone num", "form.gone", "str2num"),
                ("gone date", "form.gone", "str2date"),
                ("odd date", "form.visit_type", "str2date"),
                ("odd number", "form.visit_type", "str2num"),
                ("words", "form.danger_signs", "count-selected", "str2num"),
                ("once", "form.visit_number", "unique"),
                ("long", "form.visit_number", "substr(5,9)"),
                ("length", "form.danger_signs", "json2str", "len"),
            ],
            of(VISIT),
        )
    },
    "mappings": {
        "deliveries": sheet(
            "form",
            [
                ("id", "id"),
                ("place", "form.delivery_place"),
                ("mode", "form.delivery_mode"),
                ("children", "form.children_born"),
                ("place, short", "form.delivery_place", "selected-at(0)"),
                ("date", "form.gone"),
            ],
            of(DELIVERY),
        ),
        "Mappings": MAPPINGS,
    },
    "alternates": {
        "dates": sheet(
            "form",
            [
                ("id", "id", None, None, None),
                ("date", "form.no_date", "form.visit_date", "form.delivery_date", "str2date"),
                ("kind", "form.visit_type", "form.gone", "form.delivery_place", None),
                ("signs", "form.gone", None, "form.danger_signs", "count-selected"),
                ("form", "form.gone", None, None, None),
            ],
            of(VISIT),
            ("Field", "Source Field", "Alternate Source Field 1", "alternate source field 2", "Map Via"),
        ),
        "listed": sheet(
            "form",
            [
                ("id", "id", None),
                ("who", "form.gone", "form.nobody, form.meta.username"),
                ("date", "form.delivery_date", None),
            ],
            of(DELIVERY),
            ("Field", "Source Field", "Alternate Source Fields"),
        ),
    },
    "cases": {
        "patients": sheet(
            "case",
            [
                ("id", "id"),
                ("case_id", "case_id"),
                ("domain", "domain"),
                ("name", "properties.case_name"),
                ("type", "properties.case_type"),
                ("dob", "properties.dob", "str2date"),
                ("age", "properties.age", "str2num"),
                ("closed", "closed"),
                ("date_closed", "date_closed", "str2date"),
                ("opened", "properties.date_opened", "str2date"),
                ("household", "indices.parent.case_id"),
                ("modified", "server_date_modified"),
                ("forms", "xform_ids"),
                ("first form", "xform_ids[0]"),
                ("index", "indices"),
                ("risk", "properties.high_risk", "bool2int"),
                ("url", "id", "case_url"),
                ("phone", "properties.phone"),
                ("hb", "properties.hb", "str2num"),
            ],
            saved("patient"),
        ),
        "children": sheet(
            "case",
            [("id", "id"), ("mother", "indices.mother.case_id"), ("name", "properties.case_name"), ("by", "opened_by")],
            saved("child"),
        ),
        "of two owners": sheet(
            "case", [("id", "id"), ("owner", "properties.owner_id")], [*saved("visit"), ("closed", "true")]
        ),
    },
    "included": {
        "with cases": sheet(
            "form",
            [("id", "id"), ("names", "cases[*].properties.case_name"), ("types", "cases..case_type")],
            of(CHILD_VISIT),
            **{"Include Referenced Items": ["cases"]},
        )
    },
    "people": {
        "users": sheet(
            "user",
            [
                ("id", "id"),
                ("username", "username"),
                ("groups", "groups"),
                ("phones", "phone_numbers"),
                ("village", "user_data.commcare_location_id"),
                ("cadre", "user_data.cadre"),
                ("data", "user_data"),
                ("email", "email"),
                ("eulas", "eulas"),
                ("locations", "locations[*]"),
                ("uri", "resource_uri"),
            ],
        ),
        "web users": sheet(
            "web-user",
            [
                ("id", "id"),
                ("role", "role"),
                ("admin", "is_admin"),
                ("may", "permissions.edit_data"),
                ("mail", "email"),
            ],
        ),
    },
    "places": {
        "locations": sheet(
            "location",
            [
                ("id", "id"),
                ("location_id", "location_id"),
                ("name", "name"),
                ("parent", "parent"),
                ("type", "location_type"),
                ("data", "location_data", "json2str"),
                ("lat", "latitude", "str2num"),
                ("changed", "last_modified", "str2date"),
                ("code", "site_code"),
                ("zone", "location_data.zone"),
            ],
        )
    },
    "the rest": {
        "applications": sheet(
            "application",
            [
                ("id", "id"),
                ("name", "name"),
                ("version", "version"),
                ("modules", "modules[*].name.en"),
                ("built", "built_on"),
            ],
        ),
        "forms of applications": sheet(
            "application.modules[*].forms[*]",
            [
                ("id", "id"),
                ("app", "$.id"),
                ("xmlns", "xmlns"),
                ("name", "name.en"),
                ("questions", "questions[*].value"),
            ],
        ),
        "events": sheet(
            "messaging-event",
            [
                ("id", "id"),
                ("date", "date", "str2date"),
                ("status", "status"),
                ("to", "recipient.name"),
                ("who", "recipient"),
            ],
        ),
        "messages": sheet(
            "messaging-event.messages[*]",
            [("id", "id"), ("event", "$.id"), ("message", "message_id"), ("status", "status"), ("text", "content")],
        ),
    },
    "shared table": {
        "one": sheet("form", [("id", "id"), ("n", "form.visits")], of(VISIT), **{"Table Name": ["both"]}),
        "two": sheet("form", [("id", "form.case.@case_id"), ("n", "form.gone")], of(VISIT), **{"Table Name": ["both"]}),
        "three": sheet(
            "form", [("id", "id"), ("n", "form.visits")], of("http://no.such/form"), **{"Table Name": ["none"]}
        ),
    },
}


def data_source(number: str) -> Sheets:
    """A query of the rows of a UCR data source."""
    return {
        "pregnancies": sheet(
            "ucr",
            [
                ("id", "doc_id"),
                ("due", "edd", "str2date"),
                ("visits", "visits"),
                ("risk", "high_risk"),
                ("out", "outcome"),
            ],
            [("data_source_id", number)],
        )
    }
