"""Reads the records that the sheets of a commcare-export query are made of, as HQ has them."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import warn
from commcare_frames.hq.pull import Question, Segment, pull
from commcare_frames.hq.resource import PageStyle, Resource
from commcare_frames.hq.resources import (
    APPLICATIONS,
    CASE_V1,
    DATA_SOURCE_ROWS,
    FORM,
    LOCATIONS_V1,
    MESSAGING_EVENTS,
    USERS,
    WEB_USERS,
)
from commcare_frames.read.progress import ProgressLine
from commcare_frames.tables.exact import parse_as_python

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.tables.det.query import Source

UCR = "ucr"

SOURCES: dict[str, Resource] = {
    "form": FORM,
    "case": CASE_V1,
    "user": USERS,
    "web-user": WEB_USERS,
    "location": LOCATIONS_V1,
    "application": APPLICATIONS,
    "messaging-event": MESSAGING_EVENTS,
    UCR: DATA_SOURCE_ROWS,
}
"""What commcare-export calls the resources."""


def records_of(domain: Domain, source: Source, progress: bool | None) -> Iterator[tuple[Hashable, dict[str, Any]]]:
    """Go through the records of a source.

    Parameters
    ----------
    domain
        Whose.
    source
        Which, and with what in them.
    progress
        As the caller said.

    Yields
    ------
    tuple
        What tells a record from others, and the record. One that changed meanwhile may come again.

    Warns
    -----
    DataWarning
        When HQ gave other records than it counted.
    """
    # commcare-export asks in the old scheme, whose addresses are part of the records.
    asked = SOURCES[source.name]
    resource = replace(asked, path=asked.old_path, has_v0_4=False)
    included = tuple((f"{name}__full", "true") for name in source.included)
    question = Question(resource, (*source.filters, *included))
    keys: set[Hashable] = set()
    totals: set[int] = set()
    line = ProgressLine(source.name, domain.client, show=progress, resumes=False)
    pieces = pull(domain.client, question, [Segment()], parse_as_python)
    with line, contextlib.closing(pieces):
        for piece in pieces:
            if piece.total is not None:
                if not totals and resource.largest_page:
                    line.expect(piece.total, resource.largest_page)
                totals.add(piece.total)
            line.advance(len(piece.value))
            for record in piece.value:
                # A document may have several rows in a data source, all with its id.
                key = (None if source.name == UCR else record.get(resource.key)) or (len(keys),)
                keys.add(key)
                yield key, record
    if resource.page_style is PageStyle.OFFSET and not totals <= {len(keys)}:
        warn(
            f"HQ counted {max(totals):,} records of the {resource.title} and gave {len(keys):,}: they are changing "
            "while they are read, page by page. Read them again later."
        )
