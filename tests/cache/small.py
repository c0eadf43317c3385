"""Tables of small pages, so that few cases take many requests; run as a program, it refreshes one."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import commcare_frames as ccf
from commcare_frames.cache.refresh import Refresh
from commcare_frames.hq.client import Patience
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import CASE_V1, CASE_V2
from commcare_frames.read.reading import Reading, Request
from commcare_frames.tables import layout

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from commcare_frames.cache.disk import DiskStore
    from commcare_frames.cache.store import Store
    from commcare_frames.connection import Domain

PATIENTS = (("case_type", "patient"),)
QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=5)


def request(domain: Domain, page: int = 20, *, where: tuple[tuple[str, str], ...] = (), v1: bool = False) -> Request:
    """Return the request for all patients, or for those that match a filter."""
    resource, params, how = CASE_V2, (*PATIENTS, *where), layout.CASE_V2
    if v1:
        resource, params, how = CASE_V1, (("type.exact", "patient"),), layout.CASE_V1
    question = Question(replace(resource, largest_page=page), params)
    return Request(domain, question, how, "cases", None if where or v1 else "patient", {"case_type": "patient"})


def read(asked: Request, **how: Any) -> pa.Table:
    """Read as `read_cases` does."""
    how = {"cache": True, "max_age": None, "progress": False, "connections": 1, **how}
    return Reading.of(asked, **how).table()


def truth(asked: Request) -> pa.Table:
    """Read without a cache: what an uninterrupted pull gives."""
    return read(asked, cache=False)


def on_disk(asked: Request) -> DiskStore:
    """Return the cached table."""
    return asked.on_disk(asked.folder)


@dataclass
class Hook:
    """Calls something whenever rows have arrived."""

    call: Callable[[], object] = lambda: None

    def expect(self, rows: int, largest_page: int) -> None:
        """Learn of rows to come."""

    def advance(self, rows: int) -> None:
        """Learn of rows."""
        self.call()


def refresh(asked: Request, store: Store, call: Callable[[], object] = lambda: None, connections: int = 1) -> pa.Table:
    """Refresh a table, calling something after each page, and read it."""
    Refresh(store, asked.domain.client, asked.question, Hook(call), connections).run()
    return store.read()


def connected(server: str, username: str, api_key: str) -> Domain:
    """Connect to the big domain of a sandbox."""
    return ccf.connect("maternal-health", server=server, username=username, api_key=api_key, patience=QUICK)


def main(server: str, username: str, api_key: str, page: str) -> None:
    """Refresh the table of patients and print how many rows it has."""
    domain = connected(server, username, api_key)
    sys.stdout.write(f"{read(request(domain, int(page))).num_rows}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
