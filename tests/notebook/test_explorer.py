"""The explorer without a browser: what is chosen, counted, fetched, cancelled, resumed, shown and exported."""

from __future__ import annotations

import re
import sys
import time
import warnings
from dataclasses import replace
from datetime import date
from html import unescape
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.connection import Domain
from commcare_frames.errors import CommCareError
from commcare_frames.hq.resources import CASE_V2
from commcare_frames.notebook.login_panel import LoginPanel
from commcare_frames.read import case_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from commcare_frames.notebook.explore_panel import Explorer
    from commcare_frames.sandbox import Sandbox

IN_WORDS = "The explorer of commcare_frames. Run this cell to see it."
AWKWARD = "<img src=x onerror=alert(1)>"


@pytest.fixture
def panel(domain: Domain) -> Iterator[Explorer]:
    yield from opened(domain)


@pytest.fixture
def fresh_panel(fresh_domain: Domain) -> Iterator[Explorer]:
    yield from opened(fresh_domain)


def opened(domain: Domain) -> Iterator[Explorer]:
    panel = ccf.explore()
    assert panel.wait()
    yield panel
    assert panel.wait()
    panel.close()


def choose(panel: Explorer, **values: Any) -> None:
    for name, value in values.items():
        if name == "kind":
            panel.fields.kind.value = value
        else:
            panel.fields._fields[name].value = value
        assert panel.wait()


def press(panel: Explorer, name: str) -> None:
    button = getattr(panel, f"_{name}")
    assert not button.disabled
    button.click()


def fetch(panel: Explorer) -> pd.DataFrame:
    press(panel, "fetch")
    assert panel.wait()
    assert panel.frame is not None, said(panel)
    return panel.frame


def said(panel: Explorer) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", panel._message.value)).strip()


def run(panel: Explorer) -> pd.DataFrame:
    """Run the line; what it warns of, the panel has said too."""
    cell: dict[str, Any] = {"ccf": ccf}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        exec(panel.line, cell)
    assert [str(each.message) for each in warned if str(each.message) not in said(panel)] == []
    frame: pd.DataFrame = cell["frame"]
    return frame


def labelled(panel: Explorer) -> None:
    choose(panel, case_type="patient", labels="label", lang="fr")


CHOSEN: dict[str, Callable[[Explorer], None]] = {
    "cases": lambda panel: choose(panel, case_type="patient"),
    "cases of all types": lambda panel: choose(panel, case_type=None),
    "cases filtered": lambda panel: choose(panel, case_type="patient", closed=True, since=date(2024, 6, 1)),
    "cases asked for": lambda panel: choose(panel, case_type="patient", query="age > 30"),
    "cases by owner": lambda panel: choose(panel, case_type="patient", owner_id="nobody"),
    "cases in columns": lambda panel: choose(panel, case_type="patient", columns=("case_id", "dob"), dtypes="string"),
    "cases with labels": labelled,
    "cases with both": lambda panel: choose(panel, case_type="patient", labels="both"),
    "forms": lambda panel: choose(panel, kind="forms", form="Visit"),
    "forms of all kinds": lambda panel: choose(panel, kind="forms", form=None),
    "forms filtered": lambda panel: choose(
        panel, kind="forms", form="Visit", app="Mother and Child", until=date(2024, 12, 31), include_archived=True
    ),
    "forms with labels": lambda panel: choose(panel, kind="forms", form="Visit", labels="label", lang="fr"),
    "repeat": lambda panel: choose(panel, kind="repeat", form="Register household", repeat="children.vaccinations"),
    "repeat with labels": lambda panel: choose(panel, kind="repeat", form="Visit", labels="both"),
    "report": lambda panel: choose(panel, kind="report", report="Open pregnancies"),
    "mobile workers": lambda panel: choose(panel, kind="users"),
    "mobile workers deactivated": lambda panel: choose(panel, kind="users", active=False),
    "web users": lambda panel: choose(panel, kind="web_users"),
    "groups": lambda panel: choose(panel, kind="groups"),
    "locations": lambda panel: choose(panel, kind="locations"),
    "lookup table": lambda panel: choose(panel, kind="lookup_table", tag="vaccine"),
    "messages": lambda panel: choose(panel, kind="messages"),
    "messages filtered": lambda panel: choose(panel, kind="messages", since=date(2025, 6, 1)),
    "codebook": lambda panel: choose(panel, kind="questions", form=None),
    "codebook of a form": lambda panel: choose(panel, kind="questions", app="Mother and Child", form="Visit"),
}


