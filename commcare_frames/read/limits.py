"""What is known of a domain's request budget, and what this process has used of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import QueryError
from commcare_frames.hq.usage import WINDOWS, usage_of

if TYPE_CHECKING:
    from commcare_frames.hq.usage import Usage, Window


@checked
def limits(*, mobile_workers: int | None = None, domain: str | Domain | None = None) -> pd.DataFrame:
    """Say what this process has used of a domain's requests, and what HQ's rule allows.

    HQ never says what a domain has left. Its limit is shared by all users and tools of the domain, and it depends on
    the number of mobile workers, which HQ does not tell either: pass it, to have the rule worked out.

    Parameters
    ----------
    mobile_workers
        How many active mobile workers the domain has, or its subscription includes: the larger number counts.
    domain
        A domain's name or a `Domain`; by default the last one connected.

    Returns
    -------
    DataFrame
        One row for each ``window``: the last second, minute, hour and day (str). ``requests`` of this process, which
        HQ counts; ``uncounted`` ones, which HQ answers without counting them, such as `list_case_types`, and what it
        refused; ``refused`` ones among them, because the limit was reached (Int64); ``longest_wait``, the most seconds
        that HQ asked to wait then, where it said so (Float64). Then the rule: ``base``, which every domain may make in
        that time, and ``per_worker`` for each mobile worker (Float64); ``allowed`` in all, where `mobile_workers` is
        given (Int64). A request has to be within the limits of all windows.

    Raises
    ------
    QueryError
        When `mobile_workers` is no number of people.

    Notes
    -----
    Asks nothing. What other processes, computers and people use is not known here.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.limits(mobile_workers=5)[["window", "base", "allowed"]].values.tolist()
    [['second', 1.0, 2], ['minute', 10.0, 25], ['hour', 30.0, 682], ['day', 50.0, 5050]]
    """
    if mobile_workers is not None and mobile_workers < 0:
        raise QueryError(f"mobile_workers={mobile_workers!r} is no number of people.")
    asked = resolve(domain)
    usage = usage_of(asked.server, asked.name)
    frame = pd.DataFrame([_row(usage, window) for window in WINDOWS]).astype(_KINDS)
    if mobile_workers is not None:
        frame["allowed"] = pd.array([window.allowed(mobile_workers) for window in WINDOWS], dtype="Int64")
    frame.attrs["commcare"] = {"server": asked.server, "domain": asked.name}
    return frame


_KINDS = {
    "window": "str",
    **dict.fromkeys(("requests", "uncounted", "refused"), "Int64"),
    **dict.fromkeys(("longest_wait", "base", "per_worker"), "Float64"),
}


def _row(usage: Usage, window: Window) -> dict[str, object]:
    refusals = usage.refusals(window.seconds)
    waits = [refusal.retry_after for refusal in refusals if refusal.retry_after is not None]
    return {
        "window": window.name,
        "requests": usage.requests(window.seconds, counted=True),
        "uncounted": usage.requests(window.seconds, counted=False),
        "refused": len(refusals),
        "longest_wait": max(waits, default=None),
        "base": window.base,
        "per_worker": round(window.per_worker, 4),
    }
