"""What surrounds the answers of a form in HQ: case blocks, the phone's record of the form, and HQ's of its arrival."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .application import NEWEST, app_id, build_id, supervision_app_id
from .clock import naive_stamp, stamp
from .draws import Draw, digest, hex_id
from .organisation import EDITOR
from .questionnaires import FORMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .course import Contact, World
    from .places import Village

Json = dict[str, Any]

_CASE_XMLNS = "http://commcarehq.org/case/transaction/v2"
_COMMCARE = {12: "2.53.0", 18: "2.53.1", 25: "2.55.1", 31: "2.57.4"}
_OLDEST = min(_COMMCARE)
_BY_SUPERVISORS = 12
"""So many of 256 visits."""


def case_block(
    contact: Contact,
    case_id: str,
    *,
    create: Mapping[str, str] | None = None,
    update: Mapping[str, str] | None = None,
    close: bool = False,
    index: Mapping[str, tuple[str, str, str]] | None = None,
) -> Json:
    """Write what a form does to one case; `index` names case type, relationship and case id."""
    block: Json = {
        "@case_id": case_id,
        "@date_modified": stamp(contact.at),
        "@user_id": contact.worker.user_id,
        "@xmlns": _CASE_XMLNS,
    }
    if create:
        block["create"] = dict(create)
    if update:
        block["update"] = dict(update)
    if close:
        block["close"] = ""
    if index:
        block["index"] = {
            name: {"@case_type": case_type, "@relationship": relationship, "#text": target}
            for name, (case_type, relationship, target) in index.items()
        }
    return block


def envelope(
    world: World,
    contact: Contact,
    body: Json,
    *,
    edited: datetime | None,
    archived: bool = False,
    by_phone: bool = True,
    village: Village | None = None,
    photo: str | None = None,
) -> Json:
    """Write a form as HQ's API gives it; what did not come from a phone has no metadata and no application."""
    form_id, draw = contact.form_id, Draw(*contact.key, "envelope")
    meta = _meta(contact, form_id, draw, village) if by_phone else None
    modified = edited or contact.received + timedelta(milliseconds=draw.whole(40, 900))
    return {
        "id": form_id,
        "domain": world.domain,
        "type": "data",
        "version": str(contact.version),
        "uiversion": "1",
        "form": {
            "#type": "data",
            "@name": FORMS[contact.kind].en,
            "@uiVersion": "1",
            "@version": str(contact.version),
            "@xmlns": FORMS[contact.kind].xmlns,
            **body,
            **({"meta": meta} if meta else {}),
        },
        "metadata": _metadata(contact, meta, edited=edited is not None) if meta else None,
        "received_on": stamp(contact.received),
        "server_modified_on": stamp(modified),
        "indexed_on": stamp(edited or contact.indexed),
        "edited_on": stamp(edited) if edited else None,
        "edited_by_user_id": EDITOR if edited else None,
        **_application(world, contact, by_phone=by_phone),
        "problem": None,
        "submit_ip": f"10.{draw.whole(0, 255)}.{draw.whole(0, 255)}.{draw.whole(1, 254)}",
        "initial_processing_complete": True,
        "archived": archived,
        "is_phone_submission": by_phone,
        "attachments": _attachments(world, form_id, draw, photo),
        "resource_uri": "",
    }


def _application(world: World, contact: Contact, *, by_phone: bool) -> Json:
    if not by_phone:
        return {"app_id": None, "build_id": None}
    if contact.kind == "supervision" or _is_in_supervision_app(contact):
        return {"app_id": supervision_app_id(world.root), "build_id": None}
    return {"app_id": app_id(world.root), "build_id": build_id(world.root, contact.version)}


def _is_in_supervision_app(contact: Contact) -> bool:
    """Whether a visit was entered in the supervisors' application, which has the newest version of its form."""
    newest_visit = contact.kind == "visit" and contact.version == NEWEST
    return newest_visit and digest(*contact.key, "supervisor")[0] < _BY_SUPERVISORS


def _meta(contact: Contact, form_id: str, draw: Draw, village: Village | None) -> Json:
    commcare = _COMMCARE[contact.version]
    app_version: str | Json = f'CommCare Android, version "{commcare}"(464980). App v{contact.version}.'
    if contact.version == _OLDEST:
        app_version = {"#text": app_version, "@xmlns": "http://commcarehq.org/xforms"}
    located = village is not None and contact.version > _OLDEST and draw.chance(0.4)
    return {
        "@xmlns": "http://openrosa.org/jr/xforms",
        "deviceID": f"commcare_{hex_id(contact.worker.user_id, 'phone')[:16]}",
        "timeStart": stamp(contact.at - timedelta(milliseconds=draw.whole(90_000, 520_000))),
        "timeEnd": stamp(contact.at),
        "username": contact.worker.short,
        "userID": contact.worker.user_id,
        "instanceID": form_id,
        "appVersion": app_version,
        "app_build_version": contact.version,
        "commcare_version": commcare,
        "geo_point": _geo_point(draw, village) if village and located else None,
    }


def _geo_point(draw: Draw, village: Village) -> Json:
    return {
        "latitude": round(village.latitude + draw.bell(0, 0.01), 6),
        "longitude": round(village.longitude + draw.bell(0, 0.01), 6),
        "altitude": float(draw.whole(5, 800)),
        "accuracy": float(draw.whole(4, 40)),
    }


def _metadata(contact: Contact, meta: Json, *, edited: bool) -> Json:
    app_version = meta["appVersion"]
    return {
        **{key: value for key, value in meta.items() if key != "@xmlns"},
        "appVersion": app_version if isinstance(app_version, str) else app_version["#text"],
        "timeStart": meta["timeStart"][:-1],
        "timeEnd": naive_stamp(contact.at),
        "doc_type": "Metadata",
        "deprecatedID": hex_id(*contact.key, "deprecated") if edited else None,
        "location": None,
    }


def _attachments(world: World, form_id: str, draw: Draw, photo: str | None) -> Json:
    if draw.chance(0.01):
        return {}
    path = f"/a/{world.domain}/api/form_attachment/v1/{form_id}"
    length = draw.whole(5_600, 9_900) if draw.chance(0.97) else None
    files: Json = {"form.xml": {"content_type": "text/xml", "length": length, "url": f"{path}/form.xml"}}
    if photo:
        picture = {"content_type": "image/jpeg", "length": draw.whole(30_000, 240_000), "url": f"{path}/{photo}"}
        files[photo] = picture
    return files
