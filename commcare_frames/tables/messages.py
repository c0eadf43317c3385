"""How messaging events and their messages are laid out, and how the messages of events become rows of their own."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from commcare_frames.tables.exact import Record, parse
from commcare_frames.tables.layout import Column
from commcare_frames.tables.records import RecordFlattener, RecordLayout

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY, INSIDE, COUNT = "event_id", "messages", "messages.count"
_EVENT, _MESSAGE = "event.", "message."


def _nested(key: str, *names: str) -> Iterable[Column]:
    return (Column(f"{key}.{name}", (key, name)) for name in names)


EVENT = RecordLayout(
    name="messaging event",
    metadata=(
        Column(KEY, ("id",)),
        Column("date", ("date",), "time"),
        Column("date_last_activity", ("date_last_activity",), "time"),
        Column("content_type", ("content_type",)),
        Column("status", ("status",)),
        Column("case_id", ("case_id",)),
        *_nested("recipient", "recipient_id", "type", "name"),
        *_nested("source", "source_id", "type", "name"),
        *_nested("error", "code", "message", "message_detail"),
        *_nested("form", "app_id", "form_definition_id", "form_name", "form_submission_id"),
        Column(INSIDE, (INSIDE,)),
    ),
    dropped=frozenset({"domain"}),
    order=("date",),
)
"""A messaging event; its messages are one value."""

MESSAGE = RecordLayout(
    name="message",
    metadata=(
        Column(KEY, (KEY,)),
        Column("message_id", ("message_id",)),
        Column("date", ("date",), "time"),
        Column("date_modified", ("date_modified",), "time"),
        *(
            Column(name, (name,))
            for name in (
                "type", "direction", "content", "status", "backend", "phone_number", "email_address", "error_message",
            )
        ),
    ),
)  # fmt: skip
"""A message, with the event that it belongs to."""

MESSAGE_OF_EVENT = replace(
    MESSAGE,
    name="message of event",
    metadata=(
        *MESSAGE.metadata,
        *(
            replace(column, name=_EVENT + column.name, path=("event", *column.path))
            for column in EVENT.metadata
            if column.name not in {KEY, INSIDE}
        ),
    ),
)
"""A message beside all that is known of its event."""


def without_messages(events: pa.Table) -> pa.Table:
    """Return events with the number of their messages instead of those."""
    counts = pa.array(map(len, _messages_in(events)), pa.int64())
    return events.drop_columns([INSIDE]).append_column(COUNT, counts)


def messages_of(events: pa.Table) -> pa.Table:
    """Return the messages of events, one a row."""
    keys = events[KEY].to_pylist()
    each = ({**message, KEY: key} for key, inside in zip(keys, _messages_in(events), strict=True) for message in inside)
    return _table(list(each))


def with_events(events: pa.Table) -> pa.Table:
    """Return the messages of events beside their events; an event without a message is a row without one."""
    keys, inside = events[KEY].to_pylist(), _messages_in(events)
    each = [[{**message, KEY: key} for message in found or [{}]] for key, found in zip(keys, inside, strict=True)]
    table = _table(list(chain.from_iterable(each)))
    table = table.rename_columns([_MESSAGE + name if name.startswith(_EVENT) else name for name in table.column_names])
    owners = pa.array([place for place, found in enumerate(each) for _ in found], pa.int64())
    for name in events.column_names:
        if name not in {KEY, INSIDE}:
            table = table.append_column(_EVENT + name, events[name].take(owners))
    return table


def _messages_in(events: pa.Table) -> list[list[Record]]:
    return [parse(text.encode()) if text else [] for text in events[INSIDE].to_pylist()]


def _table(messages: list[Record]) -> pa.Table:
    return RecordFlattener(MESSAGE).table_of(messages)
