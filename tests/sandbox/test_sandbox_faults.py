"""Every fault does what it says, to the requests it is meant for, and clears."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


def statuses(ask, times, path="case/v2/", params=None):
    return [ask(path, params).status_code for _ in range(times)]


@pytest.mark.parametrize(
    ("status", "begin"), [(500, b'{"error_message"'), (502, b"<!DOCTYPE"), (503, b"<!DOCTYPE"), (429, b"")]
)
def test_a_status_with_the_body_that_usually_comes_with_it(ask, hq, status, begin):
    hq.faults.status(status, times=1)
    answer = ask("case/v2/")
    assert answer.status_code == status
    assert answer.content[:16].startswith(begin)
    assert ask("case/v2/").status_code == 200


def test_a_status_with_a_chosen_body_and_retry_after(ask, hq):
    hq.faults.status(500, body="html", retry_after="0.42")
    answer = ask("case/v2/")
    assert answer.text.startswith("<!DOCTYPE")
    assert answer.headers["Retry-After"] == "0.42"


def test_times_skip_and_path_choose_the_requests(ask, hq):
    hq.faults.status(503, times=2, skip=1, path="/case/v2")
    assert ask("case/v1/").status_code == 200
    assert statuses(ask, 4) == [200, 503, 503, 200]


def test_a_probability_is_seeded(ask, hq):
    seen = []
    for _ in range(2):
        hq.faults.clear()
        hq.faults.status(502, probability=0.5)
        seen.append(statuses(ask, 20))
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 502}


def test_above_a_limit_only_also_where_the_limit_is_in_the_cursor(ask, hq):
    page = ask("case/v2/", {"limit": 4}).json()
    small = ask("case/v2/", {"limit": 2}).json()
    hq.faults.status(504, above_limit=2)
    assert ask("case/v2/", {"limit": 3}).status_code == 504
    assert ask("case/v2/", {"limit": 2}).status_code == 200
    assert ask(page["next"].removeprefix(hq.url)).status_code == 504
    assert ask(small["next"].removeprefix(hq.url)).status_code == 200


def test_a_reset_connection(ask, hq):
    hq.faults.reset(times=1)
    with pytest.raises(requests.ConnectionError):
        ask("case/v2/")
    assert [asked.status for asked in hq.log] == [None]
    assert ask("case/v2/").status_code == 200


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_cut_short(ask, hq, chunked, encoding):
    hq.faults.cut_short(chunked=chunked, times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask("case/v2/", headers={"Accept-Encoding": encoding})


def test_a_cut_body_comes_with_the_length_of_the_whole(ask, hq):
    whole = ask("case/v2/", headers={"Accept-Encoding": "identity"})
    hq.faults.cut_short()
    cut = ask("case/v2/", headers={"Accept-Encoding": "identity"}, stream=True)
    assert cut.headers["Content-Length"] == str(len(whole.content))


def test_invalid_json_and_a_web_page_come_with_200(ask, hq):
    hq.faults.invalid_json(times=1)
    answer = ask("case/v2/")
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    hq.faults.web_page(times=1)
    answer = ask("case/v2/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_redirects(ask, hq):
    hq.faults.login_page(times=1)
    assert ask("case/v2/").headers["Location"].startswith("/accounts/login/")
    hq.faults.redirect("https://other.example.org/", times=1)
    answer = ask("case/v2/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://other.example.org/")


def test_a_slow_first_byte(ask, hq):
    hq.faults.slow_first_byte(0.2, times=1)
    begun = time.perf_counter()
    ask("case/v2/")
    assert time.perf_counter() - begun >= 0.2


def test_latency_per_request_and_record_also_side_by_side(ask, hq):
    hq.faults.latency_per_request, hq.faults.latency_per_record = 0.1, 0.05
    begun = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: ask("case/v2/", {"limit": 4}), range(4)))
    assert 0.3 <= time.perf_counter() - begun < 0.6


def test_reindexing_during_a_pull_moves_cases_to_the_end(ask, hq):
    hq.faults.reindexed_per_page = 1
    pulled = [case for page in ask.pages({"limit": 3}) for case in page["cases"]]
    assert len(pulled) > 6
    newest = {case["case_id"]: case["indexed_on"] for case in pulled}
    hq.faults.clear()
    now = {case["case_id"]: case["indexed_on"] for case in ask("case/v2/").json()["cases"]}
    assert newest.keys() == now.keys()
    assert sum(stamp > "2026-02-05" for stamp in now.values()) >= 2


def test_deleting_during_a_pull(ask, hq):
    hq.faults.deleted_per_page = 2
    ask("case/v2/", {"limit": 2, "case_type": "patient"})
    assert hq.domain("maternal-health").count("patient") == 3
    assert hq.domain("maternal-health").count("home_visit") == 1
    ask("case/v1/", {"limit": 2, "type.exact": "patient"})
    assert hq.domain("maternal-health").count("patient") == 1


def test_pillow_lag_hides_a_change_and_then_shows_it_with_its_old_stamp(ask, hq):
    hq.faults.pillow_lag = 0.3
    hq.domain("maternal-health").update("c1", age="1")
    changed_at = time.monotonic()
    assert ask("case/v2/c1").json()["properties"] == {}
    assert ask("case/v2/ext/y/2/").json()["properties"] == {"age": "1"}, "the database does not lag"
    hq.domain("child-nutrition").reindex(["n1"])
    while not (case := ask("case/v2/c1").json())["properties"]:
        assert time.monotonic() - changed_at < 5
        time.sleep(0.02)
    assert time.monotonic() - changed_at >= 0.3
    time.sleep(0.35)
    assert case["indexed_on"] < ask("/a/child-nutrition/api/case/v2/n1").json()["indexed_on"]
    assert case["indexed_on"] == case["last_modified"]


def test_next_as_an_object_with_a_cursor(ask, hq):
    hq.faults.next_as_cursor = True
    page = ask("case/v2/", {"limit": 4}).json()
    assert page["next"].keys() == {"cursor"}
    assert len(ask("case/v2/", page["next"]).json()["cases"]) == 2


def test_next_naming_another_host(ask, hq):
    hq.faults.next_host = "https://evil.example.org"
    assert ask("case/v2/", {"limit": 1}).json()["next"].startswith("https://evil.example.org/a/maternal-health/")


def test_a_shrinking_total(ask, hq):
    hq.faults.shrinking_total = True
    assert [page["matching_records"] for page in ask.pages({"limit": 2})] == [6, 4, 2, 0]


def test_clear_ends_every_fault(ask, hq):
    faults = hq.faults
    plain = ask("case/v2/", {"limit": 2}).json()
    faults.status(500)
    faults.throttle("maternal-health", 0)
    faults.cut_off = {"maternal-health"}
    faults.without_fields = faults.old_scheme_only = faults.next_as_cursor = faults.shrinking_total = True
    faults.next_host = "https://x.org"
    faults.latency_per_request = 60
    faults.clear()
    for _ in range(2):
        assert ask("case/v2/", {"limit": 2}).json() == plain
        assert ask("case/v1/").status_code == 200