@pytest.mark.parametrize("chosen", CHOSEN)
def test_the_line_in_a_cell_gives_the_frame_of_the_panel(panel: Explorer, chosen: str) -> None:
    CHOSEN[chosen](panel)

    frame = fetch(panel)

    assert "⚠" not in said(panel)
    pd.testing.assert_frame_equal(run(panel), frame)
    assert len(frame) or chosen == "cases by owner"
    assert f"<b>{frame.shape[0]:,} row" in panel._preview.value


def test_the_filters_of_a_report_are_those_that_it_has(panel: Explorer, sandbox: Sandbox) -> None:
    choose(panel, kind="report", report="Open pregnancies")
    district, high_risk, edd = panel.fields.filters.box.children
    high_risk.value = " yes \n\n"
    edd.children[0].value, edd.children[1].value = date(2024, 1, 1), date(2026, 12, 31)
    assert panel.wait()

    frame = fetch(panel)

    assert panel.line == (
        'frame = ccf.read_report("Open pregnancies", filters={"high_risk": "yes", '
        '"edd": ("2024-01-01", "2026-12-31")}, max_age="1h")'
    )
    assert set(frame["high_risk"]) == {"yes"}
    before = len(sandbox.log)
    pd.testing.assert_frame_equal(run(panel), frame)
    assert len(sandbox.log) == before, "what was fetched within the hour is not asked for again"
    edd.children[1].value = None
    press(panel, "fetch")
    assert panel.wait()
    assert "HQ needs both ends" in said(panel)
    district.value = "a\nb"
    assert '"district": ["a", "b"]' in panel.line


def test_a_number_in_a_filter_is_compared(panel: Explorer) -> None:
    choose(panel, kind="report", report="Enrolment and outcomes by village and month")
    operator, operand = panel.fields.filters.box.children[2].children
    operand.value = "2"

    assert fetch(panel)["registrations"].min() >= 2
    operator.value, operand.value = "<", "1.5"
    assert 'filters={"registrations": ("<", 1.5)}' in panel.line
    operand.value = "few"
    press(panel, "fetch")
    assert panel.wait()
    assert "'few' in filter 'registrations' is no number" in said(panel)


def test_labels_and_dtypes_change_what_is_shown_without_asking_for_rows(panel: Explorer, sandbox: Sandbox) -> None:
    choose(panel, case_type="patient")
    plain = fetch(panel)
    before = len(sandbox.log)

    choose(panel, labels="label", lang="fr")
    french = panel.frame
    choose(panel, dtypes="string", labels="", columns=("case_id", "marital_status"))

    assert french is not None
    assert "Mariée" in french["marital_status"].cat.categories
    assert "Mariée" not in set(plain["marital_status"])
    assert panel.frame is not None
    assert panel.frame.columns.tolist() == ["case_id", "marital_status"]
    assert [asked.path for asked in sandbox.log[before:] if "/case/" in asked.path] == []


def test_a_repeat_of_forms_that_were_fetched_is_shown_at_once(panel: Explorer, sandbox: Sandbox) -> None:
    choose(panel, kind="forms", form="Visit")
    fetch(panel)
    before = len(sandbox.log)

    choose(panel, kind="repeat")

    assert panel.frame is not None
    assert panel.frame.columns[:2].tolist() == ["form_id", "entry"]
    assert len(sandbox.log) == before
    assert "ccf-stale" not in panel._preview._dom_classes


def test_what_takes_other_rows_is_not_fetched_by_itself(panel: Explorer, sandbox: Sandbox) -> None:
    choose(panel, case_type="patient")
    frame = fetch(panel)
    before = len(sandbox.log)

    choose(panel, closed=True)

    assert panel.frame is frame
    assert "ccf-stale" in panel._preview._dom_classes
    assert len(sandbox.log) == before
    choose(panel, closed=None)
    assert "ccf-stale" not in panel._preview._dom_classes


