"""Hypothesis strategies for records as awkward as JSON allows."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

CHARACTERS = "aZ07 .,:#@-_{}[]'\"\\/\x00\x1f\n\t\x7fé\u2028\uffff😀"
TIMES = st.sampled_from([
    None, "", "1900-01-01", "2021-08-03T20:15:09.063823Z", "2021-08-03T20:15:09Z", "2021-08-03T20:15:09.5"
])  # fmt: skip
NAMES = st.one_of(
    st.sampled_from([
        "age", "AGE", "#type", "@xmlns", "", " ", "a.b", "case_id", "closed", "domain", "user_id", "properties.x",
        "indices.parent.case_id", "metadata.x", "é", "😀", 'quo"te', "back\\slash", "nul\x00", "new\nline",
    ]),
    st.text(CHARACTERS, max_size=4),
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["", "1", "2021-08-03", "2021-08-03T20:15:09Z", "null", "true", "😀", "a\nb", '"', "\\u00e9"]),
    st.text(CHARACTERS, max_size=8),
)
SCALARS = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(
    TEXTS,
    SCALARS,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=5
    ),
)
PLAIN_PROPERTIES = st.dictionaries(NAMES, TEXTS | st.none(), max_size=6)
LINK = st.fixed_dictionaries(
    {"case_id": TEXTS}, optional={"case_type": TEXTS, "relationship": TEXTS, "x.case_id": TEXTS}
)


def records(properties: st.SearchStrategy[Any], links: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return a strategy of pages: lists of records in which anything may be missing."""
    metadata = {
        "domain": st.sampled_from(["d", "e", None]),
        "case_id": TEXTS,
        "case_name": TEXTS,
        "external_id": TEXTS | st.none(),
        "last_modified": TIMES,
        "date_closed": TIMES,
        "closed": st.booleans() | st.none(),
        "is_deprecated": st.booleans(),
        "properties": properties,
        "indices": links,
        "new_key": TEXTS,
    }
    return st.lists(st.fixed_dictionaries({}, optional=metadata), max_size=4)


PLAIN_PAGES = records(PLAIN_PROPERTIES | st.none(), st.dictionaries(NAMES, LINK, max_size=2))
AWKWARD_PAGES = records(
    st.dictionaries(NAMES, VALUES, max_size=4) | st.lists(TEXTS, max_size=2),
    st.dictionaries(st.sampled_from(["parent", "a", "a.b"]), LINK | VALUES, max_size=2) | VALUES,
)


def encoded(page: object, *, escaped: bool = True) -> bytes:
    """Return `page` as JSON bytes; unescaped, emoji and accents stand as UTF-8."""
    return json.dumps(page, ensure_ascii=escaped).encode()
