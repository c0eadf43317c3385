"""What is installed is what is here: the wheel has all modules, and works by itself."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "."]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_the_wheel_has_every_module_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    here = {str(path.relative_to(ROOT)) for path in (ROOT / "commcare_frames").rglob("*.py")}

    assert packed == here | {"commcare_frames/py.typed"}


def test_the_wheel_reads_cases_by_itself(wheel: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(wheel)!r})
import commcare_frames as ccf
assert ccf.__file__.startswith({str(wheel)!r}), ccf.__file__
ccf.connect("maternal-health", server={sandbox.url!r}, username={sandbox.admin.username!r},
            api_key={sandbox.admin.api_key!r})
print(len(ccf.read_cases("patient")))
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout.strip()) == (0, "300"), ran.stderr
