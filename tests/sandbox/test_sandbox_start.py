"""Starting the sandbox with its own programme, and steering it from another process."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import requests
from asking import Ask

from commcare_frames.sandbox import start

PROGRAM = """
import signal
from commcare_frames.sandbox import serve
signal.signal(signal.SIGINT, signal.default_int_handler)
serve(patients=5, port=0)
"""


@pytest.fixture(scope="module")
def running():
    with start(patients=20) as sandbox:
        yield sandbox


def test_the_three_domains_and_their_sizes(running):
    assert running.domains == ["maternal-health", "child-nutrition", "paused-project"]
    assert running.domain("maternal-health").count("patient") == 20
    assert running.domain("child-nutrition").count() > 0


def test_the_mobile_worker_is_one_of_the_programme(running):
    assert running.mobile_worker.username.endswith("@maternal-health.commcarehq.org")


def test_the_same_seed_gives_the_same_cases():
    ids = []
    for _ in range(2):
        with start(patients=10, seed=7) as sandbox:
            ids.append(sandbox.domain("maternal-health").case_ids())
    assert ids[0] == ids[1]


def test_only_some_case_types():
    with start(patients=10, case_types={"patient"}) as sandbox:
        assert sandbox.domain("maternal-health").case_types() == ["patient"]


def test_a_public_url_is_what_next_names():
    with start(patients=5, public_url="https://hq.example.org") as sandbox:
        page = Ask(sandbox)("case/v2/", {"limit": 1}).json()
    assert page["next"].startswith("https://hq.example.org/a/maternal-health/")


def steer(sandbox, action, **asked):
    return requests.post(f"{sandbox.url}/_sandbox/{action}", json=asked, timeout=10)


def test_reindex_update_and_delete_from_outside(hq, ask):
    steer(hq, "reindex", domain="maternal-health", case_ids=["a1"])
    assert hq.domain("maternal-health").case_ids()[-1] == "a1"
    steer(hq, "update", domain="maternal-health", case_ids=["b1"], properties={"age": "77"})
    assert ask("case/v2/b1").json()["properties"]["age"] == "77"
    chosen = steer(hq, "delete", domain="maternal-health", case_type="patient", count=2).json()["case_ids"]
    assert len(chosen) == 2
    assert hq.domain("maternal-health").count("patient") == 3


def test_faults_from_outside(hq, ask):
    steer(hq, "faults", status={"status": 502, "times": 1}, latency_per_request=0.01)
    assert hq.faults.latency_per_request == 0.01
    assert [ask("case/v2/").status_code for _ in range(2)] == [502, 200]
    steer(hq, "faults", clear={})
    assert hq.faults.latency_per_request == 0


def test_the_log_from_outside(hq, ask):
    ask("case/v2/")
    assert [asked["status"] for asked in requests.delete(f"{hq.url}/_sandbox/log", timeout=10).json()] == [200]
    assert requests.get(f"{hq.url}/_sandbox/log", timeout=10).json() == []


@pytest.mark.parametrize(
    ("action", "asked", "status"),
    [
        ("reindex", {"domain": "nope"}, 400),
        ("reindex", {"domain": "maternal-health", "case_ids": ["nope"]}, 400),
        ("update", {"domain": "maternal-health", "case_ids": ["a1"]}, 400),
        ("faults", {"earthquake": {}}, 400),
        ("faults", {"status": {"code": 502}}, 400),
        ("dance", {}, 404),
    ],
)
def test_nonsense_from_outside_is_refused(hq, action, asked, status):
    assert steer(hq, action, **asked).status_code == status


def test_serve_prints_its_address_and_logins_and_ends_with_ctrl_c():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        url = next(word.rstrip(",") for word in first.split() if word.startswith("http://"))
        assert requests.get(f"{url}/api/identity/v1/", timeout=10).status_code == 401
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        process.wait(timeout=20)
    assert "admin@example.org" in rest
    assert process.returncode == 0
