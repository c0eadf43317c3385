"""The package keeps its shape: rooms, borders, sizes, and an import that costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "commcare_frames").rglob("*.py"))
LONGEST = 400


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )


def test_imports_go_one_way_only() -> None:
    lint = run("-c", "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())")

    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, commcare_frames; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(run("-c", code).stdout.split())

    assert "commcare_frames" in loaded
    assert not loaded & {"pandas", "pyarrow", "numpy", "requests", "matplotlib", "keyring", "ipywidgets", "click"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_is_short(path: Path) -> None:
    source = path.read_text()
    docstring = ast.get_docstring(ast.parse(source)) or ""

    assert docstring.splitlines()[0].endswith((".", ":")), "the first line says what the module is for"
    assert len(source.splitlines()) <= LONGEST


def test_ruff_has_nothing_to_say() -> None:
    for command in (("check",), ("format", "--check")):
        checked = run("-m", "ruff", *command, "commcare_frames", "tests", "benchmarks")
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_mypy_has_nothing_to_say_of_the_package_and_of_user_code() -> None:
    checked = run("-m", "mypy", "-p", "commcare_frames")
    assert checked.returncode == 0, checked.stdout
    checked = run("-m", "mypy", "tests/typing/user_code.py")
    assert checked.returncode == 0, checked.stdout
