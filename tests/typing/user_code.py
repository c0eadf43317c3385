"""Code as users write it; only type-checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import pandas as pd

import commcare_frames as ccf

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow.dataset as ds


def typical_calls(path: Path) -> None:
    domain = assert_type(ccf.connect("my-domain", server="india", username="a@b.org", api_key="..."), ccf.Domain)
    patients = assert_type(ccf.read_cases("patient"), pd.DataFrame)
    ccf.read_cases("patient", domain=domain, where={"closed": False, "properties.state": ["bihar", "goa"]})
    ccf.read_cases("patient", since="2025-01-01", dtypes={"age": "Int64"}, max_age="1h", cache="offline")
    ccf.read_cases("patient", labels="en")
    ccf.read_cases("patient", labels={"lang": "fr", "show": "both", "multi": "indicators"})
    assert_type(ccf.label_columns(patients, "fr"), pd.DataFrame)
    assert_type(ccf.read_questions("My app", "My form", version=3), pd.DataFrame)
    scanned: ds.Dataset = ccf.scan_cases("patient")
    ccf.export_cases(path / "patients.parquet", "patient")
    ccf.export_cases("patients.csv", "patient", columns=["case_id"])
    assert_type(ccf.list_case_types(), pd.DataFrame)
    assert_type(ccf.whoami(), dict[str, str])
    print(len(patients), scanned.count_rows(), ccf.plot_cohort(patients).get_title())
    try:
        ccf.read_cases("pateint")
    except ccf.CommCareError as error:
        assert_type(error.status_code, int | None)
