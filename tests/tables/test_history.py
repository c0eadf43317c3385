"""The replay of a case: what its forms wrote, in HQ's order, and whether that is what HQ has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.history import Replay, in_hq_order

CASE = "c1"
DAY = "2026-03-{:02}T10:00:00.000000Z"


def form(
    form_id: str, *blocks: Any, day: int = 1, user: str = "u1", at: str | None = None, **more: Any
) -> dict[str, Any]:
    """Make a form of case blocks, the first one its own and the others below groups."""
    answers: dict[str, Any] = {"@name": "A form", "@xmlns": "http://example.org/a"}
    for number, block in enumerate(blocks):
        whole = {"@case_id": CASE, "@date_modified": at or DAY.format(day), "@user_id": user, **block}
        if number:
            answers[f"subcase_{number}"] = {"case": whole}
        else:
            answers["case"] = whole
    return {"id": form_id, "received_on": DAY.format(day), "form": answers, "metadata": {"userID": user}, **more}


def written(replay: Replay) -> list[tuple[str, str | None, Any, Any]]:
    return [(each.action, each.column, each.before, each.after) for each in replay.changes]


def case(**changes: Any) -> dict[str, Any]:
    return {
        "case_id": CASE, "case_type": "patient", "case_name": "Asha", "external_id": None, "owner_id": "u1",
        "closed": False, "properties": {}, "indices": {}, **changes,
    }  # fmt: skip


CREATE = {"create": {"case_type": "patient", "case_name": "Asha", "owner_id": "u1"}}


def test_every_value_that_was_written_is_there_with_what_it_was_before() -> None:
    replay = Replay.of(
        CASE, [form("f1", {**CREATE, "update": {"hb": "9"}}), form("f2", {"update": {"hb": "11"}}, day=2)]
    )

    assert written(replay) == [
        ("create", "case_type", None, "patient"),
        ("create", "case_name", None, "Asha"),
        ("create", "owner_id", None, "u1"),
        ("update", "hb", None, "9"),
        ("update", "hb", "9", "11"),
    ]
    assert replay.differences(case(properties={"hb": "11"})) == []
    assert replay.differences(case(properties={"hb": "9"})) == ["hb"]


def test_owner_name_type_and_external_id_are_changed_by_an_update() -> None:
    update = {"owner_id": "u2", "case_name": "Asha Devi", "case_type": "mother", "external_id": "x-1"}
    replay = Replay.of(CASE, [form("f1", CREATE), form("f2", {"update": update}, day=2)])

    assert written(replay)[3:] == [
        ("update", "owner_id", "u1", "u2"),
        ("update", "case_name", "Asha", "Asha Devi"),
        ("update", "case_type", "patient", "mother"),
        ("update", "external_id", None, "x-1"),
    ]
    assert replay.differences(case(**update)) == []
    assert replay.differences(case()) == ["case_name", "case_type", "external_id", "owner_id"]


def test_links_come_change_and_end() -> None:
    parent = {"@case_type": "household", "@relationship": "extension", "#text": "h1"}
    replay = Replay.of(
        CASE,
        [
            form("f1", {**CREATE, "index": {"parent": parent}}),
            form("f2", {"index": {"parent": {"@case_type": "household", "#text": "h2"}}}, day=2),
            form("f3", {"index": {"parent": {"@case_type": "household", "#text": ""}, "host": ""}}, day=3),
        ],
    )

    assert [each for each in written(replay) if each[1] == "indices.parent.case_id"] == [
        ("index", "indices.parent.case_id", None, "h1"),
        ("index", "indices.parent.case_id", "h1", "h2"),
        ("index", "indices.parent.case_id", "h2", None),
    ]
    assert ("index", "indices.parent.relationship", "extension", "child") in written(replay)
    assert replay.differences(case()) == []
    link = {"case_id": "h2", "case_type": "household", "relationship": "child"}
    assert replay.differences(case(indices={"parent": link})) == [
        "indices.parent.case_id",
        "indices.parent.case_type",
        "indices.parent.relationship",
    ]


def test_a_form_that_closes_and_one_that_only_touches() -> None:
    replay = Replay.of(CASE, [form("f1", CREATE), form("f2", {}, day=2), form("f3", {"close": ""}, day=3)])

    assert written(replay)[3:] == [("touch", None, None, None), ("close", "closed", None, True)]
    assert [each.is_change for each in replay.changes] == [True, True, True, False, True]
    assert replay.differences(case(closed=True)) == []
    assert replay.differences(case()) == ["closed"]


def test_what_was_attached_to_a_case() -> None:
    photo = {"photo": {"@src": "1.jpg", "@from": "local"}}
    replay = Replay.of(
        CASE, [form("f1", {**CREATE, "attachment": photo}), form("f2", {"attachment": {"photo": ""}}, day=2)]
    )

    assert [each for each in written(replay) if each[0] == "attachment"] == [
        ("attachment", "attachment.photo", None, "1.jpg"),
        ("attachment", "attachment.photo", "1.jpg", None),
    ]
    assert replay.differences(case()) == []


def test_blocks_of_other_cases_and_at_any_depth() -> None:
    deep = form("f1", CREATE)
    deep["form"]["rep"] = [
        {"case": {"@case_id": "other", "update": {"hb": "1"}}},
        {"n": {"case": [{"@case_id": CASE, "update": {"hb": "2"}}, {"@case_id": "x", "update": {"hb": "3"}}]}},
    ]
    replay = Replay.of(CASE, [deep])

    assert [(each.path, each.after) for each in replay.changes if each.column == "hb"] == [("rep.n.case", "2")]


def test_values_that_are_no_plain_texts() -> None:
    update = {"@xmlns": "x", "#text": "y", "a": {"#text": "1", "@n": "2"}, "b": ["1", "2"], "c": None, "d": 7, "e": []}
    replay = Replay.of(CASE, [form("f1", {**CREATE, "update": update, "close": None, "index": "", "create2": 1})])

    assert {each.column: each.after for each in replay.changes if each.action == "update"} == {
        "a": "1", "b": "2", "c": None, "d": "7", "e": None,
    }  # fmt: skip
    assert replay.differences(case(closed=True, properties={"a": "1", "b": "2", "d": "7", "e": ""})) == []


def test_names_that_hq_keeps_elsewhere_make_no_difference() -> None:
    update = {"name": "Asha Devi", "user_id": "u9", "date_opened": "2026-01-01", "location_id": "l1", "hq_user_id": "h"}
    replay = Replay.of(CASE, [form("f1", CREATE), form("f2", {"update": update}, day=2)])

    now = case(case_name="Asha Devi", external_id="h", properties={"hq_user_id": "h"})
    assert replay.differences(now) == []
    assert {each.column for each in replay.changes} >= {"name", "case_name", "properties.user_id", "date_opened"}


def test_a_property_called_name_is_the_name_whatever_else_is_said() -> None:
    for update in ({"name": "A", "case_name": "B"}, {"case_name": "B", "name": "A"}):
        assert Replay.of(CASE, [form("f1", {"update": update})]).state["case_name"] == "A"


def test_a_case_without_an_owner_belongs_to_who_opened_it() -> None:
    replay = Replay.of(CASE, [form("f1", {"create": {"case_type": "patient", "case_name": "Asha"}}, user="u7")])

    assert replay.differences(case(owner_id="u7")) == []


def test_forms_stand_in_the_order_in_which_they_came() -> None:
    forms = [form("f2", CREATE, day=2, user="u2"), form("f1", CREATE, day=2), form("f3", CREATE)]

    assert [each["id"] for each in in_hq_order(CASE, forms)] == ["f3", "f1", "f2"]


def test_forms_of_one_user_that_came_together_stand_in_the_order_of_the_phone() -> None:
    late = form("a", {"update": {"hb": "9"}}, at="2026-02-01T08:00:00.000000Z")
    early = form("b", {"update": {"hb": "8"}}, at="2026-01-01T08:00:00.000000Z")
    later = form("c", {"update": {"hb": "7"}}, day=3, at="2025-01-01T08:00:00.000000Z")

    assert [each["id"] for each in in_hq_order(CASE, [later, late, early])] == ["b", "a", "c"]
    other = form("d", {"update": {"hb": "6"}}, user="u2", at="2024-01-01T08:00:00.000000Z")
    assert [each["id"] for each in in_hq_order(CASE, [other, late])] == ["a", "d"]


@pytest.mark.parametrize(
    "odd", [{"received_on": None}, {"received_on": "nonsense"}, {"metadata": None}, {"form": None}]
)
def test_odd_forms_are_borne(odd: dict[str, Any]) -> None:
    forms = [{**form("f1", CREATE, at="yesterday"), **odd}, form("f2", {"update": {"hb": "1"}}, day=2)]

    assert Replay.of(CASE, forms).state["hb"] == "1"


NAMES = st.sampled_from(
    ["hb", "name", "a.b", "विवरण", "owner_id", "case_name", "closed", "properties.x", "indices.p.q"]
)
UPDATES = st.lists(st.dictionaries(NAMES, st.sampled_from(["", "1", "2", "é"])), max_size=6)


@given(UPDATES)
def test_the_last_word_on_each_property_is_what_is_left(updates: list[dict[str, str]]) -> None:
    forms = [form(f"f{day}", {"update": update}, day=day) for day, update in enumerate(updates, 1)]
    replay = Replay.of(CASE, forms)

    said: dict[str, str] = {}
    for update in updates:
        said |= update
    properties = {name: value for name, value in said.items() if name not in {"owner_id", "case_name", "name"}}
    names = [update.get("name", update.get("case_name")) for update in updates if {"name", "case_name"} & update.keys()]
    last_name = names[-1] if names else None
    now = case(case_type=None, case_name=last_name, owner_id=said.get("owner_id") or "u1", properties=properties)
    if not updates:
        now["owner_id"] = None
    assert replay.differences(now) == []
    seen: dict[str | None, Any] = {}
    for change in replay.changes:
        assert change.before == seen.get(change.column) or change.column == "owner_id"
        seen[change.column] = change.after
