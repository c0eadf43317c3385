"""What a process has used of a domain's requests, and what HQ's rule allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import commcare_frames as ccf
from commcare_frames.errors import QueryError

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox


def today(name: str) -> object:
    return ccf.limits().set_index("window").loc["day", name]


def test_requests_that_hq_does_not_count_are_told_apart(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    before = len(fresh_sandbox.log)  # connecting asks for the case types, which is free
    assert (today("requests"), today("uncounted"), before) == (0, 1, 1)
    ccf.list_reports()
    ccf.list_domains()
    ccf.list_case_types()

    assert (today("requests"), today("uncounted")) == (1, 3)


def test_what_hq_refuses_is_not_counted_against_the_domain(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox.faults.status(403, times=1)
    with pytest.raises(ccf.CommCareError):
        ccf.list_reports()

    assert (today("requests"), today("uncounted"), today("refused")) == (0, 2, 0)


def test_refusals_because_of_the_limit_are_told_with_their_wait(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    assert str(today("longest_wait")) == "<NA>"
    fresh_sandbox.faults.status(429, retry_after="0.07", times=1)
    fresh_sandbox.faults.status(429, times=1, skip=1)
    ccf.list_reports()

    assert (today("requests"), today("uncounted")) == (1, 3)
    assert (today("refused"), today("longest_wait")) == (2, 0.07)


def test_what_the_sandbox_counts_is_what_we_count(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox.faults.throttle("maternal-health", 1000)
    before = today("requests")
    ccf.read_cases("patient")
    ccf.list_case_types()
    ccf.read_lookup_table("facility")
    ccf.read_locations()

    counts = fresh_sandbox.faults.limits._counts
    counted = next(sum(each.values()) for (_, window), each in counts.items() if window.seconds == 86400)
    assert today("requests") - before == counted > 0


def test_two_connections_to_a_domain_share_its_limit(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    other = fresh_domain.sibling("maternal-health")
    ccf.list_reports(domain=other)

    assert today("requests") == 1
    assert ccf.limits(domain="child-nutrition")["requests"].sum() == 0


def test_the_rule_is_worked_out_for_a_number_of_workers(domain: Domain) -> None:
    frame = ccf.limits(mobile_workers=10)

    assert frame[["window", "allowed"]].to_numpy().tolist() == [
        ["second", 3], ["minute", 40], ["hour", 1334], ["day", 10_050],
    ]  # fmt: skip
    assert "allowed" not in ccf.limits()
    assert frame.dtypes.astype(str).tolist() == [
        "str", "Int64", "Int64", "Int64", "Float64", "Float64", "Float64", "Int64",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (-1, "mobile_workers=-1 is no number of people"),
        (True, "mobile_workers is a number of people"),
        (2.5, "mobile_workers is a number of people"),
        ("many", "mobile_workers is a number of people"),
    ],
)
def test_what_is_no_number_of_workers_is_refused(workers: object, said: str, domain: Domain) -> None:
    with pytest.raises(QueryError, match=said):
        ccf.limits(mobile_workers=workers)  # type: ignore[arg-type]


def test_it_asks_nothing_and_needs_no_login(sandbox: Sandbox) -> None:
    before = len(sandbox.log)
    frame = ccf.limits(domain=ccf.Domain("nowhere", sandbox.url))

    assert frame["requests"].sum() == 0
    assert frame.attrs["commcare"] == {"server": sandbox.url, "domain": "nowhere"}
    assert len(sandbox.log) == before
