"""`export_forms` and `export_report`: the same table as in a frame, with its codebook, in every kind of file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import duckdb
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, ExportError, QueryError
from commcare_frames.read import exporting

if TYPE_CHECKING:
    from pathlib import Path

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

MANY = pytest.mark.parametrize("batch", [10_000, 50])


def by_id(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in ("form_id", "children_entry", "entry") if name in frame]
    return frame.sort_values(keys, ignore_index=True)


@MANY
def test_a_parquet_file_is_the_frame(
    batch: int, domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BATCH", batch)
    frame = ccf.read_forms("Visit")
    written = pd.read_parquet(ccf.export_forms(tmp_path / "visits.parquet", "Visit", cache="offline"))

    assert written.columns.tolist() == frame.columns.tolist()
    assert written.dtypes.astype(str).to_dict() == frame.dtypes.astype(str).to_dict()
    columns = [name for name in frame if name != "attachments"]
    pd.testing.assert_frame_equal(by_id(written)[columns], by_id(frame)[columns])
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "visits.parquet").stat().st_mode) == 0o600


@MANY
@pytest.mark.parametrize("repeat", ["children", "children.vaccinations"])
def test_a_repeat_is_exported_as_it_is_read(
    repeat: str, batch: int, domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BATCH", batch)
    frame = ccf.read_repeats("Register household", repeat)
    written = pd.read_parquet(ccf.export_forms(tmp_path / "r.parquet", "Register household", repeat=repeat))

    pd.testing.assert_frame_equal(by_id(written), by_id(frame))


def test_parquet_says_of_each_column_what_was_asked(domain: Domain, tmp_path: Path) -> None:
    file = ccf.export_forms(tmp_path / "visits.parquet", "Visit")
    schema = pq.read_schema(file)

    assert schema.field("examination.hb").metadata[b"path"] == b"/data/examination/hb"
    assert schema.field("visit_type").metadata[b"choices"].startswith(b"anc = ")
    assert b"label" in schema.field("position.latitude").metadata
    assert schema.field("form_id").metadata is None or b"label" not in schema.field("form_id").metadata


def test_excel_has_the_data_their_labels_and_the_codebook(domain: Domain, tmp_path: Path) -> None:
    file = ccf.export_forms(tmp_path / "visits.xlsx", "Visit", columns=["form_id", "examination.hb"], label_row=True)
    book = openpyxl.load_workbook(file)
    names, labels, first = list(book.worksheets[0].iter_rows(values_only=True))[:3]
    codebook = list(book["codebook"].iter_rows(values_only=True))

    assert book.sheetnames == ["forms", "codebook"]
    assert names == ("form_id", "examination.hb")
    assert labels[1] == ccf.read_questions(form="Visit").set_index("column").loc["examination.hb", "label"].iloc[0]
    assert first[0] in set(ccf.read_forms("Visit")["form_id"])
    assert codebook[0][:2] == ("path", "column")
    assert "/data/examination/hb" in {row[0] for row in codebook}


def test_csv_has_everything_as_hq_sent_it(domain: Domain, tmp_path: Path) -> None:
    file = ccf.export_forms(tmp_path / "visits.csv", "Visit")
    written = pd.read_csv(file, dtype=str, keep_default_na=False).set_index("form_id")
    sent = ccf.read_forms("Visit", dtypes="string").set_index("form_id")

    assert written["position"].to_dict() == sent["position"].fillna("").to_dict()
    assert written["examination.hb"].to_dict() == sent["examination.hb"].fillna("").to_dict()


def test_duckdb_has_a_table_of_the_forms(domain: Domain, tmp_path: Path) -> None:
    file = ccf.export_forms(tmp_path / "visits.duckdb", "Visit", columns=["form_id", "visit_date"])
    with duckdb.connect(str(file), read_only=True) as database:
        rows = database.execute("select count(*), count(visit_date) from forms").fetchall()

    visits = ccf.read_forms("Visit")
    assert rows == [(len(visits), int(visits["visit_date"].notna().sum()))]


def test_what_does_not_fit_is_told(fresh_domain: Domain, fresh_sandbox: Sandbox, tmp_path: Path) -> None:
    xmlns = ccf.list_forms().set_index("form").loc["Visit", "xmlns"]
    fresh_sandbox.forms("maternal-health").submit({"form": {"@xmlns": xmlns.iloc[0], "visit_date": "soon"}})
    with pytest.warns(DataWarning, match=r"1 answers do not fit .* missing in the file: visit_date"):
        ccf.export_forms(tmp_path / "visits.parquet", "Visit")


def test_wrong_names_are_told_and_leave_the_old_file(domain: Domain, tmp_path: Path) -> None:
    file = ccf.export_forms(tmp_path / "visits.parquet", "Visit", columns=["form_id"])
    before = file.read_bytes()
    with pytest.raises(QueryError, match="no repeat 'medicins'. Did you mean 'medicines'"):
        ccf.export_forms(file, "Visit", repeat="medicins")
    with pytest.raises(ExportError, match="There is no folder"):
        ccf.export_forms(tmp_path / "nowhere" / "visits.parquet", "Visit")

    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == ["visits.parquet"]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".xlsx"])
def test_a_report_is_exported_as_it_is_read(ending: str, domain: Domain, tmp_path: Path) -> None:
    report = ccf.read_report("Open pregnancies")
    file = ccf.export_report(tmp_path / f"open{ending}", "Open pregnancies", label_row=True)
    match ending:
        case ".parquet":
            pd.testing.assert_frame_equal(pd.read_parquet(file), report)
            assert pq.read_schema(file).field("edd").metadata[b"label"] == b"Due"
        case ".csv":
            assert pd.read_csv(file)["name"].tolist() == report["name"].tolist()
        case ".xlsx":
            rows = list(openpyxl.load_workbook(file).worksheets[0].iter_rows(values_only=True))
            assert rows[0] == tuple(report.columns)
            assert rows[1] == tuple(report.attrs["commcare"]["headers"][name] for name in report.columns)
            assert len(rows) == len(report) + 2
