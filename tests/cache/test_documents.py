"""A cached document is whole or not there: private, replaced in one step, never believed when damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import commcare_frames as ccf
from commcare_frames.cache.documents import Document, is_recent
from commcare_frames.errors import CacheError

CONTENT = {"applications": [{"name": "Mère et enfant", "odd": "\ud83d", "n": 12345678901234567890}], "seen": {}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return Document(tmp_path / "cache" / "applications" / "all", "structure", "the applications")


def kept(document: Document, content: Any = CONTENT) -> Document:
    with document.locked():
        document.write(content)
    return document


def test_what_was_written_is_read_with_its_time(document: Document) -> None:
    assert (document.read(), document.signature) == (None, None)
    found = kept(document).read()

    assert found is not None
    assert found.content == CONTENT
    assert is_recent(found.written_at, timedelta(minutes=1))
    assert json.loads(document.path.read_bytes())["content"] == CONTENT, "the file is plain JSON"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(content=json_values)
def test_any_json_comes_back(document: Document, content: Any) -> None:
    found = kept(document, content).read()

    assert found is not None
    assert found.content == content


def test_nobody_else_may_read_it(document: Document) -> None:
    kept(document)

    assert document.path.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in list(document.path.parents)[:3]} == {0o700}


def test_a_new_version_has_another_signature(document: Document) -> None:
    first = kept(document).signature
    again = document.signature
    second = kept(document, {"other": 1}).signature

    assert first == again
    assert None not in {first, second}
    assert first != second


@pytest.mark.parametrize("place", range(0, 300, 7))
def test_a_damaged_document_is_not_believed(document: Document, place: int) -> None:
    whole = kept(document).path.read_bytes()
    at = place % len(whole)
    document.path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1 :])

    with pytest.warns(ccf.DataWarning, match=r"the applications .* cannot be used: it (is damaged|was written)"):
        assert document.read() is None
    assert not document.path.exists()
    assert document.read() is None


@pytest.mark.parametrize("bytes_left", [0, 1, 60, 200])
def test_a_document_cut_short_is_not_believed(document: Document, bytes_left: int) -> None:
    whole = kept(document).path.read_bytes()
    document.path.write_bytes(whole[:bytes_left])

    with pytest.warns(ccf.DataWarning, match="it is damaged"):
        assert document.read() is None


def test_a_document_of_another_version_is_not_believed(document: Document) -> None:
    whole = kept(document).path.read_bytes()
    document.path.write_bytes(whole.replace(b'"format": 1', b'"format": 2'))

    with pytest.warns(ccf.DataWarning, match="written by another version"):
        assert document.read() is None


def test_a_write_that_fails_leaves_the_old_one_and_nothing_else(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(document)

    def full(_self: Path, _target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CacheError, match="No space left"):
        kept(document, {"new": True})
    found = document.read()

    assert found is not None
    assert found.content == CONTENT
    assert {path.name for path in document.path.parent.iterdir()} <= {"structure.json", "lock"}


def test_a_clock_that_went_back_makes_nothing_recent() -> None:
    now = datetime.now(UTC)

    assert is_recent(now - timedelta(hours=23), timedelta(days=1))
    assert not is_recent(now - timedelta(hours=25), timedelta(days=1))
    assert not is_recent(now + timedelta(hours=1), timedelta(days=1))
    assert is_recent(datetime(1, 1, 1, tzinfo=UTC), timedelta.max)
