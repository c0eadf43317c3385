"""The demo: what a new user sees and gets, and that nothing of theirs is touched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread

from commcare_frames import demo
from commcare_frames.errors import ExportError

COMMAND = [sys.executable, "-W", "error", "-c", "from commcare_frames.cli import main; main()", "demo"]


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep what the demo leaves for people to look at among the files of the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_the_command_shows_everything_and_writes_both_files(tmp_path: Path, temporary: Path) -> None:
    ran = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert ran.returncode == 0, ran.stderr
    assert "6000/6000" in ran.stderr, "the progress bar"
    for told in ("patients.head()", "patients.dtypes", "Float64", "import commcare_frames as ccf", "ccf.login()"):
        assert told in ran.stdout
    first, second = re.findall(r"6,000 rows, \d+ columns, (\d+) requests?", ran.stdout)
    assert int(first) > int(second)
    assert "from the cache, with no requests" in ran.stdout
    table = Path(re.search(r"The Parquet lies in (.*)\.", ran.stdout)[1])
    assert table.is_relative_to(temporary)
    assert sum(len(pd.read_parquet(part)) for part in table.glob("*.parquet")) >= 6000
    assert len(pd.read_parquet(tmp_path / "patients.parquet")) == 6000
    picture = imread(tmp_path / "patients.png")
    assert picture.shape[0] > 500
    assert picture.std() > 0.05, "something is drawn"


@pytest.mark.parametrize("cache", ["cache", None])
def test_the_cache_and_the_logins_of_the_user_are_not_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: str | None
) -> None:
    if cache is None:
        monkeypatch.delenv("COMMCARE_CACHE_DIR")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COMMCARE_SERVER", "http://127.0.0.1:9")
    monkeypatch.setenv("COMMCARE_API_KEY", "of the user")
    before = dict(os.environ)
    demo.run(tmp_path, patients=40)

    assert os.environ == before
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "config").exists()


def test_a_folder_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(ExportError, match="no folder"):
        demo.run(tmp_path / "missing", patients=40)

    assert list(temporary.iterdir()) == []
