"""Lets other processes change the sandbox's data and switch its faults on; HQ has nothing of the kind."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.messages import Request, Response, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.sandbox.index import CaseIndex

PREFIX = "/_sandbox/"

STRIKES = (
    "status", "reset", "cut_short", "invalid_json", "web_page", "login_page", "redirect", "slow_first_byte",
    "throttle", "clear",
)  # fmt: skip


def serve(request: Request) -> Response:
    """Answer ``POST /_sandbox/<action>`` with a JSON object, and ``GET /_sandbox/log``."""
    action = request.path.removeprefix(PREFIX).strip("/")
    try:
        asked = json.loads(request.body or b"{}")
        if action == "log":
            return _log(request)
        if action == "faults":
            return _faults(request, asked)
        if action in _CHANGES and request.method == "POST":
            cases = request.hq.domains[asked.pop("domain")].cases
            return answer(_CHANGES[action](cases, asked))
    except (KeyError, TypeError, ValueError) as bad:
        return answer({"error": f"{type(bad).__name__}: {bad}"}, 400)
    return answer({"error": f"The sandbox has no {request.method} {action!r}."}, 404)


def _log(request: Request) -> Response:
    log = list(request.hq.log)
    if request.method == "DELETE":
        request.hq.log.clear()
    return answer([asdict(asked) for asked in log])


def _faults(request: Request, asked: dict[str, Any]) -> Response:
    """Call each fault named with its arguments, or set the condition named to a value."""
    faults = request.hq.faults
    conditions = {setting.name for setting in fields(faults)} - {"limits"}
    for name, value in asked.items():
        if name in STRIKES:
            getattr(faults, name)(**value)
        elif name in conditions:
            setattr(faults, name, value)
        else:
            raise ValueError(f"no fault is called {name!r}")
    return answer({"faults": sorted(asked)})


def _reindex(cases: CaseIndex, asked: dict[str, Any]) -> dict[str, Any]:
    case_ids = _chosen(cases, **asked)
    cases.reindex(case_ids)
    return {"case_ids": case_ids}


def _delete(cases: CaseIndex, asked: dict[str, Any]) -> dict[str, Any]:
    case_ids = _chosen(cases, **asked)
    cases.delete(case_ids)
    return {"case_ids": case_ids}


def _update(cases: CaseIndex, asked: dict[str, Any]) -> dict[str, Any]:
    properties = asked.pop("properties")
    case_ids = _chosen(cases, **asked)
    for case_id in case_ids:
        cases.update(case_id, **properties)
    return {"case_ids": case_ids}


def _chosen(
    cases: CaseIndex,
    *,
    case_ids: list[str] | None = None,
    case_type: str | None = None,
    count: int = 0,
) -> list[str]:
    """Return the cases named, or `count` of a type spread evenly over its order."""
    if case_ids is not None:
        return case_ids
    everything = cases.case_ids(case_type)
    return [everything[place * len(everything) // count] for place in range(min(count, len(everything)))]


_CHANGES: dict[str, Callable[[CaseIndex, dict[str, Any]], dict[str, Any]]] = {
    "reindex": _reindex,
    "delete": _delete,
    "update": _update,
}
