"""A sandbox of a few known cases, one of the made-up programme, and a way to ask them things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from asking import CASES, Ask, Programme, case
from known_forms import FORMS

from commcare_frames.sandbox import Sandbox, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.sandbox.form_index import FormIndex


@pytest.fixture
def hq() -> Iterator[Sandbox]:
    few = [case("n1", "2026-01-05T10:00:00.000000Z")]
    programmes = [Programme("maternal-health", CASES), Programme("child-nutrition", few), Programme("paused-project")]
    with Sandbox(programmes) as sandbox:
        yield sandbox


@pytest.fixture
def ask(hq: Sandbox) -> Ask:
    return Ask(hq)


@pytest.fixture
def forms(hq: Sandbox) -> FormIndex:
    index = hq.forms("maternal-health")
    for each in FORMS:
        index.submit(each)
    return index


@pytest.fixture(scope="module")
def whole() -> Iterator[Sandbox]:
    """The made-up programme itself, for tests that leave it as it is."""
    with start(patients=5) as sandbox:
        yield sandbox


@pytest.fixture
def ask_whole(whole: Sandbox) -> Ask:
    return Ask(whole)
