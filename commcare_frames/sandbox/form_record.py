"""Holds one form as the index keeps it: what lists are filtered and ordered by, and its JSON ready to be sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.attachments import FORM_XML, described_xml
from commcare_frames.sandbox.dates import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from commcare_frames.sandbox.search_index import Position

Form = dict[str, Any]

_CLEANED = {"doc_type": "Metadata", "deprecatedID": None, "location": None, "geo_point": None}


class FormRecord:
    """One version of one form: its JSON, as a dictionary would take five times the memory."""

    __slots__ = (
        "_attachments",
        "_rest",
        "app_id",
        "archived",
        "case_ids",
        "form_id",
        "position",
        "received_on",
        "server_modified_on",
        "xmlns",
    )

    def __init__(self, form: Form) -> None:
        self.form_id: str = form["id"]
        self.xmlns: str = form["form"].get("@xmlns") or ""
        self.app_id: str | None = form["app_id"]
        self.archived: bool = form["archived"]
        self.case_ids = tuple(dict.fromkeys(case_ids(form["form"])))
        self.received_on = milliseconds(form["received_on"])
        self.server_modified_on = milliseconds(form["server_modified_on"])
        self.position: Position = (milliseconds(form["indexed_on"]), self.form_id)
        # apart, as the server's own address goes into them
        self._attachments = json.dumps(form["attachments"]).encode()
        self._rest = json.dumps({key: value for key, value in form.items() if key != "attachments"}).encode()

    @property
    def kind(self) -> str:
        """The xmlns."""
        return self.xmlns

    @property
    def attachments(self) -> dict[str, Form]:
        """What is attached, by name."""
        parsed: dict[str, Form] = json.loads(self._attachments)
        return parsed

    def served(self, address: Callable[[str], str], **more: bytes) -> bytes:
        """Return the form in the JSON of the form API.

        Parameters
        ----------
        address
            Gives the URL of an attachment, by its name, where the attachment itself does not name another server.
        more
            Further keys with values that are JSON already.
        """
        files = self.attachments
        for name, file in files.items():
            if not str(file.get("url", "")).startswith("http"):
                file["url"] = address(name)
        more["attachments"] = json.dumps(files).encode()
        return b"%b, %b}" % (self._rest[:-1], b", ".join(b'"%b": %b' % (key.encode(), more[key]) for key in more))

    def content(self) -> Form:
        """Return all that is known of the form."""
        parsed: Form = json.loads(self._rest)
        return {**parsed, "attachments": self.attachments}

    def indexed(self, stamp: str) -> FormRecord:
        """Return the form as it is when indexed again at that time."""
        return FormRecord({**self.content(), "indexed_on": stamp})


def case_ids(answers: Any) -> Iterator[str]:  # noqa: ANN401  any part of a form
    """Give the id of every case block, however deep."""
    if isinstance(answers, dict):
        for key, value in answers.items():
            if key == "case":
                yield from _block_ids(value)
            yield from case_ids(value)
    elif isinstance(answers, list):
        for value in answers:
            yield from case_ids(value)


def _block_ids(case: Any) -> Iterator[str]:  # noqa: ANN401  one case block or several
    for block in case if isinstance(case, list) else [case]:
        if isinstance(block, dict) and "@case_id" in block:
            yield block["@case_id"]


def with_defaults(form: Form, domain: str, form_id: str, now: str) -> Form:
    """Return a form with all keys, those missing as of a form that a phone sent just now.

    Parameters
    ----------
    form
        What of the form matters, in HQ's JSON.
    domain
        Name of the domain.
    form_id
        Id of a form that says none itself.
    now
        The time.
    """
    answers = form.get("form", {})
    meta = answers.get("meta")
    received = form.get("received_on", now)
    return {
        "id": (meta or {}).get("instanceID", form_id),
        "domain": domain,
        "type": answers.get("#type", ""),
        "version": answers.get("@version", ""),
        "uiversion": answers.get("@uiVersion", ""),
        "form": answers,
        "metadata": None if meta is None else cleaned(meta),
        "received_on": received,
        "server_modified_on": form.get("edited_on") or received,
        "indexed_on": now,
        "edited_on": None,
        "edited_by_user_id": None,
        "app_id": None,
        "build_id": None,
        "problem": None,
        "submit_ip": None,
        "initial_processing_complete": True,
        "archived": False,
        "is_phone_submission": True,
        "attachments": {FORM_XML: described_xml({"form": answers})},
        "resource_uri": "",
        **form,
    }


def cleaned(meta: Form) -> Form:
    """Return the metadata that HQ makes of a form's ``meta``."""
    kept = {
        key: value.get("#text", "") if isinstance(value, dict) and "#text" in value else value
        for key, value in meta.items()
        if key != "@xmlns"
    }
    times = {key: kept[key].removesuffix("Z") for key in ("timeStart", "timeEnd") if isinstance(kept.get(key), str)}
    return {**_CLEANED, **kept, **times}
