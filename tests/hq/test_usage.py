"""What this process asks of each domain is counted as HQ counts it, for a day."""

from __future__ import annotations

from commcare_frames.hq.usage import WINDOWS, Usage, usage_of


def test_requests_are_counted_in_each_window_and_forgotten_after_a_day() -> None:
    now = [1000.0]
    usage = Usage(lambda: now[0])
    for at, counts in ((1000.0, True), (1030.0, True), (1059.5, False), (1060.0, True)):
        now[0] = at
        usage.note(counts=counts)

    assert [usage.requests(window.seconds, counted=True) for window in WINDOWS] == [1, 3, 3, 3]
    assert [usage.requests(window.seconds, counted=False) for window in WINDOWS] == [1, 1, 1, 1]
    now[0] = 1000.0 + 86_400 + 45
    usage.note(counts=True)
    assert usage.requests(86_400, counted=True) == 2
    assert len(usage._requests) == 3


def test_refusals_are_kept_with_the_wait_that_was_asked() -> None:
    now = [0.0]
    usage = Usage(lambda: now[0])
    usage.note_refusal(0.42)
    now[0] = 100.0
    usage.note_refusal(None)

    assert [refusal.retry_after for refusal in usage.refusals(3600)] == [0.42, None]
    assert [refusal.retry_after for refusal in usage.refusals(60)] == [None]
    now[0] = 86_450.0
    usage.note_refusal(7.0)
    assert [refusal.retry_after for refusal in usage.refusals(10**9)] == [None, 7.0]


def test_a_domain_is_one_through_whichever_connection() -> None:
    assert usage_of("https://a", "d") is usage_of("https://a", "d")
    assert usage_of("https://a", "d") is not usage_of("https://a", "e")
    assert usage_of("https://b", "d") is not usage_of("https://a", "d")


def test_the_rule_is_that_of_hq() -> None:
    allowed = {window.name: [window.allowed(workers) for workers in (0, 10, 100, 250)] for window in WINDOWS}

    assert allowed == {
        "second": [1, 3, 22, 55],
        "minute": [10, 40, 314, 770],
        "hour": [30, 1334, 13_073, 32_638],
        "day": [50, 10_050, 100_050, 250_050],
    }
