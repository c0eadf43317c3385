"""The same frames from XML as from JSON, for each reader of which HQ serves both."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CommCareError, NotFoundError, QueryError, ServerFailedError
from commcare_frames.hq.resources import REPORT_DATA, USERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

NAMED: dict[str, list[dict[str, Any]]] = {
    "read_lookup_table": [{"tag": "vaccine"}, {"tag": "facility"}],
    "read_report": [
        {"report": "Open pregnancies"},
        {"report": "Open pregnancies", "filters": {"high_risk": "yes", "edd": ("2026-01-01", "2026-12-31")}},
    ],
    "read_users": [{}, {"group": "Gaya Sadar", "extras": True}],
    "read_questions": [{}, {"app": "Mother and Child", "version": 25}],
    "read_device_logs": [{"where": {"type": "exception"}}],
}
READERS = sorted(
    name
    for name in ccf.__all__
    if inspect.isfunction(getattr(ccf, name)) and "wire" in inspect.signature(getattr(ccf, name)).parameters
)
CALLS = [(name, said) for name in READERS for said in NAMED.get(name, [{}])]


@pytest.mark.parametrize(("name", "said"), CALLS)
def test_xml_gives_the_same_frame_as_json(name: str, said: dict[str, Any], domain: Domain, sandbox: Sandbox) -> None:
    read: Callable[..., pd.DataFrame] = getattr(ccf, name)
    frames = {}
    for wire in ("json", "xml"):
        before = len(sandbox.log)
        frames[wire] = read(**said, wire=wire)
        asked = {("format", "xml") in request.query for request in sandbox.log[before:]}
        assert asked == {wire == "xml"}

    assert len(frames["json"])
    pd.testing.assert_frame_equal(frames["xml"], frames["json"])


def test_the_readers_that_can_have_xml_are_those_of_which_hq_serves_it() -> None:
    assert READERS == [
        "list_apps",
        "list_case_types",
        "list_det_exports",
        "list_domains",
        "list_forms",
        "list_lookup_tables",
        "list_reports",
        "read_device_logs",
        "read_group_members",
        "read_groups",
        "read_location_types",
        "read_locations",
        "read_lookup_table",
        "read_modules",
        "read_questions",
        "read_report",
        "read_users",
        "read_web_users",
    ]


def test_odd_values_are_the_same_too(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    people, places = fresh_sandbox.people("maternal-health"), fresh_sandbox.places("maternal-health")
    odd = {"village": " Bāṛh & <Co>\r\n", "हिन्दी": "😀", "blank": "", "none": None, "n": 7, "x": 0.1, "list": ["a", ""]}
    people.add("odd", first_name="", last_name='"', user_data=odd, phone_numbers=[], groups=[])
    places.add("Ōdd", "village", location_data={**odd, "id": "5"})

    for read in (ccf.read_users, ccf.read_locations):
        for dtypes in ("infer", "string"):
            as_json, as_xml = (read(wire=wire, dtypes=dtypes) for wire in ("json", "xml"))
            pd.testing.assert_frame_equal(as_xml, as_json)


def test_fields_whose_names_begin_with_a_digit_are_lacking_in_xml_and_stay_in_the_table_from_json(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    fresh_sandbox.people("maternal-health").add("odd", user_data={"1st": "x", "second": "y"})

    assert "user_data.1st" not in ccf.read_users(wire="xml")
    assert "user_data.1st" in ccf.read_users()
    before = fresh_domain.client.requests_made
    assert "user_data.1st" not in ccf.read_users(wire="xml", cache="offline")
    assert "user_data.1st" in ccf.read_users(cache="offline")
    assert fresh_domain.client.requests_made == before


def test_a_name_that_xml_cannot_hold_fails_on_hq(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    fresh_sandbox.people("maternal-health").add("odd", user_data={"two words": "x"})

    with pytest.raises(ServerFailedError, match="status 500.*try wire='json'"):
        ccf.read_users(wire="xml")


def test_locations_are_topped_up_in_xml_too(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    before = ccf.read_locations(wire="xml")
    fresh_sandbox.places("maternal-health").add("New", "village")
    after = ccf.read_locations(wire="xml")

    assert len(after) == len(before) + 1
    pd.testing.assert_frame_equal(after, ccf.read_locations(cache=False))


@pytest.mark.parametrize("spoil", ["cut_short", "invalid_json", "web_page"])
def test_a_damaged_page_is_asked_for_again(spoil: str, fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    expected = ccf.read_groups()
    getattr(fresh_sandbox.faults, spoil)(path="group", times=1)

    pd.testing.assert_frame_equal(ccf.read_groups(wire="xml"), expected)


def test_what_hq_says_against_a_question_in_xml_is_told(domain: Domain) -> None:
    with pytest.raises(CommCareError, match="has no group with id=nobody"):
        domain.client.ask(USERS, (("group", "nobody"),), wire="xml")


def test_a_report_that_is_gone_is_told_in_xml_too(domain: Domain) -> None:
    with pytest.raises(NotFoundError):
        domain.client.ask(REPORT_DATA, tail="gone/", wire="xml")


@pytest.mark.parametrize("name", READERS)
def test_another_format_is_refused_before_anything_is_asked(name: str, domain: Domain) -> None:
    said = NAMED.get(name, [{}])[-1]
    before = domain.client.requests_made

    with pytest.raises(QueryError, match="wire='yaml' is neither 'json' nor 'xml'"):
        getattr(ccf, name)(**said, wire="yaml")
    assert domain.client.requests_made == before
