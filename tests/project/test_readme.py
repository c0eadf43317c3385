"""What the README says is there is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "benchmarks/README.md", "tests/README.md"]
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)([^)#]+)\)")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    broken = [target for _, target in LINK.findall(text) if not (ROOT / page).parent.joinpath(target).exists()]
    assert broken == []


def test_each_function_in_the_table_leads_to_its_page_with_an_example() -> None:
    links = [
        (name.strip("`"), ROOT / target)
        for name, target in LINK.findall((ROOT / "README.md").read_text())
        if target.startswith("commcare_frames/") and target.endswith(".py")
    ]
    assert len(links) > 50
    for name, module in links:
        _, _, page = module.read_text().partition(f"\ndef {name}(")
        assert "\n    Examples\n" in page.partition("\ndef ")[0], name
