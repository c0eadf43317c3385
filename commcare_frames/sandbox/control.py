"""Lets other processes change the sandbox's data and switch its faults on; HQ has nothing of the kind."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.messages import Request, Response, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.sandbox.domains import Domain

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
            return answer(_CHANGES[action](request.hq.domains[asked.pop("domain")], asked))
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


def _reindex(domain: Domain, asked: dict[str, Any]) -> dict[str, Any]:
    case_ids = _cases(domain, **asked)
    domain.cases.reindex(case_ids)
    return {"case_ids": case_ids}


def _delete(domain: Domain, asked: dict[str, Any]) -> dict[str, Any]:
    case_ids = _cases(domain, **asked)
    domain.cases.delete(case_ids)
    return {"case_ids": case_ids}


def _update(domain: Domain, asked: dict[str, Any]) -> dict[str, Any]:
    properties = asked.pop("properties")
    case_ids = _cases(domain, **asked)
    for case_id in case_ids:
        domain.cases.update(case_id, **properties)
    return {"case_ids": case_ids}


def _reindex_forms(domain: Domain, asked: dict[str, Any]) -> dict[str, Any]:
    form_ids = _forms(domain, **asked)
    domain.forms.reindex(form_ids)
    return {"form_ids": form_ids}


def _delete_forms(domain: Domain, asked: dict[str, Any]) -> dict[str, Any]:
    form_ids = _forms(domain, **asked)
    domain.forms.delete(form_ids)
    return {"form_ids": form_ids}


def _cases(
    domain: Domain, *, case_ids: list[str] | None = None, case_type: str | None = None, count: int = 0
) -> list[str]:
    """Return the cases named, or `count` of a type spread evenly over its order."""
    return _spread(domain.cases.case_ids(case_type), count) if case_ids is None else case_ids


def _forms(domain: Domain, *, form_ids: list[str] | None = None, xmlns: str | None = None, count: int = 0) -> list[str]:
    """Return the forms named, or `count` of an xmlns spread evenly over its order."""
    return _spread(domain.forms.ids(xmlns), count) if form_ids is None else form_ids


def _spread(ids: list[str], count: int) -> list[str]:
    count = min(count, len(ids))
    return [ids[place * len(ids) // count] for place in range(count)]


_CHANGES: dict[str, Callable[[Domain, dict[str, Any]], dict[str, Any]]] = {
    "reindex": _reindex,
    "delete": _delete,
    "update": _update,
    "forms/reindex": _reindex_forms,
    "forms/delete": _delete_forms,
}
