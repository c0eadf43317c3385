"""Paths of query files: they find what jsonpath-ng 1.6 finds, and source fields need no quotes.

`det_paths.json` was recorded with jsonpath-ng 1.6.1 and its ids switched on, as commcare-export has them; null stands
for a text that is no path.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables.det.paths import Chain, PathError, parse, parse_field, quickened, split_source
from commcare_frames.tables.det.places import Place

RECORDED = json.loads((Path(__file__).parent / "det_paths.json").read_text())
NAMES = st.text(st.sampled_from("abid_-@*.[]()$,:' \"\\#é0"), max_size=4)
RECORDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def found(path: str, record: Any) -> list[Any]:
    return list(parse(path).values(Place(record)))


@pytest.mark.parametrize(("path", "expected"), RECORDED["found"], ids=[path for path, _ in RECORDED["found"]])
def test_a_path_finds_what_jsonpath_ng_found(path: str, expected: list[Any] | None) -> None:
    record = copy.deepcopy(RECORDED["record"])

    if expected is None:
        with pytest.raises(PathError, match=r"is no path|is not expected"):
            parse(path)
    else:
        assert found(path, record) == expected


def test_the_only_entry_of_a_repeat_has_a_number() -> None:
    # jsonpath-ng 1.6 fails there
    assert found("a[0].b", {"a": {"b": 1}}) == [1]
    assert found("a[1].b", {"a": {"b": 1}}) == []
    assert found("a[0]", {"a": 5}) == []
    assert found("a[*]", {"a": 1.5}) == [1.5]
    assert found("`parent`", {"a": 1}) == []


@given(RECORDS, st.lists(NAMES, min_size=1, max_size=3))
def test_a_chain_of_names_finds_the_same_quickly(record: Any, names: list[str]) -> None:
    text = ".".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)
    slow = parse(text)
    quick = quickened(slow)
    one, other = copy.deepcopy(record), copy.deepcopy(record)

    assert list(quick.values(Place(one))) == list(slow.values(Place(other)))
    assert one == other, "objects are given the same ids"
    assert isinstance(quick, Chain) == {"id", "*"}.isdisjoint(names)


@given(st.text(max_size=12))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    for read in (parse, parse_field):
        try:
            read(text).values(Place({"a": [1, {"b": {}}], "id": "x"}))
        except PathError:
            continue


@pytest.mark.parametrize(
    ("field", "record", "value"),
    [
        ("form.#type", {"form": {"#type": "data"}}, "data"),
        ("form.date of birth", {"form": {"date of birth": "2020"}}, "2020"),
        ("form.2nd.3", {"form": {"2nd": {"3": "x"}}}, "x"),
        ("form.naïve.età", {"form": {"naïve": {"età": 7}}}, 7),
        ("form.where", {"form": {"where": "here"}}, "here"),
        ("form.@xmlns", {"form": {"@xmlns": "u"}}, "u"),
        ("form.a b.c'd", {"form": {"a b": {"c'd": 1}}}, 1),
        ("form.rep[*].x y", {"form": {"rep": {"x y": 1}}}, 1),
    ],
)
def test_a_source_field_may_hold_any_name(field: str, record: Any, value: Any) -> None:
    assert list(parse_field(field).values(Place(record))) == [value]


@pytest.mark.parametrize("field", ["form.a b.", ".", "", 'form.a"b'])
def test_a_source_field_that_is_none_is_refused(field: str) -> None:
    with pytest.raises(PathError):
        parse_field(field)


@pytest.mark.parametrize(
    ("source", "name", "record", "rows"),
    [
        ("form", "form", {"id": 1}, None),
        ("form[*]", "form", {"id": 1}, None),
        ("form.form.rep[*]", "form", {"form": {"rep": [{"id": 1}, {"id": 2}]}}, [{"id": 1}, {"id": 2}]),
        ("form[*].form.rep", "form", {"form": {"rep": {"id": 1}}}, [{"id": 1}]),
        ("form..case", "form", {"case": {"id": 1}, "x": {"case": {"id": 2}}}, [{"id": 1}, {"id": 2}]),
        ("form.form..case", "form", {"case": {"id": 1}, "form": {"x": {"case": {"id": 2}}}}, [{"id": 2}]),
        ("messaging-event.messages[*]", "messaging-event", {"messages": [{"id": 1}]}, [{"id": 1}]),
        ("form.$", "form", {"id": 1}, None),
    ],
)
def test_a_data_source_is_a_name_and_a_path_within_its_records(
    source: str, name: str, record: Any, rows: list[Any] | None
) -> None:
    read, entries = split_source(parse(source))

    assert read == name
    assert (None if entries is None else list(entries.values(Place(record)))) == rows


@pytest.mark.parametrize("source", ["$", "`this`.form", "a,b", "[0].form", "[*]"])
def test_a_data_source_begins_with_a_name(source: str) -> None:
    with pytest.raises(PathError, match="begins with the name"):
        split_source(parse(source))
