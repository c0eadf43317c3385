"""What HQ says in XML, read as what it would have said in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.hq.xml import parse, to_json
from commcare_frames.sandbox.xml import to_xml

PAGE = b"""<?xml version='1.0' encoding='utf-8'?>
<response><meta type="hash"><limit type="integer">20</limit><next type="null"/></meta><objects type="list"><object
 id="a1"><active type="boolean">True</active><closed type="boolean">False</closed><email/><groups type="list"/>\
<location_data type="hash"><level type="float">1.50</level></location_data><name>A &amp; B&#13;
</name><numbers type="list"><value>00</value><value type="integer">1</value></numbers><rows type="list">\
<object type="hash" id="7"/><objects><value type="null"/></objects></rows></object><object/></objects></response>"""


def one_kind(values: list[Any]) -> bool:
    kinds = {type(value) if isinstance(value, (dict, list)) else str for value in values}
    return len(kinds) < 2


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n\r&<>'\""), max_size=8
)  # what XML can hold
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
NAMES = st.sampled_from(["a", "_b", "c-1.d", "é", "value", "object", "objects", "response", "type", "हिन्दी", "ID"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.dictionaries(NAMES, inner, max_size=4)
        | st.builds(lambda id_, rest: {"id": id_, **rest}, TEXTS, st.dictionaries(NAMES, inner, max_size=2))
        | st.lists(SCALARS, max_size=3)  # HQ sorts a list of several kinds of things
        | st.lists(st.dictionaries(NAMES, inner, max_size=3), max_size=3)
        | st.lists(st.lists(inner, max_size=2).filter(one_kind), max_size=2)
    ),
    max_leaves=10,
)


def test_types_lists_objects_and_ids_are_those_of_the_json() -> None:
    record = {
        "id": "a1",
        "active": True,
        "closed": False,
        "email": "",
        "groups": [],
        "location_data": {"level": 1.5},
        "name": "A & B\r\n",
        "numbers": ["00", 1],
        "rows": [{"id": "7"}, [None]],
    }
    assert json.loads(to_json(PAGE)) == {"meta": {"limit": 20, "next": None}, "objects": [record, {}]}


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=3))
def test_whatever_xml_can_hold_comes_back(records: list[dict[str, Any]]) -> None:
    page = {"meta": {"total_count": len(records), "next": None}, "objects": records}
    assert parse(to_xml(page)) == page


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"objects": []}',
        b"<!DOCTYPE html><html></html>",
        PAGE[:-20],
        b'<response><limit type="integer">many</limit></response>',
        b'<response><active type="boolean">yes</active></response>',
        b'<response><limit type="decimal">1</limit></response>',
        b'<!DOCTYPE r [<!ENTITY a "b">]><response><name>&a;</name></response>',
    ],
)
def test_what_is_no_such_xml_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"XML|EntitiesForbidden"):
        to_json(body)
