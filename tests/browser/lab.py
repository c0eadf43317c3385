"""A real JupyterLab, Notebook 7 and Voila on loopback, and notebooks as a browser shows them there."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

STARTS_WITHIN = 60  # seconds
ANSWERS_WITHIN = 30_000  # milliseconds
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    # What the tests are about: a notebook that is saved with the state of its widgets.
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
KERNEL_IS_THERE = """() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
PLACES = {"JupyterLab": "doc/tree", "Notebook 7": "notebooks"}
HEAR_KEYS = """() => {
    if (!window.heard) window.addEventListener("keydown", event => window.heard.push(event.key));
    window.heard = [];
}"""


class Lab:
    """A running JupyterLab, which serves its notebooks with Notebook 7 and Voila, too.

    Parameters
    ----------
    folder
        Where its notebooks are, and everything that it writes.
    port
        Its port on loopback.
    browser
        What shows it.
    """

    def __init__(self, folder: Path, port: int, browser: Browser) -> None:
        self.folder = folder
        self._token = secrets.token_hex()
        self._url = f"http://127.0.0.1:{port}"
        self._browser = browser
        self._write_settings()
        self._log = (folder / "jupyter.log").open("wb")
        options = {"port": port, "port_retries": 0, "ip": "127.0.0.1", "open_browser": False, "root_dir": folder}
        self._server = subprocess.Popen(
            [
                sys.executable,
                *("-m", "jupyterlab", "--allow-root"),
                *(f"--ServerApp.{name}={value}" for name, value in options.items()),
                f"--IdentityProvider.token={self._token}",
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
            ],
            cwd=folder,
            env={**os.environ, **self._environment()},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def _environment(self) -> dict[str, str]:
        """Return what keeps a test off the user's own Jupyter, cache and logins."""
        own = self.folder / "own"
        places = {
            "HOME": own,
            "IPYTHONDIR": own / "ipython",
            "JUPYTER_CONFIG_DIR": own / "config",
            "JUPYTER_DATA_DIR": own / "data",
            "JUPYTER_RUNTIME_DIR": own / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": own / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": own / "workspaces",
            "COMMCARE_CACHE_DIR": own / "cache",
            "XDG_CONFIG_HOME": own / "xdg",
            "NETRC": own / "netrc",
        }
        own.mkdir(exist_ok=True)
        return {
            **{name: str(path) for name, path in places.items()},
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def _write_settings(self) -> None:
        for name, values in SETTINGS.items():
            path = self.folder / "own" / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + STARTS_WITHIN
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self._url}/api?token={self._token}"):
                return
            if time.monotonic() > until or self._server.poll() is not None:
                raise RuntimeError(f"JupyterLab does not start: {(self.folder / 'jupyter.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it and its kernels."""
        self._server.terminate()
        self._server.wait(timeout=30)
        self._log.close()

    def files_with(self, secret: str) -> list[Path]:
        """Return the files holding a secret: of notebooks, checkpoints, history, and whatever else was written."""
        return [path for path in self.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]

    @contextlib.contextmanager
    def notebook(self, name: str, *cells: str, app: str = "JupyterLab") -> Iterator[Notebook]:
        """Open a new notebook with these cells in one of the applications."""
        path = self._write(name, cells)
        with self._page(f"{PLACES[app]}/{path.name}") as page:
            yield Notebook(page, path)

    @contextlib.contextmanager
    def voila(self, name: str, *cells: str) -> Iterator[Page]:
        """Open the page that Voila makes of a new notebook with these cells."""
        with self._page(f"voila/render/{self._write(name, cells).name}") as page:
            yield page

    def _write(self, name: str, cells: tuple[str, ...]) -> Path:
        path = self.folder / f"{name}.ipynb"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(metadata=kernel, cells=[*map(nbformat.v4.new_code_cell, cells)]), path)
        return path

    @contextlib.contextmanager
    def _page(self, place: str) -> Iterator[Page]:
        page = self._browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(ANSWERS_WITHIN)
        page.goto(f"{self._url}/{place}?token={self._token}")
        try:
            yield page
        finally:
            page.close()


class Notebook:
    """A notebook as the browser shows it."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        self.page.wait_for_function(KERNEL_IS_THERE)

    def cell(self, number: int) -> Locator:
        """Return a cell, counted from 0."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def output(self, number: int) -> Locator:
        """Return what is below a cell."""
        return self.cell(number).locator(".jp-OutputArea-output")

    def run(self, number: int) -> Locator:
        """Run a cell, and return what is below it."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return self.output(number)

    def save(self) -> dict[str, Any]:
        """Save as autosave does, wherever the focus is, and return what was written."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        written: dict[str, Any] = json.loads(self.path.read_text())
        return written


def keys_that_leave(panel: Locator, *keys: str) -> list[str]:
    """Press keys where the focus is in a panel, and return those that a page heard in which the panel stands."""
    panel.page.evaluate(HEAR_KEYS)
    for key in keys:
        panel.page.keyboard.press(key)
    heard: list[str] = panel.page.evaluate("() => window.heard")
    return heard


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Run JupyterLab and a browser."""
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415  only where there is a browser

    expect.set_options(timeout=ANSWERS_WITHIN)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        lab = Lab(folder, port, browser)
        try:
            lab.wait()
            yield lab
        finally:
            lab.stop()
            browser.close()
