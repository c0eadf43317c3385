"""In a real kernel, without a browser: what nbclient saves, what progress shows, what an interruption leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
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


def test_nothing_can_be_typed_while_a_cell_runs(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, sandbox.admin.api_key)
    notebook = execute(
        tmp_path,
        f"import commcare_frames as ccf\nccf.login({sandbox.url!r})\n{FIND_PANEL}",
        "print(field(SecretField, 'API key').disabled)",
        f"print([each.disabled for each in _instances.values() if isinstance(each, SecretField)]){SIGN_IN}",
    )

    assert [texts(cell) for cell in notebook.cells[1:]] == ["True\n", "[True, True, True]\n"]
    fields = [each["state"] for each in widget_states(notebook).values() if each["model_name"] == "PasswordModel"]
    assert [field["disabled"] for field in fields] == [False] * 3, "neither a cell nor a panel is busy any more"


def test_panels_are_made_of_what_every_notebook_can_show(sandbox: Sandbox, tmp_path: Path) -> None:
    login = sandbox.admin
    notebook = execute(
        tmp_path,
        f"""
import commcare_frames as ccf
ccf.login({sandbox.url!r})
ccf.connect("maternal-health", server={sandbox.url!r}, username={login.username!r}, api_key={login.api_key!r})
panel = ccf.explore()
panel.wait()
panel.fields.kind.value = "report"
panel.wait()
""",
    )

    states = [each["state"] for each in widget_states(notebook).values()]
    modules = {each[name] for each in states for name in ("_model_module", "_view_module")}
    assert modules - {None} == {"@jupyter-widgets/base", "@jupyter-widgets/controls"}
    written = [each["value"] for each in states if each["_model_name"] == "HTMLModel"]
    assert not re.search(r"<(script|iframe|link)|url\(|https?://(?!127)", "".join(written))
    line = next(text for text in written if "The same in Python" in text)
    assert "readonly" in line
    assert 'value="frame = ccf.read_report(' in line, "to be marked and copied where no script runs"


def test_progress_is_a_bar_in_a_notebook(sandbox: Sandbox, tmp_path: Path) -> None:
    notebook = execute(
        tmp_path,
        connecting(sandbox),
        "len(ccf.read_cases('visit'))",
        "len(ccf.read_cases('patient', progress=False))",
    )

    _, seen, silenced = notebook.cells
    rows = int(seen.outputs[-1]["data"]["text/plain"])
    assert WIDGET in kinds(seen)
    states = [each["state"] for each in widget_states(notebook).values() if each["model_name"] == "FloatProgressModel"]
    assert (states[0]["max"], states[0]["value"], states[0]["bar_style"]) == (rows, rows, "success")
    assert WIDGET not in kinds(silenced)


def test_a_pull_that_is_interrupted_goes_on_and_says_so(fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    fresh_sandbox.faults.slow_first_byte(0.5, path="/case/v2/")
    read = "len(ccf.read_cases('visit'))"
    notebook = nbformat.v4.new_notebook(
        cells=[*map(nbformat.v4.new_code_cell, [connecting(fresh_sandbox, largest_page=10), read, read])]
    )
    client = NotebookClient(notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}})
    with client.setup_kernel():
        client.execute_cell(notebook.cells[0], 0)
        interrupting = threading.Thread(target=interrupt, args=(client, fresh_sandbox, 4))
        interrupting.start()
        client.execute_cell(notebook.cells[1], 1)
        interrupting.join()
        fresh_sandbox.faults.clear()
        before = pages(fresh_sandbox)
        client.execute_cell(notebook.cells[2], 2)

    _, interrupted, again = notebook.cells
    shown = interrupted.outputs[-1]
    said = r"Interrupted\. visit: (\d)0 of 129 rows had arrived\. They are kept: the same call goes on from there\."
    told = re.fullmatch(said, "\n".join(shown["traceback"]))
    assert told, shown
    kept = int(told[1])
    assert again.outputs[-1]["data"]["text/plain"] == "129"
    after = pages(fresh_sandbox)[len(before) :]
    assert 3 <= kept < 13
    assert len(before) == len(set(map(str, before)))
    assert [page for page in after if page in before] == before[kept:], "only what was on its way is asked for again"
    asked = set(map(str, after))
    assert len(asked) - (13 - kept) in {0, 1}, "one more asks for what changed meanwhile"
    assert len(after) - len(asked) in {0, 1}, "what was on its way may reach the log late"


def interrupt(client: NotebookClient, sandbox: Sandbox, asked: int) -> None:
    """Interrupt a kernel, as the button of a notebook does, once it has asked for so many pages."""
    while len(pages(sandbox)) < asked:
        time.sleep(0.01)
    os.kill(client.km.provisioner.pid, signal.SIGINT)


def pages(sandbox: Sandbox) -> list[Any]:
    """Return what was asked for page by page."""
    asked = [request.query for request in sandbox.log if request.path.endswith("/case/v2/")]
    return [query for query in asked if ("limit", "1") not in query]


def connecting(sandbox: Sandbox, largest_page: int = 5000) -> str:
    """Return a cell that connects and shows progress at once."""
    login = sandbox.admin
    return f"""
from dataclasses import replace
import commcare_frames as ccf
from commcare_frames.read import case_queries, progress
case_queries.CASE_V2 = replace(case_queries.CASE_V2, largest_page={largest_page})
progress.SHOWN_AFTER = 0
ccf.connect("maternal-health", server={sandbox.url!r}, username={login.username!r}, api_key={login.api_key!r})
"""


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
