"""Stretches of time side by side: disjoint, complete, and only where they pay."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from commcare_frames.hq.pull import Question, pull
from commcare_frames.hq.resources import CASE_V2
from commcare_frames.hq.windows import MOST_PROBES, count, side_by_side

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

QUESTION = Question(replace(CASE_V2, largest_page=10), (("case_type", "patient"),))


def test_the_count_is_the_servers(domain: Domain) -> None:
    assert count(domain.client, QUESTION) == 300
    assert count(domain.client, QUESTION, until="2000-01-01") == 0


@pytest.mark.parametrize("connections", [2, 4])
def test_stretches_adjoin_and_hold_about_equally_many(connections: int, domain: Domain) -> None:
    before = domain.requests_made
    segments = side_by_side(domain.client, QUESTION, connections)
    sizes = dict.fromkeys(range(connections), 0)
    for piece in pull(domain.client, QUESTION, segments, json.loads):
        sizes[piece.index] += len(piece.value)

    assert segments[0].after is None
    assert segments[-1].until is None
    assert all(one.until == two.after for one, two in itertools.pairwise(segments))
    assert sum(sizes.values()) == 300, "none twice, none missing"
    assert max(sizes.values()) < 2 * 300 / connections
    assert domain.requests_made - before <= 1 + MOST_PROBES * (connections - 1) + 300 // 10 + 2 * connections


def test_more_readers_than_pay_are_not_started(domain: Domain) -> None:
    small = replace(QUESTION, resource=replace(CASE_V2, largest_page=100))
    assert len(side_by_side(domain.client, small, 8)) == 1
    assert len(side_by_side(domain.client, QUESTION, 100)) <= 15
    before = domain.requests_made
    assert len(side_by_side(domain.client, QUESTION, 1)) == 1
    assert domain.requests_made == before


def test_no_records_are_one_stretch(domain: Domain) -> None:
    assert len(side_by_side(domain.client, Question(QUESTION.resource, (("case_type", "nobody"),)), 4)) == 1


def test_records_that_were_indexed_all_at_once_still_come_once_each(
    fresh_domain: Domain, fresh_sandbox: Sandbox
) -> None:
    index = fresh_sandbox.domain("maternal-health")
    index.reindex(index.case_ids("patient"))
    segments = side_by_side(fresh_domain.client, QUESTION, 3)
    pieces = list(pull(fresh_domain.client, QUESTION, segments, json.loads))

    assert sorted(record["case_id"] for piece in pieces for record in piece.value) == sorted(index.case_ids("patient"))
