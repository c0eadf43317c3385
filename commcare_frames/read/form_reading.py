"""What every reader of forms does: find the form in the applications, read its submissions, take them apart."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from commcare_frames.connection import resolve
from commcare_frames.errors import NotFoundError, QueryError, warn
from commcare_frames.hq.answers import parse_json
from commcare_frames.read.applications import DAY, structure
from commcare_frames.read.form_frames import FormFrames, Known, in_form_order, main_frame
from commcare_frames.read.form_queries import FormQuery
from commcare_frames.read.labels import Labeller
from commcare_frames.read.naming import find_app, resolve_form
from commcare_frames.read.progress import ProgressLine
from commcare_frames.read.reading import Cache, Reading, Request, to_age
from commcare_frames.read.single import check_form_id, fetch_form
from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.forms import FormFlattener
from commcare_frames.tables.structure import repeats, types

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    import pandas as pd

    from commcare_frames.connection import Domain
    from commcare_frames.hq.client import Answer
    from commcare_frames.read.form_frames import Label
    from commcare_frames.read.labels import LabelsAsked
    from commcare_frames.tables.dtypes import Dtypes
    from commcare_frames.tables.structure import Structure

NEVER_SUBMITTED = (
    "Nobody has submitted it, and no application of the domain has it. list_forms() shows the forms that there are."
)


@dataclass(frozen=True)
class Submissions:
    """Submissions, and what the applications say of their forms.

    Parameters
    ----------
    domain, query
        Whose, and which.
    structure
        The applications; None where they cannot be read.
    cache
        As in `read_forms`.
    reading
        The table that they are in; None where they were read by their ids.
    table
        The submissions, in the order of a frame.
    """

    domain: Domain
    query: FormQuery
    structure: Structure | None
    cache: Cache
    reading: Reading | None
    table: pa.Table

    @property
    def attributes(self) -> dict[str, Any]:
        """What every frame says of itself."""
        about = {"server": self.domain.server, "domain": self.domain.name, "kind": "forms", **self.query.asked}
        return {**about, "refreshed_at": self.reading.store.manifest.refreshed_at} if self.reading else about

    def dataset(self) -> ds.Dataset:
        """Return the submissions as a dataset, not loaded."""
        return self.reading.dataset() if self.reading else ds.dataset(self.table)

    def known(self, xmlns: str | None) -> Known:
        """Return what the applications say of a form."""
        form = self.structure.form(xmlns) if self.structure and xmlns else None
        return Known(repeats(form), types(form)) if form else Known()

    def frames(self, dtypes: Dtypes, labels: LabelsAsked = None) -> FormFrames:
        """Take submissions of one form apart."""
        xmlns = self.query.xmlns
        return FormFrames.of(self.table, self.known(xmlns), dtypes, self.attributes, self._label(xmlns, dtypes, labels))

    def _label(self, xmlns: str | None, dtypes: Dtypes, labels: LabelsAsked) -> Label | None:
        """Return what puts labels into the frames of a form."""
        labeller = Labeller.of(self.domain, labels, dtypes=dtypes, cache=self.cache, max_age=None, known=self.structure)
        form = labeller.known.form(xmlns) if labeller and xmlns else None
        if labeller is None or form is None:
            return None
        return lambda frame, texts, repeat: labeller.form(frame, texts, form, repeat)

    def merged(self, dtypes: Dtypes, columns: Sequence[str] | None, labels: LabelsAsked = None) -> pd.DataFrame:
        """Return the submissions of all forms as one frame: a column has a type if all forms agree on it."""
        if labels is not None and len(self.table["xmlns"].unique()) > 1:
            raise QueryError(
                "Labels are those of one form, as a choice may mean one thing here and another there: read one form at "
                "a time, or read_form_tables(labels=...), which has a table for each form."
            )
        forms = [frames for _, frames in self.by_form(dtypes, labels)] or [self.frames(dtypes)]
        if len(forms) == 1:
            return forms[0].main(columns)
        types: defaultdict[str, set[str]] = defaultdict(set)
        for frames in forms:
            for column, kind in frames.main_types.items():
                types[column].add(kind)
        agreed = {column: next(iter(kinds)) for column, kinds in types.items() if len(kinds) == 1}
        whole = in_order(pa.concat_tables([frames.main_table() for frames in forms], promote_options="default"))
        return main_frame(whole.select(in_form_order(whole)), agreed, dtypes, self.attributes, columns)

    def by_form(self, dtypes: Dtypes, labels: LabelsAsked = None) -> Iterator[tuple[str, FormFrames]]:
        """Give each form's submissions, by xmlns; ``""`` for those without."""
        names = pc.fill_null(self.table["xmlns"], "")
        for xmlns in sorted(names.unique().to_pylist()):
            submissions = self.table.filter(pc.equal(names, xmlns))
            used = [name for name in submissions.column_names if _is_used(submissions, name)]
            label = self._label(xmlns, dtypes, labels)
            yield xmlns, FormFrames.of(submissions.select(used), self.known(xmlns), dtypes, self.attributes, label)


