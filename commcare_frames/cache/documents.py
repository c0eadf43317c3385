"""A JSON document that is kept between calls, such as what the applications of a domain consist of."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from commcare_frames.cache.disk import LOCK, explained, holding, write_whole
from commcare_frames.errors import warn
from commcare_frames.hq.answers import parse_json

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

FORMAT = 1

Signature = tuple[int, int, int]
"""What tells one version of a file from another without reading it."""


@dataclass(frozen=True)
class Kept:
    """What a document holds, and since when by this computer's clock."""

    content: Any
    written_at: datetime


class Document:
    """A JSON document in a folder that only its owner may open.

    Parameters
    ----------
    folder
        Where it is, or will be.
    name
        The file's name without its ending.
    title
        What it holds, for messages.
    """

    def __init__(self, folder: Path, name: str, title: str) -> None:
        self.path = folder / f"{name}.json"
        self.title = title
        self._lock = FileLock(folder / LOCK, mode=0o600)

    @property
    def signature(self) -> Signature | None:
        """Which version of the document is on disk; None where there is none."""
        with explained(self.path.parent):
            if not self.path.exists():
                return None
            found = self.path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self) -> Kept | None:
        """Return what is kept; None, with a warning where it was damaged, where nothing is."""
        with explained(self.path.parent):
            if not self.path.exists():
                return None
            file = self.path.read_bytes()
        # The content stands in lines of its own, so that its checksum is that of its bytes.
        head, _, rest = file.partition(b"\n")
        content = rest.removesuffix(b"\n}")
        why = "it is damaged"
        try:
            said = json.loads(head + b"null}")
            if not said.keys() >= {"format", "checksum", "written_at", "content"}:
                raise KeyError(self.path)
            if said["format"] != FORMAT:
                why = "it was written by another version"
            elif said["checksum"] == _checksum(said["written_at"], content):
                return Kept(parse_json(content), datetime.fromisoformat(said["written_at"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        with explained(self.path.parent):
            self.path.unlink(missing_ok=True)
        warn(f"What was cached of {self.title} in {self.path} cannot be used: {why}. It is fetched anew.")
        return None

    def write(self, content: Any) -> None:  # noqa: ANN401 - any JSON value
        """Put a content in place of the old one, in one step."""
        text = json.dumps(content).encode()
        now = datetime.now(UTC).isoformat()
        said = {"format": FORMAT, "checksum": _checksum(now, text), "written_at": now}
        head = json.dumps(said).removesuffix("}") + ', "content":\n'
        write_whole(self.path, lambda file: file.write(head.encode() + text + b"\n}"))

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep other processes from fetching it too meanwhile; readers are not kept waiting."""
        return holding(self._lock, self.title)


def is_recent(kept: datetime, max_age: timedelta) -> bool:
    """Whether something was kept within `max_age`; a clock that went back makes nothing recent."""
    return timedelta() <= datetime.now(UTC) - kept <= max_age


def _checksum(written_at: str, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(written_at.encode()))
