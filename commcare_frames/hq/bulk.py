"""Fetches cases by id, as many at once as HQ takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commcare_frames.errors import ServerFailedError
from commcare_frames.hq.paging import read_page
from commcare_frames.hq.pull import SMALLEST_PAGE, TRIES_BEFORE_HALVING
from commcare_frames.hq.resources import CASE_V2_BULK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from commcare_frames.hq.client import Client


@dataclass(frozen=True)
class Fetched:
    """Cases fetched by id: the JSON text of their records, and the ids for which HQ has no case."""

    records: bytes
    missing: tuple[str, ...]


def fetch_cases(
    client: Client,
    ids: Sequence[str],
    *,
    kind: str = "case_ids",
    params: Sequence[tuple[str, str]] = (),
) -> Iterator[Fetched]:
    """Fetch cases by their ids.

    Parameters
    ----------
    client
        Who asks.
    ids
        Ids; repeated ones are asked once.
    kind
        ``"case_ids"`` or ``"external_ids"``.
    params
        Query parameters, such as `fields`.

    Yields
    ------
    Fetched
        One per request, in the order of the ids.
    """
    unique = list(dict.fromkeys(ids))
    size = CASE_V2_BULK.largest_page
    while unique:
        chunk = unique[:size]
        can_halve = len(chunk) > SMALLEST_PAGE
        try:
            # Not orjson, which rounds long numbers and refuses halves of emoji.
            records = client.ask(
                CASE_V2_BULK,
                params,
                body={kind: chunk},
                read=lambda answer: read_page(CASE_V2_BULK, params, answer).decoded(json.loads),
                attempts=TRIES_BEFORE_HALVING if can_halve else None,
            )
        except ServerFailedError:
            if not can_halve:
                raise
            size = len(chunk) // 2
            continue
        found = [record for record in records if "error" not in record]
        known = {record[kind.removesuffix("s")] for record in found}
        yield Fetched(json.dumps(found).encode(), tuple(one for one in chunk if one not in known))
        unique = unique[len(chunk) :]
