"""Messages that HQ sent and received: beside their events as one DataFrame, or as two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import MESSAGING_EVENTS
from commcare_frames.read.case_queries import wanted
from commcare_frames.read.plain_filters import PlainFilters
from commcare_frames.read.reading import Cache, Reading, Request
from commcare_frames.read.records import records_frame, records_table
from commcare_frames.read.related_tables import Tables
from commcare_frames.read.times import span
from commcare_frames.tables.messages import (
    EVENT,
    KEY,
    MESSAGE,
    MESSAGE_OF_EVENT,
    messages_of,
    with_events,
    without_messages,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    import pandas as pd

    from commcare_frames.tables.dtypes import Dtypes

FILTERS = PlainFilters(
    "messages",
    {
        "content_type": (
            "sms", "sms-survey", "sms-callback", "ivr-survey", "phone-verification", "manual-sms", "api-sms",
            "chat-sms", "email", "fcm-notification", "none",
        ),
        "source": (
            "broadcast", "scheduled-broadcast", "immediate-broadcast", "conditional-alert", "reminder", "keyword",
            "forwarded-message", "unrecognized", "other",
        ),
        "status": ("in-progress", "completed", "not-completed", "error", "email-sent", "email-delivered"),
        "error_code": (),
        "phone_number": (),
        "email_address": (),
        "case_id": (),
    },
    several=("content_type", "source"),
)  # fmt: skip


class MessageTables(Tables):
    """Messaging events and their messages."""

    joined_by = KEY


@checked
def read_messages(
    *,
    domain: str | Domain | None = None,
    where: Mapping[str, Any] | None = None,
    since: object = None,
    until: object = None,
    columns: Sequence[str] | None = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read SMS and e-mails, sent and received, into a DataFrame: one row per message, beside the event it belongs to.

    An event is what HQ did for one recipient at one time: a reminder, a survey with its questions and answers. One
    that failed before there was a message is a row without a message.

    All events are kept in the cache, and the next call asks HQ only for those that something happened to. A read with
    a filter (`where`, `since`, `until`) runs on the server and is kept only as long as `max_age` says.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.
    where
        Filters by name. They choose events, which come with all their messages: ``content_type`` and ``source`` (one or
        a list; ``"sms"``, ``"email"``, ``"conditional-alert"``, ...), ``status`` (``"error"`` also where one message
        failed), ``error_code``, ``phone_number`` (numbers that contain it), ``email_address``, ``case_id``.
    since, until
        Only events that began in this time, both ends included; anything that pandas can read as a time, UTC where it
        has no zone. A bare date as `until` includes that day.
    columns
        The columns wanted, in order.
    dtypes
        ``"infer"`` and ``"string"`` differ only in what HQ has added to messages since: all that is known of them has
        the dtypes below. A mapping, such as ``{"status": "category"}``, pins columns.
    cache
        True: bring the cached table up to date and read that. False: fetch all, keep nothing. ``"offline"``: read
        what is cached and ask nothing.
    max_age
        Ask nothing if the cached table was refreshed within this time, such as ``"1h"``.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        Columns ``event_id``, ``message_id`` (str), ``date``, ``date_modified`` (datetime64[us, UTC]), ``type``,
        ``direction`` (``"outgoing"`` or ``"incoming"``), ``content``, ``status``, ``backend``, ``phone_number``,
        ``email_address``, ``error_message`` (str). Then the event's: ``event.date``, ``event.date_last_activity``
        (datetime64[us, UTC]), ``event.content_type``, ``event.status``, ``event.case_id``,
        ``event.recipient.recipient_id``, ``.type``, ``.name``, ``event.source.source_id``, ``.type``, ``.name``,
        ``event.error.code``, ``.message``, ``.message_detail`` and ``event.form.app_id``, ``.form_definition_id``,
        ``.form_name``, ``.form_submission_id`` (str). Rows are ordered by ``event.date``, then ``event_id``.
        ``message_id`` is unique among SMS and among e-mails.

    Raises
    ------
    QueryError
        When there is no such filter, or it does not take such a value.
    DtypeError
        When a value does not fit the dtype pinned to its column.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; what has arrived is kept, and the same call
        goes on from there.

    Notes
    -----
    Asks ``/a/{domain}/api/messaging-event/v1/`` (permission "Edit Data"; mobile workers may ask it too), 1,000 events
    a request. HQ does not say how many events there are, and deletes none.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> messages = ccf.read_messages(where={"status": "error"})
    >>> messages["event.error.code"].dropna().unique().tolist()
    ['NO_PHONE_NUMBER', 'EMAIL_BOUNCED']
    """
    chosen = wanted(columns)
    request = _request(resolve(domain), where, since, until)
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    table = with_events(records_table(reading))
    return records_frame(reading, table, columns=chosen, dtypes=dtypes, layout=MESSAGE_OF_EVENT)


@checked
def read_message_tables(
    *,
    domain: str | Domain | None = None,
    where: Mapping[str, Any] | None = None,
    since: object = None,
    until: object = None,
    dtypes: Dtypes = "infer",
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
) -> dict[str, pd.DataFrame]:
    """Read messaging events and their messages as two tables.

    Parameters
    ----------
    domain, where, since, until, dtypes, cache, max_age, progress
        As in `read_messages`.

    Returns
    -------
    dict
        Frames by name: ``""`` the events, one a row, with the columns of `read_messages` without ``event.`` and
        ``messages.count`` (Int64); ``"messages"`` the messages, whose ``event_id`` says which event each belongs to.

    Raises
    ------
    CommCareError
        As `read_messages`.

    Notes
    -----
    Asks and caches the same as `read_messages`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> tables = ccf.read_message_tables(where={"content_type": "email"})
    >>> tables[""]["source.name"].unique().tolist(), tables["messages"]["direction"].unique().tolist()
    (['Overdue visits'], ['outgoing'])
    """
    request = _request(resolve(domain), where, since, until)
    reading = Reading.of(request, cache=cache, max_age=max_age, progress=progress, connections=1)
    events = records_table(reading)
    return MessageTables(
        {
            "": records_frame(reading, without_messages(events), columns=None, dtypes=dtypes),
            "messages": records_frame(reading, messages_of(events), columns=None, dtypes=dtypes, layout=MESSAGE),
        }
    )


def _request(domain: Domain, where: Mapping[str, Any] | None, since: object, until: object) -> Request:
    params = (*FILTERS.params(where), *span(("date.gte", "date.lte"), since, until))
    said = {"where": dict(where) if where else None, "since": since, "until": until}
    asked = {name: value if name == "where" else str(value) for name, value in said.items() if value is not None}
    question = Question(MESSAGING_EVENTS, params)
    return Request(domain, question, EVENT, "messages", None if params else "all", asked)
