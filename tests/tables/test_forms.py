"""Forms as tables: every answer is in one of them, whatever a form looks like, and keys join them."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from awkward_forms import FORMS, as_records, counted
from awkward_records import encoded
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables import leaves, pieces
from commcare_frames.tables.exact import InvalidRecords
from commcare_frames.tables.form_layout import FORM
from commcare_frames.tables.forms import FormFlattener
from commcare_frames.tables.repeats import FormTables, tables_of


def flat(*records: dict[str, Any]) -> pa.Table:
    return FormFlattener(FORM).table(encoded(records))


def tables(*forms: dict[str, Any], repeats: Any = ()) -> FormTables:
    return tables_of(flat(*as_records(list(forms))), repeats)


def answers(table: pa.Table) -> list[dict[str, Any]]:
    """Return the cells of a table that are neither metadata nor missing."""
    names = [name for name in table.column_names if FORM.path_of(name) is not None]
    rows = table.select(names).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def found(made: FormTables) -> Counter[str]:
    """Count the texts in all tables, without keys and counts."""
    counts: Counter[str] = Counter()
    columns = [made.main[name] for name in made.main.column_names if FORM.path_of(name) is not None]
    for table in (*made.repeats.values(), made.cases):
        columns += [table[name] for name in table.column_names if name not in {"form_id", "path"}]
    for column in columns:
        if column.type == pa.string():  # not a number of an entry, not a count
            counts.update(text for text in column.to_pylist() if text)
    return counts


# Nothing is lost


@given(FORMS, st.booleans())
def test_every_answer_of_every_form_is_in_some_table(forms, escaped):
    page = FormFlattener(FORM).table(encoded(as_records(forms), escaped=escaped))
    made = tables_of(page)

    assert found(made) == counted([without_attributes(form) for form in forms])


def without_attributes(form: Any) -> Any:
    """Leave out what HQ says twice: the form's own attributes."""
    return {key: value for key, value in form.items() if key not in {"#type", "@version", "@uiVersion"}}


@given(FORMS)
def test_both_ways_of_reading_give_the_same_table(forms):
    records = encoded(as_records(forms))
    quickly = FormFlattener(FORM).table(records)

    def refuse(_: bytes) -> None:
        raise leaves.InexactError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaves, "loads", refuse)
        exactly = FormFlattener(FORM).table(records)
    assert quickly.equals(exactly)


@given(FORMS, st.booleans())
def test_a_page_that_is_read_in_pieces_gives_the_same_table(forms, escaped):
    records = encoded(as_records(forms), escaped=escaped)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SIZE", 1)
        in_pieces = FormFlattener(FORM).table(records)
        assert len(list(pieces.pieces(records))) == max(len(forms), 1)
    assert in_pieces.equals(FormFlattener(FORM).table(records))


@pytest.mark.parametrize("odd", [{"q": [{"x": 1}, {"id": "y"}, {"id": "z"}]}, {"q": '}, {"id": "'}, {"q": 1e300}])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n", " :\t")])
def test_pieces_that_cut_through_a_record_or_hold_odd_numbers_are_read_as_a_whole(odd, separators, monkeypatch):
    records = as_records([odd, {"q": "}, {"}, {"q": [{"id": "y"}]}])
    whole = flat(*records)
    monkeypatch.setattr(pieces, "SIZE", 1)

    assert FormFlattener(FORM).table(json.dumps(records, separators=separators).encode()).equals(whole)


@given(FORMS, st.lists(st.sampled_from([("children",), ("group",), ("q",), ("group", "q")]), max_size=3))
def test_a_repeat_that_is_known_moves_answers_and_loses_none(forms, repeats):
    page = FormFlattener(FORM).table(encoded(as_records(forms)))
    made = tables_of(page, repeats)

    assert found(made) == found(tables_of(page))
    for path, table in made.repeats.items():
        keys = [name for name in table.column_names if name == "form_id" or table[name].type == pa.int64()]
        rows = [tuple(row.values()) for row in table.select([name for name in keys if "count" not in name]).to_pylist()]
        assert len(set(rows)) == len(rows), path