def test_the_cost_is_told_for_one_request(fresh_panel: Explorer, fresh_sandbox: Sandbox) -> None:
    panel = fresh_panel
    choose(panel, case_type="patient")
    before = len(fresh_sandbox.log)

    press(panel, "count")
    assert panel.wait()

    assert "patient: 60 rows, about 1 request." in said(panel)
    assert len(fresh_sandbox.log) == before + 1
    fetch(panel)
    fresh_sandbox.domain("maternal-health").update(
        fresh_sandbox.domain("maternal-health").case_ids("patient")[3], village="Elsewhere"
    )
    press(panel, "count")
    assert panel.wait()
    assert "patient: 60 rows are cached, as of" in said(panel)
    assert "1 row has changed on HQ since" in said(panel)


@pytest.mark.parametrize(
    ("chosen", "cost"),
    [
        ("cases filtered", "patient: "),
        ("forms", "Visit: "),
        ("repeat", "The entries of a repeat come with their forms. Register household: "),
        ("report", "Open pregnancies: "),
        ("codebook", "one request a day at most"),
        ("mobile workers deactivated", "Mobile workers: "),
        ("web users", "Web users: "),
        ("groups", "Groups: "),
        ("locations", "Locations: "),
        ("lookup table", "vaccine: "),
        ("messages", "HQ does not say how many messages there are"),
    ],
)
def test_every_kind_has_a_cost(panel: Explorer, sandbox: Sandbox, chosen: str, cost: str) -> None:
    CHOSEN[chosen](panel)
    before = len(sandbox.log)

    press(panel, "count")
    assert panel.wait()

    assert cost in said(panel)
    rows = re.search(r": ([\d,]+) rows, about", said(panel))
    assert len(sandbox.log) - before == (rows is not None)
    if rows and chosen != "repeat":
        assert len(fetch(panel)) == int(rows[1].replace(",", ""))


