"""`read_messages` and `read_message_tables`: every message once, topped up, filtered on HQ, and what HQ refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.cache.management import cached_tables
from commcare_frames.errors import CacheError, DtypeError, PermissionMissingError, QueryError, ServerFailedError
from commcare_frames.hq.client import Patience
from commcare_frames.hq.resources import MESSAGING_EVENTS
from commcare_frames.sandbox import start
from commcare_frames.sandbox.programme import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Login, Sandbox
    from commcare_frames.sandbox.event_log import EventLog

QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=5)
PATH = "/messaging-event/"
NOW = "2026-11-01T10:00:00.000001"


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox with little beside messages, so that it starts quickly."""
    with start(domains=[build(project_name="x", patients=60, case_types=["patient"])]) as running:
        yield running


@pytest.fixture
def log(fresh_sandbox: Sandbox) -> EventLog:
    return fresh_sandbox.events("maternal-health")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few events take many requests."""
    monkeypatch.setattr("commcare_frames.read.messages.MESSAGING_EVENTS", replace(MESSAGING_EVENTS, largest_page=60))


def asked_of(sandbox: Sandbox, start: int = 0) -> list[dict[str, str]]:
    return [dict(each.query) for each in sandbox.log[start:] if PATH in each.path]


def as_(sandbox: Sandbox, login: Login, domain: str = "maternal-health") -> Domain:
    return ccf.connect(domain, server=sandbox.url, username=login.username, api_key=login.api_key, patience=QUICK)


def expected_messages(log: EventLog) -> list[tuple[str, str | None]]:
    return sorted(
        (str(event["id"]), None if message is None else str(message["message_id"]))
        for event in log.all()
        for message in event["messages"] or [None]
    )


def messages_in(frame: pd.DataFrame) -> list[tuple[str, str | None]]:
    pairs = zip(frame["event_id"], frame["message_id"], strict=True)
    return sorted((event, None if pd.isna(message) else message) for event, message in pairs)


# What the frames are


def test_every_message_is_a_row_beside_its_event(domain: Domain, sandbox: Sandbox) -> None:
    messages = ccf.read_messages()

    assert messages_in(messages) == expected_messages(sandbox.events("maternal-health"))
    assert list(messages.columns[:4]) == ["event_id", "message_id", "date", "date_modified"]
    kinds = {name: str(dtype) for name, dtype in messages.dtypes.items()}
    times = {"date", "date_modified", "event.date", "event.date_last_activity"}
    assert {name for name, kind in kinds.items() if kind == "datetime64[us, UTC]"} == times
    assert {kind for name, kind in kinds.items() if name not in times} == {"str"}
    assert messages["event.date"].is_monotonic_increasing
    failed = messages[messages["message_id"].isna()]
    assert failed["event.error.code"].unique().tolist() == ["NO_PHONE_NUMBER"]
    assert "02" in messages["content"].tolist(), "an answer is what was sent, not a number"


def test_tables_are_joined_by_event_id(domain: Domain) -> None:
    tables = ccf.read_message_tables()
    events, messages = tables[""], tables["messages"]

    assert events["event_id"].is_unique
    assert str(events["messages.count"].dtype) == "Int64"
    counted = messages.groupby("event_id").size().reindex(events["event_id"], fill_value=0)
    assert counted.tolist() == events["messages.count"].tolist()
    joined = messages.merge(events, on="event_id", validate="many_to_one", suffixes=("", "_of_event"))
    assert len(joined) == len(messages)
    assert "2 tables, joined by event_id" in repr(tables)
    assert list(events.columns)[:6] == [
        "event_id", "date", "date_last_activity", "content_type", "status", "case_id",
    ]  # fmt: skip


def test_columns_dtypes_and_attrs(domain: Domain, sandbox: Sandbox) -> None:
    some = ccf.read_messages(columns=["event.status", "content"], dtypes={"event.status": "category"})
    assert list(some.columns) == ["event.status", "content"]
    assert str(some["event.status"].dtype) == "category"
    assert ccf.read_messages(dtypes="string").equals(ccf.read_messages())
    said = some.attrs["commcare"]
    assert (said["kind"], said["rows"]) == ("messages", len(some))
    assert sandbox.admin.username not in str(said)
    with pytest.warns(ccf.DataWarning, match=r"'contents'.*Did you mean 'content'"):
        ccf.read_messages(columns=["contents"])
    with pytest.raises(QueryError, match="write columns="):
        ccf.read_messages(columns="content")
    with pytest.raises(DtypeError, match=r"content: .* do not fit Int64"):
        ccf.read_messages(dtypes={"content": "Int64"})


def test_what_hq_adds_is_kept_and_what_is_null_or_missing_does_no_harm(fresh_domain: Domain, log: EventLog) -> None:
    odd = {"message_id": "x1", "content": "", "cost": 0.5, "parts": ["a", {"b": 1}]}
    number = log.add(messages=[odd], recipient=None, source={"type": "new", "zone": {"id": 7}}, error=None, retries=3)
    row = ccf.read_messages().set_index("event_id").loc[str(number)]

    assert (row["content"], row["cost"], row["parts"]) == ("", 0.5, '["a",{"b":1}]')
    assert (row["event.source.zone.id"], row["event.retries"]) == (7, 3)
    assert pd.isna(row["event.recipient.name"])


def test_nothing_found_is_typed(domain: Domain) -> None:
    none = ccf.read_messages(where={"case_id": "nobody"})
    assert none.empty
    assert str(none["event.date"].dtype) == "datetime64[us, UTC]"
    tables = ccf.read_message_tables(where={"case_id": "nobody"})
    assert [len(frame) for frame in tables.values()] == [0, 0]
    assert str(tables[""]["messages.count"].dtype) == "Int64"


# Pages


def test_pages_begin_where_the_last_one_ended(
    fresh_domain: Domain, fresh_sandbox: Sandbox, log: EventLog, small_pages: None
) -> None:
    messages = ccf.read_messages()

    assert messages_in(messages) == expected_messages(log)
    asked = asked_of(fresh_sandbox)
    assert len(asked) <= len(log.all()) // 59 + 2
    assert all("cursor" not in each for each in asked)
    assert {each["limit"] for each in asked} == {"60"}


def test_ties_at_the_edge_of_a_page_are_all_read(fresh_domain: Domain, log: EventLog, small_pages: None) -> None:
    for _ in range(55):
        log.add(date_last_activity=NOW)

    assert messages_in(ccf.read_messages()) == expected_messages(log)


def test_more_ties_than_a_page_are_told_and_can_be_read_in_parts(
    fresh_domain: Domain, log: EventLog, small_pages: None
) -> None:
    for number in range(70):
        log.add(date_last_activity=NOW, date=f"2026-09-{1 + number % 30:02d}T00:00:00.5")

    with pytest.raises(ccf.CommCareError, match=r"60 or more records .* have the same date_last_activity"):
        ccf.read_messages()
    parts = [
        ccf.read_messages(since=since, until=until, cache=False)
        for since, until in (("2020", "2026-09-15"), ("2026-09-16", None))
    ]
    assert messages_in(pd.concat(parts)) == expected_messages(log)


def test_a_server_that_fails_at_large_pages_is_asked_for_smaller_ones(
    fresh_domain: Domain, fresh_sandbox: Sandbox, log: EventLog
) -> None:
    fresh_sandbox.faults.status(504, path=PATH, above_limit=200)

    assert messages_in(ccf.read_messages()) == expected_messages(log)
    assert asked_of(fresh_sandbox)[-1]["limit"] == "125"


def test_a_pull_that_breaks_off_goes_on(
    fresh_domain: Domain, fresh_sandbox: Sandbox, log: EventLog, small_pages: None
) -> None:
    fresh_sandbox.faults.status(502, path=PATH, skip=1)
    with pytest.raises(ServerFailedError):
        ccf.read_messages()
    fresh_sandbox.faults.clear()
    start = len(fresh_sandbox.log)

    assert messages_in(ccf.read_messages()) == expected_messages(log)
    assert "date_last_activity.gte" in asked_of(fresh_sandbox, start)[0]


# Top-ups


def test_the_next_call_asks_only_for_what_happened_since(
    fresh_domain: Domain, fresh_sandbox: Sandbox, log: EventLog
) -> None:
    before = ccf.read_messages()
    late = next(event for event in log.all() if event["status"] == "not-completed")
    log.change(late["id"], status="completed")
    new = log.add(status="in-progress", messages=[])
    start, made = len(fresh_sandbox.log), fresh_domain.requests_made
    after = ccf.read_messages()

    assert fresh_domain.requests_made == made + 1
    assert "date_last_activity.gt" in asked_of(fresh_sandbox, start)[0]
    assert set(after["event_id"]) - set(before["event_id"]) == {str(new)}
    assert after.loc[after["event_id"] == str(late["id"]), "event.status"].unique().tolist() == ["completed"]
    assert messages_in(after) == expected_messages(log)
    pd.testing.assert_frame_equal(after, ccf.read_messages(cache=False))


def test_a_message_that_came_later_replaces_the_event_as_it_was(fresh_domain: Domain, log: EventLog) -> None:
    ccf.read_message_tables()
    event = next(event for event in log.all() if event["messages"])
    log.change(event["id"], messages=[])

    tables = ccf.read_message_tables()
    assert str(event["id"]) in set(tables[""]["event_id"])
    assert str(event["id"]) not in set(tables["messages"]["event_id"])


def test_events_that_change_during_a_pull_are_caught_up_with(
    fresh_domain: Domain, fresh_sandbox: Sandbox, log: EventLog, small_pages: None
) -> None:
    ccf.read_messages()

    first, last = asked_of(fresh_sandbox)[0], asked_of(fresh_sandbox)[-1]
    assert "date_last_activity.gt" not in first
    assert last["date_last_activity.gt"] > "2026-11", "what changed while the pages were read is asked for again"


def test_offline_and_max_age_ask_nothing(fresh_domain: Domain) -> None:
    with pytest.raises(CacheError, match=r"Nothing is cached for 'messages'"):
        ccf.read_messages(cache="offline")
    first = ccf.read_messages()
    made = fresh_domain.requests_made
    pd.testing.assert_frame_equal(ccf.read_messages(cache="offline"), first)
    pd.testing.assert_frame_equal(ccf.read_messages(max_age="1h"), first)
    assert ccf.read_message_tables(max_age="1h")[""]["event_id"].nunique() == first["event_id"].nunique()
    assert fresh_domain.requests_made == made


def test_a_damaged_part_is_fetched_again(
    fresh_domain: Domain, log: EventLog, small_pages: None, tmp_path: Path
) -> None:
    first = ccf.read_messages()
    parts = sorted(tmp_path.rglob("*.parquet"))
    assert len(parts) > 1
    parts[1].write_bytes(b"damaged")

    with pytest.warns(ccf.DataWarning, match="is damaged"):
        again = ccf.read_messages()
    pd.testing.assert_frame_equal(again, first)


def test_the_cached_tables_can_be_listed_verified_and_compacted(fresh_domain: Domain, small_pages: None) -> None:
    before = ccf.read_messages()
    ccf.read_device_logs()
    tables = {table.kind: table for table in cached_tables()}

    assert tables.keys() == {"messages", "device logs"}
    assert [table.damaged() for table in tables.values()] == [[], []]
    tables["messages"].compact()
    pd.testing.assert_frame_equal(ccf.read_messages(cache="offline"), before)


# Filters


def test_filters_run_on_hq(domain: Domain, sandbox: Sandbox) -> None:
    whole = ccf.read_messages()
    start = len(sandbox.log)
    found = ccf.read_messages(
        where={"content_type": ["sms", "email"], "status": "completed"}, since="2026-01-01", until="2026-02-28"
    )
    kept = (
        whole["event.content_type"].isin(["sms", "email"])
        & (whole["event.status"] == "completed")
        & whole["event.date"].between("2026-01-01", "2026-03-01")
    )

    assert messages_in(found) == messages_in(whole[kept])
    assert 0 < len(found) < len(whole)
    assert asked_of(sandbox, start)[0] == {
        "content_type": "sms,email", "status": "completed", "date.gte": "2026-01-01T00:00:00.000000",
        "date.lte": "2026-02-28T23:59:59.999999", "order_by": "date_last_activity", "limit": "1000",
    }  # fmt: skip


def test_an_event_that_hq_finds_once_per_message_is_read_once(fresh_domain: Domain, log: EventLog) -> None:
    message = {"message_id": 1, "status": "error", "phone_number": "+15550100"}
    number = log.add(messages=[message, {**message, "message_id": 2}])

    found = ccf.read_message_tables(where={"phone_number": "5550100"})
    assert found[""]["event_id"].tolist() == [str(number)]
    assert found["messages"]["message_id"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"state": "error"}, r"cannot filter messages by 'state'.*Did you mean 'status'"),
        ({"date.gte": "2026"}, r"since= and until="),
        ({"status": "sent"}, r"HQ knows no status 'sent'.*'email-sent'"),
        ({"source": "conditional_alert"}, r"Did you mean 'conditional-alert'"),
        ({"content_type": ["sms", "e-mail"]}, r"HQ knows no content_type 'e-mail'. Did you mean 'email'"),
        ({"status": ["error", "completed"]}, r"HQ takes one value there"),
        ({"content_type": []}, r"empty list"),
        ({"case_id": None}, r"whose case_id is missing"),
        ({"error_code": " "}, r"whose error_code is missing"),
    ],
)
def test_filters_that_hq_would_pass_over_are_errors_and_ask_nothing(
    domain: Domain, where: dict[str, Any], said: str
) -> None:
    made = domain.requests_made
    with pytest.raises(QueryError, match=said):
        ccf.read_messages(where=where)
    assert domain.requests_made == made


def test_hq_s_own_refusal_is_passed_on(domain: Domain) -> None:
    with pytest.raises(QueryError, match=r"'12ab' is an invalid value for the 'phone_number' filter"):
        ccf.read_messages(where={"phone_number": "12ab"})
    with pytest.raises(QueryError, match=r"since='soon' is no time"):
        ccf.read_messages(since="soon")


# Who may


def test_who_lacks_the_permission_is_told_which(sandbox: Sandbox) -> None:
    as_(sandbox, sandbox.no_edit)
    with pytest.raises(PermissionMissingError, match=r'"API access" and "Edit Data"'):
        ccf.read_messages()


def test_mobile_workers_may_read_messages(sandbox: Sandbox) -> None:
    as_(sandbox, sandbox.mobile_worker)
    assert not ccf.read_messages(where={"content_type": "email"}).empty


def test_an_old_server_answers_too(fresh_sandbox: Sandbox, fresh_domain: Domain, log: EventLog) -> None:
    fresh_sandbox.faults.old_scheme_only = True
    assert messages_in(ccf.read_messages()) == expected_messages(log)
    assert fresh_sandbox.log[-1].path == "/a/maternal-health/api/v0.5/messaging-event/"