@pytest.mark.parametrize("odd", ["\0", '","', "\\u0000", "null", "\n", 1.5, None])
def test_what_stands_between_values_while_they_are_written_may_be_in_them(odd):
    forms = [{"case": {"@case_id": "a", "update": {"q": odd}}, "kids": [odd, {"n": odd}]}, {"kids": [[odd], odd]}, {}]
    page = flat(*as_records(forms))

    for name, values in (
        ("case{}", [form.get("case") for form in forms]),
        ("kids[]", [form.get("kids") for form in forms]),
    ):
        assert [text and json.loads(text) for text in page[name].to_pylist()] == values


def test_what_is_no_text_under_the_key_of_one_keeps_out_of_the_way_of_others():
    form = {"g": {"q": "1", "#text": {"q": "2", "#text": {"q": "3"}}}, "r": {"a": "4", "#text": ["5"]}}

    assert answers(flat(*as_records([form]))) == [
        {"g.q": "1", "g.#text.q": "2", "g.#text.#text.q": "3", "r.a": "4", "r.#text[]": '["5"]'}
    ]
    assert found(tables(form)) == Counter("12345")


def test_a_page_of_many_shapes_reads_like_pages_of_one():
    """Records of the same keys are taken together, whole columns of texts as they are."""
    shapes: list[dict[str, Any]] = [
        {"q": "1", "g": {"a": "1"}}, {"q": 2, "g": {"a": "1"}}, {"q": None, "g": ""}, {"q": {"#text": "4"}},
        {"q": True, "g": {}}, {"g": {"a": "1"}, "q": "1"}, {"q": ["x"], "case": {"@case_id": "a"}},
        {"case": [{"@case_id": "b"}]}, {"case": "c", "q": {"r": {"s": "5"}}}, {},
    ]  # fmt: skip
    records = as_records(shapes * 3)
    pages = [flat(record) for record in records]

    assert flat(*records).equals(pa.concat_tables(pages, promote_options="default").select(flat(*records).column_names))


def test_twenty_levels_keep_their_answer():
    form: Any = "deep"
    for level in range(20):
        form = {f"g{level}": form}
    assert answers(tables(form).main) == [{".".join(f"g{level}" for level in range(19, -1, -1)): "deep"}]


@pytest.mark.parametrize("number", ["12345678901234567890123", "1e400", "123456789012345678.5"])
def test_numbers_that_no_double_holds_keep_their_digits(number):
    page = FormFlattener(FORM).table(b'[{"id": "f", "form": {"q": ' + number.encode() + b"}}]")
    assert page["q"].to_pylist() == [number]


# Where things go


def test_questions_are_named_by_their_path_and_never_as_metadata_are():
    form = {"username": "u", "group": {"q": "1", "a.b": "2"}, "form": {"q": "3"}, "attachments": "4"}
    assert answers(tables(form).main) == [
        {"form.username": "u", "group.q": "1", 'group."a.b"': "2", "form.form.q": "3", "form.attachments": "4"}
    ]


def test_the_text_of_an_answer_with_attributes_is_the_answer():
    assert answers(tables({"q": {"#text": "x", "@lang": "en"}}, {"q": "y"}).main) == [
        {"q": "x", "q.@lang": "en"},
        {"q": "y"},
    ]


def test_a_group_in_which_nothing_was_asked_is_no_column():
    assert answers(tables({"group": ""}, {"group": {"q": "1"}}, {}).main) == [{}, {"group.q": "1"}, {}]


