"""Turns one page of forms into one flat Arrow table, with nothing lost.

Answers outside repeats are columns of texts. What repeats (a list) and the case blocks are kept as JSON, in columns
that end with ``[]`` and ``{}``; `commcare_frames.tables.repeats` makes tables of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET

from commcare_frames.tables.exact import InvalidRecords
from commcare_frames.tables.flatten import NO_TIME, READ_AS, moments
from commcare_frames.tables.form_layout import ATTACHMENTS
from commcare_frames.tables.leaves import BLOCK, Columns, Leaves, in_pieces
from commcare_frames.tables.shapes import Alike, Shape, keys_of, put, sort_of, value_of

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator

    from commcare_frames.tables.form_layout import FormLayout
    from commcare_frames.tables.layout import Column, Path
    from commcare_frames.tables.leaves import Records, WriteJson

_META_MARKS = frozenset({"instanceID", "deviceID", "userID"})
_NOT_IN_METADATA = frozenset({"@xmlns"})
_ATTACHMENTS, _CASE_ID = ("attachments",), ("case_id",)
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
        self._shape = Shape(plain={_ATTACHMENTS}, removable={("metadata",), ("form", "meta")})

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
            columns = in_pieces(records, _taken_apart, self._shape)
        except RecursionError as error:
            raise InvalidRecords("These records are no forms: nested too deeply.") from error
        return self._assemble(columns)

    def _assemble(self, page: Columns) -> pa.Table:
        columns = dict(self._metadata(page))
        known = {column.path for column in self._layout.metadata}
        for path, texts in page.texts.items():
            if path not in known and not self._is_dropped(path) and texts.null_count < len(texts):
                columns[self._layout.name_at(path)] = texts
        for (path, ending), texts in page.json.items():
            columns[ATTACHMENTS if path == _ATTACHMENTS else self._layout.name_at(path) + ending] = texts
        return pa.table({name: columns[name] for name in self._layout.ordered(columns)})

    def _is_dropped(self, path: Path) -> bool:
        top = path[0] if len(path) == 1 else path[1] if path[0] in {"form", "metadata"} else ""
        return top in self._layout.dropped and len(path) <= len(("form", top))

    def _metadata(self, page: Columns) -> Iterator[tuple[str, pa.Array[Any]]]:
        nothing = pa.nulls(page.rows, pa.string())
        for column in self._layout.metadata:
            texts = page.texts.get(column.path)
            if column.when == "differ":
                self._domains.update(pc.unique(nothing if texts is None else texts).drop_null().to_pylist())
                if len(self._domains) > 1:
                    yield column.name, nothing if texts is None else texts
            elif texts is None and column.when == "always":
                yield from self._typed(column, nothing)
            elif texts is not None:
                yield from self._typed(column, texts)
        if page.texts.get(self._layout.metadata[0].path, nothing).null_count:
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


def _taken_apart(page: Records, to_json: WriteJson) -> Columns:
    leaves = Leaves(len(page), to_json)
    attachments = [value_of(record, "attachments") or {} for record in page]
    for record in page:
        put(record, "attachments", UNSET)
    _settle_metadata(page)
    leaves.add((), page, range(len(page)))
    columns = leaves.columns()
    columns.texts[_ATTACHMENTS] = pa.array(list(map(list, attachments)), READ_AS["texts"])
    columns.texts[_CASE_ID] = leaves.case_ids()
    if any(attachments):
        columns.json[_ATTACHMENTS, BLOCK] = leaves.written([each or None for each in attachments])
    return columns


def _settle_metadata(page: Records) -> None:
    """Leave of each form's ``meta`` what HQ's cleaned copy of it lacks."""
    rests: dict[tuple[Hashable, Hashable], Collection[str] | None] = {}  # by the keys of both, mostly the same
    for record in page:
        form = value_of(record, "form")
        meta = value_of(form, "meta") if isinstance(form, dict | Alike) else None
        if not isinstance(meta, dict | Alike):
            continue
        metadata = value_of(record, "metadata")
        if not isinstance(metadata, dict | Alike):
            metadata = meta
        sorts = sort_of(meta), sort_of(metadata)
        if sorts not in rests:
            rests[sorts] = _rest(keys_of(meta), keys_of(metadata))
        rest = rests[sorts]
        if rest is None:
            continue
        if metadata is meta:
            put(record, "metadata", meta)
        for key in list(keys_of(meta)) if rest else ():
            if key not in rest:
                put(meta, key, UNSET)
        if not rest:
            put(form, "meta", UNSET)


def _rest(meta: Collection[str], metadata: Collection[str]) -> Collection[str] | None:
    """Return what is in ``meta`` only; None where that is not what CommCare writes."""
    return None if _META_MARKS.isdisjoint(meta) else frozenset(meta) - frozenset(metadata) - _NOT_IN_METADATA


def _times(name: str, texts: pa.Array[Any]) -> Iterator[tuple[str, pa.Array[Any]]]:
    """Give texts as moments; a text that is none, as the clock of a phone may write, stays in a column of its own."""
    texts = pc.if_else(pc.is_in(texts, NO_TIME), None, texts)
    try:
        yield name, moments(texts)
    except pa.ArrowInvalid:
        values = [moment(text) for text in texts.to_pylist()]
        yield name, pa.array(values, _MOMENT)
        rest = [None if value else text for value, text in zip(values, texts.to_pylist(), strict=True)]
        if any(rest):
            yield f"metadata.{name}", pa.array(rest, pa.string())


def moment(text: str | None) -> datetime | None:
    """Return the moment that a text says, in UTC where it has no zone; None where it says none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
