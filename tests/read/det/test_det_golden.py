"""`read_det_export` gives what commcare-export writes: as recorded once, and as it does now where it can be installed.

`golden/` holds what commcare-export 1.16 made of each of `QUERIES` and of the exports saved in the sandbox. To record
it anew, delete a file there and run the test with ``-k now``; a new query is recorded in the same way.
"""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from det_comparing import differences, plain, write
from det_queries import QUERIES, data_source
from filelock import FileLock

import commcare_frames as ccf
from commcare_frames.sandbox import Sandbox, start

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "golden"
RECORD = Path(__file__).parent / "det_record.py"
VERSION = "1.16"
SAVED = ["Deliveries: für M&E", "Households without names", "Patients"]


@pytest.fixture(scope="module")
def small() -> Iterator[Sandbox]:
    with start(patients=8) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _connected(small: Sandbox) -> None:
    ccf.connect("maternal-health", server=small.url, username=small.admin.username, api_key=small.admin.api_key)


def query_file(name: str, sandbox: Sandbox, folder: Path) -> Path:
    """One of the queries, as a file."""
    file = folder / f"{name}.xlsx"
    if name in QUERIES:
        return write(QUERIES[name], file)
    if name == "data source":
        return write(data_source(ccf.list_data_sources()["data_source_id"][0]), file)
    address = ccf.list_det_exports().set_index("name").loc[SAVED[int(name.removeprefix("saved "))], "det_config_url"]
    login = {"Authorization": f"ApiKey {sandbox.admin.username}:{sandbox.admin.api_key}"}
    file.write_bytes(requests.get(address, headers=login, timeout=10).content)
    return file


NAMES = [*QUERIES, "data source", *(f"saved {number}" for number in range(len(SAVED)))]


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_those_that_commcare_export_made_once(name: str, small: Sandbox, tmp_path: Path) -> None:
    recorded = json.loads((GOLDEN / f"{name}.json").read_text())

    frames = ccf.read_det_export(query_file(name, small, tmp_path))

    assert sum(len(table["rows"]) for table in recorded.values())
    assert differences(frames, recorded, small.url) == []


@pytest.mark.parametrize("number", range(len(SAVED)))
def test_a_saved_export_is_read_by_its_name_from_hq(number: int, small: Sandbox) -> None:
    recorded = json.loads((GOLDEN / f"saved {number}.json").read_text())

    assert differences(ccf.read_det_export(SAVED[number]), recorded, small.url) == []


@pytest.fixture
def exporter(request: pytest.FixtureRequest) -> Path:
    """A Python that has commcare-export, in pytest's cache folder; tests are skipped where it cannot be installed."""
    folder = Path(request.config.cache.mkdir(f"commcare-export-{VERSION}"))  # type: ignore[union-attr]
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with FileLock(folder / "lock"):
        if not (folder / "installed").exists():
            venv.create(folder, with_pip=True, clear=False)
            pip = [python, "-m", "pip", "install", "-q", "--retries", "0", "--timeout", "10"]
            done = subprocess.run([*pip, f"commcare-export=={VERSION}.*"], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"commcare-export cannot be installed: {done.stderr.splitlines()[-1:]}")
            (folder / "installed").touch()
    return python


@pytest.mark.xdist_group("commcare-export")
def test_tables_are_those_that_commcare_export_makes_now(exporter: Path, small: Sandbox, tmp_path: Path) -> None:
    files = {name: query_file(name, small, tmp_path) for name in NAMES}
    login = [small.url, small.admin.username, small.admin.api_key]
    done = subprocess.run([exporter, RECORD, *login, *files.values()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = plain(json.loads(done.stdout), small.url)

    for name, file in files.items():
        assert isinstance(made[str(file)], dict), made[str(file)]
        if not (GOLDEN / f"{name}.json").exists():
            (GOLDEN / f"{name}.json").write_text(_json(made[str(file)]))
    found = {name: differences(ccf.read_det_export(file), made[str(file)], small.url) for name, file in files.items()}
    assert found == {name: [] for name in files}


def _json(tables: dict[str, Any]) -> str:
    """A line per row."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def table(name: str, content: dict[str, Any]) -> str:
        rows = ",\n".join(map(text, content["rows"]))
        return f'{text(name)}: {{"headings": {text(content["headings"])}, "rows": [\n{rows}\n]}}'

    return "{" + ",\n".join(table(*each) for each in tables.items()) + "}\n"
