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

RUN = "code => {window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code})}"


def panel_in(notebook: Notebook) -> None:
    notebook.run(0)
    expect(notebook.page.get_by_role("heading", name="Sign in to CommCare HQ")).to_be_visible()
    expect(notebook.page.get_by_label("API key", exact=True)).to_be_enabled()  # once the cell has ended


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
        assert lab.files_with(sandbox.admin.api_key) == []
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
        assert lab.files_with(sandbox.admin.api_key) == []
        assert lab.files_with("a-wrong-key") == []


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
        kept = lab.files_with(login.password)
        assert [path.name for path in kept] == ["logins.json"]
        kept[0].unlink()


def test_nothing_is_typed_that_a_busy_kernel_could_not_take_out(lab: Lab, sandbox: Sandbox) -> None:
    login = f"import pathlib, time\nimport commcare_frames as ccf\nccf.login({sandbox.url!r})"
    wait = "while not pathlib.Path('go').exists(): time.sleep(0.05)"
    with lab.notebook("busy", login, wait, "1 + 1") as notebook:
        panel_in(notebook)
        key = notebook.page.get_by_label("API key", exact=True)
        notebook.run(1)
        expect(key).to_be_disabled()
        expect(key).to_have_attribute("placeholder", "Python is busy: wait until it is done")
        (lab.folder / "go").touch()
        expect(key).to_be_enabled()
        key.fill(sandbox.admin.api_key)
        key.blur()
        expect(key).to_have_attribute("placeholder", "entered; type to replace it")
        expect(notebook.run(2)).to_have_text("2")
        expect(key).to_have_attribute("placeholder", "entered; type to replace it")
        notebook.page.get_by_label("Username").fill(sandbox.admin.username)
        notebook.page.get_by_role("button", name="Connect").click()
        expect(notebook.page.get_by_role("heading", name="Which domain?")).to_be_visible()
        notebook.save()
        assert lab.files_with(sandbox.admin.api_key) == []


def test_what_is_being_typed_when_python_gets_busy_is_kept_nowhere_and_commands_nothing(
    lab: Lab, sandbox: Sandbox
) -> None:
    login = f"import pathlib, time\nimport commcare_frames as ccf\nccf.login({sandbox.url!r})"
    with lab.notebook("half-typed", login, "1 + 1") as notebook:
        panel_in(notebook)
        page = notebook.page
        key = page.get_by_label("API key", exact=True)
        key.focus()
        page.keyboard.type("half-typed-key")
        page.evaluate(RUN, "while not pathlib.Path('go-on').exists(): time.sleep(0.05)")
        expect(key).to_be_disabled()
        page.keyboard.type("ddx")
        notebook.save()
        assert lab.files_with("half-typed-key") == []

        (lab.folder / "go-on").touch()
        expect(key).to_be_focused()
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2
        notebook.save()
        assert lab.files_with("half-typed-key") == []
