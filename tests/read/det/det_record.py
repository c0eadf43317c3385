"""Runs commcare-export on query files and prints what it would write: to be run by a Python that has commcare-export.

The arguments are the server, username and API key, then paths of query files. Printed is JSON: a dictionary by the
path, of dictionaries by table, with its headings and rows.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from typing import Any

from commcare_export import cli, writers


class Recorder(writers.TableWriter):
    """A writer like those of Excel and SQL, that keeps what it is given."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}

    def write_table(self, table: Any) -> None:
        kept = self.tables.setdefault(table.name, {"headings": list(table.headings), "rows": []})
        # written at once, as other writers do: objects change while later rows are made
        kept["rows"] += [json.loads(json.dumps(row, default=_as_json)) for row in table.rows]


def _as_json(value: Any) -> dict[str, str]:
    return {f"a {type(value).__name__}": str(value)}


def main(server: str, username: str, key: str, *paths: str) -> None:
    recorded: dict[str, Any] = {}
    for path in paths:
        recorder = Recorder()
        cli._get_writer = lambda *_, recorder=recorder: recorder
        login = ["--commcare-hq", server, "--username", username, "--password", key, "--auth-mode", "apikey"]
        output = ["--output-format", "xlsx", "--output", "unused.xlsx", "--no-logfile"]
        with contextlib.redirect_stdout(sys.stderr):
            try:
                cli.main([*login, *output, "--project", "maternal-health", "--query", path])
            except SystemExit as end:
                recorded[path] = recorder.tables if not end.code else f"ended with {end.code}"
            except Exception as error:  # noqa: BLE001  what the person at the command line would see
                recorded[path] = f"{type(error).__name__}: {error}"
    print(json.dumps(recorded))


if __name__ == "__main__":
    os.chdir(tempfile.gettempdir())
    main(*sys.argv[1:])
