"""`export_cases`: the frame of `read_cases` in a file, whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import stat
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

import commcare_frames as ccf
from commcare_frames.errors import CacheError, DtypeError, ExportError, NotFoundError, QueryError, ServerFailedError
from commcare_frames.read import exporting, files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

ENDINGS = [".parquet", ".csv", ".xlsx", ".duckdb", ".feather"]
FRAMES = {".parquet": pd.read_parquet, ".feather": pd.read_feather}
FORMULAS = ["=1+1", "+44 20", "-3 kg", "@home", "\tx", "\rx"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exports"
    made.mkdir()
    return made


@pytest.fixture(params=ENDINGS)
def path(request: pytest.FixtureRequest, folder: Path) -> Path:
    return folder / f"patients{request.param}"


def set_notes(sandbox: Sandbox, texts: list[str]) -> dict[str, str]:
    """Give as many patients these notes, and return the notes by case id."""
    index = sandbox.domain("maternal-health")
    notes = dict(zip(sorted(index.case_ids("patient")), texts, strict=False))
    for case_id, text in notes.items():
        index.update(case_id, notes=text)
    return notes


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def sheet_rows(path: Path) -> list[dict[str, Any]]:
    """Return cells as openpyxl has them, by the names in the first row."""
    names, *rows = openpyxl.load_workbook(path).active.iter_rows()
    return [dict(zip([name.value for name in names], row, strict=True)) for row in rows]


def assert_nothing_else_in(folder: Path, *names: str) -> None:
    assert sorted(each.name for each in folder.iterdir()) == sorted(names)


@contextlib.contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let the disk be full for every file that grows beyond `size`."""
    import resource  # noqa: PLC0415  not on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", [".parquet", ".feather"])
@pytest.mark.parametrize(
    "asked",
    [
        {"case_type": "patient"},
        {"case_type": None},
        {"case_type": "visit", "where": {"closed": True}},
        {"case_type": "patient", "dtypes": "string"},
        {"case_type": "patient", "dtypes": {"age": "Float64", "district": "category"}},
        {"case_type": "patient", "columns": ["age", "case_name", "indices.parent.case_id"], "cache": False},
        {"case_type": "patient", "columns": ["case_id", "xform_ids", "server_date_opened"]},
    ],
)
def test_a_parquet_or_feather_file_gives_the_frame_of_read_cases(
    domain: Domain, folder: Path, ending: str, asked: dict[str, Any]
) -> None:
    path = ccf.export_cases(folder / f"cases{ending}", **asked)

    pd.testing.assert_frame_equal(FRAMES[ending](path), ccf.read_cases(**asked))


def test_the_file_is_the_same_whatever_the_batches(domain: Domain, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "BATCH", 7)
    frame = ccf.read_cases("patient", dtypes={"district": "category"})
    ccf.export_cases(path, "patient", dtypes={"district": "category"})

    if path.suffix in FRAMES:
        pd.testing.assert_frame_equal(FRAMES[path.suffix](path), frame)
    match path.suffix:
        case ".parquet":
            assert pq.ParquetFile(path).metadata.row_group(0).num_rows == 7
        case ".csv":
            assert [row["case_id"] for row in csv_rows(path)] == frame["case_id"].tolist()
        case ".xlsx":
            assert [row["case_id"].value for row in sheet_rows(path)] == frame["case_id"].tolist()
        case ".duckdb":
            with duckdb.connect(path) as database:
                rows = database.execute("select case_id, district from patient").fetchall()
            assert rows == list(zip(frame["case_id"], frame["district"], strict=True))


def test_a_property_without_any_value_is_no_column(fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path) -> None:
    for case_id, value in (("a", "x"), ("b", "y")):
        case = {"case_id": case_id, "case_type": "grant", "properties": {"never": None, "always": value}}
        fresh_sandbox.domain("maternal-health").add(case)
    path = ccf.export_cases(folder / "grants.parquet", "grant")

    pd.testing.assert_frame_equal(pd.read_parquet(path), ccf.read_cases("grant", max_age="1h"))
    assert "never" not in pd.read_parquet(path)
    with pytest.raises(DtypeError, match="no such column"):
        ccf.export_cases(path, "grant", dtypes={"never": "Int64"}, max_age="1h")


