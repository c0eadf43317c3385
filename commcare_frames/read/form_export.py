"""Prepares forms for a file: the table of submissions or of a repeat, a piece at a time on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from commcare_frames.cache.disk import explained, make_private
from commcare_frames.read.exporting import About, Rows, batches_of
from commcare_frames.read.form_frames import FormFrames, in_form_order, resolve_repeat
from commcare_frames.read.questions import read_questions
from commcare_frames.tables.answers import POSITION, Misfits, fitted
from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.layout import Layout
from commcare_frames.tables.leaves import LIST
from commcare_frames.tables.repeats import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from commcare_frames.read.form_frames import Known
    from commcare_frames.read.form_reading import Submissions
    from commcare_frames.tables.dtypes import Dtypes, Kind


@dataclass(frozen=True)
class EntryLayout(Layout):
    """How the entries of a repeat are laid out: their keys, then answers, in the order of the form."""

    def is_value(self, column: str) -> bool:
        """Tell whether `column` holds answers."""
        return column != self.id_column

    def ordered(self, columns: Iterable[str]) -> list[str]:
        """Return `columns` as they come."""
        return list(columns)


ENTRIES = EntryLayout(name="entries", metadata=FORM.metadata[:1])


@dataclass(frozen=True)
class FormRows:
    """Submissions, or the entries of a repeat, on their way to a file.

    Parameters
    ----------
    found
        The submissions.
    repeat
        Path of the repeat; None for the submissions.
    dtypes
        As in `read_forms`.
    """

    found: Submissions
    repeat: str | None
    dtypes: Dtypes

    def on_disk(self, folder: Path, columns: Sequence[str] | None) -> tuple[Rows, Misfits]:
        """Write the table to a folder piece by piece, and return its rows and what did not fit its question."""
        source = self.found.dataset()
        known = self._known(source.schema.names)
        path = resolve_repeat(self.repeat, sorted(known.repeats)) if self.repeat is not None else None
        misfits = Misfits([FORM.id_column])
        kinds: dict[str, Kind] = {}
        schemas: list[pa.Schema] = []
        files: list[str] = []
        kept = {column.name for column in FORM.metadata if column.when == "always"}
        with explained(folder):
            make_private(folder)
            for number, batch in enumerate(batches_of(source)):
                frames = FormFrames(tables_of(batch, known.repeats), known, self.dtypes, {})
                table, types = frames.repeat_table(path) if path else (frames.main_table(), frames.main_types)
                if self.dtypes != "string":
                    table, fits = fitted(table, self.dtypes, types, misfits)
                    kinds |= fits
                kept |= {*types, *(f"{name}.{part}" for name in types for part in POSITION)}
                kept |= {name for name in table.column_names if table[name].null_count < max(table.num_rows, 1)}
                schemas.append(table.schema)
                files.append(str(folder / f"{number:06}.parquet"))
                pq.write_table(table, files[-1])
        schema = pa.unify_schemas(schemas, promote_options="permissive")
        order = in_form_order(schema.empty_table(), schemas[0].names) if path is None else schema.names
        wanted = [name for name in order if name in kept] if columns is None else columns
        pinned = {} if isinstance(self.dtypes, str) else dict(self.dtypes)
        fits = {name: kind for name, kind in kinds.items() if name in wanted}
        dtypes: Any = "string" if self.dtypes == "string" else {**fits, **pinned}
        dataset = ds.dataset(files, schema=schema, format="parquet")
        return Rows.planned(dataset, FORM if path is None else ENTRIES, dtypes, wanted), misfits

    def _known(self, columns: Sequence[str]) -> Known:
        """Return what is known of the form, and of what repeats in any submission."""
        known = self.found.known(self.found.query.xmlns)
        lists = {FORM.path_of(name) for name in columns if name.endswith(LIST)}
        return known.with_repeats({path for path in lists if path})

    def about(self, title: str, *, label_row: bool) -> About:
        """Return what the codebook says of the columns."""
        if self.found.structure is None or self.found.query.xmlns is None:
            return About(title)
        codebook = read_questions(
            form=self.found.query.xmlns, domain=self.found.domain, cache="offline" if self.found.cache else False
        ).drop_duplicates("path")
        book = pa.Table.from_pandas(codebook, preserve_index=False).replace_schema_metadata(None)
        fields: dict[str, dict[str, str]] = {}
        for question in book.to_pylist():
            if question["column"] is not None and question["repeat"] == self._here:
                said = {name: question[name] for name in ("label", "path", "choices") if question[name] is not None}
                for column in (question["column"], *(f"{question['column']}.{part}" for part in POSITION)):
                    fields[column] = said
        return About(title, fields, book, label_row)

    @property
    def _here(self) -> str | None:
        """The repeat as the codebook names it."""
        if self.repeat is None:
            return None
        known = self.found.known(self.found.query.xmlns)
        return "/".join(["", "data", *resolve_repeat(self.repeat, sorted(known.repeats))])
