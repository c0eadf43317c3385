"""The small file that says what a cached table consists of, and up to when it is complete."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa

from commcare_frames.hq.pull import Segment

FORMAT = 1

_TYPES = {str(kind): kind for kind in (pa.string(), pa.bool_(), pa.timestamp("us", "UTC"), pa.list_(pa.string()))}


class UnreadableManifestError(ValueError):
    """A manifest that this version cannot read: damaged, or written by a later version."""


@dataclass(frozen=True)
class Part:
    """One immutable Parquet file of a table: its size on disk, the first and last change stamp in it, its checksum."""

    file: str
    rows: int
    size: int
    first: str | None
    last: str | None
    checksum: int = 0


@dataclass(frozen=True)
class Running:
    """A pull under way.

    Parameters
    ----------
    segments
        What is read and how far.
    started
        The server's time at which the pull began; None until the first answer.
    """

    segments: tuple[Segment, ...]
    started: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What a table consists of.

    Parameters
    ----------
    asked
        What the table holds, in words for people: server, domain, kind, query.
    layout, stamp
        Name of the layout of its records, and the column that tells when a row last changed: what it takes to open
        the table without knowing more than its folder.
    parts
        The files; of rows with the same key the one with the latest change stamp counts.
    columns
        Names and Arrow types of all columns.
    rows
        Number of distinct keys, as of the last refresh.
    complete_until
        The change stamp up to which nothing is missing; None before the first pull has ended.
    refreshed_at
        When the last refresh ended, by this computer's clock.
    running
        The pull that is under way or broke off.
    headers, numbers
        Of rows that HQ sends with headers: what people call each column. Of rows with JSON numbers: their columns.
    """

    asked: dict[str, Any]
    layout: str
    stamp: str | None
    parts: tuple[Part, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    complete_until: str | None = None
    refreshed_at: str | None = None
    running: Running | None = None
    headers: dict[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the table holds, for messages."""
        of_type = f" of type {self.asked['case_type']!r}" if "case_type" in self.asked else ""
        return f"{self.asked['kind']}{of_type} of domain {self.asked['domain']!r}"

    @property
    def schema(self) -> pa.Schema:
        """The columns as an Arrow schema."""
        return pa.schema([(name, _TYPES[kind]) for name, kind in self.columns.items()])

    @property
    def superseded(self) -> int:
        """Rows in the parts for which there is a later one."""
        return sum(part.rows for part in self.parts) - self.rows

    def with_columns(self, schema: pa.Schema) -> Manifest:
        """Add the columns that are new."""
        merged = pa.unify_schemas([self.schema, schema])
        return replace(self, columns={column.name: str(column.type) for column in merged})

    def to_json(self) -> str:
        """Write the manifest as JSON."""
        values = asdict(self)
        return json.dumps({"format": FORMAT, "checksum": _checksum(values), **values}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read a manifest; raise `UnreadableManifestError` for one that cannot be used."""
        try:
            values = json.loads(text)
            if values.pop("format") != FORMAT:
                raise UnreadableManifestError("it was written by another version")
            if values.pop("checksum") != _checksum(values):
                raise UnreadableManifestError("it is damaged")
            running = values["running"]
            if running:
                segments = tuple(Segment.from_json(segment) for segment in running["segments"])
                values["running"] = Running(**{**running, "segments": segments})
            values["parts"] = tuple(Part(**part) for part in values["parts"])
            values["numbers"] = tuple(values.get("numbers", ()))
            manifest = cls(**values)
            manifest.schema  # noqa: B018  an unknown type shows here
        except UnreadableManifestError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableManifestError("it is damaged") from error
        return manifest


def _checksum(values: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(values).encode())
