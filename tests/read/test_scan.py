"""`scan_cases`: one dataset for DuckDB and Dask, with every column of every part and each case once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.dataframe as dd
import duckdb
import pandas as pd
import pytest
from pyarrow.dataset import field

import commcare_frames as ccf

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox


def in_parts(sandbox: Sandbox) -> ds.Dataset:
    """Scan cases that came in two pulls, of which the later brought a property that the first has not."""
    ccf.read_cases("patient")
    sandbox.domain("maternal-health").add({"case_id": "new", "case_type": "patient", "properties": {"brand_new": "y"}})
    return ccf.scan_cases("patient")


def with_dask(cases: ds.Dataset) -> dd.DataFrame:
    """Open a scan in Dask as the documentation of `scan_cases` says."""

    def frame(part: ds.Fragment, schema: pa.Schema) -> pd.DataFrame:
        return part.to_table(schema=schema).to_pandas(types_mapper=pd.ArrowDtype)

    return dd.from_map(
        frame,
        list(cases.get_fragments()),
        schema=cases.schema,
        meta=cases.schema.empty_table().to_pandas(types_mapper=pd.ArrowDtype),
    )


def test_a_scan_holds_the_rows_and_texts_of_the_frame(domain: Domain) -> None:
    scanned = ccf.scan_cases("patient").to_table().to_pandas()
    frame = ccf.read_cases("patient", dtypes="string")
    in_order = scanned.sort_values(["indexed_on", "case_id"], ignore_index=True)[frame.columns]

    pd.testing.assert_frame_equal(in_order, frame, check_dtype=False)


def test_duckdb_queries_a_scan_without_loading_it(domain: Domain) -> None:
    visits = ccf.scan_cases("visit")
    found = duckdb.sql(
        'select "indices.parent.case_id" as patient, count(*) as visits from visits group by all'
    ).to_df()
    expected = ccf.read_cases("visit")["indices.parent.case_id"].value_counts()

    assert visits.count_rows() > 300
    assert found.set_index("patient")["visits"].to_dict() == expected.to_dict()


def test_every_case_stands_once_in_a_scan_after_updates(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    ids = ccf.read_cases("patient")["case_id"].tolist()
    fresh_sandbox.domain("maternal-health").update(ids[0], notes="the newer version")
    scanned = ccf.scan_cases("patient")
    updated = scanned.to_table(filter=field("case_id") == ids[0])

    assert sorted(scanned.to_table()["case_id"].to_pylist()) == sorted(ids)
    assert updated["notes"].to_pylist() == ["the newer version"]


def test_deleted_cases_are_not_in_a_scan(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    ids = ccf.read_cases("patient")["case_id"].tolist()
    fresh_sandbox.domain("maternal-health").delete(ids[:2])

    assert sorted(ccf.scan_cases("patient").to_table()["case_id"].to_pylist()) == sorted(ids[2:])


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask_reads_a_scan_part_by_part_with_the_columns_of_all_parts(
    fresh_sandbox: Sandbox, fresh_domain: Domain, scheduler: str
) -> None:
    cases = in_parts(fresh_sandbox)
    lazy = with_dask(cases)
    frame = ccf.read_cases("patient")

    assert lazy.npartitions > 1
    assert set(lazy.columns) == set(frame.columns)
    assert lazy["brand_new"].count().compute(scheduler=scheduler, num_workers=1) == 1
    assert lazy["case_id"].nunique().compute(scheduler=scheduler, num_workers=1) == len(frame)


def test_a_scan_of_a_type_without_cases_has_the_columns_of_the_frame(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    fresh_sandbox.domain("maternal-health").delete(ccf.read_cases("child", cache=False)["case_id"].tolist())
    scanned = ccf.scan_cases("child")

    assert scanned.count_rows() == 0
    assert set(scanned.schema.names) == set(ccf.read_cases("child").columns) > {"birth_weight_kg"}


def test_a_misspelled_type_cannot_be_scanned(domain: Domain) -> None:
    with pytest.raises(ccf.CommCareError, match="Did you mean 'visit'"):
        ccf.scan_cases("vist")
