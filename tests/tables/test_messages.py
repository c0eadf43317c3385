"""The messages of events become rows of their own, beside their events or keyed to them, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.exact import InvalidRecords
from commcare_frames.tables.messages import EVENT, MESSAGE_OF_EVENT, messages_of, with_events, without_messages
from commcare_frames.tables.records import RecordFlattener


def events_of(*events: dict[str, Any]) -> pa.Table:
    whole = [{"id": number, "messages": [], **event} for number, event in enumerate(events, 1)]
    return RecordFlattener(EVENT).table(json.dumps(whole).encode())


SENT = {"message_id": 9, "date": "2026-01-02T03:04:05.678", "content": "007", "phone_number": "+91 12", "new": {"x": 1}}


def test_messages_stand_beside_their_events_and_an_event_without_one_is_a_row_too() -> None:
    events = events_of({"messages": [SENT, {**SENT, "message_id": 10}], "status": "completed"}, {"status": "error"})
    rows = with_events(events).to_pylist()

    assert [(row["event_id"], row["message_id"], row["event.status"]) for row in rows] == [
        ("1", "9", "completed"), ("1", "10", "completed"), ("2", None, "error"),
    ]  # fmt: skip
    assert rows[0]["date"].isoformat() == "2026-01-02T03:04:05.678000+00:00"
    assert (rows[0]["content"], rows[0]["new.x"], rows[2]["content"]) == ("007", "1", None)


def test_two_tables_hold_the_same() -> None:
    events = events_of({"messages": [SENT, SENT]}, {"messages": None}, {"status": "error"})

    assert without_messages(events)["messages.count"].to_pylist() == [2, 0, 0]
    assert messages_of(events)["event_id"].to_pylist() == ["1", "1"]


def test_nested_parts_of_events_have_dotted_names_and_a_missing_one_loses_nothing() -> None:
    events = events_of({"error": {"code": "X", "extra": {"why": "y"}}, "recipient": None, "domain": "demo"}, {})

    assert events["error.code"].to_pylist() == ["X", None]
    assert events["error.extra.why"].to_pylist() == ["y", None]
    assert "domain" not in events.column_names


def test_names_that_look_like_an_event_s_take_nothing_from_it() -> None:
    row = with_events(events_of({"status": "ok", "messages": [{"event": {"status": "mine"}}]})).to_pylist()[0]

    assert (row["event.status"], row["message.event.status"]) == ("ok", "mine")


def test_without_events_the_columns_are_there_with_their_types() -> None:
    table = with_events(events_of())

    assert table.num_rows == 0
    assert table.column_names == [column.name for column in MESSAGE_OF_EVENT.metadata]
    assert table.schema.field("event.date_last_activity").type == pa.timestamp("us", "UTC")
    assert messages_of(events_of()).num_rows == 0


def test_messages_that_are_none_are_told() -> None:
    with pytest.raises(InvalidRecords):
        messages_of(events_of({"messages": "three"}))


texts = st.text(alphabet='aé"\\\U0001f930\n', max_size=6)
messages = st.fixed_dictionaries({"content": texts, "message_id": st.integers()}, optional={"extra": texts})


@given(st.lists(st.lists(messages, max_size=3), max_size=5))
def test_every_message_is_in_either_form(inside: list[list[dict[str, Any]]]) -> None:
    events = events_of(*({"messages": each} for each in inside))
    expected = [
        (str(number), message["content"], str(message["message_id"]), message.get("extra"))
        for number, each in enumerate(inside, 1)
        for message in each
    ]

    def found(table: pa.Table) -> list[tuple[Any, ...]]:
        rows = (row for row in table.to_pylist() if row["message_id"] is not None)
        return [(row["event_id"], row["content"], row["message_id"], row.get("extra")) for row in rows]

    assert found(messages_of(events)) == found(with_events(events)) == expected
    assert with_events(events).num_rows == sum(max(len(each), 1) for each in inside)
