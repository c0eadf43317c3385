"""Measures how memory grows with the number of cases, while pulling to the cache, and what a DataFrame adds.

    python benchmarks/memory.py [--cases 100000] [--rounds 3]

Compares the largest resident size of processes that pull a tenth of the cases and all of them (not on Windows).
"""

from __future__ import annotations

import statistics

from _common import alternately, at_most, note, parser, ratio, run, said, sandbox


def main() -> None:
    asked = parser(__doc__).parse_args()
    tenth = asked.cases // 10
    with sandbox(tenth) as small, sandbox(asked.cases) as large:
        runs = alternately(
            asked.rounds,
            small=lambda: run("peak", small, "cache"),
            large=lambda: run("peak", large, "cache"),
            frame=lambda: run("peak", large, "frame"),
        )
    peaks = {name: said(each, "peak") for name, each in runs.items()}
    at_most(
        f"{asked.cases:,} cases pulled to the cache, against {tenth:,}", ratio(peaks["large"], peaks["small"]), 1.35
    )
    note("largest resident size", statistics.median(peaks["large"]) / 1e6, " MB")
    added = [with_frame - without for with_frame, without in zip(peaks["frame"], peaks["large"], strict=True)]
    at_most("the DataFrame adds, at its peak", statistics.median(added) / asked.cases, 2000, " bytes a row")
    at_most("the DataFrame itself", said(runs["frame"], "frame")[0] / asked.cases, 2000, " bytes a row")


if __name__ == "__main__":
    main()
