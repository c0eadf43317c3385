"""What a notebook shows of a domain, of tables and lists: short, and never as markup from the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

import commcare_frames as ccf
from commcare_frames.connection import Domain
from commcare_frames.credentials import Login
from commcare_frames.read.related_tables import RelatedTables

if TYPE_CHECKING:
    from commcare_frames.sandbox import Sandbox

EVIL = "<img src=x onerror=alert(1)>"


def test_a_domain_links_to_its_pages_and_shows_no_secret(domain: Domain, sandbox: Sandbox) -> None:
    html = domain._repr_html_()

    assert f'href="{sandbox.url}/a/maternal-health/"' in html
    assert sandbox.admin.api_key not in html + repr(domain) + repr(domain.login)
    assert "<img" not in Domain(EVIL, f"https://x/{EVIL}", Login("api_key", "k", "u"))._repr_html_()


def test_the_tables_of_a_form_are_listed_with_their_sizes(domain: Domain) -> None:
    tables = ccf.read_form_tables("Register household")
    text, html = repr(tables), tables._repr_html_()

    assert list(tables) == ["", "children", "children.vaccinations", "cases", "attachments"]
    assert f"'children.vaccinations'  {len(tables['children.vaccinations']):>9,} rows x" in text
    assert len(text.splitlines()) == 6
    assert f"<td>{len(tables['children']):,}</td><td>{tables['children'].shape[1]:,}</td>" in html


def test_names_of_tables_are_text() -> None:
    html = RelatedTables({EVIL: pd.DataFrame({"form_id": ["1"]})})._repr_html_()

    assert "&lt;img" in html
    assert "<img" not in html
    assert repr(RelatedTables()) == "0 tables, joined by form_id:"


def test_a_village_named_like_a_script_is_text(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    cases = fresh_sandbox.domain("maternal-health")
    cases.update(cases.case_ids("patient")[0], village=EVIL)
    villages = ccf.read_cases("patient")[["village"]].query("village == @EVIL")

    assert len(villages) == 1
    assert "&lt;img" in villages._repr_html_()
    assert "<img" not in villages._repr_html_()


def test_the_codebook_and_lists_have_a_row_for_each_thing(domain: Domain) -> None:
    for frame in (ccf.read_questions(), ccf.list_forms(), ccf.list_apps(), ccf.list_case_types(), ccf.list_domains()):
        assert len(frame) > 0
        assert frame._repr_html_().count("<tr") >= min(len(frame), 10)
