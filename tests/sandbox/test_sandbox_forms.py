"""The form API: pages, filters, orders, and what happens behind a client's back."""

from __future__ import annotations

import re
import threading
import time

import pytest
import requests
from asking import Ask
from known_forms import BIRTH, FORMS, VISIT, form

from commcare_frames.sandbox import start

BY_INDEX = ["f1", "f2", "f3", "f4"]
NEWEST_FIRST = ["f4", "f3", "f2", "f1"]


@pytest.fixture
def ids(ask, forms):
    def listed(*params):
        answer = ask("form/v1/", params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["meta"]["total_count"] >= len(page["objects"])
        return [each["id"] for each in page["objects"]]

    return listed


@pytest.fixture(scope="module")
def whole():
    with start(patients=100) as sandbox:
        yield sandbox


def test_every_version_answers_alike(ask, forms):
    answers = [ask(f"{path}/").json() for path in ("form/v1", "v0.5/form", "v0.4/form")]
    assert answers[0]["meta"]["total_count"] == 4
    assert all(answer == answers[0] for answer in answers)


def test_newest_received_come_first_unless_asked_otherwise(ids):
    assert ids() == NEWEST_FIRST
    assert ids(("order_by", "received_on")) == NEWEST_FIRST[::-1]
    assert ids(("order_by", "indexed_on")) == BY_INDEX
    assert ids(("order_by", "-indexed_on")) == BY_INDEX[::-1]
    assert ids(("order_by", "server_modified_on")) == ["f1", "f2", "f4", "f3"]
    assert ids(("order_by", "-server_modified_on")) == ["f3", "f4", "f2", "f1"]


@pytest.mark.parametrize("field", ["xmlns", "server_date_modified", "--indexed_on"])
def test_other_orders_are_400(ask, forms, field):
    answer = ask("form/v1/", {"order_by": field})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_pages_and_their_links(ask, forms):
    params = [("xmlns", VISIT), ("limit", "1"), ("include_archived", "1"), ("offset", "1")]
    page = ask("form/v1/", params).json()
    kept = "?xmlns=http%3A%2F%2Fexample.org%2FVisit&include_archived=1&limit=1"
    assert page["meta"] == {
        "limit": 1, "offset": 1, "total_count": 3, "next": f"{kept}&offset=2", "previous": f"{kept}&offset=0",
    }  # fmt: skip
    assert [each["id"] for each in page["objects"]] == ["f4"]
    assert ask(f"form/v1/{page['meta']['next']}").json()["meta"]["next"] is None


@pytest.mark.parametrize(("limit", "effective"), [(None, 20), ("0", 1000), ("5000", 1000), ("7", 7)])
def test_limits(ask, forms, limit, effective):
    assert ask("form/v1/", {"limit": limit}).json()["meta"]["limit"] == effective


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"limit": "x"}, 400),
        ({"limit": "-1"}, 400),
        ({"offset": "999000", "limit": "1000"}, 200),
        ({"offset": "999001", "limit": "1000"}, 500),
        ({"_search": "{}"}, 400),
    ],
)
def test_refusals(ask, forms, params, status):
    assert ask("form/v1/", params).status_code == status


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("xmlns", VISIT, ["f4", "f1"]),
        ("xmlns.exact", VISIT, ["f4", "f1"]),
        ("xmlns", VISIT.lower(), []),
        ("app_id", "ABC1", ["f4", "f1"]),
        ("app_id", "Abc2", []),
        ("case_id", "a1", ["f2", "f1"]),
        ("case_id", "b1", ["f4"]),
        ("case_id", "b2", ["f4"]),
        ("case_id", "c1", ["f2"]),
        ("case_id", "A1", []),
        ("include_archived", "true", ["f5", *NEWEST_FIRST]),
        ("include_archived", "false", ["f5", *NEWEST_FIRST]),
        ("include_archived", "", ["f5", *NEWEST_FIRST]),
        ("domain", "maternal-health", NEWEST_FIRST),
        ("initial_processing_complete", "True", NEWEST_FIRST),
        ("build_id", "none", []),
        ("q", "anything", NEWEST_FIRST),
        ("format", "xml", NEWEST_FIRST),
        ("cases__full", "false", NEWEST_FIRST),
        ("anything__full", "true", NEWEST_FIRST),
        ("appVersion", "3", []),
        ("xmln", VISIT, []),
        ("form.q", "1", []),
        ("received_on.gt", "2020-01-01", []),
    ],
)
def test_filters(ids, name, value, found):
    assert ids((name, value)) == found


