"""Says how mobile workers, web users, groups and locations are laid out as columns."""

from __future__ import annotations

from commcare_frames.tables.layout import Column
from commcare_frames.tables.records import RecordLayout

USER = RecordLayout(
    name="mobile worker",
    metadata=(
        Column("user_id", ("id",)),
        Column("username", ("username",)),
        Column("first_name", ("first_name",)),
        Column("last_name", ("last_name",)),
        Column("active", ("active",), "flag"),
        Column("email", ("email",)),
        Column("default_phone_number", ("default_phone_number",)),
        Column("phone_numbers", ("phone_numbers",), "texts"),
        Column("primary_location", ("primary_location",)),
        Column("locations", ("locations",), "texts"),
        Column("groups", ("groups",), "texts"),
        Column("language", ("language",), when="sent"),
        Column("role", ("role",), when="sent"),
        Column("eulas", ("eulas",), when="sent"),
    ),
    dropped=frozenset({"resource_uri"}),
    order=("username",),
)
"""A mobile worker; HQ does not say whether one is active, but lists those who are and those who are not."""

WEB_USER = RecordLayout(
    name="web user",
    metadata=(
        Column("user_id", ("id",)),
        Column("username", ("username",)),
        Column("first_name", ("first_name",)),
        Column("last_name", ("last_name",)),
        Column("active", ("is_active_in_domain",), "flag"),
        Column("email", ("email",)),
        Column("role", ("role",)),
        Column("is_admin", ("is_admin",), "flag"),
        Column("default_phone_number", ("default_phone_number",)),
        Column("phone_numbers", ("phone_numbers",), "texts"),
        Column("primary_location", ("primary_location_id",)),
        Column("locations", ("assigned_location_ids",), "texts"),
        Column("profile", ("profile",), when="sent"),
        Column("tableau_role", ("tableau_role",), when="sent"),
        Column("eulas", ("eulas",), when="sent"),
    ),
    dropped=frozenset({"resource_uri"}),
    order=("username",),
)
"""A web user, with the names that a mobile worker's columns have."""

GROUP = RecordLayout(
    name="group",
    metadata=(
        Column("group_id", ("id",)),
        Column("name", ("name",)),
        Column("case_sharing", ("case_sharing",), "flag"),
        Column("reporting", ("reporting",), "flag"),
        Column("users", ("users",), "texts"),
    ),
    dropped=frozenset({"domain", "resource_uri"}),
    order=("name",),
)
"""A group of mobile workers."""

USERNAME = RecordLayout(name="username", metadata=(Column("user_id", ("user_id",)), Column("username", ("user_name",))))
"""The name of any user, whatever the kind."""

LOCATION = RecordLayout(
    name="location v2",
    metadata=(
        Column("location_id", ("location_id",)),
        Column("name", ("name",)),
        Column("site_code", ("site_code",)),
        Column("location_type_code", ("location_type_code",)),
        Column("location_type_name", ("location_type_name",)),
        Column("parent_location_id", ("parent_location_id",)),
        Column("latitude", ("latitude",)),
        Column("longitude", ("longitude",)),
        Column("last_modified", ("last_modified",), "time"),
    ),
    dropped=frozenset({"domain"}),
    order=("site_code",),
)
"""A location as version 2 of HQ's location API sends it."""

LOCATION_V1 = RecordLayout(
    name="location v1",
    metadata=(
        Column("location_id", ("location_id",)),
        Column("name", ("name",)),
        Column("site_code", ("site_code",)),
        Column("location_type_code", ("location_type",)),
        Column("location_type_name", ("location_type_name",)),
        Column("parent_location_id", ("parent",)),
        Column("latitude", ("latitude",)),
        Column("longitude", ("longitude",)),
        Column("last_modified", ("last_modified",), "time"),
        Column("external_id", ("external_id",)),
        Column("created_at", ("created_at",), "time"),
    ),
    dropped=frozenset({"domain", "resource_uri"}),
    order=("site_code",),
)
"""A location as version 1 sends it; it names type and parent by addresses that end with the type's number and an id."""

LOCATION_TYPE = RecordLayout(
    name="location type",
    metadata=(
        Column("location_type_id", ("id",)),
        Column("code", ("code",)),
        Column("name", ("name",)),
        Column("parent_code", ("parent",)),
        Column("administrative", ("administrative",), "flag"),
        Column("shares_cases", ("shares_cases",), "flag"),
        Column("view_descendants", ("view_descendants",), "flag"),
    ),
    dropped=frozenset({"domain", "resource_uri"}),
    numbers=frozenset({"location_type_id"}),
)
"""A level of locations; HQ names its parent by an address that ends with its number."""
