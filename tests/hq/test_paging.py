"""Pages: the list is cut out of any envelope, and what to ask next is right in every page style."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.hq.answers import BrokenAnswerError
from commcare_frames.hq.client import Answer
from commcare_frames.hq.paging import first_params, read_page, split, split_exactly
from commcare_frames.hq.resources import (
    APPLICATIONS,
    CASE_TYPES,
    CASE_V1,
    CASE_V2,
    DATA_SOURCE_ROWS,
    REPORT_DATA,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('[]{}",:\\ aé\U0001f600', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab[]", max_size=3), inner, max_size=3),
    max_leaves=8,
)
envelopes = st.dictionaries(st.sampled_from(["meta", "next", "total", "a[", "z]"]), values, max_size=4)
layouts = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])
Pairs = tuple[tuple[str, str], ...]


def page_of(resource: Any, asked: Pairs, body: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_page(resource, asked, Answer(raw, None))


@given(envelopes, st.lists(values, max_size=4), st.integers(0, 4), layouts)
def test_a_page_is_cut_into_its_list_and_the_rest_whatever_surrounds_it(
    around: dict[str, Any], records: list[Any], place: int, how: dict[str, Any]
) -> None:
    pairs = list(around.items())
    body = json.dumps(dict([*pairs[:place], ("cases", records), *pairs[place:]]), **how).encode()
    envelope, exact = split_exactly(body, "cases")

    assert envelope == {**around, "cases": []}
    assert json.loads(exact) == records
    quick_envelope, quick = split(body, "cases")
    try:
        found = json.loads(quick)
    except ValueError:
        return  # the pull then asks `split_exactly`
    assert (quick_envelope, found) == (envelope, records)


@given(envelopes, st.lists(values, max_size=4), st.data())
def test_a_page_that_breaks_off_is_never_taken_for_a_whole_one(
    around: dict[str, Any], records: list[Any], data: st.DataObject
) -> None:
    body = json.dumps({**around, "cases": records}).encode()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]

    for divide in (split, split_exactly):
        with pytest.raises(BrokenAnswerError):
            divide(cut, "cases")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"cases": {}}', b'{"objects": []}', b"<!DOCTYPE html><html></html>",
     b'{"cases": [1]} {}', b'{"cases": [1]}<html>', b'{"cases": [1],}', b'{"a": 1 "cases": [1]}',
     b'{1: 2, "cases": [1]}', b'\xff{"cases": []}'],
)  # fmt: skip
def test_what_is_no_page_is_refused(body: bytes) -> None:
    for divide in (split, split_exactly):
        with pytest.raises(BrokenAnswerError):
            divide(body, "cases")


@pytest.mark.parametrize(
    ("resource", "body"),
    [
        (CASE_V2, {"cases": [], "meta": "none"}),
        (CASE_V2, {"cases": [], "next": 3}),
        (CASE_V2, {"cases": [], "next": "https://www.commcarehq.org/a/d/api/case/v2/?limit=3"}),
        (CASE_V1, {"objects": [{}], "meta": {"next": "?offset=1"}}),
        (CASE_V1, {"objects": [3], "meta": {"next": "?offset=1"}}),
        (CASE_V1, {"objects": [{"indexed_on": "soon"}], "meta": {"next": "?offset=1"}}),
    ],
)
def test_an_envelope_that_makes_no_sense_is_a_broken_answer(resource: Any, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # which the client takes for a broken answer
        page_of(resource, (("limit", "1"),), body)


def test_a_broken_answer_is_described_without_its_data() -> None:
    with pytest.raises(BrokenAnswerError, match="JSON that breaks off or is damaged") as caught:
        split(b'{"cases": [{"case_name": "Amina', "cases")

    assert "Amina" not in str(caught.value)


@pytest.mark.parametrize("next_link", ["https://evil.example.org/a/d/?{}", "?{}", "/a/d/api/case/v2/?{}"])
def test_only_the_cursor_is_taken_from_next(next_link: str) -> None:
    cursor = base64.b64encode(b"limit=5&last_case_id=a>>?c~~").decode()
    quoted = cursor.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    asked = (("case_type", "patient"), ("limit", "5"))

    for written in (next_link.format(f"cursor={quoted}"), {"cursor": cursor}, next_link.format(f"cursor={cursor}")):
        page = page_of(CASE_V2, asked, {"cases": [{}], "next": written})
        assert page.following == (("cursor", cursor),)


@pytest.mark.parametrize("end", [{}, {"next": None}, {"next": ""}])
def test_a_page_without_next_is_the_last_one_also_when_it_is_full(end: dict[str, Any]) -> None:
    assert page_of(CASE_V2, (("limit", "1"),), {"matching_records": 9, "cases": [{}], **end}).following is None


@pytest.mark.parametrize("total", [{"matching_records": 7}, {"meta": {"total_count": 7}}])
def test_the_total_is_read_from_either_key(total: dict[str, Any]) -> None:
    assert page_of(CASE_V2, (), {**total, "cases": []}).total == 7
    assert page_of(CASE_V2, (), {"cases": []}).total is None


def test_a_page_that_names_itself_as_the_next_one_is_broken() -> None:
    asked = (("cursor", "abc"),)
    with pytest.raises(BrokenAnswerError, match="names itself"):
        page_of(CASE_V2, asked, {"cases": [{}], "next": "?cursor=abc"})


def tastypie(stamps: list[str], following: str | None) -> dict[str, Any]:
    return {"meta": {"next": following, "total_count": 99}, "objects": [{"indexed_on": stamp} for stamp in stamps]}


def test_stamp_pages_start_at_the_last_stamp_and_count_on_inside_a_tie() -> None:
    first = first_params(CASE_V1, (("type.exact", "patient"),), 2)
    assert first == (("type.exact", "patient"), ("order_by", "indexed_on"), ("limit", "2"))

    asked = page_of(CASE_V1, first, tastypie(["2026-01-01T00:00:00.000001Z", "2026-01-02T00:00:00.5Z"], "?x")).following
    assert asked == (*first, ("indexed_on_start", "2026-01-02T00:00:00.500"))
    tie = tastypie(["2026-01-02T00:00:00.500000Z"] * 2, "https://evil.example.org/?offset=7")
    for offset in ("2", "4"):
        asked = page_of(CASE_V1, asked, tie).following
        assert dict(asked)["offset"] == offset
    later = page_of(CASE_V1, asked, tastypie(["2026-01-02T00:00:00.5Z", "2026-01-03T00:00:00.0Z"], "?x")).following
    assert "offset" not in dict(later)
    assert page_of(CASE_V1, asked, tastypie(["2026-01-02T00:00:00.5Z"], None)).following is None


@given(st.lists(st.integers(0, 4000), min_size=1, max_size=30), st.integers(1, 5))
def test_stamp_pages_give_every_record_and_end_also_where_stamps_share_a_millisecond(
    micros: list[int], limit: int
) -> None:
    """The index compares stamps to the millisecond and orders by id below that."""
    records = sorted((micro // 1000, number, micro) for number, micro in enumerate(micros))
    asked: Pairs | None = first_params(CASE_V1, (), limit)
    seen: set[int] = set()
    for _ in range(4 * len(records) + 4):
        values = dict(asked)
        start = values.get("indexed_on_start", "2026-01-01T00:00:00")
        after = [record for record in records if f"2026-01-01T00:00:00.{record[0]:03d}" >= start[:23]]
        offset = int(values.get("offset", 0))
        shown = after[offset : offset + limit]
        seen |= {number for _, number, _ in shown}
        stamps = [f"2026-01-01T00:00:00.{micro:06d}Z" for _, _, micro in shown]
        asked = page_of(CASE_V1, asked, tastypie(stamps, "?" if offset + limit < len(after) else None)).following
        if asked is None:
            break
    assert asked is None
    assert seen == set(range(len(micros)))


def test_offset_pages_count_on_from_the_page_itself_and_keep_repeated_parameters() -> None:
    asked = (("owner", "a"), ("owner", "b"), ("limit", "2"))
    body = {"meta": {"next": "/a/d/?limit=9&offset=77"}, "objects": [{}, {}]}
    second = page_of(CASE_TYPES, asked, body).following
    assert second == (*asked, ("offset", "2"))
    assert page_of(CASE_TYPES, second, body).following == (*asked, ("offset", "4"))
    assert page_of(CASE_TYPES, second, {"meta": {"next": None}, "objects": [{}]}).following is None
    assert page_of(CASE_TYPES, second, {"meta": {"next": "?x"}, "objects": []}).following is None


def test_what_comes_whole_has_no_next_page() -> None:
    assert first_params(APPLICATIONS, (("a", "1"),), 0) == (("a", "1"),)
    assert page_of(APPLICATIONS, (), {"meta": {"next": "?x"}, "objects": [{}]}).following is None


def test_records_can_be_looked_into_also_where_another_list_follows_or_half_an_emoji_is_in_them() -> None:
    page = page_of(CASE_V2, (), b'{"cases": [{"case_name": "\\ud83d"}], "warnings": [1]}')

    assert page.parsed == [{"case_name": "\ud83d"}]


@pytest.mark.parametrize("link", ["/a/d/api/v0.5/configurablereportdata/x/?offset=50&limit=50", "?offset=77", "/a/d/"])
def test_report_pages_count_on_from_the_page_itself_and_end_with_a_blank_link(link: str) -> None:
    asked = (("district", "a\x1fb"), ("limit", "50"))
    body = {"columns": [{"slug": "a", "header": "An a"}], "data": [{"a": 1}] * 50, "total_records": 51}
    page = page_of(REPORT_DATA, asked, {**body, "next_page": link})

    assert page.following == (*asked, ("offset", "50"))
    assert (page.total, page.headers, len(page.parsed)) == (51, {"a": "An a"}, 50)
    assert page_of(REPORT_DATA, page.following, {**body, "next_page": ""}).following is None
    assert page_of(REPORT_DATA, page.following, {**body, "data": [], "next_page": link}).following is None


def test_a_report_page_without_its_columns_names_is_broken() -> None:
    with pytest.raises(BrokenAnswerError, match="no page of the Report API"):
        page_of(REPORT_DATA, (), {"columns": [{"header": "A"}], "data": [], "total_records": 0, "next_page": ""})


def test_a_cursor_that_forgets_what_was_asked_goes_with_it_again() -> None:
    asked = (("data_source_id", "x"), ("limit", "2"))
    second = page_of(DATA_SOURCE_ROWS, asked, {"objects": [{}], "meta": {"next": "?limit=2&cursor=a%3D"}}).following
    assert second == (*asked, ("cursor", "a="))
    third = page_of(DATA_SOURCE_ROWS, second, {"objects": [{}], "meta": {"next": "https://x/?cursor=b"}}).following
    assert third == (*asked, ("cursor", "b"))
    assert page_of(DATA_SOURCE_ROWS, third, {"objects": [], "meta": {"next": None}}).following is None
