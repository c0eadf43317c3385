"""Keeps the forms of a domain, and lets tests and benchmarks change them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.attachments import FORM_XML, described_xml
from commcare_frames.sandbox.form_record import Form, FormRecord, with_defaults
from commcare_frames.sandbox.search_index import SearchIndex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.search_index import Lag

EDITOR = uuid.uuid5(uuid.NAMESPACE_DNS, "editor").hex
"""Id of the web user who edits forms."""


class FormIndex(SearchIndex[FormRecord]):
    """The forms of one domain, and what changes them."""

    def __init__(self, domain: str, forms: Iterable[Form], clock: Clock, lag: Lag) -> None:
        super().__init__((FormRecord(form) for form in forms), clock, lag)
        self._domain = domain

    def submit(self, form: Form) -> str:
        """Receive a form and return its id.

        Parameters
        ----------
        form
            HQ's JSON; all but the answers, under ``form``, may be left out, and what is given is served as it is.
        """
        with self._lock:
            record = FormRecord(with_defaults(form, self._domain, str(uuid.uuid4()), self._clock.stamp()))
            self._write(record)
            return record.form_id

    def edit(self, form_id: str, **answers: Any) -> None:  # noqa: ANN401  to answer what no HQ would
        """Correct answers of a form, as a person at HQ does: it keeps its id and when it was received."""
        with self._lock:
            stamp = self._clock.stamp()
            form = self._database[form_id].content()
            form |= {"form": {**form["form"], **answers}, "edited_on": stamp, "edited_by_user_id": EDITOR}
            if form["metadata"]:
                form["metadata"]["deprecatedID"] = uuid.uuid4().hex
            if FORM_XML in form["attachments"]:
                form["attachments"][FORM_XML] |= described_xml(form)
            self._modify(form, stamp)

    def archive(self, form_ids: Iterable[str]) -> None:
        """Archive forms: lists leave them out unless they are asked for."""
        self._archive(form_ids, archived=True)

    def unarchive(self, form_ids: Iterable[str]) -> None:
        """Bring archived forms back."""
        self._archive(form_ids, archived=False)

    def count(self, xmlns: str | None = None, *, include_archived: bool = False) -> int:
        """Return how many forms (of an xmlns) the search index shows."""
        shown = self.select(() if xmlns is None else (xmlns,))
        return sum(include_archived or not record.archived for record in shown)

    def ids(self, xmlns: str | None = None, *, include_archived: bool = False) -> list[str]:
        """Return the ids of forms (of an xmlns) that the search index shows and that still exist."""
        shown = self._shown_and_stored(xmlns)
        return [record.form_id for record in shown if include_archived or not record.archived]

    def _archive(self, form_ids: Iterable[str], *, archived: bool) -> None:
        with self._lock:
            stamp = self._clock.stamp()
            for form_id in form_ids:
                self._modify({**self._database[form_id].content(), "archived": archived}, stamp)

    def _modify(self, form: Form, stamp: str) -> None:
        self._write(FormRecord({**form, "server_modified_on": stamp, "indexed_on": stamp}))