def test_a_column_that_no_case_has_is_missing_with_one_warning(domain: Domain, folder: Path) -> None:
    ccf.read_cases("patient")
    with pytest.warns(ccf.DataWarning, match="Did you mean 'weight_kg'") as warned:
        path = ccf.export_cases(folder / "patients.parquet", "patient", columns=["case_id", "weight_k"])

    assert pd.read_parquet(path)["weight_k"].isna().all()
    assert len(warned) == 1


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_type_without_cases_becomes_a_file_with_columns_and_no_rows(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path, ending: str
) -> None:
    index = fresh_sandbox.domain("maternal-health")
    index.delete(index.case_ids("child"))
    path = ccf.export_cases(folder / f"children{ending}", "child")

    match ending:
        case ".csv":
            names, rows = next(csv.reader(path.read_text("utf-8").splitlines())), csv_rows(path)
        case ".xlsx":
            sheet = openpyxl.load_workbook(path).active
            names, rows = [cell.value for cell in sheet[1]], sheet_rows(path)
        case ".duckdb":
            with duckdb.connect(path) as database:
                names, rows = database.table("child").columns, database.table("child").fetchall()
        case _:
            frame = FRAMES[ending](path)
            names, rows = frame.columns.tolist(), frame.to_dict("records")
    assert names == ccf.read_cases("child").columns.tolist()
    assert "birth_weight_kg" in names
    assert rows == []


def test_a_csv_file_holds_every_value_as_hq_sent_it(domain: Domain, folder: Path) -> None:
    rows = csv_rows(ccf.export_cases(folder / "patients.csv", "patient"))
    sent = ccf.read_cases("patient", dtypes="string")
    properties = [name for name in sent if str(sent[name].dtype) == "str"]

    assert list(rows[0]) == sent.columns.tolist()
    assert [{name: row[name] for name in properties} for row in rows] == sent[properties].fillna("").to_dict("records")
    assert {row["closed"] for row in rows} == {"true", "false"}
    assert pd.Timestamp(rows[0]["indexed_on"]) == sent["indexed_on"].iloc[0]
    assert rows[0]["indexed_on"][10] == "T"
    assert "" in {row["date_closed"] for row in rows}


def test_awkward_texts_stay_as_they_are_in_a_csv_file(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path
) -> None:
    notes = set_notes(fresh_sandbox, ['two\nlines, "quoted"', "\r\n", " spaces ", "हिन्दी 😀", "x" * 100_000, "1.50"])
    rows = csv_rows(ccf.export_cases(folder / "patients.csv", "patient"))

    assert {row["case_id"]: row["notes"] for row in rows if row["case_id"] in notes} == notes


def test_a_row_with_nothing_in_its_only_column_is_a_row_of_a_csv_file(domain: Domain, folder: Path) -> None:
    path = ccf.export_cases(folder / "notes.csv", "patient", columns=["notes"])

    pd.testing.assert_frame_equal(pd.read_csv(path, dtype="str"), ccf.read_cases("patient", columns=["notes"]))


def test_lists_are_json_in_a_cell(domain: Domain, folder: Path) -> None:
    asked = ["case_id", "xform_ids"]
    ids = ccf.read_cases("patient", columns=asked)["xform_ids"].iloc[0]
    in_csv = csv_rows(ccf.export_cases(folder / "forms.csv", "patient", columns=asked))
    in_sheet = sheet_rows(ccf.export_cases(folder / "forms.xlsx", "patient", columns=asked))

    assert in_csv[0]["xform_ids"] == in_sheet[0]["xform_ids"].value == str(ids).replace("'", '"').replace(" ", "")


def test_an_excel_file_has_texts_numbers_and_dates_as_such(domain: Domain, folder: Path) -> None:
    frame = ccf.read_cases("patient")
    path = ccf.export_cases(folder / "patients.xlsx", "patient")
    rows = sheet_rows(path)

    for name, kind in {"phone": "s", "registration_id": "s", "age": "n", "weight_kg": "n", "closed": "b"}.items():
        there = [row[name] for row in rows if row[name].value is not None]
        assert {cell.data_type for cell in there} == {kind}, name
        assert [cell.value for cell in there] == frame[name].dropna().tolist()
    opened = rows[0]["date_opened"]
    assert opened.number_format == "yyyy-mm-dd hh:mm:ss"
    assert abs(opened.value - frame["date_opened"].iloc[0].tz_localize(None)) < pd.Timedelta("1ms")
    assert (rows[0]["dob"].value, rows[0]["dob"].number_format) == (frame["dob"].iloc[0], "yyyy-mm-dd")
    assert openpyxl.load_workbook(path).active.freeze_panes == "A2"


