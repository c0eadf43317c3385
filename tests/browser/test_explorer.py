"""The explorer in a real JupyterLab: fetch, cancel, resume, copy the line, run it in a cell, the same frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from .lab import keys_that_leave

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

    from .lab import Lab

AWKWARD = "<img src=x onerror=\"document.title = 'run'\">"
SAME = "import pandas as pd\npd.testing.assert_frame_equal(frame, panel.frame)\nprint('the same', len(frame))"


def opening(sandbox: Sandbox) -> str:
    """Return a cell that connects, reads pages of 20 cases, and shows the explorer."""
    login = sandbox.scoped  # whose key may stand in a cell: the other tests look for the administrator's
    return f"""from dataclasses import replace
import commcare_frames as ccf
from commcare_frames.read import case_queries
case_queries.CASE_V2 = replace(case_queries.CASE_V2, largest_page=20)
ccf.connect("maternal-health", server={sandbox.url!r}, username={login.username!r}, api_key={login.api_key!r})
panel = ccf.explore()
panel"""


def test_fetch_cancel_resume_copy_the_line_and_run_it(lab: Lab, fresh_sandbox: Sandbox) -> None:
    cases = fresh_sandbox.domain("maternal-health")
    first = cases.case_ids("patient")[0]
    cases.update(first, case_name=AWKWARD)
    with lab.notebook("explorer", opening(fresh_sandbox), "", SAME) as notebook:
        page = notebook.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        panel = notebook.run(0)
        panel.get_by_label("Case type").select_option("patient")
        line = panel.get_by_label("The same in Python")
        expect(line).to_have_value('frame = ccf.read_cases("patient")')

        fresh_sandbox.faults.slow_first_byte(1.5, path="/case/v2/")
        panel.get_by_role("button", name="Fetch").click()
        expect(panel.get_by_text("20 of 60 rows")).to_be_visible()
        panel.get_by_role("button", name="Cancel").click()
        expect(panel.get_by_text("Cancelled. What has arrived is kept")).to_be_visible()
        fresh_sandbox.faults.clear()
        panel.get_by_role("button", name="Count").click()
        expect(panel.get_by_text("had arrived when a pull broke off")).to_be_visible()

        panel.get_by_role("button", name="Fetch").click()
        expect(panel.get_by_text("60 rows")).to_be_visible()
        columns = panel.get_by_label("Columns")
        columns.select_option(["case_id", "case_name", "last_modified"])
        expect(panel.get_by_text("60 rows, 3 columns")).to_be_visible()
        page.screenshot(path=lab.folder / "explorer.png")

        panel.get_by_role("button", name="Copy").click()
        expect(panel.get_by_role("button", name="Copied")).to_be_visible()
        notebook.cell(1).locator(".cm-content").click()
        page.keyboard.press("Control+v")
        expect(notebook.cell(1).locator(".cm-content")).to_have_text(line.input_value())
        page.keyboard.press("Control+Enter")
        expect(notebook.run(2)).to_have_text("the same 60")
        assert page.title() != "run"
        assert page.locator("img[src=x]").count() == 0


def test_keys_pressed_in_the_line_do_nothing_to_the_notebook(lab: Lab, fresh_sandbox: Sandbox) -> None:
    with lab.notebook("explorer-keys", opening(fresh_sandbox), "1 + 1") as notebook:
        panel = notebook.run(0)
        line = panel.get_by_label("The same in Python")
        # Until all that there is to choose from is known, the line is written anew and again.
        expect(panel.get_by_label("Case type")).to_have_value("child")
        expect(panel.get_by_role("button", name="Fetch")).to_be_enabled()
        line.click()
        for key in ("d", "d", "x"):
            notebook.page.keyboard.press(key)
        notebook.page.wait_for_timeout(300)

        assert notebook.page.locator(".jp-Notebook .jp-CodeCell").count() == 2
        assert line.evaluate("line => line.value.slice(line.selectionStart, line.selectionEnd)") == line.input_value()


def test_keys_leave_a_panel_only_where_they_mean_nothing_to_it(lab: Lab, fresh_sandbox: Sandbox) -> None:
    unconnected = "import commcare_frames as ccf\nccf.explore()"
    with lab.notebook("explorer-keys-heard", unconnected, opening(fresh_sandbox)) as notebook:
        again = notebook.run(0).get_by_role("button", name="Look again")
        again.focus()
        assert keys_that_leave(again, "b", "x", "b") == []
        assert notebook.page.locator(".jp-Notebook .jp-CodeCell").count() == 2

        panel = notebook.run(1)
        expect(panel.get_by_role("button", name="Fetch")).to_be_enabled()
        for place in (panel.get_by_label("The same in Python"), panel.get_by_role("button", name="Count")):
            place.focus()
            assert keys_that_leave(place, "b", "d", "d", "Shift+Z", "ArrowDown", "Enter") == []
            assert keys_that_leave(place, "Escape", "F2", "Alt+y") == ["Escape", "F2", "Alt", "y"]
        expect(panel.get_by_role("status")).to_contain_text("child: ")


def test_the_panel_is_used_by_keyboard_alone(lab: Lab, fresh_sandbox: Sandbox) -> None:
    with lab.notebook("explorer-keyboard", opening(fresh_sandbox)) as notebook:
        page = notebook.page
        panel = notebook.run(0)
        expect(panel.get_by_label("Case type")).to_have_value("child")
        panel.get_by_label("Case type").focus()
        page.keyboard.type("pat")
        for _ in range(40):
            page.keyboard.press("Tab")
            if panel.get_by_role("button", name="Fetch").evaluate("button => button === document.activeElement"):
                break
        fresh_sandbox.faults.slow_first_byte(1.5, path="/case/v2/")
        page.keyboard.press("Enter")
        expect(panel.get_by_text("20 of 60 rows")).to_be_visible()
        page.keyboard.press("b")

        expect(panel.get_by_text("60 rows, ")).to_be_visible()
        expect(panel.get_by_role("button", name="Fetch")).to_be_focused()
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 1, "no key was taken for a command to the notebook"


def test_people_places_and_lists_are_explored_too(lab: Lab, fresh_sandbox: Sandbox) -> None:
    with lab.notebook("explorer-places", opening(fresh_sandbox)) as notebook:
        page = notebook.page
        panel = notebook.run(0)
        expect(panel.get_by_label("Case type")).to_have_value("child")
        panel.get_by_role("button", name="Mobile workers").click()
        panel.get_by_label("Active").select_option("Deactivated only")
        expect(panel.get_by_label("The same in Python")).to_have_value(
            'frame = ccf.read_users(active=False, max_age="1h")'
        )
        panel.get_by_role("button", name="Lookup table").click()
        panel.get_by_label("Lookup table").select_option("vaccine")
        panel.get_by_role("button", name="Count").click()
        expect(panel.get_by_text("vaccine: ")).to_be_visible()
        panel.get_by_role("button", name="Fetch").click()
        expect(panel.get_by_role("columnheader", name="due_weeks")).to_be_visible()
        page.screenshot(path=lab.folder / "lookup-table.png")
        panel.get_by_role("button", name="Locations").click()
        expect(panel.get_by_text("Of an earlier choice")).to_have_count(0)
        panel.get_by_role("button", name="Fetch").click()
        expect(panel.get_by_role("columnheader", name="district.name")).to_be_visible()
        page.screenshot(path=lab.folder / "locations.png")
