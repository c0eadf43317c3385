"""Times forms: pages to flat tables against `orjson.loads`, and whole reads against what people use today.

    python benchmarks/forms.py [--cases 10000] [--rounds 3] [--peers]

`--cases` is the number of patients of the programme, each of whom brings about two visits. `--peers` installs
commcare-export from PyPI into a temporary virtual environment, and compares with that too.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from itertools import islice
from typing import Any

import orjson
from _common import DOMAIN, alternately, at_most, note, parser, ratio, run, sandbox, whole
from first_pull import export, install

from commcare_frames.sandbox.programme import build
from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.forms import FormFlattener

VISIT, HOUSEHOLD = "Visit", "Register household"
PAGE = 1000
ROUNDS = 15


def page_of(name: str) -> bytes:
    """Return a page of submissions of a form, as HQ's JSON."""
    programme = build("maternal-health", project_name="Benchmark", patients=2500)
    forms = (form for form in programme.iter_forms() if form["form"]["@name"] == name)
    return json.dumps(list(islice(forms, PAGE))).encode()


def flattening(name: str) -> float:
    """Return how long flattening a page takes, relative to parsing alone, both in processor time."""
    page = page_of(name)

    def seconds(take: object) -> float:
        start = time.process_time()
        take(page)  # type: ignore[operator]
        return time.process_time() - start

    flattener = FormFlattener(FORM)
    pairs = [(seconds(flattener.table), seconds(orjson.loads)) for _ in range(ROUNDS)]
    return statistics.median(ours / theirs for ours, theirs in pairs)


def query(xmlns: str, columns: list[str]) -> dict[str, object]:
    """Return the query that commcare-export makes of a sheet of submissions with these columns."""
    manager = {"Apply": {"fn": {"Ref": "get_checkpoint_manager"}, "args": [{"Lit": "form"}, {"Lit": ["visits"]}]}}
    arguments = [{"Lit": "form"}, {"Ref": "checkpoint_manager"}, {"Lit": {"xmlns": [xmlns]}}]
    rows = {
        "Map": {
            "source": {"Apply": {"fn": {"Ref": "api_data"}, "args": arguments}},
            "body": {"List": [{"Ref": column} for column in columns]},
            "name": None,
        }
    }
    names = [{"Lit": column} for column in columns]
    emit = {"table": "patients", "headings": names, "source": rows, "missing_value": None, "data_types": []}
    return {"Bind": {"name": "checkpoint_manager", "value": manager, "body": {"Emit": emit}}}


def answers(questions: list[dict[str, Any]]) -> list[str]:
    """Return what commcare-export calls the answers outside repeats."""
    asked = [each for each in questions if not each.get("is_group") and each["repeat"] is None]
    return ["form." + each["value"].removeprefix("/data/").replace("/", ".") for each in asked]


def main() -> None:
    options = parser(__doc__, cases=10_000)
    options.add_argument("--peers", action="store_true", help="install commcare-export and compare with it")
    asked = options.parse_args()
    for name in (VISIT, HOUSEHOLD):
        at_most(f"a page of {name!r} to a flat table, against orjson.loads", flattening(name), 2)

    with sandbox(asked.cases) as server, tempfile.TemporaryDirectory() as folder:
        server.control("forms/reindex", domain=DOMAIN, form_ids=[])  # the sandbox makes its forms at first use
        first = server.get(f"a/{DOMAIN}/api/application/v1/")["objects"][0]
        forms = {form["name"]["en"]: form for module in first["modules"] for form in module["forms"]}
        xmlns = forms[VISIT]["xmlns"]
        total = server.get(f"a/{DOMAIN}/api/form/v1/?limit=1&xmlns={xmlns}")["meta"]["total_count"]
        sides = {
            "ours": lambda: run("forms_ours", server, VISIT, rows=total),
            "by_hand": lambda: run("forms_by_hand", server, xmlns, rows=total),
        }
        if asked.peers:
            command = install(folder)
            answers = [
                question["value"].removeprefix("/data/").replace("/", ".") for question in forms[VISIT]["questions"]
            ]
            columns = ["id", "received_on", *(f"form.{name}" for name in answers)]
            sides["commcare_export"] = lambda: export(command, server, query(xmlns, columns), total, PAGE)
        runs = alternately(asked.rounds, **sides)
    ours = whole(runs["ours"])
    note(f"{total:,} submissions, against json_normalize", ratio(whole(runs["by_hand"]), ours))
    if asked.peers:
        note(f"{total:,} submissions, against commcare-export to CSV", ratio(whole(runs["commcare_export"]), ours))


if __name__ == "__main__":
    main()
