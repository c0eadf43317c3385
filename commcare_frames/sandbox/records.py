"""Holds one case as the index keeps it: what pages are ordered and cut by, and its JSON ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.dates import milliseconds

if TYPE_CHECKING:
    from commcare_frames.sandbox.search_index import Position

Case = dict[str, Any]
Test = Callable[[Case], bool]
Predicate = Callable[["CaseRecord"], bool]

V1_EXTRAS = ("opened_by", "closed_by", "user_id", "xform_ids", "server_date_opened")
V2_KEYS = (
    "case_id", "case_type", "case_name", "external_id", "owner_id", "date_opened", "last_modified",
    "server_last_modified", "indexed_on", "closed", "date_closed", "is_deprecated", "properties", "indices",
)  # fmt: skip


class CaseRecord:
    """One version of one case.

    A project has 100,000 cases and more, so a record is its JSON, not a dictionary, which would take five
    times the memory; `content` parses it where that is needed.
    """

    __slots__ = (
        "_extras",
        "_v1",
        "case_id",
        "case_type",
        "closed",
        "external_id",
        "owner_id",
        "position",
        "v2",
    )

    def __init__(self, domain: str, case: Case) -> None:
        self.case_id: str = case["case_id"]
        self.case_type: str = case["case_type"]
        self.owner_id: str = case["owner_id"]
        self.external_id: str | None = case["external_id"]
        self.closed: bool = case["closed"]
        self.position: Position = (milliseconds(case["indexed_on"]), self.case_id)
        self.v2: bytes = json.dumps({"domain": domain, **{key: case[key] for key in V2_KEYS}}).encode()
        self._extras = json.dumps([case[key] for key in V1_EXTRAS]).encode()
        self._v1: bytes | None = None

    @property
    def kind(self) -> str:
        """The case type."""
        return self.case_type

    @property
    def v1(self) -> bytes:
        """The case in the JSON of case v1."""
        if self._v1 is None:
            self._v1 = json.dumps(_v1_object(self.content())).encode()
        return self._v1

    def v2_object(self) -> Case:
        """Return the case in the shape of case v2."""
        parsed: Case = json.loads(self.v2)
        return parsed

    def content(self) -> Case:
        """Return all that is known of the case."""
        return {**self.v2_object(), **dict(zip(V1_EXTRAS, json.loads(self._extras), strict=True))}

    def indexed(self, stamp: str) -> CaseRecord:
        """Return the case as it is when indexed again at that time."""
        case = self.content()
        return CaseRecord(case["domain"], {**case, "indexed_on": stamp})


def with_defaults(case: Case, now: str) -> Case:
    """Return a case with all keys, those missing as of a case that was opened just now."""
    return {
        "case_name": "",
        "external_id": "",
        "owner_id": "-",
        "date_opened": now,
        "last_modified": now,
        "server_last_modified": now,
        "server_date_opened": now,
        "closed": False,
        "date_closed": None,
        "is_deprecated": False,
        "properties": {},
        "indices": {},
        "opened_by": None,
        "closed_by": None,
        "user_id": None,
        "xform_ids": [],
        **case,
        "indexed_on": now,
    }


def _v1_object(case: Case) -> Case:
    in_properties = ("case_name", "case_type", "owner_id", "external_id", "date_opened")
    return {
        "id": case["case_id"],
        "case_id": case["case_id"],
        "domain": case["domain"],
        "user_id": case["user_id"],
        "opened_by": case["opened_by"],
        "closed_by": case["closed_by"],
        "closed": case["closed"],
        "date_closed": case["date_closed"],
        "date_modified": case["last_modified"],
        "server_date_modified": case["server_last_modified"],
        "server_date_opened": case["server_date_opened"] or "1900-01-01",
        "indexed_on": case["indexed_on"],
        "xform_ids": case["xform_ids"],
        "properties": {**case["properties"], **{key: case[key] for key in in_properties}},
        "indices": case["indices"],
        "resource_uri": "",
    }
