"""In a real kernel, without a browser: what nbclient saves, what progress shows, what an interruption leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

import commcare_frames as ccf
from commcare_frames.notebook import login

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from commcare_frames.sandbox import Sandbox

SECRET = "SANDBOX_KEY"  # the environment variable that brings the key into the kernel, as typing does
WIDGET = "application/vnd.jupyter.widget-view+json"

FIND_PANEL = """
import os
from ipywidgets.widgets.widget import _instances
from commcare_frames.notebook.secret_field import SecretField

def field(kind, description):
    return next(each for each in _instances.values() if isinstance(each, kind) and each.description == description)
"""
SIGN_IN = f"""
from ipywidgets import Button, Select, Text
field(Text, "Username").value = "admin@example.org"
field(SecretField, "API key").set_state({{"value": os.environ["{SECRET}"]}})
field(Button, "Connect").click()
"""
PICK = """
field(Select, "Domain").value = "maternal-health"
field(Button, "Open").click()
"""
TRACEBACKS = """
%xmode Verbose
ccf.read_cases("no-such-type")
"""


def execute(folder: Path, *cells: str) -> Any:
    """Run cells in a kernel, as nbclient and `jupyter execute` do, and save the notebook."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.write(notebook, folder / "saved.ipynb")
    return notebook


def texts(cell: Any) -> str:
    """Return all that is below a cell, as text."""
    found = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "\n".join([*found, *(line for output in cell.outputs for line in output.get("traceback", []))])


def widget_states(notebook: Any) -> dict[str, Any]:
    states: dict[str, Any] = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    return states


def kinds(cell: Any) -> set[str]:
    return {kind for output in cell.outputs for kind in output.get("data", {})}


def test_a_notebook_with_a_sign_in_saves_no_secret(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sandbox.admin.api_key
    monkeypatch.setenv(SECRET, key)
    notebook = execute(
        tmp_path,
        f"import commcare_frames as ccf\nccf.login({sandbox.url!r})",
        FIND_PANEL + SIGN_IN.replace(f'os.environ["{SECRET}"]', '"wrong"'),
        SIGN_IN,
        PICK,
        "len(ccf.read_cases('patient'))",
        TRACEBACKS,
        "%history -g -o",
        "%whos",
    )

    panel, _, _, _, read, failed, *_ = notebook.cells
    assert panel.outputs[0]["data"].keys() == {"text/plain", WIDGET}
    assert read.outputs[0]["data"]["text/plain"] == "300"
    assert "no-such-type" in texts(failed)
    assert "admin@example.org" in str(widget_states(notebook))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "saved.ipynb" in {path.name for path in written}
    assert [path for path in written if key.encode() in path.read_bytes()] == []


def test_progress_is_a_bar_in_a_notebook_and_an_interruption_is_clean(fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    fresh_sandbox.faults.latency_per_request = 0.3
    admin = fresh_sandbox.admin
    connect = f"""
import os, signal, threading
import commcare_frames as ccf
from commcare_frames.read import progress
progress.SHOWN_AFTER = 0
ccf.connect("maternal-health", server={fresh_sandbox.url!r}, username={admin.username!r}, api_key=KEY)
"""
    notebook = execute(
        tmp_path,
        connect.replace("KEY", repr(admin.api_key)),
        "len(ccf.read_cases('visit'))",
        "len(ccf.read_cases('patient', progress=False))",
        "threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT)).start()\nccf.read_cases('child')",
        "len(ccf.read_cases('child'))",
    )

    _, seen, silenced, interrupted, again = notebook.cells
    rows = int(seen.outputs[-1]["data"]["text/plain"])
    assert WIDGET in kinds(seen)
    states = [each["state"] for each in widget_states(notebook).values() if each["model_name"] == "FloatProgressModel"]
    assert (states[0]["max"], states[0]["value"], states[0]["bar_style"]) == (rows, rows, "success")
    assert WIDGET not in kinds(silenced)
    assert interrupted.outputs[-1]["ename"] == "KeyboardInterrupt"
    assert int(again.outputs[-1]["data"]["text/plain"]) > 0


def test_without_ipywidgets_questions_are_asked_and_what_to_install_is_said(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = iter(["maternal-health", sandbox.admin.username, "n"])
    monkeypatch.setattr("builtins.input", lambda _: next(said))
    monkeypatch.setattr("getpass.getpass", lambda _: sandbox.admin.api_key)
    monkeypatch.setattr(login, "in_notebook", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    domain = ccf.login(sandbox.url)

    assert domain is not None
    assert domain.name == "maternal-health"
    assert "pip install 'commcare-frames[notebook]'" in capsys.readouterr().out


def test_the_package_loads_without_ipywidgets() -> None:
    code = """
import sys
sys.modules["ipywidgets"] = sys.modules["IPython"] = None
import commcare_frames as ccf
print([getattr(ccf, name) is not None for name in ccf.__all__].count(True) == len(ccf.__all__))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)

    assert (ran.returncode, ran.stdout) == (0, "True\n"), ran.stderr
