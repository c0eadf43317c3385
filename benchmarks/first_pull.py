"""Times a first pull, whole process, against what people use today.

    python benchmarks/first_pull.py [--cases 100000] [--small 10000] [--rounds 3] [--peers]

`--peers` installs commcare-export from PyPI into a temporary virtual environment, and compares with that too.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from _common import (
    CASE_TYPE,
    DOMAIN,
    LARGEST_PAGE,
    alternately,
    at_least,
    note,
    parser,
    ratio,
    run,
    sandbox,
    timed,
    whole,
)

if TYPE_CHECKING:
    from _common import Run, Sandbox

MIDDLING_PAGE = 1000
"""Records a request for commcare-export: with the 200 that it takes by itself it stops, as the sandbox has more cases
than that with one stamp, as HQ has after a mass re-index."""

METADATA = ("id", "date_closed", "date_modified", "server_date_modified", "indexed_on", "user_id", "closed")


def install(folder: str) -> Path:
    """Install commcare-export into an environment of its own, and return its command."""
    venv.create(folder, with_pip=True)
    scripts = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([scripts / "python", "-m", "pip", "install", "-qq", "commcare-export"], check=True)
    return scripts / "commcare-export"


def fields(server: Sandbox) -> list[str]:
    """Return what commcare-export calls the cases' columns: it has to be told each of them."""
    cases = server.get(f"a/{DOMAIN}/api/case/v2/?case_type={CASE_TYPE}&limit={LARGEST_PAGE}")["cases"]
    found = sorted({name for case in cases for name in case["properties"]})
    return [*METADATA, "indices.parent.case_id", *(f"properties.{name}" for name in found)]


def query(columns: list[str]) -> dict[str, object]:
    """Return the query that commcare-export makes of a sheet with these columns."""
    names = [{"Lit": column} for column in columns]
    manager = {"Apply": {"fn": {"Ref": "get_checkpoint_manager"}, "args": [{"Lit": "case"}, {"Lit": ["patients"]}]}}
    arguments = [{"Lit": "case"}, {"Ref": "checkpoint_manager"}, {"Lit": {"type": [CASE_TYPE]}}]
    cases = {"Apply": {"fn": {"Ref": "api_data"}, "args": arguments}}
    rows = {"Map": {"source": cases, "body": {"List": [{"Ref": column} for column in columns]}, "name": None}}
    emit = {"table": "patients", "headings": names, "source": rows, "missing_value": None, "data_types": []}
    return {"Bind": {"name": "checkpoint_manager", "value": manager, "body": {"Emit": emit}}}


def export(command: Path, server: Sandbox, asked: dict[str, object], rows: int, batch_size: int = LARGEST_PAGE) -> Run:
    """Run commcare-export, and see that all rows arrived: it stops early without an error."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "query.json"
        file.write_text(json.dumps(asked))
        options = {
            "query": file, "commcare-hq": server.url, "project": DOMAIN, "username": server.username,
            "password": server.api_key, "auth-mode": "apikey", "output-format": "csv", "output": "patients.zip",
            "batch-size": batch_size,
        }  # fmt: skip
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        done = timed([str(command), *arguments, "--no-logfile"], os.environ, folder)
        with zipfile.ZipFile(Path(folder) / "patients.zip") as exported:
            lines = exported.read("patients.csv").decode().splitlines()
    if len(list(csv.reader(lines))) != rows + 1:
        sys.exit("commcare-export did not export every record.")
    return done


def beyond(seconds: list[float], receiving: list[float]) -> list[float]:
    """Return what a side takes beyond receiving: the sandbox shares the machine, which HQ does not."""
    return [side - server for side, server in zip(seconds, receiving, strict=True)]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--small", type=int, default=10_000, help="cases for commcare-export (default: %(default)s)")
    options.add_argument("--peers", action="store_true", help="install commcare-export and compare with it")
    asked = options.parse_args()

    with sandbox(asked.cases) as server:
        runs = alternately(
            asked.rounds,
            receive=lambda: run("receive", server),
            ours=lambda: run("ours", server, "frame"),
            by_hand=lambda: run("by_hand", server),
        )
    size = f"{asked.cases:,} cases"
    receive, ours, by_hand = (whole(side) for side in runs.values())
    at_least(f"{size} to Parquet and DataFrame, against json_normalize", ratio(by_hand, ours), 4)
    note(
        f"{size}, over the time that only receiving them takes", ratio(beyond(by_hand, receive), beyond(ours, receive))
    )
    note(f"{size}, against only receiving them", ratio(ours, receive))

    with sandbox(asked.small) as server, tempfile.TemporaryDirectory() as folder:
        sides = {"ours": lambda: run("ours", server, "frame"), "by_hand": lambda: run("by_hand", server)}
        if asked.peers:
            command, columns = install(folder), fields(server)
            sides["commcare_export"] = lambda: export(command, server, query(columns), asked.small, MIDDLING_PAGE)
            sides["largest_pages"] = lambda: export(command, server, query(columns), asked.small)
        runs = alternately(asked.rounds, **sides)
    note(f"{asked.small:,} cases, against json_normalize", ratio(whole(runs["by_hand"]), whole(runs["ours"])))
    if asked.peers:
        at_least(
            f"{asked.small:,} cases, against commcare-export to CSV, 1,000 a request",
            ratio(whole(runs["commcare_export"]), whole(runs["ours"])),
            10,
        )
        note(
            f"{asked.small:,} cases, against commcare-export with the largest pages",
            ratio(whole(runs["largest_pages"]), whole(runs["ours"])),
        )


if __name__ == "__main__":
    main()
