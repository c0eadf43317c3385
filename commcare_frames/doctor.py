"""A check-up: what works on this computer and with this login, what does not, and what to do about it."""

from __future__ import annotations

import platform
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

import keyring

from commcare_frames import credentials
from commcare_frames.cache import management, places
from commcare_frames.cache.disk import explained, make_private
from commcare_frames.connection import locate
from commcare_frames.errors import (
    CommCareError,
    LoginError,
    RateLimitError,
    ServerUnreachableError,
)
from commcare_frames.hq import resources
from commcare_frames.hq.answers import parse_json
from commcare_frames.hq.client import Patience
from commcare_frames.hq.stamps import from_http_date
from commcare_frames.read.progress import SMALL_PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.hq.client import Answer
    from commcare_frames.hq.resources import Resource

Level = Literal["ok", "warning", "problem"]

PACKAGES = ("commcare-frames", "pandas", "pyarrow", "requests", "matplotlib")
EXTRAS = ("ipywidgets", "xlsxwriter", "duckdb", "dask", "geopandas")

NEEDED_FOR = {
    resources.CASE_V2: "read_cases",
    resources.CASE_V1: "the columns of read_cases that only version 1 has",
    resources.FORM: "read_forms",
    resources.CASE_TYPES: "list_case_types",
    resources.APPLICATIONS: "which groups of forms repeat, labels",
    resources.REPORTS: "list_reports, read_report",
    resources.USER_DOMAINS: "list_domains",
    resources.IDENTITY: "whoami",
}
IN_DOMAIN = "{domain}"
HOPELESS = (ServerUnreachableError, LoginError, RateLimitError)

LONGEST_ANSWER = 30.0  # seconds
LITTLE_ROOM = 1_000_000_000  # bytes
SKEW = timedelta(minutes=5)
PATIENCE = Patience(attempts=2, first_wait=0.5, longest_wait=10)


@dataclass(frozen=True)
class Finding:
    """What a check found, in one line that says what to do where something is to be done."""

    level: Level
    text: str


def examine(domain: str | None = None, *, server: str | None = None) -> Iterator[Finding]:
    """Check versions, cache, keyring, server, login, permissions, limits and clock; no finding shows a secret.

    Parameters
    ----------
    domain, server
        As for `connect`.

    Yields
    ------
    Finding
        One after the other, as they are found. A check that fails is a finding too.
    """
    yield from _never_failing(_versions)
    yield from _never_failing(_cache_folder)
    yield from _never_failing(_cached_tables)
    yield from _never_failing(_keyring)
    yield from _never_failing(lambda: _server(domain, server))


