"""Signing in with the panel in a real JupyterLab: by keyboard, with the mouse, and what the saved notebook holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

    from .lab import Lab, Notebook

READ = 'frame = ccf.read_cases("patient")\nframe.head()'
WITHOUT_LABEL = """
card => [...card.querySelectorAll("input, select")].filter(
    field => !(field.labels.length && field.labels[0].innerText.trim())
    && !field.closest("label")?.innerText.trim()
).map(field => field.outerHTML)
"""


def panel_in(notebook: Notebook) -> None:
    notebook.run(0)
    expect(notebook.page.get_by_role("heading", name="Sign in to CommCare HQ")).to_be_visible()


def files_with(lab: Lab, secret: str) -> list[str]:
    """Return the files holding a secret: of notebooks, checkpoints, history, and whatever else was written."""
    return [str(path) for path in lab.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_signing_in_with_the_keyboard_alone(lab: Lab, sandbox: Sandbox) -> None:
    with lab.notebook("keyboard", f"import commcare_frames as ccf\nccf.login({sandbox.url!r})", READ) as notebook:
        panel_in(notebook)
        page, press = notebook.page, notebook.page.keyboard.press
        assert notebook.output(0).locator(".commcare-card").evaluate(WITHOUT_LABEL) == []
        page.get_by_label("Server", exact=True).focus()
        press("Tab")
        expect(page.get_by_label("Sign in with")).to_be_focused()
        press("Tab")
        page.keyboard.type(sandbox.admin.username)
        press("Tab")
        page.keyboard.type("a-wrong-key")
        press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("the username or key is wrong, or the key is expired")

        key = page.get_by_label("API key", exact=True)
        expect(key).to_be_focused()
        page.keyboard.type(sandbox.admin.api_key)
        notebook.save()
        assert files_with(lab, sandbox.admin.api_key) == []
        press("Tab")
        expect(key).to_have_value("")
        expect(key).to_have_attribute("placeholder", "entered; type to replace it")
        assert "a-wrong-key" not in str(notebook.save())
        key.focus()
        press("Enter")
        expect(page.get_by_label("Search", exact=True)).to_be_focused()
        page.keyboard.type("maternal pro")
        expect(page.get_by_label("Domain", exact=True).locator("option")).to_have_count(1)
        press("Enter")
        expect(page.get_by_role("heading", name="Connected")).to_be_visible()

        expect(notebook.run(1).locator("tbody tr")).to_have_count(5)
        saved = notebook.save()
        assert sandbox.admin.username in str(saved["metadata"]["widgets"])
        assert files_with(lab, sandbox.admin.api_key) == []
        assert files_with(lab, "a-wrong-key") == []


def test_signing_in_with_the_mouse_and_remembering(lab: Lab, sandbox: Sandbox) -> None:
    login = sandbox.two_factor
    with lab.notebook("mouse", f"import commcare_frames as ccf\nccf.login({sandbox.url!r})", READ) as notebook:
        panel_in(notebook)
        page = notebook.page
        page.get_by_label("Sign in with").select_option("Password")
        page.get_by_label("Username").fill(login.username)
        page.get_by_label("Password", exact=True).fill(login.password)
        page.get_by_label("Remember on this computer").check()
        page.get_by_role("button", name="Connect").click()
        page.get_by_label("Domain", exact=True).select_option("Child Nutrition Pilot (child-nutrition)")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("alert")).to_contain_text("asks for a two-factor code for domain 'child-nutrition'")
        page.get_by_label("Two-factor code").fill(login.otp)
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_text("The login is kept in")).to_contain_text("logins.json")

        expect(notebook.run(1).locator("tbody tr")).to_have_count(5)
        notebook.save()
        kept = files_with(lab, login.password)
        assert [path.rpartition("/")[2] for path in kept] == ["logins.json"]