@pytest.mark.parametrize(
    "text", ["=1+1", "https://example.org/x", "mailto:a@b.c", "{=A1}", "<r>a&b</r>", " 007", "😀" * 16_000]
)
def test_a_text_stays_a_text_in_an_excel_file(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path, text: str
) -> None:
    (case_id,) = set_notes(fresh_sandbox, [text])
    path = ccf.export_cases(folder / "patients.xlsx", "patient", columns=["case_id", "notes"])
    cell = next(row["notes"] for row in sheet_rows(path) if row["case_id"].value == case_id)

    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_what_excel_would_not_keep_is_text(fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path) -> None:
    index = fresh_sandbox.domain("maternal-health")
    for case_id, account, day in (("a", "1234567890123456", "1900-01-01"), ("b", "123456789012345", "1900-03-01")):
        index.add({"case_id": case_id, "case_type": "grant", "properties": {"account": account, "day": day}})
    first, second = sheet_rows(ccf.export_cases(folder / "grants.xlsx", "grant"))

    assert (first["account"].value, first["day"].value) == ("1234567890123456", "1900-01-01T00:00:00")
    assert (second["account"].value, second["day"].value) == (123456789012345, pd.Timestamp(1900, 3, 1))


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_formulas_are_neutralised_on_request_only_and_numbers_stay(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path, ending: str
) -> None:
    notes = set_notes(fresh_sandbox, [*FORMULAS, "plain"])
    ids = sorted(notes)
    fresh_sandbox.domain("maternal-health").update(ids[0], **{"=evil": "x", "drop": "-5"})

    def exported(*, neutralise: bool) -> tuple[list[str], list[object], object]:
        path = ccf.export_cases(folder / f"patients{ending}", "patient", neutralise=neutralise)
        if ending == ".csv":
            rows: list[dict[str, Any]] = csv_rows(path)
        else:
            rows = [{name: cell.value for name, cell in row.items()} for row in sheet_rows(path)]
        by_id = {row["case_id"]: row for row in rows}
        return list(rows[0]), [by_id[case_id]["notes"] for case_id in ids], by_id[ids[0]]["drop"]

    as_read = [text.replace("\r", "_x000D_") if ending == ".xlsx" else text for text in notes.values()]
    names, texts, number = exported(neutralise=False)
    assert "=evil" in names
    assert texts == as_read

    names, texts, number = exported(neutralise=True)
    assert "'=evil" in names
    assert texts == [*(f"'{text}" for text in as_read[:-1]), "plain"]
    assert number in {"-5", -5}


def test_a_duckdb_file_holds_a_typed_table_named_like_the_case_type(domain: Domain, folder: Path) -> None:
    frame = ccf.read_cases("patient")
    with duckdb.connect(ccf.export_cases(folder / "health.duckdb", "patient")) as database:
        kinds = dict(database.execute("select column_name, column_type from (describe patient)").fetchall())
        ((rows, total, oldest),) = database.execute("select count(*), sum(age), min(dob) from patient").fetchall()

    assert list(kinds) == frame.columns.tolist()
    assert [kinds[name] for name in ("age", "weight_kg", "dob", "indexed_on", "closed", "phone")] == [
        "BIGINT", "DOUBLE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BOOLEAN", "VARCHAR",
    ]  # fmt: skip
    assert (rows, total, oldest) == (len(frame), frame["age"].sum(), frame["dob"].min())


@pytest.mark.parametrize("case_type", [None, 'odd "name".x', "select", "cases", "main"])
def test_any_case_type_is_a_table_name(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path, case_type: str | None
) -> None:
    if case_type:
        fresh_sandbox.domain("maternal-health").add({"case_id": "one", "case_type": case_type})
    with duckdb.connect(ccf.export_cases(folder / "cases.duckdb", case_type)) as database:
        assert database.execute("show tables").fetchall() == [(case_type or "cases",)]