def _never_failing(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except CommCareError as error:
        yield Finding("problem", str(error))
    except Exception as error:  # noqa: BLE001  a doctor who faints is of no help
        yield Finding("problem", f"A check stopped with {type(error).__name__}: please report it, with this list.")


def _versions() -> Iterator[Finding]:
    installed = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("ok", f"Versions: {installed}, {system}.")
    extras = {name: _version(name) for name in EXTRAS}
    there = ", ".join(f"{name} {number}" for name, number in extras.items() if number) or "none"
    missing = ", ".join(name for name, number in extras.items() if not number) or "none"
    yield Finding("ok", f"Optional packages: {there}; not installed: {missing}.")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cache_folder() -> Iterator[Finding]:
    root = places.root()
    with explained(root):
        make_private(root)
        with tempfile.TemporaryFile(dir=root) as file:
            file.write(b"x")
        free = shutil.disk_usage(root).free
    if free < LITTLE_ROOM:
        yield Finding(
            "warning",
            f"Cache: only {free / 1e6:,.0f} MB are free in {root}. Make room, run `commcare-frames cache compact`, or "
            "set COMMCARE_CACHE_DIR to a folder on another disk.",
        )
    else:
        yield Finding("ok", f"Cache: {root} can be written, {free / 1e9:,.0f} GB are free.")


def _cached_tables() -> Iterator[Finding]:
    tables = management.cached_tables()
    size = sum(table.size for table in tables)
    yield Finding("ok", f"Cache: {len(tables)} table{'s' * (len(tables) != 1)}, {size / 1e6:,.1f} MB.")
    for table in tables:
        name = f"Cache: {table.kind} {table.what!r} of {table.domain!r} at {table.host}"
        if table.state == "unreadable":
            yield Finding("warning", f"{name} cannot be read; the next read sets it aside and fetches it anew.")
        elif misfits := table.misfits():
            yield Finding(
                "warning", f"{name} lacks parts or has damaged ones ({len(misfits)}); the next read fetches them again."
            )
        elif table.state == "broken off":
            yield Finding("warning", f"{name} is not complete: its pull broke off. The next read goes on from there.")
    if aside := len(list(management.set_aside())):
        yield Finding(
            "warning",
            f"Cache: {aside} damaged tables or files were set aside; `commcare-frames cache clear "
            "--set-aside` deletes them.",
        )


def _keyring() -> Iterator[Finding]:
    backend = keyring.get_keyring()
    if backend.priority > 0:
        yield Finding("ok", f"Keyring: {backend.name}. login() keeps logins there.")
    else:
        yield Finding(
            "warning",
            "Keyring: this computer has none. login() keeps logins in a file that only you may read; COMMCARE_USERNAME "
            "and COMMCARE_API_KEY in the environment serve too.",
        )


def _server(name: str | None, server: str | None) -> Iterator[Finding]:
    domain = locate(name, server=server, named=False, patience=PATIENCE)
    login = credentials.find_login(domain.server, None)
    yield Finding("ok", f"Login: {login.kind.replace('_', ' ')} for {domain.server}, from {login.source}.")
    if not domain.name:
        yield Finding(
            "warning", "Domain: none is named, so little can be tried. Pass --domain, or set COMMCARE_DOMAIN."
        )
    waits: list[float] = []
    domain.client.on_wait = lambda seconds, _: waits.append(seconds)
    skews: list[timedelta] = []
    yield from _apis(domain, skews)
    if skews:
        yield _clock(skews[0])
        yield _limits(domain.requests_made, sum(waits))


def _apis(domain: Domain, skews: list[timedelta]) -> Iterator[Finding]:
    """Ask each API for one record, and note in `skews` how far the server's clock is ahead of this computer's."""
    for resource, purpose in NEEDED_FOR.items():
        if not domain.name and IN_DOMAIN in resource.path:
            continue
        try:
            skew = _ask(domain, resource)
        except CommCareError as error:
            level: Level = "problem" if resource is resources.CASE_V2 or isinstance(error, HOPELESS) else "warning"
            yield Finding(level, f"{resource.title} ({purpose}): {error}")
            if isinstance(error, HOPELESS):
                return
        else:
            if not skews:
                yield Finding("ok", f"Server: {domain.server} answers, and the login is right.")
            skews.append(skew)
            yield Finding("ok", f"{resource.title} ({purpose}): works.")


def _ask(domain: Domain, resource: Resource) -> timedelta:
    def read(answer: Answer) -> timedelta:
        parse_json(answer.body)
        now = datetime.now(UTC)
        return (from_http_date(answer.date) or now) - now

    params = (("limit", "1"),) if IN_DOMAIN in resource.path else ()
    return domain.client.ask(replace(resource, timeout=LONGEST_ANSWER), params, read=read, attempts=1)


def _clock(ahead: timedelta) -> Finding:
    """Judge how far the server's clock is ahead of this computer's."""
    if abs(ahead) <= SKEW:
        return Finding("ok", f"Clock: this computer's agrees with the server's to {abs(ahead).total_seconds():.0f} s.")
    minutes = f"{abs(ahead).total_seconds() / 60:,.0f} minutes {'behind' if ahead > timedelta() else 'ahead of'}"
    return Finding(
        "warning",
        f"Clock: this computer's is {minutes} the server's. Set it right: max_age counts by it, and two-factor codes "
        "and encrypted connections can fail.",
    )


def _limits(requests: int, waited: float) -> Finding:
    usual = (
        f"HQ does not tell a project's limits; a small one may make some {SMALL_PROJECT['minute']} requests a minute "
        f"and {SMALL_PROJECT['hour']} an hour, all its users and tools together."
    )
    if waited:
        return Finding(
            "warning",
            f"Limits: {requests} requests were made, and HQ made them wait {waited:.0f} s. Something else "
            f"may be using up the project's requests. {usual}",
        )
    return Finding("ok", f"Limits: {requests} requests were made, and none had to wait. {usual}")
