"""A check-up: what works on this computer and with this login, what does not, and what to do about it."""

from __future__ import annotations

import platform
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
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
    NotFoundError,
    PermissionMissingError,
    QueryError,
    RateLimitError,
    ServerUnreachableError,
)
from commcare_frames.hq import resources
from commcare_frames.hq.answers import needed_beside, needed_permissions, parse_json
from commcare_frames.hq.client import Patience
from commcare_frames.hq.stamps import from_http_date
from commcare_frames.hq.usage import A_DAY, usage_of
from commcare_frames.read.progress import SMALL_PROJECT
from commcare_frames.readers import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.hq.client import Answer
    from commcare_frames.hq.resource import Resource
    from commcare_frames.readers import Check

Level = Literal["ok", "warning", "problem"]

PACKAGES = ("commcare-frames", "pandas", "pyarrow", "requests", "matplotlib")
EXTRAS = ("ipywidgets", "xlsxwriter", "duckdb", "dask", "geopandas")

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
    usage = usage_of(domain.server, domain.name)
    before = usage.requests(A_DAY, counted=True)
    skews: list[timedelta] = []
    yield from _apis(domain, skews)
    if skews:
        yield _clock(skews[0])
        yield _limits(domain.requests_made, usage.requests(A_DAY, counted=True) - before, sum(waits))


def _apis(domain: Domain, skews: list[timedelta]) -> Iterator[Finding]:
    """Ask each API as little as shows who may ask it, and note in `skews` how far the server's clock is ahead."""
    works: dict[str, None] = {}
    lacking: dict[str, None] = {}
    refused: set[str] = set()
    is_reached = False
    for check in CHECKS:
        if not domain.name and IN_DOMAIN in check.resource.path:
            continue
        if domain.client.auth.is_mobile_worker and check.resource.web_users_only:
            lacking.update(dict.fromkeys(check.names))
            continue
        level, said = _outcome(domain, check, refused, skews, is_reached=is_reached)
        if level != "hopeless" and not is_reached:
            is_reached = True
            yield Finding("ok", f"Server: {domain.server} answers, and the login is right.")
        name = f"{check.resource.title} ({'; '.join(filter(None, (check.readers, check.also)))})"
        yield Finding("problem" if level == "hopeless" else level, f"{name}: {said}")
        if level == "hopeless":
            return
        (works if level == "ok" else lacking).update(dict.fromkeys(check.names))
    yield _readers(domain, [name for name in works if name not in lacking], list(lacking))


def _outcome(
    domain: Domain, check: Check, refused: set[str], skews: list[timedelta], *, is_reached: bool
) -> tuple[Level | Literal["hopeless"], str]:
    """Find out whether a login may ask an API; what it lacks is noted in `refused`, and asked for only once."""
    level: Level = "problem" if check.resource is resources.CASE_V2 else "warning"
    need = needed_permissions(check.resource) + needed_beside(check.resource)
    try:
        if need not in refused:
            skews += _ask(domain, check)
            return "ok", "works."
    except CommCareError as error:
        if isinstance(error, LoginError) and is_reached:
            return (
                level,
                "does not take this login (401), though other APIs do. A password may work where a key does not.",
            )
        if isinstance(error, HOPELESS) or _is_of_plan(error, check.resource):
            return "hopeless", str(error)
        if not isinstance(error, PermissionMissingError) or error.status_code != HTTPStatus.FORBIDDEN:
            return level, str(error)
        refused.add(need)
    return level, f"refused. It takes a role with {need}."


def _is_of_plan(error: CommCareError, resource: Resource) -> bool:
    """Whether the domain's plan has no API access at all, or the domain does not exist."""
    is_401 = isinstance(error, PermissionMissingError) and error.status_code == HTTPStatus.UNAUTHORIZED
    return is_401 and resource.feature_flag is None


def _ask(domain: Domain, check: Check) -> list[timedelta]:
    """Ask an API, and return how far the server's clock was ahead, where its answer says that; raise as it refuses."""

    def read(answer: Answer) -> timedelta:
        parse_json(answer.body)
        now = datetime.now(UTC)
        return (from_http_date(answer.date) or now) - now

    resource = replace(check.resource, timeout=LONGEST_ANSWER)
    try:
        return [domain.client.ask(resource, check.params, tail=check.tail, read=read, attempts=1)]
    except (NotFoundError, QueryError):
        if not check.asks_for_nothing:
            raise
        return []


def _readers(domain: Domain, working: list[str], lacking: list[str]) -> Finding:
    if not lacking:
        return Finding("ok", f"Readers: all {len(working)} that were tried will work with this login.")
    if domain.client.auth.is_mobile_worker:
        why = "HQ opens most APIs to web users only, and this login is a mobile worker's"
    else:
        why = (
            "what they lack is said above; an administrator of the project grants permissions under Project Settings > "
            "Roles & Permissions"
        )
    return Finding(
        "warning",
        f"Readers: {len(working)} will work with this login, {len(lacking)} will not ({why}): {', '.join(lacking)}.",
    )


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


def _limits(requests: int, counted: int, waited: float) -> Finding:
    made = f"{requests} requests were made, {counted} of which HQ counts,"
    usual = (
        f"HQ does not tell a project's limits; a small one may make some {SMALL_PROJECT['minute']} requests a minute "
        f"and {SMALL_PROJECT['hour']} an hour, all its users and tools together. In Python, limits(mobile_workers=...) "
        "works out the rule for any other."
    )
    if waited:
        return Finding(
            "warning",
            f"Limits: {made} and HQ made them wait {waited:.0f} s. Something else may be using up the project's "
            f"requests. {usual}",
        )
    return Finding("ok", f"Limits: {made} and none had to wait. {usual}")
