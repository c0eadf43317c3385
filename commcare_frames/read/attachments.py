"""The files that belong to submissions: photos, recordings, signatures, documents."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from commcare_frames.arguments import checked
from commcare_frames.connection import resolve
from commcare_frames.errors import ExportError, QueryError, did_you_mean, warn
from commcare_frames.read.file_names import safe_names
from commcare_frames.read.form_downloads import File, fetch_files
from commcare_frames.read.form_reading import Submissions, read_by_ids, read_submissions
from commcare_frames.tables.attached import FORM_XML, attached_files, question_name
from commcare_frames.tables.dtypes import to_frame
from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.structure import UNASKED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from os import PathLike

    from commcare_frames.connection import Domain
    from commcare_frames.read.reading import Cache

_COLUMNS = ("form_id", "question", "name", "content_type", "length", "path", "state")
_NAMED = 5
"""Files that a warning names."""


@checked
def download_attachments(
    forms: pd.DataFrame | Sequence[str],
    folder: str | PathLike[str],
    *,
    questions: Sequence[str] | None = None,
    form_xml: bool = False,
    domain: str | Domain | None = None,
    cache: Cache = True,
    max_age: str | timedelta | None = None,
    progress: bool | None = None,
    connections: int = 4,
) -> pd.DataFrame:
    """Download the files that belong to submissions, such as photos, into a folder.

    A file is written under its name once all of it is there. So a download that broke off goes on where it was when
    the same call is made again: what is there already, with the right length, is not fetched.

    Parameters
    ----------
    forms
        Submissions: a frame of `read_forms` or `read_repeats`, or some of its rows; or their form ids.
    folder
        Where to put the files: ``<folder>/<form_id>/<name>``. It is made where it does not exist. A name that not
        every computer takes is changed a little.
    questions
        Only the files that answer these questions, by the names of their columns; in a repeat, by their whole path,
        such as ``"children.photo"``.
    form_xml
        Download ``form.xml`` as well, which is the submission itself as the phone sent it.
    domain
        A domain's name or a `Domain`; by default that of the frame, or else the last one connected.
    cache, max_age
        How the submissions of a frame are looked up again, for the names and lengths of their files; as in
        `read_forms`.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.
    connections
        How many files to fetch side by side.

    Returns
    -------
    DataFrame
        One row per file: ``form_id``, ``question`` (missing for a file that no answer names), ``name`` (on HQ),
        ``content_type`` (str), ``length`` (bytes, Int64), ``path`` (str; missing where there is no file), and
        ``state``: ``"downloaded"``, ``"present"`` (it was there), ``"missing"`` (HQ does not have it) or ``"failed"``.
        Rows are in the order of the submissions, then by name.

    Raises
    ------
    QueryError
        When a question is none of the forms', or the frame is of another server.
    ExportError
        When the folder cannot be written, or the files are larger than the space that is free.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing; the files that have arrived stay.

    Warns
    -----
    DataWarning
        When HQ does not have a file, or kept failing at one.

    Notes
    -----
    Asks ``/a/{domain}/api/form_attachment/v1/{form_id}/{name}`` (permission "Edit Data"), one request for each file,
    which HQ does not count against the domain's requests; for form ids, or a frame that has lost its ``attrs``, also
    ``form/v1/`` once for each. The files of a case are those of the forms that it got them from.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> mothers = ccf.read_forms("Register mother", since="2025-01-01")
    >>> photos = ccf.download_attachments(mothers, folder, questions=["photo"])
    >>> photos["state"].unique().tolist()
    ['downloaded']
    >>> paths = photos.set_index("form_id")["path"]
    >>> with_paths = mothers.assign(photo_path=mothers["form_id"].map(paths))
    """
    if connections < 1:
        raise QueryError(f"connections={connections} is too few: one at least is needed.")
    place, found = _submissions(forms, domain, cache=cache, max_age=max_age, progress=progress)
    root = Path(folder)
    files = [file for file in _places(_attached(found), root) if form_xml or file.name != FORM_XML]
    if questions is not None:
        files = _answering(files, questions, found)
    _refuse_too_much(files, root)
    fetch_files(place.client, files, connections=connections, progress=progress)
    _tell(files)
    frame = _frame(files)
    frame.attrs["commcare"] = {"server": place.server, "domain": place.name, "kind": "attachments", "rows": len(frame)}
    return frame


def _submissions(
    forms: pd.DataFrame | Sequence[str],
    domain: str | Domain | None,
    *,
    cache: Cache,
    max_age: str | timedelta | None,
    progress: bool | None,
) -> tuple[Domain, list[Submissions]]:
    """Return the submissions that a caller means, with what the applications say of them."""
    if cache == "offline":
        raise QueryError("Files are downloaded from HQ only: cache='offline' has no meaning here.")
    about: Mapping[str, Any] = {}
    if isinstance(forms, pd.DataFrame):
        if FORM.id_column not in forms.columns:
            raise QueryError("This frame has no column 'form_id': pass a frame of read_forms, or a list of form ids.")
        about = forms.attrs.get("commcare") or {}
        form_ids = list(dict.fromkeys(forms[FORM.id_column].dropna()))
    else:
        if isinstance(forms, str | Mapping):
            raise QueryError("forms is a frame of read_forms or a list of form ids: write forms=['...'].")
        form_ids = list(dict.fromkeys(forms))
    place = resolve(about.get("domain") if domain is None else domain)
    if about.get("server", place.server) != place.server or about.get("domain", place.name) != place.name:
        raise QueryError(
            f"This frame is of domain {about.get('domain')!r} at {about.get('server')}, and the connection is to "
            f"{place.name!r} at {place.server}. Pass the right one with domain=..."
        )
    known: list[Submissions] = []
    if about.get("kind") == "forms" and form_ids:
        again = read_submissions(
            about.get("xmlns"),
            app=about.get("app_id"),
            domain=place,
            **{name: about[name] for name in ("case_id", "since", "until", "include_archived") if name in about},
            cache=cache,
            max_age=max_age,
            progress=progress,
        )
        known = [_only(again, form_ids)]
    left = set(form_ids).difference(*(each.table[FORM.id_column].to_pylist() for each in known))
    if left or not known:
        known.append(read_by_ids([form_id for form_id in form_ids if form_id in left], place, progress))
    return place, known


def _only(found: Submissions, form_ids: Sequence[str]) -> Submissions:
    wanted = pc.is_in(found.table[FORM.id_column], pa.array(form_ids, pa.string()))
    return Submissions(found.domain, found.query, found.structure, found.cache, None, found.table.filter(wanted))


def _attached(found: Sequence[Submissions]) -> pa.Table:
    """Return the files of submissions, ordered as those and then by name."""
    tables = [_NO_FILES]
    for submissions in found:
        names = pc.fill_null(submissions.table["xmlns"], "")
        for xmlns in names.unique().to_pylist():
            known, of_form = submissions.known(xmlns), submissions.table.filter(pc.equal(names, xmlns))
            files = attached_files(of_form, known.repeats, known.types)
            received = of_form.select([FORM.id_column, "received_on"])
            tables.append(files.join(received, FORM.id_column))
    whole = pa.concat_tables(tables, promote_options="default")
    return whole.sort_by([(name, "ascending") for name in ("received_on", FORM.id_column, "name")])


def _answering(files: Sequence[File], questions: Sequence[str], found: Sequence[Submissions]) -> list[File]:
    """Return the files that answer the named questions."""
    asked = {file.question for file in files if file.question is not None}
    for submissions in found:
        for xmlns in submissions.table["xmlns"].unique().to_pylist():
            known = submissions.known(xmlns)
            asked |= {question_name(path, known.repeats) for path, kind in known.types.items() if kind not in UNASKED}
    for name in questions:
        if files and name not in asked:
            raise QueryError(f"None of these forms has a question {name!r}.{did_you_mean(name, asked)}")
    return [file for file in files if file.question in set(questions)]


_NO_FILES = pa.schema(
    [
        *((name, pa.string()) for name in ("form_id", "question", "name", "content_type")),
        ("length", pa.int64()),
        ("url", pa.string()),
        ("received_on", pa.timestamp("us", "UTC")),
    ]
).empty_table()


def _places(table: pa.Table, root: Path) -> Iterator[File]:
    """Say where each file goes; the names within a form are made together, so that none is another's."""
    rows = table.to_pylist()
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row["form_id"], []).append(row["name"])
    folders = safe_names(names)
    files = {form_id: safe_names(of_form) for form_id, of_form in names.items()}
    for row in rows:
        form_id, name = row["form_id"], row["name"]
        path = root / folders[form_id] / files[form_id][name]
        yield File(form_id, row["question"], name, path, row["content_type"], row["length"])


