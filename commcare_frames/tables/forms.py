"""Turns one page of forms into one flat Arrow table, with nothing lost.

Answers outside repeats are columns of texts. What repeats (a list) and the case blocks are kept as JSON, in columns
that end with ``[]`` and ``{}``; `commcare_frames.tables.repeats` makes tables of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.tables.exact import InvalidRecords, Record
from commcare_frames.tables.flatten import NO_TIME, READ_AS, moments
from commcare_frames.tables.form_layout import ATTACHMENTS
from commcare_frames.tables.leaves import Leaves, quickly_or_exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from commcare_frames.tables.form_layout import FormLayout
    from commcare_frames.tables.layout import Column, Path

_META_MARKS = frozenset({"instanceID", "deviceID", "userID"})
_NOT_IN_METADATA = frozenset({"@xmlns"})
_MOMENT = pa.timestamp("us", "UTC")


class FormFlattener:
    """Turns the pages of one pull of forms into flat tables.

    Parameters
    ----------
    layout
        How forms are laid out.
    """

    def __init__(self, layout: FormLayout) -> None:
        self._layout = layout
        self._domains: set[str] = set()

    def table(self, records: bytes) -> pa.Table:
        """Return one page as a table: metadata typed, every answer as the text that HQ sent.

        Parameters
        ----------
        records
            The JSON array of the page's records.

        Returns
        -------
        pyarrow.Table
            One row per form, in the page's order.

        Raises
        ------
        InvalidRecords
            When the bytes are not a JSON array of forms.
        """
        try:
            leaves = quickly_or_exactly(records, self._taken_apart)
        except RecursionError as error:
            raise InvalidRecords("These records are no forms: nested too deeply.") from error
        return self._assemble(leaves)

    def _taken_apart(self, page: list[Record], to_json: Callable[[Any], bytes]) -> Leaves:
        leaves = Leaves(len(page), to_json)
        names: list[list[str]] = []
        details: list[bytes | None] = []
        for record in page:
            attachments = record.pop("attachments", None) or {}
            names.append(list(attachments))
            details.append(to_json(attachments) if attachments else None)
            _settle_metadata(record)
        leaves.add((), page, range(len(page)))
        self._names, self._details, self._count = names, details, len(page)
        return leaves

    def _assemble(self, leaves: Leaves) -> pa.Table:
        columns = dict(self._metadata(leaves))
        known = {column.path for column in self._layout.metadata}
        for path, texts in leaves.texts.items():
            if path not in known and not self._is_dropped(path) and any(text is not None for text in texts):
                columns[self._layout.name_at(path)] = pa.array(texts, pa.string())
        for (path, ending), values in leaves.json.items():
            columns[self._layout.name_at(path) + ending] = pa.array(values, pa.string())
        if any(self._details):
            columns[ATTACHMENTS] = pa.array(self._details, pa.string())
        return pa.table({name: columns[name] for name in self._layout.ordered(columns)})

    def _is_dropped(self, path: Path) -> bool:
        top = path[0] if len(path) == 1 else path[1] if path[0] in {"form", "metadata"} else ""
        return top in self._layout.dropped and len(path) <= len(("form", top))

    def _metadata(self, leaves: Leaves) -> Iterator[tuple[str, pa.Array[Any]]]:
        for column in self._layout.metadata:
            texts = leaves.texts.get(column.path)
            if column.name == "attachments":
                yield column.name, pa.array(self._names, READ_AS["texts"])
            elif column.name == "case_id":
                yield column.name, pa.array(list(self._case_ids(leaves)), pa.string())
            elif column.when == "differ":
                self._domains.update(text for text in texts or () if text is not None)
                if len(self._domains) > 1:
                    yield column.name, pa.array(texts, pa.string())
            elif texts is None and column.when == "always":
                yield from self._typed(column, pa.nulls(self._count, pa.string()))
            elif texts is not None:
                yield from self._typed(column, pa.array(texts, pa.string()))
        ids = leaves.texts.get(self._layout.metadata[0].path) or []
        if len(ids) - ids.count(None) != self._count:
            raise InvalidRecords("These records are no forms: one has no id.")

    def _typed(self, column: Column, texts: pa.Array[Any]) -> Iterator[tuple[str, pa.Array[Any]]]:
        if column.kind == "flag":
            try:
                yield column.name, texts.cast(pa.bool_())
            except pa.ArrowInvalid as error:
                raise InvalidRecords(f"{column.name} of a form is not true or false.") from error
        elif column.kind == "time":
            yield from _times(column.name, texts)
        else:
            yield column.name, texts

    def _case_ids(self, leaves: Leaves) -> Iterator[str | None]:
        """Give the case of a form's own case block, or else the only case that it names."""
        for row in range(self._count):
            cases = leaves.cases.get(row, {})
            yield leaves.own_case.get(row) or (next(iter(cases)) if len(cases) == 1 else None)


def _settle_metadata(record: Record) -> None:
    """Leave of a form's ``meta`` what HQ's cleaned copy of it lacks."""
    form = record.get("form")
    meta = form.get("meta") if isinstance(form, dict) else None
    if not isinstance(form, dict) or not isinstance(meta, dict) or not _META_MARKS & meta.keys():
        return
    metadata = record.get("metadata")
    if not isinstance(metadata, dict):
        metadata = record["metadata"] = meta
    rest = meta.keys() - metadata.keys() - _NOT_IN_METADATA
    if rest:
        form["meta"] = {key: value for key, value in meta.items() if key in rest}
    else:
        del form["meta"]


def _times(name: str, texts: pa.Array[Any]) -> Iterator[tuple[str, pa.Array[Any]]]:
    """Give texts as moments; a text that is none, as the clock of a phone may write, stays in a column of its own."""
    texts = pc.if_else(pc.is_in(texts, NO_TIME), None, texts)
    try:
        yield name, moments(texts)
    except pa.ArrowInvalid:
        values = [_moment(text) for text in texts.to_pylist()]
        yield name, pa.array(values, _MOMENT)
        rest = [None if value else text for value, text in zip(values, texts.to_pylist(), strict=True)]
        if any(rest):
            yield f"metadata.{name}", pa.array(rest, pa.string())


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
