"""Fixtures: a sandbox over real HTTP, and a domain connected to it with a cache of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import pytest
from hypothesis import settings
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

import commcare_frames as ccf
from commcare_frames import connection
from commcare_frames.hq import usage
from commcare_frames.hq.client import Patience
from commcare_frames.sandbox import Sandbox, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from commcare_frames.connection import Domain

# How long an example takes says something of the machine only.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=5)


@pytest.fixture(autouse=True)
def private_computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Keep every test off the user's cache, saved logins, environment and connection."""
    monkeypatch.setenv("COMMCARE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for name in ("SERVER", "DOMAIN", "USERNAME", "API_KEY", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"COMMCARE_{name}", raising=False)
    connection._connected.clear()
    yield
    connection._connected.clear()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that tests only read from."""
    with start(patients=300) as running:
        yield running


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox that a test may change and switch faults on in."""
    with start(patients=60) as running:
        for asked in [asked for asked in usage._usages if asked[0] == running.url]:
            del usage._usages[asked]  # of an earlier sandbox that listened at the same port
        yield running


@pytest.fixture
def domain(sandbox: Sandbox) -> Domain:
    """The big domain of the sandbox, connected as an administrator."""
    return connected(sandbox)


@pytest.fixture
def fresh_domain(fresh_sandbox: Sandbox) -> Domain:
    """The big domain of the fresh sandbox, connected as an administrator who does not wait long."""
    return connected(fresh_sandbox)


def connected(sandbox: Sandbox) -> Domain:
    """Connect to the big domain of a sandbox."""
    admin = sandbox.admin
    return ccf.connect(
        "maternal-health", server=sandbox.url, username=admin.username, api_key=admin.api_key, patience=QUICK
    )


@pytest.fixture
def memory_keyring() -> Iterator[dict[str, str]]:
    """A keyring of the kind a desktop has, kept in memory."""
    kept: dict[str, str] = {}
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring(kept))
    yield kept
    keyring.set_keyring(before)


class MemoryKeyring(KeyringBackend):
    """A keyring backend like that of a desktop, without the desktop."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self, kept: dict[str, str]) -> None:
        super().__init__()
        self._kept = kept

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept.get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._kept[f"{service} {username}"] = password

    def delete_password(self, service: str, username: str) -> None:
        if self._kept.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError(username)
