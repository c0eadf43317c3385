"""The programme's places and people as HQ's location, user, web user and group APIs describe them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .answers import facilities
from .clock import ENDS, day, sql_stamp
from .draws import Draw, hex_id
from .people import WORKERS_PER_BLOCK

if TYPE_CHECKING:
    from .course import World
    from .people import Worker
    from .places import Block, Country, District, Village

Json = dict[str, Any]

LOCATION_TYPES = (("country", "Country"), ("district", "District"), ("block", "Block"), ("village", "Village"))
ROLES = (
    ("meera.krishnan", "Meera", "Krishnan", "Admin"),
    ("t.alemu", "Tsehay", "Alemu", "M&E Officer"),
    ("o.sene", "Ousmane", "Sène", "M&E Officer"),
    ("data.manager", "Ravi", "Prasad", "Data Manager"),
    ("district.gaya", "Anil", "Yadav", "District Coordinator"),
    ("donor.view", "Claire", "Dubois", "Read Only"),
)
EDITOR = hex_id("web user", ROLES[3][0])
"""The web user who corrects forms."""
_PERMISSIONS = {
    "Admin": (
        "access_api",
        "edit_data",
        "view_reports",
        "edit_web_users",
        "edit_commcare_users",
        "edit_locations",
        "edit_apps",
        "download_reports",
    ),
    "M&E Officer": (
        "access_api",
        "edit_data",
        "view_reports",
        "edit_commcare_users",
        "edit_locations",
        "download_reports",
    ),
    "Data Manager": ("access_api", "edit_data", "view_reports", "download_reports"),
    "District Coordinator": ("view_reports", "edit_commcare_users"),
    "Read Only": ("view_reports",),
}
_CADRES = {"ind": "ASHA", "eth": "HEW", "sen": "bajenu gox"}


def location_types(domain: str) -> list[Json]:
    """Describe the four levels of places."""
    return [
        {
            "id": order + 1,
            "domain": domain,
            "name": name,
            "code": code,
            "administrative": code != "village",
            "shares_cases": code == "village",
            "view_descendants": code in ("district", "block"),
            "parent": _type_path(domain, order) if order else None,
            "resource_uri": _type_path(domain, order + 1),
        }
        for order, (code, name) in enumerate(LOCATION_TYPES)
    ]


def locations(world: World) -> list[Json]:
    """Describe every place, with the keys of both versions of the location API."""
    places = world.places
    described = [
        *(
            _location(world, 0, country, parent_id="", data={"iso": country.code.upper()})
            for country in places.countries
        ),
        *(
            _location(world, 1, district, parent_id=district.country.location_id, data=_about_district(district))
            for district in places.districts
        ),
        *(
            _location(
                world, 2, block, parent_id=block.district.location_id, data={"facility_code": facilities(block)[0]}
            )
            for block in places.blocks
        ),
        *(
            _location(world, 3, village, parent_id=village.block.location_id, data=_about_village(world, village))
            for village in places.villages
        ),
    ]
    closed = places.villages[-1]
    described.append(
        {
            **_location(world, 3, closed, parent_id=closed.block.location_id, data={}),
            "location_id": hex_id(world.root, "closed village"),
            "name": f"{closed.name} (fermé)",
            "site_code": f"{closed.code}_old",
        }
    )
    return [{"id": number + 101, **location} for number, location in enumerate(described)]


def archived(world: World) -> frozenset[str]:
    """Name the places that were closed, by their ids."""
    return frozenset({hex_id(world.root, "closed village")})


def _about_district(district: District) -> dict[str, str]:
    return {"joined": day(district.opens), "zone": district.country.offset}


def _about_village(world: World, village: Village) -> dict[str, str]:
    draw = Draw(world.root, "location", village.code)
    known = draw.chance(0.85)
    return {
        "population": str(draw.whole(240, 5200)) if known else "",
        "hmis_code": f"{draw.whole(1, 99_999):06d}",
    }


def _location(
    world: World, level: int, where: Country | District | Block | Village, *, parent_id: str, data: dict[str, str]
) -> Json:
    domain, location_id = world.domain, where.location_id
    type_code, type_name = LOCATION_TYPES[level]
    draw = Draw(world.root, "location dates", where.code)
    created = ENDS - timedelta(days=draw.whole(900, 1100), seconds=draw.whole(0, 86_400))
    modified = created + timedelta(seconds=int(draw.random() * 70_000_000), microseconds=11 if level else 0)
    return {
        "location_id": location_id,
        "name": where.name,
        "domain": domain,
        "site_code": where.code,
        "external_id": f"EXT{draw.whole(0, 9999):05d}" if draw.chance(0.6) else "",
        "created_at": sql_stamp(created),
        "last_modified": sql_stamp(modified),
        "latitude": _degrees(getattr(where, "latitude", None)),
        "longitude": _degrees(getattr(where, "longitude", None)),
        "location_data": data,
        "location_type_code": type_code,
        "location_type_name": type_name,
        "parent_location_id": parent_id,
    }


def _degrees(value: float | None) -> str | None:
    return None if value is None else f"{value:.10f}"


def _type_path(domain: str, number: int) -> str:
    return f"/a/{domain}/api/location_type/v1/{number}/"


def users(world: World) -> list[Json]:
    """Describe the mobile workers, those who left included."""
    return [_user(world, worker) for worker in world.people.workers]


def deactivated(world: World) -> frozenset[str]:
    """Name the mobile workers who left, by their ids."""
    return frozenset(worker.user_id for worker in world.people.workers if worker.left)


def _user(world: World, worker: Worker) -> Json:
    draw, domain = Draw(world.root, "user", worker.short), world.domain
    country = worker.block.district.country
    ids = [village.location_id for village in worker.villages]
    data: Json = {
        "commcare_project": domain,
        "commcare_location_id": ids[0],
        "commcare_location_ids": " ".join(ids),
        "commcare_primary_case_sharing_id": ids[0],
        "cadre": _CADRES[country.code],
        "language": country.language,
        "worker_code": f"{draw.whole(1, 999):04d}",
    }
    if draw.chance(0.5):
        data["commcare_profile"] = 1 + draw.whole(0, 2)
    if draw.chance(0.7):
        data["trained_on"] = day(worker.block.district.opens)
    return {
        "id": worker.user_id,
        "username": worker.username,
        "first_name": worker.first_name,
        "last_name": worker.last_name,
        "default_phone_number": worker.phone or None,
        "email": "",
        "phone_numbers": [worker.phone] if worker.phone else [],
        "groups": [worker.group_id],
        "user_data": data,
        "primary_location": ids[0],
        "locations": ids,
        "eulas": "[]",
        "resource_uri": f"/a/{domain}/api/user/v1/{worker.user_id}/",
    }


def web_users(world: World) -> list[Json]:
    """Describe the people who work with the data on the web."""
    return [_web_user(world, *person) for person in ROLES]


def _web_user(world: World, login: str, first_name: str, last_name: str, role: str) -> Json:
    user_id = hex_id("web user", login)
    district = world.places.districts[0].location_id if role == "District Coordinator" else None
    granted = _PERMISSIONS[role]
    return {
        "id": user_id,
        "username": f"{login}@health-ngo.example.org",
        "first_name": first_name,
        "last_name": last_name,
        "default_phone_number": None,
        "email": f"{login}@health-ngo.example.org",
        "phone_numbers": [],
        "eulas": "[]",
        "role": role,
        "is_admin": role == "Admin",
        "permissions": {name: name in granted for name in sorted(_PERMISSIONS["Admin"])},
        "primary_location_id": district,
        "assigned_location_ids": [district] if district else [],
        "profile": None,
        "user_data": {"commcare_project": world.domain},
        "tableau_role": None,
        "is_active_in_domain": True,
        "resource_uri": f"/a/{world.domain}/api/web-user/v1/{user_id}/",
    }


def groups(world: World) -> list[Json]:
    """Describe the groups: one per block that shares cases, one per country for reports."""
    workers = world.people.workers
    sharing = [
        _group(
            world,
            workers[block.number * WORKERS_PER_BLOCK].group_id,
            block.name,
            sharing=True,
            members=[worker.user_id for worker in workers if worker.block == block],
        )
        for block in world.places.blocks
    ]
    reporting = [
        _group(
            world,
            hex_id(world.root, "group", country.code),
            f"Workers of {country.name}",
            sharing=False,
            members=[worker.user_id for worker in workers if worker.block.district.country == country],
        )
        for country in world.places.countries
    ]
    return sharing + reporting


def _group(world: World, group_id: str, name: str, *, sharing: bool, members: list[str]) -> Json:
    return {
        "id": group_id,
        "domain": world.domain,
        "name": name,
        "users": members,
        "case_sharing": sharing,
        "reporting": not sharing,
        "metadata": {"level": "block" if sharing else "country"},
        "resource_uri": f"/a/{world.domain}/api/group/v1/{group_id}/",
    }
