"""Short lists that are read whole: case types, domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from commcare_frames.hq.answers import parse_json
from commcare_frames.hq.pull import Question, Segment, pull

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commcare_frames.connection import Domain
    from commcare_frames.hq.resource import Resource, Wire


def read_list(domain: Domain, resource: Resource, names: Mapping[str, str], wire: Wire) -> pd.DataFrame:
    """Read a resource whole.

    Parameters
    ----------
    domain
        Whose.
    resource
        What.
    names
        HQ's field names and the columns they become.
    wire
        The format that HQ is asked to send.

    Returns
    -------
    DataFrame
        The columns as text, ordered by the first.
    """
    pieces = pull(domain.client, Question(resource, wire=wire), [Segment()], parse_json)
    records = [record for piece in pieces for record in piece.value]
    columns = {
        column: pd.Series([record.get(field) for record in records], dtype="str") for field, column in names.items()
    }
    return pd.DataFrame(columns).sort_values(next(iter(columns)), ignore_index=True)
