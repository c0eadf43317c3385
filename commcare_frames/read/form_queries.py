"""Translates what a caller asks of forms into HQ's query parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import FORM
from commcare_frames.read.times import span

ANY_FORM = "all forms"


@dataclass(frozen=True)
class FormQuery:
    """Which submissions a caller asks for.

    Parameters
    ----------
    xmlns, name
        The form, and what people call it; None for all forms.
    app_id
        The application whose submissions are meant.
    case_id, since, until, include_archived
        As in `read_forms`.
    """

    xmlns: str | None = None
    name: str | None = None
    app_id: str | None = None
    case_id: str | None = None
    since: object = None
    until: object = None
    include_archived: bool = False

    @property
    def whole(self) -> str | None:
        """Name of the whole table that is asked for; None for a filtered read.

        What never changes of a form, its xmlns and application, makes a table of its own, which can be topped up.
        """
        if self.case_id is not None or self.since is not None or self.until is not None:
            return None
        of_app = f" of app {self.app_id}" if self.app_id else ""
        return (self.xmlns or ANY_FORM) + of_app + (" with archived ones" if self.include_archived else "")

    @property
    def asked(self) -> dict[str, Any]:
        """What is asked, for people and for the frame's `attrs`."""
        said = {
            "xmlns": self.xmlns,
            "form": self.name,
            "app_id": self.app_id,
            "case_id": self.case_id,
            "since": None if self.since is None else str(self.since),
            "until": None if self.until is None else str(self.until),
            "include_archived": self.include_archived or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def question(self) -> Question:
        """What to ask HQ."""
        given = {"xmlns": self.xmlns, "app_id": self.app_id, "case_id": self.case_id}
        params = [(name, value) for name, value in given.items() if value is not None]
        if self.include_archived:
            params.append(("include_archived", "true"))
        params += [(f"received_on_{end}", time) for end, time in span(("start", "end"), self.since, self.until)]
        return Question(FORM, tuple(params))
