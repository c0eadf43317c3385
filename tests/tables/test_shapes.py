"""Records of a known shape: read quickly, and to the same tables as records of which nothing is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from awkward_forms import ANSWERS, FORMS, NAMES, as_records
from awkward_records import encoded
from hypothesis import assume, given
from hypothesis import strategies as st

from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.forms import FormFlattener
from commcare_frames.tables.shapes import Shape, keys_of, value_of

if TYPE_CHECKING:
    import random

    import pyarrow as pa


@st.composite
def similar_forms(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Forms with much the same questions, of which some were not asked."""
    whole = draw(st.dictionaries(NAMES, ANSWERS, min_size=1, max_size=6))
    rng = draw(st.randoms(use_true_random=False))
    return [without_some(whole, rng) for _ in range(draw(st.integers(1, 6)))]


def without_some(form: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    kept = {key: value for key, value in form.items() if rng.random() < 0.8}
    return {
        key: without_some(value, rng) if isinstance(value, dict) and "@case_id" not in value else value
        for key, value in kept.items()
    }


def comparable(table: pa.Table) -> dict[str, Any]:
    """Return a table's columns, with JSON as what it means: keys of a case block may stand in another order."""
    columns = table.to_pydict()
    return {
        name: [cell and json.loads(cell) for cell in cells] if name.endswith("{}") and "{}" not in name[:-2] else cells
        for name, cells in columns.items()
    }


@given(FORMS | similar_forms(), st.permutations(range(6)), st.booleans())
def test_forms_of_a_known_shape_become_the_same_table(
    forms: list[dict[str, Any]], order: list[int], escaped: bool
) -> None:
    flattener = FormFlattener(FORM)
    flattener.table(encoded(as_records(forms)))
    page = encoded(as_records([forms[number] for number in order if number < len(forms)]), escaped=escaped)

    learned, fresh = flattener.table(page), FormFlattener(FORM).table(page)

    assert comparable(learned) == comparable(fresh)
    assert learned.schema == fresh.schema


@given(similar_forms())
def test_metadata_are_settled_in_forms_of_a_known_shape_too(forms: list[dict[str, Any]]) -> None:
    meta = {
        "instanceID": "i1",
        "userID": "u1",
        "@xmlns": "x",
        "appVersion": {"#text": "2.53", "@xmlns": "y"},
        "odd": "o",
    }
    records = as_records([{**form, "meta": dict(meta)} for form in forms])
    for record in records:
        record["metadata"] = {"instanceID": "i1", "userID": "u1", "appVersion": "2.53", "location": None}
    flattener = FormFlattener(FORM)
    flattener.table(encoded(records))

    table = flattener.table(encoded(records))

    assert comparable(table) == comparable(FormFlattener(FORM).table(encoded(records)))
    assert table["meta.odd"].to_pylist() == ["o"] * len(forms)
    assert not any(name.startswith("meta.appVersion") for name in table.column_names)


def read(shape: Shape, *records: dict[str, Any]) -> list[list[str]] | None:
    """Return the keys of records that a shape reads."""
    alike = shape.read(encoded(list(records)))
    return None if alike is None else [list(keys_of(record)) for record in alike]


def shaped(*records: dict[str, Any]) -> Shape:
    shape = Shape()
    shape.learn(list(records))
    return shape


def test_nothing_is_read_before_anything_was_learned() -> None:
    assert read(Shape(), {"a": "1"}) is None
    assert read(shaped(), {"a": "1"}) is None


def test_records_with_the_keys_that_were_learned_are_read() -> None:
    shape = shaped({"a": "1", "b": {"c": "2"}}, {"a": "1", "b": {"c": "2", "d": None}})

    alike = shape.read(b'[{"b": {"c": "x"}, "a": 5}]')

    assert alike is not None
    assert keys_of(alike[0]) == ["a", "b"]
    assert value_of(alike[0], "a") == 5
    assert keys_of(value_of(alike[0], "b")) == ["c"]
    assert value_of(value_of(alike[0], "b"), "d") is None


@pytest.mark.parametrize(
    "unlike",
    [{"a": "1", "b": {"c": "2"}, "new": "3"}, {"a": "1", "b": {"e": "2"}}, {"a": "1"}, {"a": "1", "b": ["c"]}, {}],
)
def test_a_record_that_is_unlike_is_told_and_can_be_learned(unlike: dict[str, Any]) -> None:
    shape = shaped({"a": "1", "b": {"c": "2"}})
    assert read(shape, {"a": "2", "b": {"c": "3"}}, unlike) is None

    shape.learn([unlike])

    assert read(shape, unlike) is not None


@pytest.mark.parametrize(
    "body", [b"[{]", b'[{"a": "\xff"}]', b'[{"a": "\\ud83d"}]', b"{}", b'[{"a": NaN}]', b"[1]", b""]
)
def test_what_is_no_list_of_records_is_not_read(body: bytes) -> None:
    assert shaped({"a": "1"}).read(body) is None


@pytest.mark.parametrize(
    "key", ['quo"te', "back\\slash", "new\nline", "\0", "é", "", "#text", "key0", "names", "lacking"]
)
def test_any_key_is_read_or_left_alone(key: str) -> None:
    record = {"group": {key: "answer", "other": {"q": "1"}}}

    alike = shaped(record).read(encoded([record]))

    assert alike is not None
    assert value_of(value_of(alike[0], "group"), key) == "answer"


def test_objects_that_have_few_keys_in_common_are_left_as_they_are() -> None:
    records = [{"id": str(number), "form": {f"q{number}": "1"}} for number in range(5)]

    alike = shaped(*records).read(encoded(records))

    assert alike is not None
    assert [value_of(record, "form") for record in alike] == [record["form"] for record in records]


def test_a_pull_of_forms_that_are_never_alike_stops_trying() -> None:
    shape = Shape()
    for number in range(10):
        shape.learn([{"id": "1", f"q{number}": "1"}])

    assert read(shape, {"id": "1", "q9": "1"}) is None


@given(similar_forms(), similar_forms())
def test_forms_unlike_those_before_lose_nothing(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    assume(first != second)
    flattener = FormFlattener(FORM)
    for forms in (first, second, first + second):
        page = encoded(as_records(forms))
        assert comparable(flattener.table(page)) == comparable(FormFlattener(FORM).table(page))
