"""Translates a report's filters into HQ's query parameters, or says why HQ cannot take them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from commcare_frames.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    from commcare_frames.read.definitions import Definition

CHOICES = frozenset(
    {
        "choice_list",
        "dynamic_choice_list",
        "multi_field_dynamic_choice_list",
        "location_drilldown",
        "village_choice_list",
    }
)
SEPARATOR = "\x1f"
NULL = "\u2400"
OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
NUMBERS = frozenset({"integer", "decimal"})
PAIR = 2

Params = tuple[tuple[str, str], ...]


def describe(filters: Iterable[Mapping[str, Any]]) -> str:
    """Say which filters there are: ``"month (date), district (dynamic_choice_list)"``."""
    return ", ".join(f"{each['slug']} ({each['type']})" for each in filters)


def to_params(report: Definition, filters: Mapping[str, Any] | None) -> Params:
    """Return what to ask HQ.

    Parameters
    ----------
    report
        The report's definition.
    filters
        Values by filter: one choice or a list of them, ``(start, end)`` for dates, ``(operator, operand)`` for
        numbers.

    Returns
    -------
    tuple of tuple of str
        Query parameters; the same filters in another order give the same ones.

    Raises
    ------
    QueryError
        When the report has no such filter, or the filter takes no such value.
    """
    known = {each["slug"]: each for each in report["filters"]}
    params: list[tuple[str, str]] = []
    for name, value in (filters or {}).items():
        if name not in known:
            said = f"Its filters are {describe(known.values())}." if known else "It has no filters at all."
            raise QueryError(
                f"Report {report['title']!r} has no filter {name!r}.{did_you_mean(str(name), known)} {said}"
            )
        params += _params(name, known[name]["type"], known[name].get("datatype", "string"), value)
    return tuple(sorted(params))


def _params(name: str, kind: str, datatype: str, value: object) -> list[tuple[str, str]]:
    match kind:
        case "pre":
            raise QueryError(f"Filter {name!r} is set in the report itself, on HQ, and always applies.")
        case "date":
            start, end = _dates(name, value)
            return [(f"{name}-start", start), (f"{name}-end", end)]
        case "numeric":
            operator, operand = _comparison(name, value)
            return [(f"{name}-operator", operator), (f"{name}-operand", operand)]
        case _ if kind in CHOICES:
            return [(name, SEPARATOR.join(_choices(name, kind, datatype, value)))]
        case _:
            raise QueryError(f"Filter {name!r} is of the type {kind}, which HQ's API cannot be asked for.")


def _dates(name: str, value: object) -> tuple[str, str]:
    wanted = f"Filter {name!r} is for dates and takes (start, end), such as ('2025-01-01', '2025-03-31')"
    if not isinstance(value, tuple) or len(value) != PAIR:
        raise QueryError(f"{wanted}, not {value!r}.")
    if any(end is None for end in value):
        raise QueryError(f"{wanted}: HQ needs both ends, so give one that is far off for an open one.")
    start, end = (_day(name, each) for each in value)
    if start > end:
        raise QueryError(f"Filter {name!r} starts at {value[0]!r}, which is later than its end, {value[1]!r}.")
    return start, end


def _day(name: str, value: Any) -> str:  # noqa: ANN401  anything that pandas reads as a time
    try:
        time = pd.Timestamp(value)
        if pd.isna(time):
            raise ValueError(value)
    except (ValueError, TypeError) as error:
        raise QueryError(
            f"{value!r} in filter {name!r} is no date that pandas can read: write '2025-03-31'."
        ) from error
    if time != time.normalize():
        raise QueryError(f"{value!r} in filter {name!r} has a time of day, and HQ filters reports by whole days.")
    return f"{time:%Y-%m-%d}"


def _comparison(name: str, value: object) -> tuple[str, str]:
    if not isinstance(value, tuple) or len(value) != PAIR:
        raise QueryError(
            f"Filter {name!r} is for numbers and takes (operator, operand), such as ('>=', 10), not {value!r}."
        )
    operator, operand = value
    if operator not in OPERATORS:
        raise QueryError(f"{operator!r} in filter {name!r} is no operator that HQ has: {' '.join(OPERATORS)}.")
    if not _is_number(operand):
        raise QueryError(f"{operand!r} in filter {name!r} is no number.")
    return str(operator), str(operand)


def _choices(name: str, kind: str, datatype: str, value: object) -> list[str]:
    if isinstance(value, tuple | Mapping):
        raise QueryError(
            f"Filter {name!r} is for choices ({kind}) and takes one, or a list of them, or None for rows without one, "
            f"not {value!r}."
        )
    several = isinstance(value, Iterable) and not isinstance(value, str)
    values = list(value) if several else [value]  # type: ignore[call-overload]
    if not values:
        raise QueryError(f"Filter {name!r} has an empty list, which no row can match.")
    return [_choice(name, datatype, each) for each in values]


def _choice(name: str, datatype: str, value: object) -> str:
    if value is None:
        return NULL
    is_right = _is_number(value) or (isinstance(value, str) and datatype not in NUMBERS)
    if not is_right:
        raise QueryError(f"{value!r} in filter {name!r} is no choice: its choices are of the type {datatype}.")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_number(value: Any) -> bool:  # noqa: ANN401  anything that a caller may take for a number
    try:
        return not isinstance(value, bool) and math.isfinite(float(value))
    except (ValueError, TypeError):
        return False
