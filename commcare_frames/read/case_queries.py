"""Translates what a caller asks of cases into HQ's query parameters, or says why HQ cannot answer it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from commcare_frames.errors import QueryError, did_you_mean
from commcare_frames.hq.pull import Question
from commcare_frames.hq.resources import CASE_V1, CASE_V2
from commcare_frames.read.times import span
from commcare_frames.tables import layout

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.tables.layout import Layout

FILTERS = ("case_name", "external_id", "owner_id", "closed", "include_deprecated")
DATES = ("date_opened", "last_modified", "server_last_modified", "date_closed")
COMPARISONS = ("gt", "gte", "lt", "lte")
PREFIXES = ("properties.", "indices.")
ONLY_IN_V1 = frozenset({"opened_by", "closed_by", "user_id", "xform_ids", "server_date_opened"})
ANY_TYPE = "all case types"


@dataclass(frozen=True)
class CaseQuery:
    """Which cases a caller asks for.

    Parameters
    ----------
    case_type, where, query, since, until, columns
        As in `read_cases`.
    is_v1
        Whether the connection keeps to version 1 of the case API.
    """

    case_type: str | None
    where: Mapping[str, Any] | None = None
    query: str | None = None
    since: object = None
    until: object = None
    columns: tuple[str, ...] | None = None
    is_v1: bool = False

    def on(self, domain: Domain) -> CaseQuery:
        """Return the query as it is asked of a domain, whose connection may keep to a version."""
        return replace(self, is_v1=CASE_V2.in_version(domain.api_version) is CASE_V1)

    @property
    def is_whole(self) -> bool:
        """Whether nothing but the case type chooses the cases."""
        return not self.where and self.query is None and self.since is None and self.until is None

    @property
    def needs_v1(self) -> bool:
        """Whether version 1 of the case API is to be asked: a column is wanted that only that has, or nothing newer."""
        return self.is_v1 or bool(ONLY_IN_V1.intersection(self.columns or ()))

    @property
    def layout(self) -> Layout:
        """How the records become columns."""
        return layout.CASE_V1 if self.needs_v1 else layout.CASE_V2

    @property
    def asked(self) -> dict[str, Any]:
        """What is asked, for people and for the frame's `attrs`."""
        said = {
            "case_type": self.case_type,
            "where": dict(self.where) if self.where else None,
            "query": self.query,
            "since": None if self.since is None else str(self.since),
            "until": None if self.until is None else str(self.until),
        }
        return {name: value for name, value in said.items() if value is not None}

    def question(self, *, narrow: bool) -> Question:
        """Return what to ask HQ.

        Parameters
        ----------
        narrow
            Whether to ask for the wanted columns only, which servers from before March 2026 cannot do.
        """
        if self.needs_v1:
            return Question(CASE_V1, self._v1_params())
        fields = (("fields", ",".join(self._fields())),) if narrow and self.columns else ()
        return Question(CASE_V2, (*self._v2_params(), *fields))

    def _v2_params(self) -> tuple[tuple[str, str], ...]:
        params = [("case_type", _case_type(self.case_type))] if self.case_type is not None else []
        for name, value in (self.where or {}).items():
            params += [(_filter(name), _text(each)) for each in _several(name, value)]
        if self.query is not None:
            params.append(("query", self.query))
        params += [
            (f"server_last_modified.{end}", f"{time}Z") for end, time in span(("gte", "lte"), self.since, self.until)
        ]
        return tuple(params)

    def _v1_params(self) -> tuple[tuple[str, str], ...]:
        if self.where or self.query is not None:
            raise QueryError(
                f"{self._why_v1}, and it can filter by case_type, since and until only. Leave out where and query, or "
                f"{self._way_out}."
            )
        params = [("type.exact", _case_type(self.case_type))] if self.case_type is not None else []
        ends = span(("start", "end"), self.since, self.until)
        return (*params, *((f"server_date_modified_{end}", time) for end, time in ends))

    def refuse_ids(self) -> None:
        """Raise where version 1 is to be asked, which cannot look cases up by several ids."""
        if self.needs_v1:
            raise QueryError(
                f"{self._why_v1}, and it cannot read by case_ids or external_ids. Leave those out, or {self._way_out}."
            )

    @property
    def _why_v1(self) -> str:
        if self.is_v1:
            return "This connection keeps to version 1 of HQ's case API (api_version of connect)"
        return f"Only version 1 of HQ's case API has {', '.join(sorted(ONLY_IN_V1.intersection(self.columns or ())))}"

    @property
    def _way_out(self) -> str:
        return "connect without api_version" if self.is_v1 else "those columns"

    def _fields(self) -> list[str]:
        fields = {"case_id": None, "indexed_on": None}
        always = {column.name for column in layout.CASE_V2.metadata}
        for name in self.columns or ():
            if name in always:
                fields[name] = None
            elif name.startswith("indices."):
                fields["indices"] = None
            elif name.startswith("metadata."):
                fields[name.removeprefix("metadata.")] = None
            else:
                plain = name.removeprefix("properties.")
                # A dot would be read as a path, a comma as the end of the name.
                fields["properties" if {".", ","} & set(plain) else f"properties.{plain}"] = None
        return [
            "properties" if field.startswith("properties.") and "properties" in fields else field for field in fields
        ]


def wanted(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    """Check the names of the columns that a caller wants."""
    if columns is not None and not len(columns):
        raise QueryError("columns is an empty list: name the columns that you want, or leave it out for all of them.")
    return None if columns is None else tuple(columns)


def _case_type(case_type: str) -> str:
    if not case_type:
        raise QueryError(f"case_type={case_type!r} is no name: give one case type, or None for the cases of all types.")
    return case_type


def _filter(name: str) -> str:
    """Check the name of a filter; HQ calls an unknown one an error, and so do we, with what it may be."""
    base, _, comparison = name.rpartition(".")
    if name in FILTERS or (name.startswith(PREFIXES) and base):
        return name
    if base in DATES and comparison in COMPARISONS:
        return name
    if name == "case_type":
        raise QueryError("The case type is read_cases' first argument, not a filter: read_cases('patient', ...).")
    if base == "indexed_on" or name == "indexed_on":
        raise QueryError("indexed_on is what the paging goes by and cannot be filtered. Use since= and until=.")
    allowed = [*FILTERS, "properties.<name>", "indices.<name>", *(f"{each}.gte" for each in DATES)]
    if name in DATES:
        hint = f" Say how to compare: {name}.gt, .gte, .lt or .lte."
    else:
        hint = did_you_mean(name, FILTERS) or f" If it is a case property, write 'properties.{name}'."
    raise QueryError(f"HQ cannot filter cases by {name!r}.{hint} Filters are {', '.join(allowed)} (and .gt .lt .lte).")


def _several(name: str, value: object) -> list[object]:
    """Return the values of a filter; of several, HQ takes the cases that match any."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    values = list(value)
    if not values:
        raise QueryError(f"where[{name!r}] is an empty list, which no case can match.")
    return values


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
