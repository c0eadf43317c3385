"""The rate limit: HQ's windows, and its two kinds of 429."""

from __future__ import annotations

import pytest

from commcare_frames.sandbox.limits import WINDOWS, RateLimiter


class Time:
    def __init__(self):
        self.now = 1_780_000_000.0 - 1_780_000_000.0 % 86400

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def limiter(time):
    return RateLimiter(now=time)


def allowed(limiter, most=1000):
    """Ask until refused; return how many passed."""
    for passed in range(most):
        if limiter.seconds_to_wait("d") is not None:
            return passed
        limiter.count("d")
    return most


@pytest.mark.parametrize(
    ("workers", "limits"),
    [(0, (1, 10, 30, 50)), (10, (3.2, 40.4, 1334, 10_050)), (250, (55.3, 771, 32_639, 250_050))],
)
def test_the_windows_are_those_of_hq(workers, limits):
    assert [window.limit(workers) for window in WINDOWS] == pytest.approx(limits, rel=0.01)


def test_without_a_limit_everything_passes(limiter):
    assert allowed(limiter) == 1000


def test_a_project_without_workers_may_ask_once_a_second(limiter, time):
    limiter.limit("d", 0)
    assert allowed(limiter) == 1
    assert limiter.seconds_to_wait("other") is None
    time.now += 2
    assert allowed(limiter) == 1


def test_the_longer_windows_bind_a_patient_asker(limiter, time):
    limiter.limit("d", 0)
    passed = []
    for second in range(0, 86400, 2):
        time.now += 2
        if limiter.seconds_to_wait("d") is None:
            limiter.count("d")
            passed.append(second)
    assert sum(second < 60 for second in passed) == 10
    assert sum(second < 3600 for second in passed) == 30
    assert len(passed) == 50


@pytest.mark.parametrize("step", [0.05, 3.0, 7.0, 20.0])
def test_waiting_as_long_as_told_is_enough_and_hardly_more_than_needed(limiter, time, step):
    limiter.limit("d", 3)
    while (wait := limiter.seconds_to_wait("d")) is None:
        limiter.count("d")
        time.now += step
    told = time.now
    time.now = told + wait * 0.99 - 0.01
    assert limiter.seconds_to_wait("d") is not None or wait < 0.02
    time.now = told + wait
    assert limiter.seconds_to_wait("d") is None


def test_a_subscription_with_room_lets_a_full_domain_pass(limiter):
    limiter.limit("d", 0, in_subscription=20)
    assert allowed(limiter) == 6


def test_tastypie_does_not_say_how_long_and_case_v2_says_a_fraction(ask, hq):
    hq.faults.throttle("maternal-health", 0)
    assert ask("case/v2/").status_code == 200
    tastypie, view = ask("case/v1/"), ask("case/v2/")
    assert (tastypie.status_code, tastypie.content) == (429, b"")
    assert "Retry-After" not in tastypie.headers
    assert (view.status_code, view.content) == (429, b"")
    assert 0 < float(view.headers["Retry-After"]) < 2.1
    assert "." in view.headers["Retry-After"]


def test_some_endpoints_and_other_domains_are_never_throttled(ask, hq):
    hq.faults.throttle("maternal-health", 0)
    for _ in range(3):
        for path in ("/api/identity/v1/", "/api/user_domains/v1/", "domain_cases/v1/"):
            assert ask(path).status_code == 200
        assert ask("/a/child-nutrition/api/case/v2/").status_code == 200
    assert ask("case/v1/").status_code == 200, "those did not count"


def test_a_refused_login_is_not_counted(ask, hq):
    hq.faults.throttle("maternal-health", 0)
    for path in ("case/v1/", "case/v2/"):
        ask(path, login=hq.no_api)
    assert ask("case/v1/").status_code == 200


def test_a_bad_request_counts_on_case_v2_and_not_on_tastypie(ask, hq):
    hq.faults.throttle("maternal-health", 0)
    assert ask("case/v1/", {"limit": "x"}).status_code == 400
    assert ask("case/v2/", {"limit": "x"}).status_code == 400
    assert ask("case/v2/").status_code == 429
