"""Labels in frames: what a caller may ask for, which choices a column has, and columns named by their questions."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.connection import Domain, resolve
from commcare_frames.errors import QueryError, did_you_mean, warn
from commcare_frames.read.applications import DAY, FOR_EVER, structure
from commcare_frames.read.form_frames import entry_keys
from commcare_frames.read.lookup_tables import lookup_options
from commcare_frames.read.reading import check_cache, to_age
from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.labels import Labelling, column_labels, labelled
from commcare_frames.tables.layout import CASE_V2
from commcare_frames.tables.paths import to_path
from commcare_frames.tables.repeats import COUNT, answer_name
from commcare_frames.tables.structure import REPEAT, Select, case_questions, repeats

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import timedelta

    import pandas as pd
    import pyarrow as pa

    from commcare_frames.read.reading import Cache
    from commcare_frames.tables.dtypes import Dtypes
    from commcare_frames.tables.layout import Path
    from commcare_frames.tables.structure import Form, Question, Structure

LabelsAsked = str | Mapping[str, str] | None
"""What a caller may ask for: a language, ``"both"``, or a mapping with ``lang``, ``show`` and ``multi``."""

_MAY_BE = {"show": ("label", "both"), "multi": ("list", "indicators")}


@checked
def label_columns(frame: pd.DataFrame, lang: str | None = None) -> pd.DataFrame:
    """Name the columns of a frame by the questions that they answer, for plots and reports.

    Parameters
    ----------
    frame
        What `read_cases`, `read_forms` or `read_repeats` returned, or a part of it.
    lang
        The language, such as ``"fr"``; by default the application's default language.

    Returns
    -------
    DataFrame
        The same data. A column that answers no question, or one without a text, keeps its name. Where two would have
        the same name, each is followed by the column's own in brackets.

    Raises
    ------
    QueryError
        When the frame does not say where it came from, as after some joins, or nothing is written in that language.
    CommCareError
        When the application's structure is not cached and cannot be read.

    Notes
    -----
    Asks nothing where the structure is cached, however old. A case property is named by the question of the same name
    in a form about that case type.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> patients = ccf.read_cases("patient", columns=["case_id", "blood_group", "weight_kg"])
    >>> ccf.label_columns(patients, "fr").columns.tolist()
    ['case_id', 'Groupe sanguin', 'Poids en kg']
    """
    about = frame.attrs.get("commcare", {})
    if "domain" not in about or not ({"case_type", "xmlns"} & about.keys()):
        raise QueryError(
            "This frame does not say which cases or forms it holds: label_columns takes frames of one case type or "
            "form as they were read. Joins and some other steps in pandas lose what frame.attrs says; "
            "name the columns before them."
        )
    domain = resolve(about["domain"])
    if domain.server != about["server"]:
        domain = Domain(about["domain"], about["server"])
    known = structure(domain, max_age=FOR_EVER, required=True)
    checked = _checked_lang(known, lang)
    if "case_type" in about:
        questions = case_columns(known, [about["case_type"]])
    else:
        form = known.form(about["xmlns"])
        questions = form_columns(form, to_path(about["repeat"]) if "repeat" in about else ()) if form else {}
    selects = {column: question.select for column, question in questions.items() if question.select}
    names = column_labels(frame.columns.tolist(), questions, selects, functools.partial(known.text, lang=checked))
    return frame.rename(columns=names)


@dataclass(frozen=True)
class Labeller:
    """Puts the labels that a caller wants into frames of one domain.

    Parameters
    ----------
    domain, known
        Whose cases or forms, and its applications.
    labelling
        How choices are shown.
    dtypes, cache
        As in `read_cases`.
    max_age
        How old the lookup tables may be.
    """

    domain: Domain
    known: Structure
    labelling: Labelling
    dtypes: Dtypes
    cache: Cache
    max_age: timedelta

    @classmethod
    def of(
        cls,
        domain: Domain,
        labels: LabelsAsked,
        *,
        dtypes: Dtypes,
        cache: Cache,
        max_age: str | timedelta | None,
        known: Structure | None = None,
    ) -> Labeller | None:
        """Check what a caller says of labels, and find out what the applications know.

        Parameters
        ----------
        domain, labels, dtypes, cache, max_age
            As in `read_cases`.
        known
            The applications, where the caller has them already.

        Returns
        -------
        Labeller or None
            None where no labels are wanted.

        Raises
        ------
        QueryError
            When `labels` is nothing that can be asked for, or nothing is written in that language.
        CommCareError
            When the applications are not cached and cannot be read.
        """
        if labels is None:
            return None
        labelling = _labelling(labels)
        check_cache(cache)
        # A frame that is fresh enough for the caller is to make no request for its labels either.
        age = max(to_age(max_age) or DAY, DAY)
        if known is None:
            known = structure(domain, cache=cache, max_age=age, required=True)
        checked = replace(labelling, lang=_checked_lang(known, labelling.lang))
        return cls(domain, known, checked, dtypes, cache, age)

    def cases(self, frame: pd.DataFrame, texts: pa.Table, case_type: str | None) -> pd.DataFrame:
        """Show the choices in a frame of cases by their labels; `texts` are the same rows as HQ sent them."""
        case_types = [case_type] if case_type is not None else sorted(self.known.case_properties())
        return self._show(frame, texts, case_columns(self.known, case_types, frame.columns))

    def form(self, frame: pd.DataFrame, texts: pa.Table, form: Form, repeat: Path = ()) -> pd.DataFrame:
        """Show the choices in a frame of a form, or of a repeat in it, by their labels."""
        return self._show(frame, texts, form_columns(form, repeat))

    def _show(self, frame: pd.DataFrame, texts: pa.Table, questions: Mapping[str, Question]) -> pd.DataFrame:
        selects = {
            column: select
            for column in frame.columns
            if (question := questions.get(column)) and (select := question.select) is not None
        }
        pinned = [column for column in selects if isinstance(self.dtypes, Mapping) and column in self.dtypes]
        if pinned and self.labelling.show == "label":
            raise QueryError(
                f"dtypes pins {', '.join(map(repr, pinned))}, which labels turns into labels. Leave out one of them, "
                "or pass labels='both' to have values and labels in columns of their own."
            )
        fetch = functools.cache(functools.partial(lookup_options, self.domain, cache=self.cache, max_age=self.max_age))
        whole = {
            column: functools.reduce(Select.__or__, (Select(fetch(each)) for each in questions[column].lookups), select)
            for column, select in selects.items()
        }
        text = functools.partial(self.known.text, lang=self.labelling.lang)
        return labelled(frame, texts, whole, self.labelling, text)


def _labelling(labels: str | Mapping[str, str]) -> Labelling:
    asked = labels if isinstance(labels, Mapping) else {"show": "both"} if labels == "both" else {"lang": labels}
    for name, value in asked.items():
        if name not in {"lang", *_MAY_BE}:
            raise QueryError(f"labels has no {name!r}, only lang, show and multi.{did_you_mean(name, _MAY_BE)}")
        if not isinstance(value, str) or not value:
            raise QueryError(f"labels={labels!r} is no language: write labels='en', or labels='both' for values too.")
        if value not in _MAY_BE.get(name, (value,)):
            raise QueryError(f"labels: {name} is {' or '.join(map(repr, _MAY_BE[name]))}, not {value!r}.")
    return Labelling(**asked)  # type: ignore[arg-type]


def _checked_lang(known: Structure, lang: str | None) -> str | None:
    if lang is not None and lang not in known.languages:
        raise QueryError(
            f"Nothing in the applications is written in {lang!r}.{did_you_mean(lang, known.languages)} "
            f"Their languages are {', '.join(known.languages) or 'not known, as they have no texts'}."
        )
    return lang


def case_columns(
    known: Structure, case_types: Sequence[str], among: Collection[str] | None = None
) -> dict[str, Question]:
    """Return the question of each column of cases that is one's answer.

    Parameters
    ----------
    known
        The applications.
    case_types
        The types of the cases. Where they contradict each other about the choices of a property, it keeps its values,
        with a warning.
    among
        The columns that count; by default all.

    Returns
    -------
    dict
        By column.
    """
    found: dict[str, Question] = {}
    unclear: set[str] = set()
    for case_type in case_types:
        for name, question in case_questions(known, case_type).items():
            column = CASE_V2.name_at((CASE_V2.values, name))
            if column in found and not found[column].agrees(question):
                unclear.add(column)
            if among is None or column in among:
                found[column] = found[column] | question if column in found else question
    if unclear:
        warn(
            f"The choices of {', '.join(map(repr, sorted(unclear)))} mean one thing for one case type and another for "
            "another: they keep their values. Read one case type at a time to have their labels."
        )
    return {
        column: replace(question, select=None) if column in unclear else question for column, question in found.items()
    }


def form_columns(form: Form, repeat: Path = ()) -> dict[str, Question]:
    """Return the question of each column of a form, or of a repeat in it; a repeat's is the count of its entries."""
    keys = entry_keys(repeat, sorted(repeats(form)))
    columns = {}
    for path, question in form.questions.items():
        if question.repeat == (repeat or None):
            asked = (*path, COUNT) if question.type == REPEAT else path
            columns[answer_name(asked[len(repeat) :], keys) if repeat else FORM.question(asked)] = question
    return columns