def test_filters_are_joined_by_and(ids):
    assert ids(("xmlns", VISIT), ("case_id", "a1")) == ["f1"]
    assert ids(("xmlns", VISIT), ("xmlns.exact", BIRTH)) == []
    assert ids(("xmlns", BIRTH), ("xmlns", VISIT)) == ["f4", "f1"], "of a repeated one the last counts"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("received_on_start", "2026-03-02", ["f4", "f3", "f2"]),
        ("received_on_start", "2026-03-02T10:00:00.000900", ["f4", "f3", "f2"]),
        ("received_on_start", "2026-03-02T10:00:00.001", []),
        ("received_on_end", "2026-03-02T10:00:00", NEWEST_FIRST),
        ("received_on_end", "2026-03-02", ["f1"]),
        ("server_modified_on_start", "2026-03-09", ["f3"]),
        ("server_date_modified_start", "2026-03-09T00:00Z", ["f3"]),
        ("server_modified_on_end", "2026-03-02", ["f1"]),
        ("indexed_on_start", "2026-03-02T10:00:05.000999", ["f4", "f3", "f2"]),
        ("indexed_on_start", "2026-03-02T10:00:05.001000", []),
        ("indexed_on_end", "2026-03-02T10:00:05.000000", NEWEST_FIRST),
        ("indexed_on_end", "2026-03-02", ["f1"]),
    ],
)
def test_dates_are_inclusive_to_the_millisecond(ids, name, value, found):
    assert sorted(ids((name, value))) == sorted(found)


@pytest.mark.parametrize("name", ["received_on_start", "server_modified_on_end", "indexed_on_start", "indexed_on_end"])
@pytest.mark.parametrize("value", ["2026-03-02T10:00:00Z", "2026-03-02T10:00:00+00:00", "yesterday", ""])
def test_other_dates_are_400(ask, forms, name, value):
    answer = ask("form/v1/", {name: value})
    assert answer.status_code == 400
    assert answer.json() == {"error": f"Bad query parameter: Unknown date format: {value}"}


def test_a_single_form_also_an_archived_one(ask, forms):
    assert ask("form/v1/f1/").json()["form"] == FORMS[0]["form"]
    assert ask("v0.5/form/f5/").json()["archived"] is True
    missing = ask("form/v1/nope/")
    assert (missing.status_code, missing.content) == (404, b"")


def test_it_is_for_web_users_who_may_edit_data_and_counts_against_the_limit(ask, hq, forms):
    for login in (hq.no_edit, hq.mobile_worker):
        for path in ("form/v1/", "form/v1/f1/"):
            answer = ask(path, login=login)
            assert (answer.status_code, answer.content) == (403, b"")
    assert ask("form/v1/", method="POST").status_code == 405
    assert ask("form/v1").status_code == 301
    hq.faults.throttle("maternal-health", 0)
    answers = [ask("form/v1/") for _ in range(3)]
    assert (answers[-1].status_code, "Retry-After" in answers[-1].headers) == (429, False)


def test_a_form_comes_as_json_even_if_xml_is_asked_for(ask, forms):
    answer = ask("form/v1/f1/", headers={"Accept": "application/xml"})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json()["id"] == "f1"


def test_full_cases_are_those_that_exist_as_case_v1_shows_them(ask, forms):
    [f4] = [each for each in ask("form/v1/", {"cases__full": "true"}).json()["objects"] if each["id"] == "f4"]
    assert f4["cases"] == [ask("case/v1/b1/").json(), ask("case/v1/b2/").json()]
    assert ask("form/v1/f3/", {"cases__full": "true"}).json()["cases"] == []
    assert "cases" not in ask("form/v1/f4/").json()