def test_names_that_duckdb_cannot_tell_apart_are_told(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path
) -> None:
    fresh_sandbox.domain("maternal-health").add(
        {"case_id": "one", "case_type": "grant", "properties": {"Age": "1", "age": "2"}}
    )
    with pytest.warns(ccf.DataWarning, match="'age' is 'age_1'"):
        path = ccf.export_cases(folder / "grants.duckdb", "grant")

    with duckdb.connect(path) as database:
        assert database.execute('select "Age", age_1 from "grant"').fetchall() == [(1, 2)]


def test_a_file_is_private_and_takes_the_place_of_the_one_before(domain: Domain, path: Path, folder: Path) -> None:
    path.write_text("before")
    path.chmod(0o644)
    before = path.stat().st_ino
    ccf.export_cases(str(path), "patient")

    assert path.stat().st_size > 1000
    assert path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert_nothing_else_in(folder, path.name)


def test_what_is_not_cached_leaves_nothing_in_the_cache(domain: Domain, folder: Path, tmp_path: Path) -> None:
    ccf.export_cases(folder / "all.parquet", "patient", cache=False)
    ccf.export_cases(folder / "some.parquet", "patient", where={"closed": True})
    with pytest.raises(NotFoundError):
        ccf.export_cases(folder / "none.parquet", "pateint", cache=False)

    assert [found for found in (tmp_path / "cache").rglob("*") if found.is_file()] == []
    with pytest.raises(CacheError, match="Nothing is cached"):
        ccf.export_cases(folder / "all.parquet", "patient", cache="offline")


def test_an_export_can_be_made_offline_from_the_cache(domain: Domain, sandbox: Sandbox, folder: Path) -> None:
    frame = ccf.read_cases("patient")
    asked = len(sandbox.log)
    path = ccf.export_cases(folder / "patients.parquet", "patient", cache="offline")

    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)
    assert len(sandbox.log) == asked


def test_a_damaged_part_of_the_cache_is_fetched_again(domain: Domain, folder: Path, tmp_path: Path) -> None:
    frame = ccf.read_cases("patient")
    (part,) = (tmp_path / "cache").rglob("*.parquet")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 0xFF
    part.write_bytes(content)
    with pytest.raises(CacheError, match="damaged"):
        ccf.export_cases(folder / "patients.parquet", "patient", cache="offline")
    with pytest.warns(ccf.DataWarning, match="set aside"):
        path = ccf.export_cases(folder / "patients.parquet", "patient", max_age="1h")

    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)


def test_a_value_that_does_not_fit_its_pin_leaves_the_earlier_file(domain: Domain, path: Path, folder: Path) -> None:
    path.write_text("before")
    with pytest.raises(DtypeError, match=r"case_name: 300 of 300 values do not fit Int64: .* in case "):
        ccf.export_cases(path, "patient", dtypes={"case_name": "Int64"})

    assert path.read_text() == "before"
    assert_nothing_else_in(folder, path.name)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_full_disk_leaves_the_earlier_file_and_no_rubbish(domain: Domain, path: Path, folder: Path) -> None:
    ccf.read_cases("patient")
    path.write_text("before")
    with no_file_larger_than(20_000), pytest.raises(ExportError, match="cannot be written: .*File too large"):
        ccf.export_cases(path, "patient", cache="offline")

    assert path.read_text() == "before"
    assert_nothing_else_in(folder, path.name)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_disk_that_is_full_only_at_the_end_is_an_error_too(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path
) -> None:
    fresh_sandbox.domain("maternal-health").add({"case_id": "one", "case_type": "grant"})
    ccf.read_cases("grant")
    with no_file_larger_than(4_000), pytest.raises(ExportError, match="cannot be written: .*File too large"):
        ccf.export_cases(folder / "grants.xlsx", "grant", cache="offline")

    assert_nothing_else_in(folder)


def test_an_interruption_leaves_the_earlier_file_and_no_rubbish(
    domain: Domain, path: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = files.FORMATS[path.suffix]
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))

    @contextlib.contextmanager
    def interrupted(*given: Any) -> Iterator[Any]:
        with chosen.open(*given) as write:

            def write_and_stop(table: Any) -> None:
                write(table)
                raise KeyboardInterrupt

            yield write_and_stop

    monkeypatch.setitem(files.FORMATS, path.suffix, replace(chosen, open=interrupted))
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        ccf.export_cases(path, "patient", cache=False)

    assert path.read_text() == "before"
    assert_nothing_else_in(folder, path.name)
    assert_nothing_else_in(shared)


