"""Hypothesis strategies for forms as awkward as JSON allows, and the leaves that are in them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from awkward_records import TEXTS
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = st.one_of(
    st.sampled_from([
        "q", "Q", "group", "children", "case", "meta", "item", "entry", "form_id", "username", "count", "#text", "@id",
        "a.b", "a-b", "1st", "é", "😀", 'quo"te', "x[]", "x{}", "form.q", "metadata.q", "attachments", "", " ",
    ]),
    st.text('aZ0.#@-_[]{}"é', max_size=4),
)  # fmt: skip
CASE_BLOCK = st.fixed_dictionaries(
    {"@case_id": st.text("abc", min_size=1, max_size=3)},
    optional={
        "create": st.fixed_dictionaries({"case_type": TEXTS, "case_name": TEXTS}),
        "update": st.dictionaries(NAMES, TEXTS, max_size=3),
        "close": st.just(""),
        "index": st.fixed_dictionaries({"parent": st.fixed_dictionaries({"@case_type": TEXTS, "#text": TEXTS})}),
    },
)
CASE_BLOCKS = CASE_BLOCK | st.lists(CASE_BLOCK, min_size=1, max_size=2)
ANSWERS = st.recursive(
    TEXTS,
    lambda inner: (
        st.dictionaries(NAMES, inner, max_size=4)
        | st.lists(inner.filter(lambda one: not isinstance(one, list)), max_size=3)  # XML has no lists of lists
        | st.fixed_dictionaries({"case": CASE_BLOCKS}, optional={"q": inner})
    ),
    max_leaves=12,
)
FORMS = st.lists(st.dictionaries(NAMES, ANSWERS, max_size=5), max_size=4)


def as_records(forms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put forms into the envelopes that HQ's API has."""
    return [
        {"id": f"form {number}", "received_on": "2026-01-05T10:00:00.000000Z", "metadata": {}, "form": form}
        for number, form in enumerate(forms)
    ]


def leaves(value: Any) -> Iterator[str]:
    """Give every text that is not blank."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value:
        yield value


def counted(values: Any) -> Counter[str]:
    """Count the leaves of a value."""
    return Counter(leaves(values))
