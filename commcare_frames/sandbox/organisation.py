"""Keeps a domain's people and places, and lets tests and demos change them."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.domains import Programme

Json = dict[str, Any]


class People:
    """Mobile workers, web users and groups; whoever is deactivated is in none of the usual lists."""

    def __init__(self, programme: Programme) -> None:
        self._lock = threading.Lock()
        self._domain = programme.domain
        self._users = {user["id"]: dict(user) for user in programme.users}
        self._inactive = set(programme.deactivated)
        self.web_users = [dict(user) for user in programme.web_users]
        self.groups = [dict(group) for group in programme.groups]

    def users(self, *, active: bool | None = None) -> list[Json]:
        """List mobile workers: those active, those deactivated, or all."""
        with self._lock:
            users = list(self._users.values())
            return [user for user in users if active is None or active == (user["id"] not in self._inactive)]

    def add(self, name: str, **fields: Any) -> str:  # noqa: ANN401  any JSON value
        """Employ a mobile worker of that short name, and return the id."""
        user_id = uuid.uuid4().hex
        user: Json = {
            "id": user_id,
            "username": f"{name}@{self._domain}.commcarehq.org",
            "first_name": "",
            "last_name": "",
            "default_phone_number": None,
            "email": "",
            "phone_numbers": [],
            "groups": [],
            "user_data": {"commcare_project": self._domain},
            "primary_location": None,
            "locations": [],
            "eulas": "[]",
        }
        with self._lock:
            self._users[user_id] = {**user, **fields}
        return user_id

    def edit(self, user_id: str, **fields: Any) -> None:  # noqa: ANN401  any JSON value
        """Change a mobile worker."""
        with self._lock:
            self._users[user_id] = {**self._users[user_id], **fields}

    def deactivate(self, user_ids: Iterable[str]) -> None:
        """Deactivate mobile workers."""
        with self._lock:
            self._inactive.update(user_ids)

    def delete(self, user_ids: Iterable[str]) -> None:
        """Delete mobile workers: HQ's APIs never mention them again."""
        with self._lock:
            for user_id in user_ids:
                del self._users[user_id]


class Places:
    """Locations and their types; every change gives a location a new `last_modified`."""

    def __init__(self, programme: Programme, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._domain = programme.domain
        self._locations = {place["location_id"]: dict(place) for place in programme.locations}
        self._archived = set(programme.archived)
        self.types: Sequence[Json] = programme.location_types

    def all(self) -> list[Json]:
        """List the locations that are not archived."""
        with self._lock:
            return [place for place in self._locations.values() if place["location_id"] not in self._archived]

    def add(self, name: str, type_code: str, parent_id: str = "", **fields: Any) -> str:  # noqa: ANN401
        """Found a location, and return its id; fields in the names of both versions of HQ's API."""
        location_id = fields.pop("location_id", uuid.uuid4().hex)
        now = self._now()
        kind = next(each for each in self.types if each["code"] == type_code)
        place = {
            "location_id": location_id,
            "name": name,
            "domain": self._domain,
            "site_code": location_id[:12],
            "external_id": None,
            "created_at": now,
            "last_modified": now,
            "latitude": None,
            "longitude": None,
            "location_data": {},
            "location_type_code": type_code,
            "location_type_name": kind["name"],
            "parent_location_id": parent_id,
        }
        with self._lock:
            number = max((each["id"] for each in self._locations.values()), default=100) + 1
            self._locations[location_id] = {"id": number, **place, **fields}
        return str(location_id)

    def edit(self, location_id: str, **fields: Any) -> None:  # noqa: ANN401  any JSON value
        """Change a location; `last_modified` becomes now unless it is given."""
        with self._lock:
            self._change(location_id, fields)

    def reindex(self, location_ids: Iterable[str]) -> None:
        """Save locations again without changing them."""
        with self._lock:
            for location_id in location_ids:
                self._change(location_id, {})

    def archive(self, location_ids: Iterable[str]) -> None:
        """Archive locations: HQ's APIs hide them."""
        with self._lock:
            for location_id in location_ids:
                self._change(location_id, {})
                self._archived.add(location_id)

    def unarchive(self, location_ids: Iterable[str]) -> None:
        """Bring archived locations back."""
        with self._lock:
            for location_id in location_ids:
                self._change(location_id, {})
                self._archived.remove(location_id)

    def delete(self, location_ids: Iterable[str]) -> None:
        """Delete locations: HQ's APIs never mention them again."""
        with self._lock:
            for location_id in location_ids:
                del self._locations[location_id]

    def _change(self, location_id: str, fields: Json) -> None:
        place = self._locations[location_id]
        self._locations[location_id] = {**place, "last_modified": self._now(), **fields}

    def _now(self) -> str:
        """Return now as SQL gives it: no zone, and no microseconds where they are zero."""
        return datetime.fromisoformat(self._clock.stamp()).replace(tzinfo=None).isoformat()
