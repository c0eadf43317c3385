"""What the benchmarks share: a sandbox and the sides as processes of their own, rounds that alternate, ratios."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROGRAMS = Path(__file__).parent / "programs"
DOMAIN = "maternal-health"
CASE_TYPE = "patient"
LARGEST_PAGE = 5000
SERVE = "from commcare_frames.sandbox import serve; serve(patients={}, port=0, case_types=['{}'])"


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that runs in another process."""

    cases: int
    url: str
    username: str
    api_key: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables from which a program learns where to read, and as whom."""
        return {
            "COMMCARE_SERVER": self.url,
            "COMMCARE_DOMAIN": DOMAIN,
            "COMMCARE_USERNAME": self.username,
            "COMMCARE_API_KEY": self.api_key,
        }

    def change(self, count: int) -> None:
        """Change cases, spread evenly over all: each moves to the end of the order."""
        self.control("reindex", domain=DOMAIN, case_type=CASE_TYPE, count=count)

    def be_slow(self, *, per_request: float, per_record: float) -> None:
        """Take so many seconds for every answer."""
        self.control("faults", latency_per_request=per_request, latency_per_record=per_record)

    def get(self, path: str) -> Any:  # noqa: ANN401  any JSON
        """Ask the API as the sandbox's administrator."""
        login = {"Authorization": f"ApiKey {self.username}:{self.api_key}"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/{path}", headers=login)) as answer:
            return json.load(answer)

    def control(self, action: str, method: str = "POST", **asked: object) -> Any:  # noqa: ANN401  any JSON
        """Reach into the sandbox."""
        request = urllib.request.Request(f"{self.url}/_sandbox/{action}", json.dumps(asked).encode(), method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


@dataclass(frozen=True)
class Run:
    """What a program took: the whole process, and what it said of itself."""

    seconds: float
    said: dict[str, Any]


@contextlib.contextmanager
def sandbox(cases: int) -> Iterator[Sandbox]:
    """Run a sandbox with so many cases."""
    print(f"Starting a sandbox with {cases:,} cases ...", file=sys.stderr)
    command = [sys.executable, "-c", SERVE.format(cases, CASE_TYPE)]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        greeting = ""
        while "admin" not in greeting and serving.poll() is None:
            greeting += serving.stdout.readline() if serving.stdout else ""
        url, username, key = re.search(r" at (http\S+),.*?admin +(\S+) +key (\S+)", greeting, re.DOTALL).groups()  # type: ignore[union-attr]
        yield Sandbox(cases, url, username, key)
    finally:
        serving.terminate()
        serving.wait()


def run(program: str, server: Sandbox, *arguments: object, cache: Path | None = None, rows: int | None = None) -> Run:
    """Run one of the programs in a fresh interpreter, with an empty cache unless one is given; it must read all."""
    expected = server.cases if rows is None else rows
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **server.environment, "COMMCARE_CACHE_DIR": str(cache or folder)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
        command = [sys.executable, str(PROGRAMS / f"{program}.py"), *map(str, arguments)]
        done = timed(command, environment, folder)
    if done.said.get("rows", expected) != expected:
        sys.exit(f"{program} read {done.said['rows']:,} of {expected:,} records.")
    return done


def timed(command: list[str], environment: Mapping[str, str], folder: str) -> Run:
    """Run a command in a folder."""
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    last = (done.stdout.splitlines() or [""])[-1]
    return Run(seconds, json.loads(last) if last.startswith("{") else {})


def alternately(rounds: int, **sides: Callable[[], Run]) -> dict[str, list[Run]]:
    """Run every side once a round, so that a busy machine slows all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, side in sides.items():
            runs[name].append(side())
            print(f"round {number}: {name} {runs[name][-1].seconds:.2f} s", file=sys.stderr)
    return runs


def whole(runs: list[Run]) -> list[float]:
    """Return the seconds of whole processes."""
    return [each.seconds for each in runs]


def said(runs: list[Run], what: str) -> list[float]:
    """Return what the programs said of themselves."""
    return [each.said[what] for each in runs]


def ratio(upper: list[float], lower: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(one / other for one, other in zip(upper, lower, strict=True))


def at_most(what: str, value: float, goal: float, unit: str = "x") -> None:
    """Print a figure that should be small."""
    _report(what, value, unit, f"at most {goal:g}{unit}", value <= goal)


def at_least(what: str, value: float, goal: float, unit: str = "x") -> None:
    """Print a figure that should be large."""
    _report(what, value, unit, f"at least {goal:g}{unit}", value >= goal)


def note(what: str, value: float, unit: str = "x") -> None:
    """Print a figure that has no goal."""
    print(f"{what:66}{value:10.4g}{unit}")


def _report(what: str, value: float, unit: str, goal: str, met: bool) -> None:
    print(f"{what:66}{value:10.4g}{unit:3} goal: {goal:16}{'met' if met else 'MISSED'}")


def parser(document: str, *, cases: int = 100_000, rounds: int = 3) -> argparse.ArgumentParser:
    """Return the options that every benchmark has."""
    options = argparse.ArgumentParser(description=document.splitlines()[0])
    options.add_argument("--cases", type=int, default=cases, help="size of the larger sandbox (default: %(default)s)")
    options.add_argument("--rounds", type=int, default=rounds, help="medians of so many (default: %(default)s)")
    return options
