"""`download_app`: the .ccz that phones install, whole, in its place, under its own name."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

import commcare_frames as ccf
from commcare_frames.errors import (
    DataWarning,
    ExportError,
    LoginError,
    NotFoundError,
    QueryError,
    ServerFailedError,
    WrongServerError,
)
from commcare_frames.hq.client import Patience
from commcare_frames.sandbox import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

CCZ = "download_ccz"
APP = "Mother and Child"
QUICK = Patience(attempts=2, first_wait=0.01, longest_wait=5)


@pytest.fixture(scope="module")
def quiet() -> Iterator[Sandbox]:
    with start(patients=2, case_types=["patient"]) as running:
        yield running


@pytest.fixture
def hq(quiet: Sandbox) -> Iterator[Sandbox]:
    yield quiet
    quiet.faults.clear()


@pytest.fixture
def place(hq: Sandbox) -> Domain:
    return ccf.connect(
        "maternal-health", server=hq.url, username=hq.admin.username, api_key=hq.admin.api_key, patience=QUICK
    )


def names_in(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as packed:
        return packed.namelist()


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("latest", "Mother and Child v31.ccz"),
        ("build", "Mother and Child v31.ccz"),
        ("save", "Mother and Child v32 saved.ccz"),
        (12, "Mother and Child v12.ccz"),
    ],
)
def test_each_version_stands_under_its_own_name(place: Domain, tmp_path: Path, version: Any, name: str) -> None:
    path = ccf.download_app(APP, tmp_path / "apps", version=version)

    assert path == tmp_path / "apps" / name
    assert {"profile.ccpr", "suite.xml", "default/app_strings.txt", "modules-0/forms-0.xml"} <= set(names_in(path))
    assert [each.name for each in path.parent.iterdir()] == [name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_app_can_be_named_by_its_id_and_asked_for_with_its_pictures(place: Domain, tmp_path: Path) -> None:
    app_id = ccf.list_apps().set_index("app")["app_id"][APP]
    path = ccf.download_app(app_id, tmp_path, multimedia=True)

    assert path.name == "Mother and Child v31 with multimedia.ccz"
    assert "commcare/image/icon.png" in names_in(path)


def test_an_older_file_gives_way_only_to_a_whole_one(place: Domain, hq: Sandbox, tmp_path: Path) -> None:
    path = ccf.download_app(APP, tmp_path)
    path.write_bytes(b"older")
    hq.faults.cut_short(path=CCZ)
    with pytest.raises(ServerFailedError):
        ccf.download_app(APP, tmp_path)
    assert path.read_bytes() == b"older"
    hq.faults.clear()
    assert "suite.xml" in names_in(ccf.download_app(APP, tmp_path))


@pytest.mark.parametrize(
    "fault",
    [
        lambda faults: faults.cut_short(path=CCZ, times=1),
        lambda faults: faults.invalid_json(path=CCZ, times=1),
        lambda faults: faults.web_page(path=CCZ, times=1),
        lambda faults: faults.status(502, path=CCZ, times=1),
    ],
)
def test_what_is_no_zip_file_is_fetched_again(fault: Any, place: Domain, hq: Sandbox, tmp_path: Path) -> None:
    fault(hq.faults)

    assert "suite.xml" in names_in(ccf.download_app(APP, tmp_path))


def test_what_stays_no_zip_file_is_an_error(place: Domain, hq: Sandbox, tmp_path: Path) -> None:
    hq.faults.invalid_json(path=CCZ)
    with pytest.raises(ServerFailedError, match=r"a file that is no \.ccz file, or breaks off"):
        ccf.download_app(APP, tmp_path)
    assert list(tmp_path.glob("*.ccz")) == []


@pytest.mark.parametrize(
    ("app", "version", "says"),
    [
        ("Mother and child", "latest", "There is no app 'Mother and child'. Did you mean 'Mother and Child'"),
        ("Supervision", "latest", "has no released version. version='build' asks for"),
        ("Supervision", "build", "has no version yet. version='save' asks for"),
        (APP, 13, "App 'Mother and Child' has no version 13"),
    ],
)
def test_what_there_is_not(place: Domain, tmp_path: Path, app: str, version: Any, says: str) -> None:
    with pytest.raises(NotFoundError, match=says):
        ccf.download_app(app, tmp_path, version=version)


@pytest.mark.parametrize("version", ["newest", 0, -1, True, None, "12", 1.5])
def test_what_is_no_version(place: Domain, hq: Sandbox, tmp_path: Path, version: Any) -> None:
    before = len(hq.log)
    is_typed = type(version) in {int, str}
    said = "is none of 'latest', 'build', 'save' and no number" if is_typed else "is nothing that download_app takes"
    with pytest.raises(QueryError, match=said):
        ccf.download_app(APP, tmp_path, version=version)
    assert len(hq.log) == before


def test_an_app_with_errors_says_which(place: Domain, hq: Sandbox, tmp_path: Path, monkeypatch: Any) -> None:
    programme = hq._hq.domains["maternal-health"].programme
    monkeypatch.setitem(programme.applications[1], "modules", [])

    with pytest.raises(QueryError, match="file: This app has no modules"):
        ccf.download_app("Supervision", tmp_path, version="save")


def test_where_applications_cannot_be_read_an_id_will_do(place: Domain, hq: Sandbox, tmp_path: Path) -> None:
    app_id = hq._hq.domains["maternal-health"].programme.applications[0]["id"]
    hq.faults.status(403, path="/application/")
    with pytest.warns(DataWarning, match="could not be read"):
        path = ccf.download_app(app_id, tmp_path)
    assert path.name == f"{app_id} v31.ccz"
    with pytest.warns(DataWarning), pytest.raises(NotFoundError, match="has no application 'nope'"):
        ccf.download_app("nope", tmp_path)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (lambda faults: faults.login_page(path=CCZ), LoginError),
        (lambda faults: faults.redirect("https://files.example.org/x.ccz", path=CCZ), WrongServerError),
    ],
)
def test_a_redirect_is_not_followed(
    fault: Any, error: type[Exception], place: Domain, hq: Sandbox, tmp_path: Path
) -> None:
    fault(hq.faults)
    with pytest.raises(error):
        ccf.download_app(APP, tmp_path)


def test_a_folder_that_cannot_be_written(place: Domain, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(ExportError, match="cannot be written"):
        ccf.download_app(APP, tmp_path / "file")
