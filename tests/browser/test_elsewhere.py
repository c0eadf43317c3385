"""The panels in Notebook 7 and Voila."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .test_contrast import hard_to_read

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

    from .lab import Lab

pytestmark = [pytest.mark.usefixtures("notebook_7_and_voila")]

READ = 'frame = ccf.read_cases("patient")\nframe.head()'


def test_signing_in_and_reading_in_notebook_7(lab: Lab, sandbox: Sandbox) -> None:
    login = f"import commcare_frames as ccf\nccf.login({sandbox.url!r})"
    with lab.notebook("notebook-7", login, READ, app="Notebook 7") as notebook:
        page = notebook.page
        notebook.run(0)
        page.get_by_label("Username").fill(sandbox.admin.username)
        key = page.get_by_label("API key", exact=True)
        key.fill("a-wrong-key")
        key.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("the username or key is wrong, or the key is expired")
        expect(key).to_be_focused()
        assert hard_to_read(page) == []
        key.fill(sandbox.admin.api_key)
        page.get_by_role("button", name="Connect").click()
        page.get_by_label("Domain", exact=True).select_option("Maternal Health Programme (maternal-health)")
        page.screenshot(path=lab.folder / "notebook-7.png")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("heading", name="Connected")).to_be_visible()
        assert hard_to_read(page) == []

        expect(notebook.run(1).locator("tbody tr")).to_have_count(5)
        saved = notebook.save()
        assert sandbox.admin.username in str(saved["metadata"]["widgets"])
        assert lab.files_with(sandbox.admin.api_key) == []
        assert lab.files_with("a-wrong-key") == []


def test_a_page_of_voila_is_signed_in_to_and_explored(lab: Lab, sandbox: Sandbox) -> None:
    cells = f"import commcare_frames as ccf\nccf.login({sandbox.url!r})", "ccf.explore()"
    with lab.voila("voila", *cells) as page:
        expect(page.get_by_text("this panel opens by itself")).to_be_visible()
        expect(page.get_by_label("Remember on this computer")).to_have_count(0)
        page.get_by_label("Username").fill(sandbox.admin.username)
        page.get_by_label("API key", exact=True).fill(sandbox.admin.api_key)
        page.get_by_role("button", name="Connect").click()
        page.get_by_label("Domain", exact=True).select_option("Maternal Health Programme (maternal-health)")
        page.get_by_role("button", name="Open").click()
        page.get_by_label("Case type").select_option("patient")
        page.get_by_role("button", name="Fetch").click()
        expect(page.get_by_text("300 rows")).to_be_visible()
        expect(page.get_by_role("region", name="First rows").locator("tbody tr")).to_have_count(10)
        assert hard_to_read(page) == []
        page.screenshot(path=lab.folder / "voila.png", full_page=True)
        assert sandbox.admin.api_key not in page.content()