def test_metadata_come_from_hqs_clean_copy_or_else_from_the_form():
    clean = {"id": "a",
             "metadata": {"username": "u", "timeStart": "2026-01-05T10:00:00", "app_build_version": 18},
             "form": {"meta": {"username": "u", "timeStart": "2026-01-05T10:00:00Z", "instanceID": "a",
                               "odd": "o"}}}  # fmt: skip
    raw = {"id": "b", "metadata": None,
           "form": {"meta": {"username": "v", "timeEnd": "2026-01-05T10:00:00Z", "instanceID": "b",
                             "appVersion": {"#text": "1", "@xmlns": "x"}}}}  # fmt: skip
    table = flat(clean, raw)

    assert table["username"].to_pylist() == ["u", "v"]
    assert table["started_on"].to_pylist() == [dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC), None]
    assert table["completed_on"].to_pylist() == [None, dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)]
    assert table["app_version"].to_pylist() == [None, "1"]
    assert table["app_build_version"].to_pylist() == ["18", None]
    assert table["meta.odd"].to_pylist() == ["o", None]


def test_a_phone_whose_clock_writes_nonsense_does_not_stop_a_pull():
    table = flat({"id": "a", "metadata": {"timeEnd": "yesterday"}, "form": {}},
                 {"id": "b", "metadata": {"timeEnd": "2026-01-05T10:00:00+05:30"}, "form": {}})  # fmt: skip

    assert table["completed_on"].to_pylist() == [None, dt.datetime(2026, 1, 5, 4, 30, tzinfo=dt.UTC)]
    assert table["metadata.completed_on"].to_pylist() == ["yesterday", None]


def test_attachments_are_names_and_their_details_a_table():
    about = {"content_type": "image/jpeg", "length": 3, "url": "https://x/1.jpg"}
    made = tables_of(flat({"id": "a", "form": {}, "attachments": {"1.jpg": about, "form.xml": {"length": None}}},
                          {"id": "b", "form": {}}))  # fmt: skip

    assert made.main["attachments"].to_pylist() == [["1.jpg", "form.xml"], []]
    assert made.attachments.to_pylist() == [
        {"form_id": "a", "name": "1.jpg", **about},
        {"form_id": "a", "name": "form.xml", "content_type": None, "length": None, "url": None},
    ]


@pytest.mark.parametrize("records", [b"", b"{}", b"[1]", b'[{"id": "a", "form": {}', b'[{"form": {}}]', b"<html>"])
def test_what_is_no_page_of_forms_is_refused(records):
    with pytest.raises(InvalidRecords):
        FormFlattener(FORM).table(records)


# Repeats


def test_one_entry_many_entries_and_none_are_one_repeat():
    made = tables({"kids": [{"name": "A"}, {"name": "B", "age": "2"}]}, {"kids": {"name": "C"}}, {}, {"kids": ""})
    table = made.repeats["kids",]

    assert table.column_names == ["form_id", "entry", "#text", "age", "name"]
    assert table.drop_columns(["#text"]).to_pylist() == [
        {"form_id": "form 0", "entry": 1, "age": None, "name": "A"},
        {"form_id": "form 0", "entry": 2, "age": "2", "name": "B"},
        {"form_id": "form 1", "entry": 1, "age": None, "name": "C"},
        {"form_id": "form 3", "entry": 1, "age": None, "name": None},
    ]
    assert made.main["kids.count"].to_pylist() == [2, 1, 0, 1]


def test_a_repeat_with_one_entry_everywhere_is_one_because_the_application_says_so():
    form = {"kids": {"name": "A", "shots": {"on": "monday"}}}
    assert answers(tables(form).main) == [{"kids.name": "A", "kids.shots.on": "monday"}]

    made = tables(form, repeats={("kids",), ("kids", "shots")})
    assert answers(made.main) == [{"kids.count": 1}]
    assert made.repeats["kids",].to_pylist() == [{"form_id": "form 0", "entry": 1, "name": "A", "shots.count": 1}]
    assert made.repeats["kids", "shots"].to_pylist() == [
        {"form_id": "form 0", "kids_entry": 1, "entry": 1, "on": "monday"}
    ]


