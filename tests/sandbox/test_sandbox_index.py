"""The index of cases: order, changes, and that pages of it lose nothing."""

from __future__ import annotations

import json

import pytest
from asking import Programme, case
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.sandbox.accounts import Accounts, default_accounts
from commcare_frames.sandbox.clock import Clock
from commcare_frames.sandbox.domains import Domain
from commcare_frames.sandbox.endpoints import Router
from commcare_frames.sandbox.faults import Faults
from commcare_frames.sandbox.hq import HQ
from commcare_frames.sandbox.messages import Params, Request
from commcare_frames.sandbox.sandbox import ENDPOINTS


@pytest.fixture
def cases(hq):
    return hq.domain("maternal-health")


def test_a_change_gets_a_new_stamp_and_moves_to_the_end(ask, cases):
    before = ask("case/v2/a1").json()
    cases.reindex(["a1"])
    after = ask("case/v2/a1").json()
    assert cases.case_ids()[-1] == "a1"
    assert after["indexed_on"] > before["indexed_on"]
    assert {**after, "indexed_on": None} == {**before, "indexed_on": None}


def test_cases_reindexed_together_share_one_stamp(ask, cases):
    cases.reindex(["b1", "a1"])
    assert ask("case/v2/a1").json()["indexed_on"] == ask("case/v2/b1").json()["indexed_on"]
    assert cases.case_ids()[-2:] == ["a1", "b1"]


def test_update_sets_properties_in_both_versions_of_the_api(ask, cases):
    cases.update("a1", age="10", new="x")
    case = ask("case/v2/a1").json()
    assert case["properties"] == {"age": "10", "village": "Doro", "risk": "hiv twins", "new": "x"}
    assert case["last_modified"] == case["server_last_modified"] == case["indexed_on"]
    assert ask("case/v1/a1/").json()["properties"]["new"] == "x"


def test_retype_leaves_one_type_for_another(ask, cases):
    cases.retype("a1", "person")
    assert (cases.count("patient"), cases.count("person"), cases.count()) == (4, 1, 6)
    assert ask.ids(("case_type", "person")) == ["a1"]


def test_delete_forgets_everywhere(ask, cases):
    cases.delete(["c1"])
    assert (cases.count(), cases.case_types()) == (5, ["patient"])
    assert ask("case/v2/c1").status_code == ask("case/v1/c1/").status_code == 404
    assert ask("case/v2/ext/y/2/").status_code == 404


def test_changing_a_case_that_does_not_exist_is_an_error(cases):
    for change in (cases.delete, cases.reindex):
        with pytest.raises(KeyError):
            change(["nope"])


def test_add_needs_only_an_id_and_a_type(ask, cases):
    cases.add({"case_id": "e1", "case_type": "patient", "properties": {"age": "1"}})
    assert cases.case_ids()[-1] == "e1"
    assert ask("case/v2/e1").json().keys() == ask("case/v2/a1").json().keys()
    assert ask("case/v1/e1/").json().keys() == ask("case/v1/a1/").json().keys()


def test_the_clock_is_never_behind_the_data():
    clock = Clock()
    clock.not_before("2099-01-01T00:00:00.000000Z")
    assert clock.stamp() > "2099-01-01"
    assert clock.http_date().split()[3] == "2099"


class TickingClock(Clock):
    """A clock that gives every change a millisecond of its own, as no two real ones a page apart share one."""

    def stamp(self):
        self._ahead += 0.001
        return super().stamp()


STEPS = st.lists(st.tuples(st.sampled_from(["reindex", "update", "delete", "add"]), st.integers(0, 30)), max_size=12)


@given(
    milliseconds=st.lists(st.integers(0, 5), min_size=1, max_size=25),
    limit=st.integers(1, 7),
    steps=STEPS,
)
def test_a_pull_among_changes_ends_with_every_living_case_in_its_newest_version(milliseconds, limit, steps):
    stock = [
        case(f"c{number:02}", f"2026-02-01T10:00:00.00{millisecond}{number:03}Z")
        for number, millisecond in enumerate(milliseconds)
    ]
    ask, index = _without_network(stock)
    known: dict[str, dict] = {}
    params = Params([("limit", str(limit))])
    steps = list(steps)
    while True:
        page = ask(params)
        known |= {each["case_id"]: each for each in page["cases"]}
        if steps:
            _change(index, *steps.pop())
        if "next" not in page:
            break
        params = Params.parse(page["next"].partition("?")[2])
    known |= {each["case_id"]: each for each in ask(params)["cases"]}
    living = index.case_ids()
    assert {each: known[each] for each in living} == {each: index.get(each).v2_object() for each in living}


def _change(index, kind, number):
    living = index.case_ids()
    if kind == "add":
        index.add({"case_id": f"new{number}-{len(living)}", "case_type": "patient"})
    elif living:
        chosen = living[number % len(living)]
        if kind == "update":
            index.update(chosen, note=str(number))
        else:
            getattr(index, kind)([chosen])


def _without_network(stock):
    faults, clock = Faults(), TickingClock()
    domain = Domain(Programme("d", stock), clock, faults)
    accounts = default_accounts([domain])
    admin = accounts["admin"].login
    hq = HQ({"d": domain}, Accounts(list(accounts.values())), faults, clock)
    router = Router(ENDPOINTS)
    headers = {"Authorization": f"ApiKey {admin.username}:{admin.api_key}"}

    def ask(params):
        response = router.answer(Request(hq, "GET", "/a/d/api/case/v2/", params, headers))
        assert response.status == 200, response.body
        return json.loads(response.body)

    return ask, domain.cases
