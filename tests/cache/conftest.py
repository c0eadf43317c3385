"""A sandbox of patients only, which is there in no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commcare_frames.sandbox import Sandbox, start

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox that a test may change and switch faults on in."""
    with start(patients=60, case_types=["patient"]) as running:
        yield running
