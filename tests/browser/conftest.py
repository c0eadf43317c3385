"""One JupyterLab and one Chromium for all tests in a real browser."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .lab import CHROMIUM, Lab, running_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


HERE = Path(__file__).parent


# No longer than this folder's tests: while it runs, no other asyncio loop can run in this thread.
@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab shown in Chromium."""
    if CHROMIUM is None:
        give_up("no Chromium on this computer: apt-get install chromium")
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="package")
def notebook_7_and_voila() -> None:
    """What serves notebooks besides JupyterLab, from the same server."""
    for name in ("notebook", "voila"):
        if find_spec(name) is None:
            give_up(f"{name} is not installed: pip install 'commcare-frames[test]'")


def give_up(missing: str) -> None:
    """Skip a test for want of something, but never where all is to be tested."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run all tests of this folder, as a JupyterLab takes a while to start."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group("browser"))