def test_nested_repeats_join_back_by_their_keys():
    form = {"g": {"kids": [{"shots": [{"v": "a"}, {"v": "b"}]}, {"n": "2"}, {"shots": {"v": "c"}}]}}
    made = tables(form, repeats={("g", "kids"), ("g", "kids", "shots")})

    assert made.repeats["g", "kids"]["shots.count"].to_pylist() == [2, 0, 1]
    assert made.repeats["g", "kids", "shots"].to_pylist() == [
        {"form_id": "form 0", "g.kids_entry": 1, "entry": 1, "v": "a"},
        {"form_id": "form 0", "g.kids_entry": 1, "entry": 2, "v": "b"},
        {"form_id": "form 0", "g.kids_entry": 3, "entry": 1, "v": "c"},
    ]


def test_a_model_iteration_keeps_its_marks():
    form = {"kids": {"@count": "2", "item": [{"@id": "x", "@index": "0", "q": "1"}, {"@id": "y", "@index": "1"}]}}
    made = tables(form)

    assert answers(made.main) == [{"kids.@count": "2", "kids.item.count": 2}]
    assert made.repeats["kids", "item"].select(["@id", "@index", "q"]).to_pylist() == [
        {"@id": "x", "@index": "0", "q": "1"},
        {"@id": "y", "@index": "1", "q": None},
    ]


def test_an_answer_called_like_a_key_keeps_out_of_its_way():
    made = tables({"kids": [{"entry": "x", "form_id": "y"}]})
    assert made.repeats["kids",].to_pylist() == [
        {"form_id": "form 0", "entry": 1, "form.entry": "x", "form.form_id": "y"}
    ]


# Cases


def test_case_blocks_are_a_table_with_the_keys_of_the_entry_they_stand_in():
    block = {"@case_id": "c1", "@user_id": "u", "update": {"age": "5"}, "close": ""}
    index = {"parent": {"@case_type": "mother", "#text": "c1"}}
    form = {
        "case": block,
        "subcase_0": {"case": [{"@case_id": "c2", "index": index}]},
        "kids": [{"case": {"@case_id": "c3"}}, {"q": "1"}],
    }
    made = tables(form)
    cases = made.cases

    assert cases.select(["path", "case_id", "entry"]).to_pylist() == [
        {"path": "case", "case_id": "c1", "entry": None},
        {"path": "subcase_0.case", "case_id": "c2", "entry": None},
        {"path": "kids.case", "case_id": "c3", "entry": 1},
    ]
    assert cases["update.age"].to_pylist() == ["5", None, None]
    assert cases["index.parent.case_id"].to_pylist() == [None, "c1", None]
    assert answers(made.main) == [{"kids.count": 2}]


@pytest.mark.parametrize(
    ("form", "case_id"),
    [
        ({"case": {"@case_id": "a"}, "subcase_0": {"case": {"@case_id": "b"}}}, "a"),
        ({"subcase_0": {"case": {"@case_id": "b"}}}, "b"),
        ({"kids": [{"case": {"@case_id": "b"}}]}, "b"),
        ({"kids": [{"case": {"@case_id": "b"}}, {"case": {"@case_id": "c"}}]}, None),
        ({"case": [{"@case_id": "a"}, {"@case_id": "b"}]}, None),
        ({"q": '"@case_id":"x"'}, None),
        ({"q": ['"@case_id":"x"']}, None),
        ({}, None),
    ],
)
def test_the_case_of_a_form_is_that_of_its_own_block_or_else_the_only_one(form, case_id):
    assert tables(form).main["case_id"].to_pylist() == [case_id]


def test_a_question_called_case_is_a_question():
    made = tables({"case": "closed"}, {"case": {"status": "open"}})

    assert answers(made.main) == [{"case": "closed"}, {"case.status": "open"}]
    assert made.cases.num_rows == 0


def test_the_order_of_forms_and_of_their_keys_changes_nothing_but_the_order_of_rows():
    forms = [{"a": "1", "kids": [{"x": "1", "y": "2"}]}, {"kids": {"y": "3", "x": "4"}, "b": "2"}]
    there = flat(*as_records(forms))
    back = flat(*json.loads(json.dumps(as_records(forms)[::-1], sort_keys=True)))

    assert pc.equal(there["form_id"], back["form_id"].take(pa.array([1, 0]))).to_pylist() == [True, True]
    assert there.equals(back.take(pa.array([1, 0])))
