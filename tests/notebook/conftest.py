"""Keeps panels of one test from following the domains of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commcare_frames.notebook.followers import followers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_followers() -> Iterator[None]:
    """Begin and end with no panel that follows the connection."""
    followers.clear()
    yield
    followers.clear()
