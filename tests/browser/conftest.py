"""One JupyterLab and one Chromium for all tests in a real browser."""

from __future__ import annotations

import os
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
        missing = "no Chromium on this computer: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run all tests of this folder, as a JupyterLab takes a while to start."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group("browser"))
