"""Every public function says in its own words which argument it cannot take, before it asks HQ for anything."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.arguments import checked
from commcare_frames.errors import CommCareError, QueryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from commcare_frames.connection import Domain

FUNCTIONS = {
    name: function for name in ccf.__all__ if inspect.isfunction(function := getattr(ccf, name)) and name != "logout"
}
LOOKED_AT_LATER = ("ApiVersion", "Cache", "Literal", "Period", "Wire", "object")
ARGUMENTS = [
    (name, argument.name)
    for name, function in FUNCTIONS.items()
    for argument in inspect.signature(function).parameters.values()
    if not (name.startswith(("connect", "plot_")) and any(each in argument.annotation for each in LOOKED_AT_LATER))
]
NEVER = object()
"""No function takes this for anything."""


def filled(name: str) -> dict[str, Any]:
    """Return something of the right type for every argument that has to be given."""
    required = [each for each in inspect.signature(FUNCTIONS[name]).parameters.values() if each.default is each.empty]
    return {each.name: pd.DataFrame() if "DataFrame" in each.annotation else "x" for each in required}


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_what_is_of_no_type_that_it_takes_is_an_error_of_ours(name: str, argument: str, domain: Domain) -> None:
    annotation = inspect.signature(FUNCTIONS[name]).parameters[argument].annotation
    before = domain.client.requests_made
    is_typed = not any(each in annotation for each in LOOKED_AT_LATER)
    with pytest.raises(CommCareError, match=f"^{argument}=<object> is nothing that {name} " if is_typed else None):
        FUNCTIONS[name](**filled(name) | {argument: NEVER})
    assert domain.client.requests_made == before or not is_typed


@checked
def sample(
    name: str = "",
    *,
    where: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    count: int = 1,
    flag: bool = False,
    frame: pd.DataFrame | None = None,
    api_key: str | None = None,
) -> str:
    """Take one of each."""
    return name


@pytest.mark.parametrize(
    "given",
    [
        {"ids": ["a"]}, {"ids": ("a", "b")}, {"ids": pd.Series(["a"])}, {"ids": pd.Index(["a"])}, {"ids": {"a"}},
        {"ids": np.array(["a"])}, {"ids": []}, {"count": np.int64(3)}, {"flag": np.bool_(True)},
        {"frame": pd.DataFrame()}, {"where": {"a": 1}}, {"name": np.str_("x")},
    ],
)  # fmt: skip
def test_what_serves_as_well_is_taken(given: dict[str, Any]) -> None:
    assert sample(**given) == given.get("name", "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ids": "a"}, r"ids='a' is one text, not a list: write ids=\['a'\]\."),
        ({"ids": ["a", 1]}, r"ids=\['a', 1\] is nothing that sample takes: ids is a list of texts or None\."),
        ({"count": True}, "count=True is nothing that sample takes: count is a whole number"),
        ({"count": 1.5}, "count=1.5 is nothing"),
        ({"flag": "no"}, "flag='no' is nothing that sample takes: flag is True or False"),
        ({"where": {1: 2}}, "where={1: 2} is nothing that sample takes: where is a dictionary of values by filter"),
        ({"frame": pd.Series(["Asha"])}, "frame=<Series> is nothing that sample takes: frame is a DataFrame or None"),
        ({"api_key": 123456}, "api_key=<int> is nothing that sample takes: api_key is a text or None"),
    ],
)
def test_messages(given: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError, match=f"^{message}"):
        sample(**given)


def test_an_argument_that_does_not_exist_is_pythons_own_error() -> None:
    wrong: Callable[..., Any] = ccf.read_cases
    with pytest.raises(TypeError, match=r"read_cases\(\) got an unexpected keyword argument 'colums'"):
        wrong("patient", colums=["age"])