def _refuse_too_much(files: Sequence[File], root: Path) -> None:
    """Raise where the files that are to come cannot fit, before the first one is fetched."""
    needed = sum(file.length or 0 for file in files if not file.is_there)
    around = next((each for each in (root, *root.absolute().parents) if each.is_dir()), None)
    free = shutil.disk_usage(around).free if around else needed
    if needed > free:
        raise ExportError(
            f"The files need {needed / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free at {root}. Make room, name a "
            "folder elsewhere, or choose fewer files with questions= or fewer rows."
        )


def _tell(files: Sequence[File]) -> None:
    """Warn of the files that are not there."""
    states: Counter[str] = Counter(file.state for file in files)
    for state, what in (("missing", "HQ does not have"), ("failed", "HQ kept failing at")):
        if states[state]:
            these = [f"{file.name} of form {file.form_id}" for file in files if file.state == state]
            more = f", and {len(these) - _NAMED:,} more" if len(these) > _NAMED else ""
            again = " The same call tries them again." if state == "failed" else ""
            warn(f"{what} {states[state]:,} of {len(files):,} files: {', '.join(these[:_NAMED])}{more}.{again}")


def _frame(files: Sequence[File]) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {
        "form_id": [file.form_id for file in files],
        "question": [file.question for file in files],
        "name": [file.name for file in files],
        "content_type": [file.content_type for file in files],
        "length": [file.length for file in files],
        "path": [str(file.path) if file.state in {"downloaded", "present"} else None for file in files],
        "state": [file.state for file in files],
    }
    kinds = {name: pa.int64() if name == "length" else pa.string() for name in _COLUMNS}
    return to_frame(pa.table({name: pa.array(columns[name], kinds[name]) for name in _COLUMNS}))