def test_a_form_submitted_with_nothing_but_answers(ask, forms):
    form_id = forms.submit({"form": form(VISIT, q="x", meta={"instanceID": "i1", "timeEnd": "2026-03-01T09:00:00Z"})})
    served = ask(f"form/v1/{form_id}/").json()
    assert (form_id, served["metadata"]["timeEnd"]) == ("i1", "2026-03-01T09:00:00")
    assert served["received_on"] == served["server_modified_on"] == served["indexed_on"]
    assert (served["type"], served["version"], served["uiversion"]) == ("data", "3", "1")
    bare = ask(f"form/v1/{forms.submit({'form': {'q': '1'}})}/").json()
    assert (bare["type"], bare["version"], bare["metadata"], bare["app_id"]) == ("", "", None, None)
    assert bare.keys() == served.keys()
    assert forms.ids()[-2:] == [form_id, bare["id"]]


def test_an_edit_keeps_id_and_receipt_and_moves_the_form_to_the_end(ask, ids, forms):
    before = ask("form/v1/f1/").json()
    forms.edit("f1", q_new="yes", case={"@case_id": "d1"})
    after = ask("form/v1/f1/").json()
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {
        "form", "server_modified_on", "indexed_on", "edited_on", "edited_by_user_id", "attachments",
    }  # fmt: skip
    assert after["edited_on"] == after["server_modified_on"] == after["indexed_on"] > before["indexed_on"]
    assert after["form"] == {**before["form"], "q_new": "yes", "case": {"@case_id": "d1"}}
    assert (ids(("case_id", "d1")), ids(("case_id", "a1"))) == (["f1"], ["f2"])
    assert ids(("order_by", "indexed_on"))[-1] == "f1"


def test_an_edited_form_says_which_one_it_replaced(ask, forms):
    form_id = forms.submit({"form": form(VISIT, meta={"instanceID": "i1"})})
    assert ask(f"form/v1/{form_id}/").json()["metadata"]["deprecatedID"] is None
    forms.edit(form_id, q="2")
    assert ask(f"form/v1/{form_id}/").json()["metadata"]["deprecatedID"]


def test_archive_and_unarchive(ask, ids, forms):
    forms.archive(["f1", "f2"])
    assert (forms.count(), forms.count(VISIT), forms.count(VISIT, include_archived=True)) == (2, 1, 3)
    assert sorted(ids()) == ["f3", "f4"]
    assert ask("form/v1/f1/").json()["archived"] is True
    forms.unarchive(["f1", "f5"])
    assert sorted(ids()) == ["f1", "f3", "f4", "f5"]


def test_forms_reindexed_together_share_one_stamp(ask, ids, forms):
    forms.reindex(["f4", "f1"])
    before, after = FORMS[0], ask("form/v1/f1/").json()
    assert after["indexed_on"] == ask("form/v1/f4/").json()["indexed_on"] > before["indexed_on"]
    assert (after["received_on"], after["edited_on"]) == (before["received_on"], None)
    assert forms.ids() == ["f2", "f3", "f1", "f4"]
    assert ids(("order_by", "indexed_on"), ("indexed_on_start", after["indexed_on"][:-1])) == ["f1", "f4"]


def test_deleted_forms_are_gone(ask, ids, forms):
    forms.delete(["f1"])
    assert sorted(ids()) == ["f2", "f3", "f4"]
    assert (forms.count(VISIT), forms.ids(VISIT)) == (1, ["f4"])
    assert ask("form/v1/f1/").status_code == 404
    assert ask("form_attachment/v1/f1/form.xml").status_code == 404


def test_changing_a_form_that_does_not_exist_is_an_error(forms):
    for change in (forms.delete, forms.reindex, forms.archive, forms.unarchive):
        with pytest.raises(KeyError):
            change(["nope"])
    with pytest.raises(KeyError):
        forms.edit("nope", q="1")


def test_a_change_is_invisible_during_the_pillow_lag(ask, hq, forms):
    hq.faults.pillow_lag = 0.3
    forms.edit("f1", q="1")
    forms.delete(["f2"])
    assert "q" not in ask("form/v1/f1/").json()["form"]
    assert ask("form/v1/f2/").status_code == 200
    assert forms.ids() == ["f1", "f3", "f4"], "what no longer exists is not offered for changes"
    deadline = time.monotonic() + 5
    while forms.count() > 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    edited = ask("form/v1/f1/").json()
    assert (edited["form"]["q"], edited["indexed_on"]) == ("1", edited["edited_on"])


