"""Counts the requests of a first pull, of a second one with nothing new, and of one after changes.

    python benchmarks/requests_made.py [--cases 100000]

The sandbox counts, not the client. The request that `connect` makes is left out.
"""

from __future__ import annotations

import math
import os
import tempfile
from typing import TYPE_CHECKING

from _common import CASE_TYPE, LARGEST_PAGE, at_most, parser, sandbox

import commcare_frames as ccf

if TYPE_CHECKING:
    from _common import Sandbox


def requests(server: Sandbox) -> int:
    """Read the cases, and return how many requests that took."""
    server.control("log", "DELETE")
    ccf.read_cases(CASE_TYPE)
    return len(server.control("log", "GET"))


def main() -> None:
    asked = parser(__doc__).parse_args()
    changed = asked.cases // 100
    with sandbox(asked.cases) as server, tempfile.TemporaryDirectory() as cache:
        os.environ |= {**server.environment, "COMMCARE_CACHE_DIR": cache}
        ccf.connect()
        at_most(f"first pull of {asked.cases:,} cases", requests(server), math.ceil(asked.cases / LARGEST_PAGE) + 2, "")
        at_most("second pull, nothing new", requests(server), 2, "")
        server.change(changed)
        at_most(f"{changed:,} cases changed", requests(server), math.ceil(changed / LARGEST_PAGE) + 2, "")


if __name__ == "__main__":
    main()