def _is_used(table: pa.Table, name: str) -> bool:
    return FORM.path_of(name) is None or table[name].null_count < table.num_rows


def read_submissions(
    form: str | None,
    *,
    app: str | None = None,
    domain: str | Domain | None = None,
    case_id: str | None = None,
    since: object = None,
    until: object = None,
    include_archived: bool = False,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    scratch: Path | None = None,
) -> Submissions:
    """Read the submissions that a caller of `read_forms` asks for.

    Parameters
    ----------
    form, app, domain, case_id, since, until, include_archived, cache, max_age, progress
        As in `read_forms`.
    scratch
        A folder for a table that is not kept but too large for memory.

    Returns
    -------
    Submissions
        In the order of a frame.
    """
    place = resolve(domain)
    age = max(to_age(max_age) or DAY, DAY)  # a caller who asks for fresh forms does not ask for fresh applications
    applications = structure(place, cache=cache, max_age=age)
    query = form_query(
        applications, form, app, case_id=case_id, since=since, until=until, include_archived=include_archived
    )
    request = Request(place, query.question, FORM, "forms", query.whole, query.asked)
    reading = Reading.of(
        request,
        cache=cache,
        max_age=max_age,
        progress=progress,
        connections=1,
        scratch=scratch,
        is_for_frame=True,
    )
    table = in_order(reading.table())
    if not table.num_rows:
        _refuse_unknown(query, applications, reading, cache)
    newest = _versions(table)
    if applications and newest:
        applications = structure(place, cache=cache, max_age=age, newer_than=newest)
    return Submissions(place, query, applications, cache, reading, table)


def read_by_ids(
    form_ids: Sequence[str], domain: str | Domain | None, progress: bool | None, *, cache: Cache = True
) -> Submissions:
    """Read submissions by their ids, one request each: HQ has no way to ask for several."""
    if cache == "offline":
        raise QueryError("Forms are read by id from HQ only; offline, read the form and pick rows from it.")
    place = resolve(domain)
    bodies: list[bytes] = []
    missing: list[str] = []
    unique = [check_form_id(form_id) for form_id in dict.fromkeys(form_ids)]
    with ProgressLine("forms", place.client, show=progress, resumes=False) as line:
        line.expect(len(unique), 1)
        for form_id in unique:
            try:
                bodies.append(fetch_form(place, form_id, _sound, explain=False))
            except NotFoundError:
                missing.append(form_id)
            line.advance(1)
    if missing:
        warn(f"HQ has no form with {len(missing):,} of the form ids: {', '.join(missing)}.")
    table = FormFlattener(FORM).table(b"[" + b",".join(bodies) + b"]")
    return Submissions(place, FormQuery(), structure(place, cache=cache), cache, None, in_order(table))


def _sound(answer: Answer) -> bytes:
    parse_json(answer.body)
    return answer.body


def in_order(table: pa.Table) -> pa.Table:
    """Return submissions ordered by when HQ received them, then by id."""
    return table.sort_by([("received_on", "ascending"), ("form_id", "ascending")])


def form_query(
    applications: Structure | None,
    form: str | None,
    app: str | None,
    **asked: Any,  # noqa: ANN401 - as FormQuery's
) -> FormQuery:
    """Return which submissions a caller of `read_forms` means, by the names that the applications have."""
    app_id = None
    if app is not None:
        app_id = find_app(applications, app).app_id if applications else app
    if form is None:
        return FormQuery(app_id=app_id, **asked)
    if applications is None:
        if "://" not in form:
            raise QueryError(
                f"Which form {form!r} is cannot be told, as the applications could not be read. Give its xmlns, such "
                "as 'http://openrosa.org/formdesigner/...'."
            )
        return FormQuery(form, None, app_id, **asked)
    if "://" in form and applications.form(form) is None:
        return FormQuery(form, None, app_id, **asked)
    found = resolve_form(applications, form)
    return FormQuery(found.xmlns, applications.text(found.names), app_id, **asked)


def _refuse_unknown(query: FormQuery, applications: Structure | None, reading: Reading, cache: Cache) -> None:
    """Raise for an xmlns that nobody knows."""
    if query.xmlns is None or query.whole is None or cache == "offline":
        return
    if applications and applications.form(query.xmlns) is None and not reading.store.manifest.parts:
        reading.forget()
        raise NotFoundError(f"There is no form with xmlns {query.xmlns!r}. {NEVER_SUBMITTED}")


def _versions(table: pa.Table) -> dict[str, int]:
    """Return the latest version of each application that submissions were made with."""
    pairs = table.select(["app_id", "app_build_version"]).group_by(["app_id", "app_build_version"]).aggregate([])
    newest: dict[str, int] = {}
    for app_id, version in zip(pairs["app_id"].to_pylist(), pairs["app_build_version"].to_pylist(), strict=True):
        if app_id and version and version.isdecimal():
            newest[app_id] = max(newest.get(app_id, 0), int(version))
    return newest
