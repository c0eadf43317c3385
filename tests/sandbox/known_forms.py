"""A few forms that the tests know by heart."""

from __future__ import annotations

from typing import Any

VISIT, BIRTH = "http://example.org/Visit", "http://example.org/Birth"


def form(xmlns: str, **answers: Any) -> dict[str, Any]:
    return {"#type": "data", "@name": "A form", "@version": "3", "@uiVersion": "1", "@xmlns": xmlns, **answers}


FORMS = [
    {
        "id": "f1", "app_id": "abc1", "received_on": "2026-03-01T10:00:00.000000Z",
        "indexed_on": "2026-03-01T10:00:05.000100Z", "form": form(VISIT, case={"@case_id": "a1"}),
    },
    # three in one millisecond, though not in one microsecond
    {
        "id": "f4", "app_id": "abc1", "received_on": "2026-03-02T10:00:00.000200Z",
        "indexed_on": "2026-03-02T10:00:05.000100Z",
        "form": form(VISIT, case=[{"@case_id": "b1"}, {"@case_id": "nowhere"}], children={"case": {"@case_id": "b2"}}),
    },
    {
        "id": "f2", "app_id": "Abc2", "received_on": "2026-03-02T10:00:00.000300Z",
        "indexed_on": "2026-03-02T10:00:05.000200Z",
        "form": form(BIRTH, subcase_0={"case": {"@case_id": "c1"}}, rep=[{"n": {"case": {"@case_id": "a1"}}}, {}]),
    },
    {
        "id": "f3", "received_on": "2026-03-02T10:00:00.000100Z", "indexed_on": "2026-03-02T10:00:05.000300Z",
        "form": {"q": "1"}, "edited_on": "2026-03-09T00:00:00.000000Z",
    },
    {
        "id": "f5", "app_id": "abc1", "received_on": "2026-03-04T10:00:00.000000Z",
        "indexed_on": "2026-03-05T00:00:00.000000Z", "form": form(VISIT), "archived": True,
    },
]  # fmt: skip
