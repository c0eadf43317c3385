"""Every text of the panels is legible, in each theme: 4.5 to 1 at least, as WCAG AA has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .test_explorer import opening

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from commcare_frames.sandbox import Sandbox

    from .lab import Lab

LABS_OWN = ["JupyterLab Light", "JupyterLab Dark"]
CHANGE_THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
# What VS Code lays over widgets in each of its themes: the colours of ipywidgets, which are light, and one for code.
VS_CODE = """
:root, body {--jp-ui-font-color1: rgba(0, 0, 0, 0.8) !important; --jp-ui-font-color2: rgba(0, 0, 0, 0.5) !important;
  --jp-success-color1: #4caf50 !important; --jp-error-color1: #f44336 !important; --jp-layout-color1: #fff !important;
  --jp-layout-color2: #eee !important; --jp-border-color2: #e0e0e0 !important;}
code {color: #d0d0d0}
"""
# Buttons and fields look as ipywidgets makes them.
HARD_TO_READ = """
card => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
    const pen = canvas.getContext("2d", {willReadFrequently: true});
    const painted = (colours) => {
        pen.clearRect(0, 0, 1, 1);
        for (const [colour, opacity] of colours) {
            pen.globalAlpha = opacity;
            pen.fillStyle = colour;
            pen.fillRect(0, 0, 1, 1);
        }
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const element of card.querySelectorAll(":not(style, option, button, button *)")) {
        const own = [...element.childNodes].filter(node => node.nodeType === 3 && node.textContent.trim());
        if (!own.length || !element.offsetParent) continue;
        const behind = [];
        let opacity = 1;
        for (let each = element; each; each = each.parentElement) {
            const style = getComputedStyle(each);
            opacity *= style.opacity;
            behind.unshift([style.backgroundColor, Number(style.opacity)]);
        }
        const pair = [painted(behind), painted([...behind, [getComputedStyle(element).color, opacity]])];
        const [dark, light] = pair.map(luminance).sort((a, b) => a - b);
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.tagName} ${element.innerText.slice(0, 40)}`);
    }
    return found;
}
"""


def hard_to_read(page: Page) -> list[str]:
    """Return the texts of all cards that stand out too little, with their contrast."""
    return [text for card in page.locator(".commcare-card").all() for text in card.evaluate(HARD_TO_READ)]


@pytest.mark.parametrize("theme", [*LABS_OWN, "VS Code"])
def test_texts_stand_out(lab: Lab, sandbox: Sandbox, theme: str) -> None:
    name = f"contrast-{theme.replace(' ', '-')}"
    with lab.notebook(name, opening(sandbox), "ccf.login()", f"ccf.login({sandbox.url!r})") as notebook:
        page = notebook.page
        page.evaluate(CHANGE_THEME, theme if theme in LABS_OWN else LABS_OWN[0])
        if theme not in LABS_OWN:
            page.add_style_tag(content=VS_CODE)
        explorer = notebook.run(0)
        explorer.get_by_label("Case type").select_option("patient")
        explorer.get_by_role("button", name="Fetch").click()
        expect(explorer.get_by_role("region", name="First rows")).to_be_visible()
        explorer.get_by_role("button", name="Count").click()
        expect(explorer.get_by_role("status")).to_be_visible()
        connected = notebook.run(1)
        connected.get_by_role("button", name="Choose another domain").click()
        connected.get_by_label("Search").fill("maternal")
        assert hard_to_read(page) == []

        explorer.get_by_label("Case type").select_option("child")
        expect(explorer.locator(".ccf-stale")).to_be_visible()
        page.screenshot(path=lab.folder / f"{name}.png")
        assert hard_to_read(page) == []

        connected.get_by_role("button", name="Open").click()
        expect(connected.locator("code")).to_have_count(2)
        refused = notebook.run(2)
        refused.get_by_role("button", name="Connect").click()
        expect(refused.get_by_role("alert")).to_be_visible()
        assert hard_to_read(page) == []
