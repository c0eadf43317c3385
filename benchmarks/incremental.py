"""Times a pull after 1% of the cases changed against the first pull, with and without server latency.

    python benchmarks/incremental.py [--cases 100000] [--rounds 3]

Every pull is a fresh process. "Call" is `read_cases` alone, with everything imported.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _common import at_most, parser, ratio, run, said, sandbox, whole
from latency import PER_RECORD, PER_REQUEST

if TYPE_CHECKING:
    from _common import Run

GOALS = {"without latency": 0.25, "with latency": 0.2}
SPEEDS = {
    "without latency": {"per_request": 0.0, "per_record": 0.0},
    "with latency": {"per_request": PER_REQUEST, "per_record": PER_RECORD},
}


def one_round(cases: int) -> dict[tuple[str, str], Run]:
    """Pull everything, then what changed; on a sandbox of its own, as changes stay recent for a while."""
    runs: dict[tuple[str, str], Run] = {}
    with sandbox(cases) as server, tempfile.TemporaryDirectory() as folder:
        for pull in ("first", "again"):
            for name, speed in SPEEDS.items():
                server.be_slow(**speed)
                runs[name, pull] = run("ours", server, "frame", cache=Path(folder) / name)
            server.change(cases // 100)
    return runs


def main() -> None:
    asked = parser(__doc__).parse_args()
    rounds = [one_round(asked.cases) for _ in range(asked.rounds)]
    for name, goal in GOALS.items():
        first, again = ([each[name, pull] for each in rounds] for pull in ("first", "again"))
        at_most(f"1% of {asked.cases:,} changed, {name}: call", ratio(said(again, "call"), said(first, "call")), goal)
        at_most(f"1% of {asked.cases:,} changed, {name}: whole process", ratio(whole(again), whole(first)), goal)


if __name__ == "__main__":
    main()
