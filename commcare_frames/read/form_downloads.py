"""Fetches the files of forms side by side, each written in one step, and notes what became of each."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from commcare_frames.errors import ExportError, NotFoundError, ServerFailedError
from commcare_frames.hq.downloads import download
from commcare_frames.hq.gather import gather
from commcare_frames.hq.resources import FORM_ATTACHMENT
from commcare_frames.read.exporting import put_in_place
from commcare_frames.read.progress import INTERRUPTED, LARGE, ProgressLine

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from commcare_frames.hq.client import Client

MOST_FAILURES = 3
"""So many files in a row at which the server keeps failing are a server that is down."""


@dataclass
class File:
    """A file of a form.

    Attributes
    ----------
    form_id, question, name
        Whose it is, which question it answers, what HQ calls it.
    path
        Where it goes.
    content_type, length
        What is known of it.
    state
        What became of it.
    """

    form_id: str
    question: str | None
    name: str
    path: Path
    content_type: str | None
    length: int | None
    state: Literal["", "downloaded", "present", "missing", "failed"] = ""

    @property
    def is_there(self) -> bool:
        """Whether it was downloaded before: it has its name only once all of it is there."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return False
        return self.path.is_file() and size == (size if self.length is None else self.length)


def fetch_files(client: Client, files: Sequence[File], *, connections: int, progress: bool | None) -> None:
    """Fetch the files that are not there yet, and note the state of each.

    Parameters
    ----------
    client
        Who asks.
    files
        The files.
    connections
        How many to fetch side by side.
    progress
        As in `download_attachments`.
    """
    waiting: queue.SimpleQueue[File] = queue.SimpleQueue()
    for file in files:
        if file.is_there:
            file.state = "present"
            file.length = file.path.stat().st_size
        else:
            waiting.put(file)
    to_come = waiting.qsize()
    failures: list[ServerFailedError] = []
    with ProgressLine("attachments", client, show=progress, resumes=True, unit="files") as line:
        line.expect(to_come, max(to_come, 1))  # no cost to be told of: HQ does not count these requests
        if to_come >= LARGE:
            size = sum(file.length or 0 for file in files if not file.state)
            line.tell(f"attachments: {to_come:,} files, {size / 1e6:,.0f} MB. {INTERRUPTED[True]}")
        for error in gather([_fetcher(client, waiting)] * min(connections, to_come)) if to_come else ():
            line.advance(1)
            failures = [*failures, error] if error else []
            if len(failures) >= MOST_FAILURES:
                raise failures[-1]


def _fetcher(
    client: Client, waiting: queue.SimpleQueue[File]
) -> Callable[[threading.Event], Iterator[ServerFailedError | None]]:
    def fetch(cancelled: threading.Event) -> Iterator[ServerFailedError | None]:
        while True:
            try:
                file = waiting.get_nowait()
            except queue.Empty:
                return
            yield _fetch(client, file, cancelled)

    return fetch


def _fetch(client: Client, file: File, cancelled: threading.Event) -> ServerFailedError | None:
    try:
        _make_folder(file.path.parent)
        with put_in_place(file.path) as place, place.open("wb+") as written:
            arrived = download(
                client,
                FORM_ATTACHMENT,
                written,
                tail=f"{quote(file.form_id, safe='')}/{quote(file.name.encode(errors='replace'), safe='')}",
                length=file.length,
                content_type=file.content_type,
                cancelled=cancelled,
            )
    except NotFoundError:
        file.state = "missing"
        return None
    except ServerFailedError as error:
        file.state = "failed"
        return error
    file.length, file.state = arrived.length, "downloaded"
    file.content_type = file.content_type or arrived.content_type
    return None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"{folder} cannot be made: {error.strerror or error}. Name a folder that you may write to."
        ) from error
