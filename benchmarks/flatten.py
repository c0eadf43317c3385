"""Times pages of cases from JSON bytes to flat Arrow tables against `orjson.loads` on the same bytes.

    python benchmarks/flatten.py [--pages 4] [--cases 5000] [--rounds 7]

Both sides run alternately in one process, because machines are noisy; what counts is the ratio.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

import orjson

from commcare_frames.tables.flatten import CASE_V2, Flattener

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS: list[Callable[[random.Random], str]] = [
    lambda _: "",
    lambda rng: rng.choice(["yes", "no", "1", "0", "dont_know"]),
    lambda rng: str(rng.randint(0, 60)),
    lambda rng: f"{rng.randint(2018, 2025)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
    lambda rng: f"{rng.uniform(1, 80):.1f}",
    lambda rng: " ".join(rng.sample(["fever", "cough", "rash", "vomiting", "oedema"], rng.randint(0, 3))),
    lambda rng: f"9{rng.randrange(10**9):09}",
    lambda rng: rng.choice(["Asha Devi", "Mariam Traoré", "Joseph Banda", "संगीता"]),
]


def cases(rng: random.Random, count: int, properties: int) -> bytes:
    """Return one page's records: cases of about 1.5 kB, as Django writes JSON."""
    names = [f"{rng.choice(['anc', 'pnc', 'child', 'hh', 'visit'])}_{i}" for i in range(properties)]
    return json.dumps([case(rng, names) for _ in range(count)], separators=(",", ":")).encode()


def case(rng: random.Random, names: list[str]) -> dict[str, Any]:
    day = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    stamp = f"{day}T10:11:{rng.randint(10, 59)}.{rng.randrange(10**6):06}Z"
    return {
        "domain": "maternal-health",
        "case_id": f"{rng.getrandbits(128):032x}",
        "case_type": "pregnancy",
        "case_name": rng.choice(["Asha Devi", "Mariam Traoré", "Joseph Banda"]),
        "external_id": None,
        "owner_id": f"{rng.randrange(40):032x}",
        "date_opened": stamp,
        "last_modified": stamp,
        "server_last_modified": stamp,
        "indexed_on": stamp,
        "closed": rng.random() < 0.2,
        "date_closed": None,
        "is_deprecated": False,
        "properties": {name: ANSWERS[i % len(ANSWERS)](rng) for i, name in enumerate(names) if rng.random() < 0.6},
        "indices": {
            "parent": {
                "case_id": f"{rng.getrandbits(128):032x}",
                "case_type": "household",
                "relationship": "child",
            }
        },
    }


def seconds(run: Callable[[], object]) -> float:
    """Return the time that one `run` takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(name: str, pages: list[bytes], rounds: int) -> None:
    """Print how long a pull of `pages` takes to flatten, relative to parsing alone."""

    def parse() -> None:
        for page in pages:
            orjson.loads(page)

    def flatten() -> None:
        flattener = Flattener(CASE_V2)
        for page in pages:
            flattener.table(page)

    flatten()
    timings = [(seconds(parse), seconds(flatten)) for _ in range(rounds)]
    parsing, flattening = (statistics.median(side) for side in zip(*timings, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in timings)
    size = sum(map(len, pages)) / 1e6
    print(f"{name:44} {size:5.1f} MB  orjson {parsing:.3f} s  flatten {flattening:.3f} s  ratio {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=4)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    rng = random.Random(0)

    page = cases(rng, asked.cases, 76)
    compare("a pull whose pages have the same properties", [page] * asked.pages, asked.rounds)
    compare("the same, 20 pages", [page] * 20, asked.rounds)
    compare("one page only: its names are learned", [page], asked.rounds)
    compare("500 properties", [cases(rng, asked.cases // 5, 500)] * asked.pages, asked.rounds)
    mixed = [cases(rng, asked.cases, 76) for _ in range(asked.pages)]
    compare("new properties on every page", mixed, asked.rounds)


if __name__ == "__main__":
    main()
