"""The history of a case: every form that touched it, and what each of them changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from commcare_frames.arguments import checked
from commcare_frames.connection import resolve
from commcare_frames.errors import NotFoundError, QueryError, warn
from commcare_frames.hq.answers import parse_json
from commcare_frames.hq.pull import Question, Segment, pull
from commcare_frames.hq.resources import FORM
from commcare_frames.read.progress import ProgressLine
from commcare_frames.read.single import get_case
from commcare_frames.tables.dtypes import to_frame
from commcare_frames.tables.forms import moment
from commcare_frames.tables.history import Change, Replay

if TYPE_CHECKING:
    import pandas as pd

    from commcare_frames.connection import Domain
    from commcare_frames.tables.exact import Record

_MOMENT = pa.timestamp("us", "UTC")
_SCHEMA = pa.schema(
    [
        ("form_id", pa.string()),
        ("form_name", pa.string()),
        ("xmlns", pa.string()),
        ("received_on", _MOMENT),
        ("modified_on", _MOMENT),
        ("username", pa.string()),
        ("user_id", pa.string()),
        ("path", pa.string()),
        ("action", pa.string()),
        ("property", pa.string()),
        ("before", pa.string()),
        ("after", pa.string()),
        ("changed", pa.bool_()),
        ("edited_on", _MOMENT),
    ]
)
_NAMED = 8
"""Columns that a warning names."""


@checked
def read_case_history(
    case_id: str,
    *,
    domain: str | Domain | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Read every form that touched a case, and what each of them wrote to it, value by value.

    At the end the values that the forms left behind are compared with the case as HQ has it now.

    Parameters
    ----------
    case_id
        The case's id.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    DataFrame
        One row per value that a form wrote: ``form_id``, ``form_name``, ``xmlns`` (str), ``received_on`` (by HQ),
        ``modified_on`` (by the phone's clock; datetime64[us, UTC]), ``username``, ``user_id`` (who changed it),
        ``path`` (where the case block stands in the form), ``action`` (``"create"``, ``"update"``, ``"index"`` for
        links, ``"attachment"``, ``"close"``; ``"touch"`` for a form that wrote nothing), ``property`` (the column
        that `read_cases` has the value in, ``case_name``, ``owner_id`` and ``indices.<name>.case_id`` included),
        ``before``, ``after`` (str, as HQ has them), ``changed`` (boolean: whether `after` differs from `before`) and
        ``edited_on`` (when the form was corrected on HQ). Rows are in the order in which HQ applies them: forms as they
        were received; those of one user that came within twelve hours by the clock of the phone.

    Raises
    ------
    NotFoundError
        When the domain has no such case, nor a form that touched it.
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Warns
    -----
    DataWarning
        When the case was deleted, or is not as its forms left it. Forms that were deleted, and changes that HQ made
        without a form, leave no trace here.

    Notes
    -----
    Asks ``/a/{domain}/api/form/v1/?case_id=`` (permission "Edit Data"), 1,000 forms a request, and
    ``/a/{domain}/api/case/v2/{case_id}`` once. Nothing is cached. A corrected form stands where it was first received,
    with its answers as they are now; archived forms are left out, as HQ takes back what they did.

    Examples
    --------
    Who changed a woman's haemoglobin, when, and in which form?

    >>> import commcare_frames as ccf
    >>> visits = ccf.read_forms("Visit")
    >>> history = ccf.read_case_history(visits["case_id"].value_counts().index[0])
    >>> hb = history.query("property == 'hb' and changed")
    >>> hb[["received_on", "form_name", "username", "before", "after"]]
                                received_on ... before after
    ...
    >>> bool((hb["after"].iloc[:-1].to_numpy() == hb["before"].iloc[1:].to_numpy()).all())
    True

    How the case was on a day: the last value of each property until then.

    >>> then = history[history["received_on"] < "2026-01-01"].groupby("property")["after"].last()
    """
    if not case_id:
        raise QueryError(f"{case_id!r} is no case id.")
    place = resolve(domain)
    forms = _forms(place, case_id, progress)
    replay = Replay.of(case_id, forms)
    _compare(place, case_id, replay)
    rows = [_row(change) for change in replay.changes]
    table = pa.table({name: [row[name] for row in rows] for name in _SCHEMA.names}, schema=_SCHEMA)
    frame = to_frame(table)
    about = {"server": place.server, "domain": place.name, "kind": "case history", "case_id": case_id}
    frame.attrs["commcare"] = {**about, "forms": len(forms), "rows": len(frame)}
    return frame


def _forms(domain: Domain, case_id: str, progress: bool | None) -> list[Record]:
    """Return the forms that touched a case, each once: one that is indexed anew meanwhile comes twice."""
    found: dict[str, Record] = {}
    with ProgressLine("case history", domain.client, show=progress, resumes=False) as line:
        for piece in pull(domain.client, Question(FORM, (("case_id", case_id),)), [Segment()], parse_json):
            if not found and piece.total:
                line.expect(piece.total, FORM.largest_page)
            found |= {form["id"]: form for form in piece.value}
            line.advance(len(piece.value))
    return list(found.values())


def _compare(domain: Domain, case_id: str, replay: Replay) -> None:
    """Warn where a case is not as its forms left it."""
    try:
        case = get_case(case_id, domain=domain)
    except NotFoundError:
        if not replay.changes:
            raise
        warn(f"Case {case_id} is no more: it was deleted, and its history is what the forms that HQ still has say.")
        return
    if not replay.changes:
        warn(f"No form that HQ gives out touched case {case_id}: they were archived or deleted, or HQ's index lags.")
        return
    different = replay.differences(case)
    if different:
        more = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
        warn(
            f"Case {case_id} is not as the forms that HQ gives out left it: {', '.join(different[:_NAMED])}{more} "
            "differ. A form was archived or deleted, something changed the case without a form, or the newest form "
            "is not in both of HQ's indexes yet."
        )


def _row(change: Change) -> dict[str, Any]:
    form, metadata = change.form, change.form.get("metadata") or {}
    answers = form.get("form") or {}
    return {
        "form_id": form["id"],
        "form_name": answers.get("@name"),
        "xmlns": answers.get("@xmlns"),
        "received_on": moment(form.get("received_on")),
        "modified_on": moment(change.block.get("@date_modified")),
        "username": metadata.get("username"),
        "user_id": change.block.get("@user_id") or metadata.get("userID"),
        "path": change.path,
        "action": change.action,
        "property": change.column,
        "before": _shown(change.before),
        "after": _shown(change.after),
        "changed": change.is_change,
        "edited_on": moment(form.get("edited_on")),
    }


def _shown(value: str | bool | None) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value
