"""The XML of a restore, taken apart: cases as those of the case API, fixtures with nothing lost."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.tables import restore as module
from commcare_frames.tables.exact import InvalidRecords
from commcare_frames.tables.restore import Restore

SYNC = '<Sync xmlns="http://commcarehq.org/sync"><restore_id>token-1</restore_id></Sync>'
CASE = (
    '<case case_id="c1" date_modified="2026-03-01T10:00:00.000000Z" user_id="u1" '
    'xmlns="http://commcarehq.org/case/transaction/v2">'
    "<create><case_type>patient</case_type><case_name>Zoë &lt;&amp;&gt; 🤰</case_name><owner_id>u1</owner_id></create>"
    "<update><date_opened>2026-01-01T08:00:00.000000Z</date_opened><external_id>x-1</external_id><age>9</age>"
    "<note/><case_id>odd</case_id></update>"
    '<index><parent case_type="household" relationship="extension">h1</parent><host case_type="a">h2</host></index>'
    "</case>"
)


def xml(*parts: str) -> bytes:
    body = "".join(parts)
    text = f'<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message>Hi</message>{body}</OpenRosaResponse>'
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{text}".encode()


def read(*parts: str) -> Restore:
    return Restore.read(io.BytesIO(xml(SYNC, *parts)))


def rows(*parts: str, fixture: str = "f") -> list[dict[str, Any]]:
    return read(*parts).fixtures[fixture].table.to_pylist()


def test_a_case_has_the_columns_that_the_case_api_gives_it() -> None:
    (case,) = read(CASE).cases.to_pylist()

    assert case.pop("date_opened").isoformat() == "2026-01-01T08:00:00+00:00"
    assert case.pop("last_modified").isoformat() == "2026-03-01T10:00:00+00:00"
    assert case == {
        "case_id": "c1", "case_type": "patient", "case_name": "Zoë <&> 🤰", "external_id": "x-1", "owner_id": "u1",
        "closed": False, "user_id": "u1", "age": "9", "note": "", "properties.case_id": "odd",
        "indices.parent.case_id": "h1", "indices.parent.case_type": "household",
        "indices.parent.relationship": "extension", "indices.host.case_id": "h2", "indices.host.case_type": "a",
        "indices.host.relationship": "child",
    }  # fmt: skip


def test_a_closed_case_and_what_else_is_said_of_one() -> None:
    more = '<attachment><photo src="1.jpg" from="remote"/></attachment><close/></case>'
    (case,) = read(CASE.replace("</case>", more)).cases.to_pylist()

    assert case["closed"] is True
    assert case["metadata.attachment"] == '{"photo":{"@src":"1.jpg","@from":"remote","#text":""}}'


def test_an_empty_restore_has_typed_cases_without_rows() -> None:
    restore = read()

    assert restore.token == "token-1"
    assert restore.cases.num_rows == 0
    assert str(restore.cases.schema.field("last_modified").type) == "timestamp[us, tz=UTC]"
    assert (restore.fixtures, restore.user) == ({}, {})


def test_a_lookup_table_has_a_row_for_each_row() -> None:
    table = (
        '<fixture id="item-list:village" user_id="u1"><village_list>'
        '<village sort="1"><name lang="en">Doro</name><code>007</code></village>'
        '<village><name lang="en">Bala</name><name lang="fr">Balla</name><code/></village>'
        "</village_list></fixture>"
    )
    restore = read(table)

    assert restore.fixtures["item-list:village"].attributes == {"user_id": "u1"}
    assert restore.fixtures["item-list:village"].table.to_pylist() == [
        {"@sort": "1", "name": "Doro", "name.@lang": "en", "code": "007", "name[]": None},
        {
            "@sort": None, "name": None, "name.@lang": None, "code": "",
            "name[]": '[{"@lang":"en","#text":"Bala"},{"@lang":"fr","#text":"Balla"}]',
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<f_list/>", []),
        ("", []),
        ("<rows><row>plain</row><row/></rows>", [{"#text": "plain"}, {"#text": ""}]),
        ("<a>1</a><b>2</b>", [{"a": "1", "b": None}, {"a": None, "b": "2"}]),
        ("<l><r><c><d>1</d></c></r></l>", [{"c.d": "1"}]),
        ('<l last_sync="now"><r index="0"><column id="x">1</column></r></l>', [{"@index": "0", "column": "1"}]),
    ],
)
def test_fixtures_of_every_shape(inside: str, expected: list[dict[str, Any]]) -> None:
    found = rows(f'<fixture id="f">{inside}</fixture>')

    assert [{name: row.get(name) for name in (expected[0] if expected else {})} for row in found] == expected


def test_what_is_said_of_a_list_is_kept() -> None:
    fixture = read('<fixture id="f" indexed="true"><l last_sync="now"><r>1</r></l></fixture>').fixtures["f"]

    assert fixture.attributes == {"l.last_sync": "now", "indexed": "true"}


def test_a_user_is_described_without_the_password() -> None:
    user = (
        '<Registration xmlns="http://openrosa.org/user/registration"><username>asha</username>'
        "<password>sha1$abc</password><uuid>u1</uuid><date>2024-01-08</date>"
        '<user_data><data key="cadre">ASHA</data><data key="é"/></user_data></Registration>'
    )

    assert read(user).user == {
        "username": "asha", "uuid": "u1", "date": "2024-01-08", "user_data": {"cadre": "ASHA", "é": ""}
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"<html><body>Log in</body></html>",
        b'{"error": "x"}',
        xml(SYNC, CASE)[:-30],
        xml(SYNC, CASE)[: len(xml(SYNC)) + 40],
        xml(CASE),
        xml(SYNC, "<surprise/>"),
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + xml(SYNC).partition(b"\n")[2],
        xml(SYNC.replace("token-1", "\x01")),
    ],
)
def test_what_is_no_whole_restore_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError):
        Restore.read(io.BytesIO(broken))


def test_the_number_of_cases_is_told_as_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    told: list[int] = []
    cases = [CASE.replace('case_id="c1"', f'case_id="c{number}"') for number in range(25)]

    restore = Restore.read(io.BytesIO(xml(SYNC, *cases)), told.append)

    assert told == [10, 20, 25]
    assert restore.cases["case_id"].to_pylist() == [f"c{number}" for number in range(25)]


def test_a_large_fixture_is_never_held_as_xml() -> None:
    body = "".join(f"<r><name>village {number}</name><code>{number:06}</code></r>" for number in range(10_000))
    whole = xml(SYNC, f'<fixture id="f"><l>{body}</l></fixture>')
    tracemalloc.start()
    try:
        restore = Restore.read(io.BytesIO(whole))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert restore.fixtures["f"].table.num_rows == 10_000
    assert peak < 9e6


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@given(st.dictionaries(st.sampled_from(["age", "name", "indices.x", "case_type2", "विवरण", "a-b"]), TEXTS, max_size=4))
def test_every_property_comes_back(properties: dict[str, str]) -> None:
    from xml.sax.saxutils import escape  # noqa: PLC0415 - of this test only

    update = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in properties.items())
    case = f'<case case_id="c1" xmlns="x"><update>{update}</update></case>'
    (found,) = read(case).cases.to_pylist()

    assert {name: found[name if "." not in name else f"properties.{name}"] for name in properties} == properties


def test_damage_says_what_it_is() -> None:
    with pytest.raises(InvalidRecords, match="damaged or breaks off"):
        Restore.read(io.BytesIO(xml(SYNC)[:-5]))
