"""Where cached tables lie on the user's disk."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from commcare_frames.cache.disk import MANIFEST, SET_ASIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_NAME = 120

APPLICATIONS = "applications"
"""The kind of what is kept of a domain's applications: documents, not tables."""


def root() -> Path:
    """Return the folder of all cached tables, which ``COMMCARE_CACHE_DIR`` may name."""
    named = os.environ.get("COMMCARE_CACHE_DIR")
    return Path(named).expanduser().absolute() if named else platformdirs.user_cache_path("commcare_frames")


def folder(host: str, domain: str, kind: str, what: str) -> Path:
    """Return the folder of one table."""
    return root().joinpath(*map(safe_name, (host, domain, kind, what)))


def table_folders() -> Iterator[Path]:
    """Give the folders of all cached tables, without those that were set aside."""
    manifests = sorted(root().glob(f"*/*/*/*/{MANIFEST}"))
    yield from (manifest.parent for manifest in manifests if SET_ASIDE not in manifest.parent.name)


def safe_name(name: str) -> str:
    """Write any name as a file name of its own on every system.

    Capitals are escaped too, since some systems hold ``Patient`` and ``patient`` for the same.
    """
    escaped = re.sub(r"[^a-z0-9_-]", lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), name)
    escaped = re.sub(r"(?<=[a-z0-9])%2E(?=[a-z0-9])", ".", escaped)
    if len(escaped) <= LONGEST_NAME:
        return escaped or "%"
    return f"{escaped[:LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