def test_cancel_keeps_what_arrived_and_fetch_goes_on_from_there(
    fresh_panel: Explorer, fresh_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_pages_of(20, monkeypatch)
    panel = fresh_panel
    choose(panel, case_type="patient")
    fresh_sandbox.faults.slow_first_byte(0.3, path="/case/v2/")
    before = len(fresh_sandbox.log)

    press(panel, "fetch")
    until = time.monotonic() + 10
    while "of 60 rows" not in panel._progress.value:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert panel._fetch.disabled
    assert panel._bar.value > 0
    press(panel, "cancel")
    assert panel._progress.value.startswith("Fetching: Cancelling")
    assert panel.wait()

    assert "Cancelled. What has arrived is kept" in said(panel)
    assert re.search(r"[24]0 of 60 rows had arrived", said(panel))
    assert "⚠" not in said(panel)
    assert panel.frame is None
    taken = len(fresh_sandbox.log) - before
    assert taken in {1, 2}
    press(panel, "count")
    assert panel.wait()
    assert f"Of these, {20 * taken} had arrived when a pull broke off" in said(panel)
    fresh_sandbox.faults.clear()
    fresh_sandbox.log.clear()
    assert len(fetch(panel)) == 60
    assert fresh_sandbox.log[0].query[0][0] == "cursor", "it goes on where it was"
    pd.testing.assert_frame_equal(run(panel), panel.frame)


def in_pages_of(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_queries, "CASE_V2", replace(CASE_V2, largest_page=rows))


def test_cancelling_the_panel_ends_nothing_else(
    fresh_panel: Explorer, fresh_domain: Domain, fresh_sandbox: Sandbox
) -> None:
    choose(fresh_panel, case_type="patient")
    fresh_sandbox.faults.slow_first_byte(0.3, path="/case/v2/", times=1)
    press(fresh_panel, "fetch")
    press(fresh_panel, "cancel")

    assert len(ccf.read_cases("visit")) > 0
    assert fresh_panel.wait()
    assert "Cancelled" in said(fresh_panel)


def test_a_wait_for_the_server_is_told_with_the_time_left(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    fresh_domain.patience = None
    panel = ccf.explore(domain=fresh_domain)
    assert panel.wait()
    choose(panel, case_type="patient")
    fresh_sandbox.faults.status(429, retry_after="30", path="/case/v2/")
    press(panel, "fetch")
    until = time.monotonic() + 30
    while "Waiting 30 s, until" not in panel._progress.value:
        assert time.monotonic() < until
        time.sleep(0.01)
    press(panel, "cancel")

    assert panel.wait(2), "a cancelled wait ends at once"
    assert "Cancelled" in said(panel)


def test_where_no_widget_can_be_shown_it_says_what_it_is(panel: Explorer) -> None:
    assert panel._repr_mimebundle_()["text/plain"] == repr(panel) == IN_WORDS


def test_without_a_connection_it_says_what_it_is_too(private_computer: None) -> None:
    panel = ccf.explore()

    assert repr(panel) == IN_WORDS
    panel.close()


def test_an_error_is_shown_in_its_own_words(panel: Explorer) -> None:
    choose(panel, case_type="patient", since=date(2025, 2, 1), until=date(2025, 1, 1))

    for button in ("count", "fetch"):
        press(panel, button)
        assert panel.wait()
        assert said(panel) == "⚠  since='2025-02-01' is later than until='2025-01-01'."


def test_warnings_are_shown_and_the_frame_too(panel: Explorer, recwarn: pytest.WarningsRecorder) -> None:
    choose(panel, case_type="patient")
    panel.fields._fields["columns"].options = ["case_id", "no_such"]
    choose(panel, columns=("case_id", "no_such"))

    fetch(panel)

    assert "No record that was read has 'no_such'" in said(panel)
    assert not recwarn.list


def test_what_comes_from_the_server_is_text(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    cases = fresh_sandbox.domain("maternal-health")
    cases.update(cases.case_ids("patient")[0], case_name=AWKWARD, **{f"a{AWKWARD}": AWKWARD})
    panel = ccf.explore()
    assert panel.wait()
    choose(panel, case_type="patient")
    frame = fetch(panel)
    choose(panel, columns=("case_id", "case_name", f"a{AWKWARD}"), owner_id=AWKWARD)

    assert f"a{AWKWARD}" in frame
    shown = [getattr(widget, "value", "") for widget in every(panel) if type(widget).__name__ == "HTML"]
    assert not any("<img" in value for value in shown)
    assert "a&lt;img src=x onerror=alert(1)&gt;" in panel._line.value
    assert panel._line.value.count("onerror") == panel._line.value.count("&lt;img src=x onerror")


def every(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ("cases", "c.parquet"),
        ("forms", "f.csv"),
        ("repeat", "r.xlsx"),
        ("report", "o.parquet"),
    ],
)
def test_export_writes_a_file_and_says_how(panel: Explorer, tmp_path: Path, chosen: str, name: str) -> None:
    CHOSEN[chosen](panel)
    path = tmp_path / name
    panel._path.value = str(path)

    press(panel, "export")
    assert panel.wait()

    assert f"Wrote {path}. The same in Python: ccf.export_" in said(panel)
    assert path.stat().st_size > 0
    read = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".xlsx": pd.read_excel}[path.suffix]
    assert len(read(path)) == len(run(panel))


@pytest.mark.parametrize(
    ("chosen", "name"), [("locations", "l.xlsx"), ("codebook", "q.csv"), ("messages", "m.parquet")]
)
def test_what_has_no_function_to_export_it_is_exported_as_it_is_shown(
    panel: Explorer, tmp_path: Path, chosen: str, name: str
) -> None:
    CHOSEN[chosen](panel)
    path = tmp_path / name
    panel._path.value = str(path)

    press(panel, "export")
    assert panel.wait()

    assert f"Wrote {path}. It holds the frame of the line above." in said(panel)
    read = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".xlsx": pd.read_excel}[path.suffix]
    frame = run(panel)
    assert read(path).shape == frame.shape


def test_mobile_workers_are_counted_as_they_are_listed(panel: Explorer, sandbox: Sandbox) -> None:
    counts = {}
    for active in (True, False, None):
        choose(panel, kind="users", active=active)
        press(panel, "count")
        assert panel.wait()
        counts[active] = int(re.search(r"Mobile workers: ([\d,]+) rows, about (\d)", said(panel))[1])  # type: ignore[index]

    assert counts[True] + counts[False] == counts[None] == len(fetch(panel))


