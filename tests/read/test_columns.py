"""Whoever says wrongly which columns are wanted is told so by every reader, before HQ is asked for anything."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

import commcare_frames as ccf
from commcare_frames.errors import QueryError

if TYPE_CHECKING:
    from commcare_frames.connection import Domain

WITH_COLUMNS = {
    name: reader
    for name in ccf.__all__
    if inspect.isfunction(reader := getattr(ccf, name)) and "columns" in inspect.signature(reader).parameters
}


def test_there_are_readers_with_columns() -> None:
    assert {"read_cases", "read_forms", "read_repeats", "read_users", "export_cases"} <= WITH_COLUMNS.keys()


@pytest.mark.parametrize("name", sorted(WITH_COLUMNS))
@pytest.mark.parametrize(
    ("columns", "message"), [([], "columns is an empty list: name"), ("age", r"write columns=\['age'\]")]
)
def test_columns_are_a_list_of_names(name: str, columns: object, message: str, domain: Domain) -> None:
    reader = WITH_COLUMNS[name]
    required = [each for each in inspect.signature(reader).parameters.values() if each.default is each.empty]
    before = domain.client.requests_made
    with pytest.raises(QueryError, match=message):
        reader(*("x.csv" for _ in required), columns=columns)
    assert domain.client.requests_made == before
