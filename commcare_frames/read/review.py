"""Lists the values that are missing in a frame because they do not fit the type of their question."""

from __future__ import annotations

import itertools
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.errors import QueryError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEPT = 500
NAMED = 5

_numbers = itertools.count(1)
_found: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()


def remember(rows: Sequence[Mapping[str, Any]], attributes: Mapping[str, Any]) -> dict[str, str]:
    """Keep misfits for `review`, warn of them, and return what the frame has to say of itself.

    Frames keep a mark only, as pandas copies what they say of themselves often.
    """
    if not rows:
        return {}
    mark = f"review {next(_numbers)}"
    page = f"{attributes['server']}/a/{attributes['domain']}/reports/form_data"
    _found[mark] = [{**row, "link": f"{page}/{row['form_id']}/"} for row in rows]
    if len(_found) > KEPT:
        _found.popitem(last=False)
    warn(f"{_told(rows, 'frame')} review(frame) lists them; dtypes='string' keeps them as text.")
    return {"review": mark}


def warn_of_file(rows: Sequence[Mapping[str, Any]]) -> None:
    """Warn of what is missing in a file because it does not fit its question."""
    if rows:
        warn(f"{_told(rows, 'file')} dtypes='string' keeps them as text; review(read_forms(...)) lists them.")


def _told(rows: Sequence[Mapping[str, Any]], where: str) -> str:
    counts = Counter(row["column"] for row in rows).most_common()
    named = ", ".join(f"{column} ({count:,})" for column, count in counts[:NAMED])
    more = ", ..." if len(counts) > NAMED else ""
    return f"{len(rows):,} answers do not fit the type of their question and are missing in the {where}: {named}{more}."


@checked
def review(frame: pd.DataFrame) -> pd.DataFrame:
    """List the answers that are missing in a frame because they do not fit the type of their question.

    Parameters
    ----------
    frame
        A frame of `read_forms` or `read_repeats`, or a part of one.

    Returns
    -------
    DataFrame
        One row per answer: the keys of its row (``form_id``, and the numbers of its entries in a repeat), ``column``,
        ``value`` (str, as HQ sent it), ``expected`` (str) and ``link`` (str, the submission's page on HQ).

    Raises
    ------
    QueryError
        When the frame was read by another session, or is none of those.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> len(ccf.review(ccf.read_forms("Delivery")))
    0
    """
    about = frame.attrs.get("commcare")
    mark = (about or {}).get("review")
    if about is None or (mark and mark not in _found):
        raise QueryError(
            "This frame does not say which answers it lacks: it was read by another session, or not by read_forms or "
            "read_repeats. Read it again."
        )
    columns = ["form_id", "column", "value", "expected", "link"]
    rows = _found[mark] if mark else []
    listed = pd.DataFrame(rows, columns=None if rows else columns)
    keys = [name for name in listed.columns if name not in columns]
    return listed[["form_id", *keys, *columns[1:]]]
