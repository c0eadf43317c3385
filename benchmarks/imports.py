"""Times `import commcare_frames` over the start of bare Python, and looks for large libraries that it loads.

    python benchmarks/imports.py [--rounds 21]

Both sides run alternately, each in a process of its own.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from _common import at_most

LARGE = ("pandas", "pyarrow", "numpy", "matplotlib", "ipywidgets", "IPython", "requests")
WHICH_LOADED = f"import sys, commcare_frames; print(*(name for name in {LARGE} if name in sys.modules))"


def milliseconds(code: str) -> float:
    """Return how long a process takes that runs `code`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=21, help="median of so many (default: %(default)s)")
    asked = options.parse_args()
    pairs = [(milliseconds("pass"), milliseconds("import commcare_frames")) for _ in range(asked.rounds)]
    added = statistics.median(ours - bare for bare, ours in pairs)
    at_most("import commcare_frames, over bare Python", added, 100, " ms")
    loaded = subprocess.run([sys.executable, "-c", WHICH_LOADED], check=True, stdout=subprocess.PIPE, text=True)
    at_most(f"large libraries loaded: {loaded.stdout.strip() or 'none'}", len(loaded.stdout.split()), 0, "")


if __name__ == "__main__":
    main()
