"""How an entry of the log of a phone is laid out."""

from __future__ import annotations

from commcare_frames.tables.layout import Column
from commcare_frames.tables.records import RecordLayout

DEVICE_LOG = RecordLayout(
    name="device log",
    metadata=(
        Column("id", ("id",)),
        Column("date", ("date",), "time"),
        Column("server_date", ("server_date",), "time"),
        *(
            Column(name, (name,))
            for name in ("type", "msg", "username", "user_id", "device_id", "app_version", "xform_id", "i")
        ),
    ),
    dropped=frozenset({"domain", "resource_uri"}),
    order=("date", "xform_id"),
    numbers=frozenset({"i"}),
)