def test_a_server_that_fails_leaves_the_earlier_file(fresh_sandbox: Sandbox, fresh_domain: Domain, path: Path) -> None:
    path.write_text("before")
    fresh_sandbox.faults.status(502)
    with pytest.raises(ServerFailedError):
        ccf.export_cases(path, "patient")

    assert path.read_text() == "before"
    assert_nothing_else_in(path.parent, path.name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("patients.parqet", "'.parqet' is no format.*.parquet, .csv, .xlsx, .duckdb, .feather.*mean '.parquet'"),
        ("patients.xls", "mean '.xlsx'"),
        ("patients", "'patients' has no ending"),
    ],
)
def test_an_unknown_ending_is_an_error_before_anything_is_asked(
    domain: Domain, sandbox: Sandbox, folder: Path, name: str, said: str
) -> None:
    asked = len(sandbox.log)
    with pytest.raises(QueryError, match=said):
        ccf.export_cases(folder / name, "patient")

    assert len(sandbox.log) == asked


def test_capitals_in_an_ending_mean_the_same(domain: Domain, folder: Path) -> None:
    assert len(csv_rows(ccf.export_cases(folder / "PATIENTS.CSV", "patient"))) == 300


@pytest.mark.parametrize(
    ("package", "said"),
    [("xlsxwriter", r".xlsx files .*pip install 'commcare-frames\[excel\]'"), ("duckdb", r"pip .*frames\[duckdb\]'")],
)
def test_a_missing_package_is_an_error_that_says_how_to_install_it(
    domain: Domain, folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExportError, match=said):
        ccf.export_cases(folder / f"patients{'.xlsx' if package == 'xlsxwriter' else '.duckdb'}", "patient")


def test_a_path_that_cannot_be_written_is_an_error_before_anything_is_asked(
    domain: Domain, sandbox: Sandbox, folder: Path
) -> None:
    asked = len(sandbox.log)
    (folder / "old.parquet").mkdir()
    (folder / "file").touch()
    for name, said in {
        "old.parquet": "is a folder: name a file in it",
        "nowhere/patients.csv": "There is no folder .*nowhere",
        "file/patients.csv": "There is no folder .*file",
    }.items():
        with pytest.raises(ExportError, match=said):
            ccf.export_cases(folder / name, "patient")

    assert len(sandbox.log) == asked


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_an_error_that_says_so(domain: Domain) -> None:
    with pytest.raises(ExportError, match=r"/proc/patients.csv cannot be written: .* check the folder's permissions"):
        ccf.export_cases("/proc/patients.csv", "patient")


def test_a_relative_path_and_the_home_folder_are_understood(
    domain: Domain, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    ccf.export_cases("here.csv", "patient")
    there = ccf.export_cases("~/home.csv", "patient")

    assert there == folder / "home.csv"
    assert_nothing_else_in(folder, "here.csv", "home.csv")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"rows": 299}, "would have 300 rows, and a sheet holds 299.*since="),
        ({"columns": 20}, r"columns, and a sheet holds 20\..*columns="),
    ],
)
def test_more_than_a_sheet_holds_is_an_error(
    domain: Domain, folder: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], said: str
) -> None:
    chosen = files.FORMATS[".xlsx"]
    monkeypatch.setitem(files.FORMATS, ".xlsx", replace(chosen, limits=replace(chosen.limits, **limits)))
    with pytest.raises(ExportError, match=said):
        ccf.export_cases(folder / "patients.xlsx", "patient")

    assert_nothing_else_in(folder)


def test_a_text_too_long_for_a_cell_is_named_with_its_case(
    fresh_sandbox: Sandbox, fresh_domain: Domain, folder: Path
) -> None:
    (case_id,) = set_notes(fresh_sandbox, ["😀" * 16_384])
    with pytest.raises(ExportError, match=f"notes of case {case_id} has 32,768 characters, .* holds 32,767"):
        ccf.export_cases(folder / "patients.xlsx", "patient", columns=["notes"])

    assert_nothing_else_in(folder)