def test_a_lookup_table_is_counted_with_all_where_nobody_may_ask_for_it_alone(sandbox: Sandbox) -> None:
    reader = sandbox.only_api
    ccf.connect("maternal-health", server=sandbox.url, username=reader.username, api_key=reader.api_key)
    panel = ccf.explore()
    assert panel.wait()
    choose(panel, kind="lookup_table", tag="vaccine")
    press(panel, "count")
    assert panel.wait()

    counted = re.search(r"All lookup tables, which HQ gives out together to this login: ([\d,]+) rows", said(panel))
    assert counted, said(panel)
    assert 0 < len(fetch(panel)) < int(counted[1].replace(",", ""))


def test_a_panel_opens_once_somebody_signs_in_and_follows_to_other_domains(sandbox: Sandbox) -> None:
    waiting, fixed = ccf.explore(), ccf.explore(domain=Domain("maternal-health", sandbox.url))
    assert "this panel opens by itself" in said(waiting)
    login = LoginPanel(sandbox.url)
    login.form.username.value = sandbox.admin.username
    login.form.secret.set_state({"value": sandbox.admin.api_key})
    login.sign_in()
    login.picker.list.value = "maternal-health"
    login.open()
    assert waiting.wait()
    choose(waiting, case_type="patient")
    fetch(waiting)

    login.choose()
    login.picker.list.value = "child-nutrition"
    login.open()
    assert waiting.wait()
    assert waiting.frame is None
    assert "Explore child-nutrition" in waiting.children[0].value
    assert "domain=" not in waiting.line
    assert waiting.fields.knows_case_types
    assert "login" in said(fixed).lower(), "it was asked for a certain domain"


def test_export_says_what_is_missing(panel: Explorer, tmp_path: Path) -> None:
    press(panel, "export")
    assert "Type the path of a file" in said(panel)
    panel._path.value = str(tmp_path / "c.doc")
    press(panel, "export")
    assert panel.wait()
    assert "'.doc' is no format to export to" in said(panel)
    choose(panel, kind="forms", form=None)
    assert panel._exporting.layout.display == "none"


def test_without_a_domain_it_says_what_to_do_and_looks_again(sandbox: Sandbox) -> None:
    panel = ccf.explore()
    assert "No domain was named" in said(panel)
    assert "ccf.login()" in said(panel)
    panel._again.click()
    assert "No domain was named" in said(panel)

    ccf.connect("maternal-health", server=sandbox.url, username=sandbox.admin.username, api_key=sandbox.admin.api_key)
    panel._again.click()

    assert panel.wait()
    assert panel.line == 'frame = ccf.read_cases("child")'


def test_a_domain_without_a_login_says_so(sandbox: Sandbox) -> None:
    panel = ccf.explore(domain=Domain("maternal-health", sandbox.url))

    assert "login" in said(panel).lower()


def test_another_domain_is_named_in_the_line(domain: Domain) -> None:
    panel = ccf.explore(domain="child-nutrition")
    assert panel.wait()

    assert panel.line.endswith('domain="child-nutrition")')


def test_who_may_not_list_things_is_told_and_can_still_read(sandbox: Sandbox) -> None:
    worker = sandbox.mobile_worker
    ccf.connect("maternal-health", server=sandbox.url, username=worker.username, password=worker.password)
    panel = ccf.explore()
    assert panel.wait()

    assert "⚠" in said(panel)
    choose(panel, kind="repeat")
    assert panel._fetch.disabled
    assert "The forms are not known." in panel._progress.value
    choose(panel, kind="cases", owner_id="nobody")
    assert panel.line == 'frame = ccf.read_cases(where={"owner_id": "nobody"}, max_age="1h")'
    pd.testing.assert_frame_equal(fetch(panel), run(panel))


def test_labels_are_of_one_form(panel: Explorer) -> None:
    choose(panel, kind="forms", form=None, labels="label")

    assert panel._fetch.disabled
    assert "choose a form" in panel._progress.value


def test_without_ipywidgets_it_says_what_to_install(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)

    with pytest.raises(CommCareError, match=r"pip install 'commcare-frames\[notebook\]'"):
        ccf.explore()
