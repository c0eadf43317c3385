"""A few cases that the tests know by heart, and a way to ask a sandbox things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.sandbox import Login, Sandbox

APPLICATION = {
    "id": "app1", "name": "Mothers", "version": 3, "is_released": None, "built_on": None, "build_comment": None,
    "built_from_app_id": None, "modules": [], "resource_uri": "",
    "versions": [
        {"id": "build2", "built_on": "2026-01-02T00:00:00.000000Z", "build_comment": "", "is_released": True,
         "version": 2},
    ],
}  # fmt: skip
BUILD = {
    **APPLICATION, "id": "build2", "version": 2, "is_released": True, "built_on": "2026-01-02T00:00:00",
    "built_from_app_id": "app1", "versions": [],
}  # fmt: skip

LOOKUP_TABLES = [
    {"id": "t1", "tag": "district", "is_global": True, "fields": [{"field_name": "code", "properties": []}],
     "item_attributes": [], "resource_uri": ""},
    {"id": "t2", "tag": "village", "is_global": False,
     "fields": [{"field_name": "name", "properties": ["lang"]}, {"field_name": "district", "properties": []}],
     "item_attributes": [], "resource_uri": ""},
]  # fmt: skip


def lookup_item(item_id: str, table: str, **fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": item_id, "data_type_id": table, "fields": {name: {"field_list": each} for name, each in fields.items()},
        "item_attributes": {}, "sort_key": 0, "resource_uri": "",
    }  # fmt: skip


def plain(value: str) -> list[dict[str, Any]]:
    return [{"field_value": value, "properties": {}}]


LOOKUP_ITEMS = [
    lookup_item("r1", "t1", code=plain("north")),
    lookup_item("r2", "t1", code=plain("south")),
    lookup_item("r3", "t2", name=plain("Doro"), district=plain("north")),
    lookup_item("r4", "t2", name=[{"field_value": "Bala", "properties": {"lang": "en"}}], district=plain("south")),
    lookup_item("r5", "t2", name=plain("Kolo"), district=plain("north")),
    lookup_item("r6", "deleted", name=[]),
]


@dataclass
class Programme:
    """A programme of the cases given."""

    domain: str
    cases: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)

    @property
    def project_name(self) -> str:
        return f"Project {self.domain}"

    @property
    def applications(self) -> list[dict[str, Any]]:
        return [APPLICATION]

    @property
    def builds(self) -> list[dict[str, Any]]:
        return [BUILD]

    @property
    def lookup_tables(self) -> list[dict[str, Any]]:
        return LOOKUP_TABLES

    @property
    def lookup_items(self) -> list[dict[str, Any]]:
        return LOOKUP_ITEMS

    def iter_cases(self) -> Iterator[dict[str, Any]]:
        return iter(self.cases)

    def iter_forms(self) -> Iterator[dict[str, Any]]:
        return iter(())


def case(case_id: str, indexed_on: str, **changes: Any) -> dict[str, Any]:
    return {
        "case_id": case_id, "case_type": "patient", "case_name": f"Name of {case_id}", "external_id": "",
        "owner_id": "owner1", "date_opened": "2026-01-01T08:00:00.000000Z", "last_modified": indexed_on,
        "server_last_modified": indexed_on, "indexed_on": indexed_on, "closed": False, "date_closed": None,
        "is_deprecated": False, "properties": {}, "indices": {}, "opened_by": "user1", "closed_by": None,
        "user_id": "user1", "xform_ids": ["form1"], "server_date_opened": "2026-01-01T08:00:05.000000Z",
        **changes,
    }  # fmt: skip


CASES = [
    case("a1", "2026-02-01T10:00:00.000100Z", properties={"age": "9", "village": "Doro", "risk": "hiv twins"}),
    # three in one millisecond, though not in one microsecond
    case("b3", "2026-02-02T10:00:00.000100Z", properties={"age": "25", "edd": "2026-07-15"}),
    case("b1", "2026-02-02T10:00:00.000200Z", external_id="x-1", properties={"age": "30", "edd": "2026-08-01"}),
    case("b2", "2026-02-02T10:00:00.000300Z", external_id="x-1", owner_id="Owner2", properties={"age": ""}),
    case(
        "c1",
        "2026-02-03T23:30:00.000000Z",
        case_type="home_visit",
        closed=True,
        date_closed="2026-02-03T09:00:00.000000Z",
        closed_by="user2",
        external_id="y/2",
        indices={"parent": {"case_id": "a1", "case_type": "patient", "relationship": "extension"}},
    ),
    case("d1", "2026-02-04T10:00:00.000000Z", is_deprecated=True, properties={"name": "Zoë <&> 🤰"}),
]


class Ask:
    """Asks one sandbox, by default as the admin with a key; a fresh connection each time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def __call__(
        self,
        path: str,
        params: Any = None,
        *,
        login: Login | None = None,
        authorization: str | None = None,
        method: str = "GET",
        **more: Any,
    ) -> requests.Response:
        login = login or self.sandbox.admin
        if authorization is None:
            authorization = f"ApiKey {login.username}:{login.api_key}"
        headers = {"Authorization": authorization, **more.pop("headers", {})}
        if not path.startswith("/"):
            path = f"/a/maternal-health/api/{path}"
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self.sandbox.url + path,
                params=params,
                headers=headers,
                allow_redirects=False,
                timeout=10,
                **more,
            )

    def ids(self, *parameters: tuple[str, str], path: str = "case/v2/") -> list[str]:
        """Return the ids of the cases in one answer."""
        answer = self(path, parameters)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [each["case_id"] for each in body.get("cases", body.get("objects"))]

    def pages(self, params: dict[str, Any], *, most: int = 20) -> list[dict[str, Any]]:
        """Return all pages of a case v2 list."""
        pages = [self("case/v2/", params).json()]
        while "next" in pages[-1]:
            assert len(pages) < most, "the pull does not end"
            pages.append(self(pages[-1]["next"].removeprefix(self.sandbox.url)).json())
        return pages


def objects(ask: Ask, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, which fit one page."""
    answer = ask(path, {"limit": 1000, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()["objects"]
