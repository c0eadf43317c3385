"""The cache as a whole: what is listed, what verify finds, what compacting and clearing leave."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.cache import management, places
from commcare_frames.cache.management import CachedTable, cached_tables
from commcare_frames.cache.manifest import Manifest, Part
from commcare_frames.errors import CacheError, DataWarning

if TYPE_CHECKING:
    from pathlib import Path

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox


@pytest.fixture
def table(domain: Domain) -> CachedTable:
    """The cached table of patients."""
    ccf.read_cases("patient")
    return cached_tables()[0]


def updated(sandbox: Sandbox, case_ids: list[str]) -> None:
    for case_id in case_ids:
        sandbox.domain("maternal-health").update(case_id, weight_kg="61.5")


def damage(folder: Path) -> Path:
    part = next(folder.glob("*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 0xFF
    part.write_bytes(content)
    return part


def test_a_table_says_what_it_is(table: CachedTable, domain: Domain) -> None:
    assert (table.host, table.domain, table.kind, table.what) == (domain.host, domain.name, "cases", "patient")
    assert (table.rows, table.superseded, table.parts, table.state) == (300, 0, 1, "complete")
    assert table.size == sum(file.stat().st_size for file in table.folder.iterdir()) > 10_000
    assert pd.Timestamp(table.refreshed_at) > pd.Timestamp.now("UTC") - pd.Timedelta(minutes=1)


def test_tables_are_found_by_domain_and_name(domain: Domain) -> None:
    ccf.read_cases("patient")
    ccf.read_cases("household")
    ccf.read_cases("patient", domain="child-nutrition")
    ccf.read_cases()

    assert [(each.domain, each.what) for each in cached_tables()] == [
        ("child-nutrition", "patient"),
        ("maternal-health", "all case types"),
        ("maternal-health", "household"),
        ("maternal-health", "patient"),
    ]
    assert [each.what for each in cached_tables(domain="child-nutrition")] == ["patient"]
    assert [each.domain for each in cached_tables(what="patient")] == ["child-nutrition", "maternal-health"]


def test_a_kept_filtered_read_says_its_filter(domain: Domain) -> None:
    ccf.read_cases("patient", where={"closed": True}, max_age="1h")

    assert cached_tables()[0].what == "patient, where={'closed': True}"


def test_listing_changes_nothing_not_even_what_is_unreadable(table: CachedTable, domain: Domain) -> None:
    (table.folder / "manifest.json").write_text("{")
    unreadable = cached_tables()[0]

    assert (unreadable.state, unreadable.rows, unreadable.parts) == ("unreadable", 0, 0)
    assert (unreadable.host, unreadable.domain, unreadable.what) == (domain.host, domain.name, "patient")
    assert unreadable.damaged() == ["manifest.json"]
    assert (table.folder / "manifest.json").read_text() == "{"
    assert list(management.set_aside()) == []


def test_a_pull_that_broke_off_is_told(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    ccf.read_cases("patient")
    fresh_sandbox.faults.status(502)
    with pytest.raises(ccf.CommCareError):
        ccf.read_cases("patient")
    assert cached_tables()[0].state == "complete", "nothing had arrived"

    fresh_sandbox.faults.clear()
    updated(fresh_sandbox, ccf.read_cases("patient")["case_id"].head(1).tolist())
    fresh_sandbox.faults.status(502, skip=1)
    with pytest.raises(ccf.CommCareError):
        ccf.read_cases("patient")
    assert cached_tables()[0].state == "broken off"


def test_verify_finds_damage_and_leaves_it_to_the_next_read(table: CachedTable) -> None:
    before = ccf.read_cases("patient")
    assert (table.damaged(), table.misfits()) == ([], [])
    part = damage(table.folder)

    assert table.damaged() == [part.name]
    assert table.misfits() == [], "its size is as it was"
    assert part.exists()
    with pytest.warns(DataWarning, match="is damaged. It was set aside"):
        after = ccf.read_cases("patient")
    pd.testing.assert_frame_equal(after, before)
    assert list(management.set_aside()) == [part.with_name(f"{part.name}.damaged")]


def test_a_missing_part_shows_at_a_glance(table: CachedTable) -> None:
    part = next(table.folder.glob("*.parquet"))
    part.unlink()

    assert table.misfits() == table.damaged() == [part.name]


def test_compacting_drops_superseded_rows_and_nothing_else(fresh_domain: Domain, fresh_sandbox: Sandbox) -> None:
    updated(fresh_sandbox, ccf.read_cases("patient")["case_id"].head(3).tolist())
    before = ccf.read_cases("patient")
    table = cached_tables()[0]
    assert (table.superseded, table.parts, table.is_compact) == (3, 2, False)
    table.compact()

    compacted = cached_tables()[0]
    assert (compacted.rows, compacted.superseded, compacted.parts, compacted.is_compact) == (60, 0, 1, True)
    pd.testing.assert_frame_equal(ccf.read_cases("patient", cache="offline"), before)


def test_columns_of_version_1_survive_compacting_also_empty_ones(domain: Domain) -> None:
    asked = {"columns": ["case_name", "opened_by", "closed_by"], "max_age": "1h"}
    before = ccf.read_cases("household", **asked)
    assert before["closed_by"].isna().all()
    cached_tables()[0].compact()

    pd.testing.assert_frame_equal(ccf.read_cases("household", **asked), before)


@pytest.mark.parametrize(("rows", "is_compact"), [((60_000,), True), ((60_000, 10), False), ((9, 9), False)])
def test_a_table_is_compact_when_it_has_no_small_parts_and_no_old_rows(
    tmp_path: Path, rows: tuple[int, ...], is_compact: bool
) -> None:
    parts = tuple(Part(f"{number}.parquet", count, 1, None, None) for number, count in enumerate(rows))
    asked = {"server": "https://www.commcarehq.org", "domain": "d", "kind": "cases"}
    manifest = Manifest(asked, "case v2", "indexed_on", parts, rows=rows[0], refreshed_at="2025-01-01T00:00:00Z")
    (tmp_path / "manifest.json").write_text(manifest.to_json())

    assert CachedTable(tmp_path).is_compact is is_compact


def test_a_damaged_table_is_not_compacted(table: CachedTable) -> None:
    damage(table.folder)
    before = (table.folder / "manifest.json").read_text()

    with pytest.raises(CacheError, match="is damaged"):
        table.compact()
    assert (table.folder / "manifest.json").read_text() == before


def test_clearing_deletes_one_table_and_no_other(domain: Domain) -> None:
    ccf.read_cases("patient")
    ccf.read_cases("household")
    cached_tables(what="patient")[0].clear()

    assert [each.what for each in cached_tables()] == ["household"]
    assert not (places.folder(domain.host, domain.name, "cases", "patient")).exists()
    assert len(ccf.read_cases("patient")) == 300


def test_what_was_set_aside_is_found_once_and_removed(table: CachedTable) -> None:
    (table.folder / "manifest.json").write_text("{")
    with pytest.warns(DataWarning, match="set aside"):
        ccf.read_cases("patient")
    (table.folder / "0.parquet.damaged").write_bytes(b"x")
    assert [each.state for each in cached_tables()] == ["complete"], "what was set aside is no table"

    aside = list(management.set_aside(domain="maternal-health", what="patient"))
    assert [path.name.partition(".")[0] for path in aside] == ["patient", "0"]
    assert list(management.set_aside(domain="child-nutrition")) == list(management.set_aside(what="visit")) == []
    for path in aside:
        management.remove(path)
    assert list(management.set_aside()) == []
    assert len(ccf.read_cases("patient", cache="offline")) == 300


def test_what_a_killed_export_left_behind_is_found_after_a_day(domain: Domain) -> None:
    for name, hours in (("export-old", 25), ("export-running", 1)):
        folder = places.root() / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - hours * 3600,) * 2)

    assert [path.name for path in management.set_aside()] == ["export-old"]
