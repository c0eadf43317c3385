"""The progress line: what it shows, when, and that nobody is bothered who does not look."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Any

import pytest

import commcare_frames as ccf
from commcare_frames.read import progress
from commcare_frames.read.progress import ProgressLine

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SHOWN_AFTER", 0)


@pytest.mark.usefixtures("at_once")
def test_the_line_shows_rows_and_requests(domain: Domain, capsys: pytest.CaptureFixture[str]) -> None:
    ccf.read_cases("patient", progress=True)

    line = capsys.readouterr().err.split("\r")[-1]
    assert "patient: 100%" in line
    assert "300/300" in line
    assert "1 request" in line


def test_a_quick_read_shows_nothing(domain: Domain, capsys: pytest.CaptureFixture[str]) -> None:
    ccf.read_cases("patient", progress=True)

    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("asked", [None, False])
def test_nothing_is_shown_where_nobody_looks(
    domain: Domain, capsys: pytest.CaptureFixture[str], asked: bool | None
) -> None:
    ccf.read_cases("patient", progress=asked)

    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_once")
def test_a_wait_is_shown_in_the_line(fresh_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    admin = fresh_sandbox.admin
    ccf.connect("maternal-health", server=fresh_sandbox.url, username=admin.username, api_key=admin.api_key)
    fresh_sandbox.faults.status(429, retry_after="2.2", times=1)
    ccf.read_cases("patient", progress=True)

    assert "waiting 2 s: 127.0.0.1" in capsys.readouterr().err


def test_a_wait_is_logged_where_no_line_is_shown(fresh_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    admin = fresh_sandbox.admin
    ccf.connect("maternal-health", server=fresh_sandbox.url, username=admin.username, api_key=admin.api_key)
    fresh_sandbox.faults.status(429, retry_after="2.2", times=1)
    ccf.read_cases("patient", progress=False)

    assert "limits the requests of domain 'maternal-health'" in caplog.text
    assert "Waiting 2 seconds" in caplog.text


def test_a_large_pull_tells_its_cost_first(
    domain: Domain, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    for show in (False, True):
        with ProgressLine("patient", domain.client, show=show, resumes=True) as line:
            line.expect(1_000_000, largest_page=5000)
            line.expect(5_000, largest_page=5000)

    for told in (caplog.text, capsys.readouterr().err):
        assert told.count("1,000,000 rows, about 200 requests") == 1
        assert "25 requests a minute, 682 an hour" in told
        assert "up to 8 min" in told


def test_a_small_pull_tells_no_cost(domain: Domain, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with ProgressLine("patient", domain.client, show=False, resumes=True) as line:
        line.expect(50_000, largest_page=5000)

    assert "requests" not in caplog.text


def test_an_interruption_says_how_far_it_came(domain: Domain) -> None:
    def interrupted() -> None:
        with ProgressLine("patient", domain.client, show=False, resumes=True) as line:
            line.expect(1_000, largest_page=20)
            line.advance(20)
            line.advance(20)
            raise KeyboardInterrupt

    with pytest.raises(
        KeyboardInterrupt, match=r"^patient: 40 of 1,000 rows had arrived\. They are kept: the same call"
    ):
        interrupted()


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({}, True),
        ({"cache": False}, False),
        ({"query": "age > 3"}, False),
        ({"query": "age > 3", "max_age": "1h"}, True),
    ],
)
def test_only_what_is_cached_goes_on(
    domain: Domain, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], kept: bool
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt, match="They are kept" if kept else "They are not kept"):
        ccf.read_cases("patient", **asked)


def test_a_terminal_shows_the_line_without_being_asked(sandbox: Sandbox) -> None:
    code = f"""
import commcare_frames as ccf
from commcare_frames.read import progress
progress.SHOWN_AFTER = 0
ccf.connect("maternal-health", server={sandbox.url!r}, username={sandbox.admin.username!r},
            api_key={sandbox.admin.api_key!r})
ccf.read_cases("patient")
"""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    ran = subprocess.run([sys.executable, "-c", code], stderr=theirs, check=False, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert ran.returncode == 0, shown
    assert "patient: 100%" in shown