def test_forms_reindexed_during_a_pull_shift_the_pages_of_a_moving_order(ask, hq, forms):
    hq.faults.reindexed_per_page = 1
    params = {"xmlns": VISIT, "include_archived": "1", "order_by": "indexed_on", "limit": 1}
    seen = {
        each["id"] for offset in range(3) for each in ask("form/v1/", {**params, "offset": offset}).json()["objects"]
    }
    assert seen < {"f1", "f4", "f5"}
    moved = [each for each in forms.ids() if forms.get(each).content()["indexed_on"] > "2026-03-06"]
    assert moved
    assert set(moved) <= {"f1", "f4"}, "only forms of the xmlns that is read, and no archived ones"


def test_forms_deleted_during_a_pull(ask, hq, forms):
    hq.faults.deleted_per_page = 1
    assert ask("form/v1/", {"xmlns": BIRTH}).json()["meta"]["total_count"] == 1
    assert forms.ids() == ["f1", "f3", "f4"]
    assert hq.domain("maternal-health").count() == 6


def test_reindex_and_delete_from_outside(hq, forms):
    def steer(action, **asked):
        asked = {"domain": "maternal-health", **asked}
        return requests.post(f"{hq.url}/_sandbox/forms/{action}", json=asked, timeout=10).json()

    assert steer("reindex", xmlns=VISIT, count=5) == {"form_ids": ["f1", "f4"]}
    assert forms.ids()[-2:] == ["f1", "f4"]
    assert steer("delete", form_ids=["f3"]) == {"form_ids": ["f3"]}
    assert forms.ids() == ["f2", "f1", "f4"]
    assert "error" in steer("delete", form_ids=["nope"])


def test_the_programme_s_forms_are_served_whole(whole):
    ask, served = Ask(whole), []
    query = "?limit=500&order_by=indexed_on&include_archived=1"
    while query:
        page = ask(f"form/v1/{query}").json()
        served += page["objects"]
        query = page["meta"]["next"]
    stored = whole.forms("maternal-health")
    made = list(whole._hq.domains["maternal-health"].programme.iter_forms())
    assert [each["id"] for each in served] == [each["id"] for each in made] == stored.ids(include_archived=True)
    for left, right in zip(served, made, strict=True):
        assert {**left, "attachments": right["attachments"]} == right
        assert left["attachments"].keys() == right["attachments"].keys()
    assert {each["archived"] for each in served} == {True, False}


def test_case_id_finds_the_forms_that_a_case_names(whole):
    ask = Ask(whole)
    for case in ask("case/v1/", {"limit": 12, "order_by": "-indexed_on"}).json()["objects"]:
        found = ask("form/v1/", {"case_id": case["id"]}).json()["objects"]
        assert {each["id"] for each in found} == set(case["xform_ids"])


def test_each_domain_has_forms_of_its_own(whole):
    ask = Ask(whole)
    [one] = ask("/a/child-nutrition/api/form/v1/", {"limit": 1}).json()["objects"]
    assert one["domain"] == "child-nutrition"
    assert ask(f"form/v1/{one['id']}/").status_code == 404


def test_an_application_or_a_released_build_by_id(whole):
    ask = Ask(whole)
    forms = ask("form/v1/", {"limit": 1000}).json()["objects"]
    one = next(form for form in forms if form["build_id"])
    build, application = (ask(f"application/v1/{one[key]}/").json() for key in ("build_id", "app_id"))
    assert build["built_from_app_id"] == application["id"] == one["app_id"]
    assert build["id"] in {version["id"] for version in application["versions"]}
    assert {each["id"] for each in ask("application/v1/").json()["objects"]} >= {application["id"]}


def test_forms_are_made_once_and_only_when_asked_for():
    made = []

    with start(patients=5) as sandbox:
        domain = sandbox._hq.domains["maternal-health"]
        programme = domain.programme

        class Counted:
            def __getattr__(self, name):
                return getattr(programme, name)

            def iter_forms(self):
                made.append(threading.get_ident())
                time.sleep(0.05)
                return programme.iter_forms()

        domain.programme = Counted()
        ask = Ask(sandbox)
        assert ask("case/v1/").status_code == 200
        assert made == []
        asking = [threading.Thread(target=ask, args=("form/v1/",)) for _ in range(4)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert len(made) == 1


def test_a_stamp_in_an_answer_is_in_hq_s_format(whole):
    page = Ask(whole)("form/v1/", {"limit": 50}).json()
    for each in page["objects"]:
        for key in ("received_on", "server_modified_on", "indexed_on"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", each[key])
