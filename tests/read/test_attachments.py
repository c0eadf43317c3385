"""`download_attachments`: every file whole, in its place, once; and what is not there is said."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import (
    DataWarning,
    ExportError,
    LoginError,
    PermissionMissingError,
    QueryError,
    RateLimitError,
    ServerFailedError,
    WrongServerError,
)
from commcare_frames.hq.client import Patience
from commcare_frames.sandbox import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox
    from commcare_frames.sandbox.form_index import FormIndex

SURVEY = "http://example.org/survey"
ATTACHMENTS = "form_attachment"
QUICK = Patience(attempts=2, first_wait=0.01, longest_wait=5)


@pytest.fixture(scope="module")
def quiet() -> Iterator[Sandbox]:
    """A small sandbox, cleaned up after each test."""
    with start(patients=4, case_types=["patient"]) as running:
        yield running


@pytest.fixture
def hq(quiet: Sandbox) -> Iterator[Sandbox]:
    """The small sandbox, with the forms that a test submits and no others of their kind."""
    forms = quiet.forms("maternal-health")
    yield quiet
    quiet.faults.clear()
    forms.delete(forms.ids(SURVEY, include_archived=True))


@pytest.fixture
def forms(hq: Sandbox) -> FormIndex:
    return hq.forms("maternal-health")


@pytest.fixture
def place(hq: Sandbox) -> Domain:
    return ccf.connect(
        "maternal-health", server=hq.url, username=hq.admin.username, api_key=hq.admin.api_key, patience=QUICK
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


def submit(forms: FormIndex, form_id: str, answers: dict[str, Any], files: dict[str, Any], **more: Any) -> str:
    attachments = {
        name: about if isinstance(about, dict) else {"content_type": "image/jpeg", "length": about}
        for name, about in files.items()
    }
    form = {"#type": "data", "@name": "Survey", "@xmlns": SURVEY, **answers}
    return forms.submit({"id": form_id, "form": form, "attachments": attachments, **more})


def asked(hq: Sandbox, begin: int = 0) -> list[str]:
    return [one.path for one in hq.log[begin:] if ATTACHMENTS in one.path]


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".export-")]


def test_files_stand_under_their_form_with_their_question(place: Domain, forms: FormIndex, folder: Path) -> None:
    voice, xml = {"content_type": "audio/mp4", "length": 50}, {"content_type": "text/xml", "length": 10}
    extra = {"content_type": "application/x", "length": 7}
    answers = {"photo": "1.jpg", "g": {"voice": "a b.m4a"}}
    submit(forms, "f-1", answers, {"1.jpg": 3000, "a b.m4a": voice, "form.xml": xml})
    submit(forms, "f-2", {"photo": "1.jpg"}, {"1.jpg": 4000, "extra.bin": extra})
    frame = ccf.download_attachments(ccf.read_forms(SURVEY), folder)

    assert frame.drop(columns="path").fillna({"question": "-"}).to_numpy().tolist() == [
        ["f-1", "photo", "1.jpg", "image/jpeg", 3000, "downloaded"],
        ["f-1", "g.voice", "a b.m4a", "audio/mp4", 50, "downloaded"],
        ["f-2", "photo", "1.jpg", "image/jpeg", 4000, "downloaded"],
        ["f-2", "-", "extra.bin", "application/x", 7, "downloaded"],
    ]
    assert frame["path"].tolist() == [
        str(folder / "f-1" / "1.jpg"),
        str(folder / "f-1" / "a b.m4a"),
        str(folder / "f-2" / "1.jpg"),
        str(folder / "f-2" / "extra.bin"),
    ]
    assert [Path(path).stat().st_size for path in frame["path"]] == frame["length"].tolist() == [3000, 50, 4000, 7]
    assert left_over(folder) == []
    assert stat.S_IMODE(Path(frame["path"][0]).stat().st_mode) == 0o600
    assert frame.attrs["commcare"]["domain"] == "maternal-health"


def test_files_in_repeats_have_the_path_of_their_question(place: Domain, forms: FormIndex, folder: Path) -> None:
    kids = [{"photo": "1.jpg"}, {"photo": "2.jpg"}]
    submit(forms, "f-1", {"kids": kids}, {"1.jpg": 10, "2.jpg": 10})
    submit(forms, "f-2", {"kids": {"photo": "3.jpg"}}, {"3.jpg": 10})
    frame = ccf.download_attachments(ccf.read_forms(SURVEY), folder, questions=["kids.photo"])

    assert frame[["question", "name"]].to_numpy().tolist() == [["kids.photo", f"{n}.jpg"] for n in (1, 2, 3)]


def test_only_the_questions_that_were_asked_for(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    submit(forms, "f-1", {"photo": "1.jpg", "card": "2.jpg"}, {"1.jpg": 10, "2.jpg": 10})
    visits = ccf.read_forms(SURVEY)
    before = len(hq.log)

    assert ccf.download_attachments(visits, folder, questions=["card"])["name"].tolist() == ["2.jpg"]
    assert len(asked(hq, before)) == 1
    with pytest.raises(QueryError, match="has a question 'cards'. Did you mean 'card'"):
        ccf.download_attachments(visits, folder, questions=["cards"])
    with pytest.raises(QueryError, match=r"write questions=\['card'\]"):
        ccf.download_attachments(visits, folder, questions="card")


def test_form_xml_comes_when_it_is_asked_for(place: Domain, forms: FormIndex, folder: Path) -> None:
    forms.submit({"id": "f-1", "form": {"@xmlns": SURVEY, "q": "é"}})
    frame = ccf.read_forms(SURVEY)

    assert len(ccf.download_attachments(frame, folder)) == 0
    found = ccf.download_attachments(frame, folder, form_xml=True)
    assert "<q>é</q>" in Path(found["path"][0]).read_text()


def test_what_is_there_is_not_fetched_again(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    for number in range(5):
        submit(forms, f"f-{number}", {"photo": "1.jpg"}, {"1.jpg": 1000 + number if number else None})
    visits = ccf.read_forms(SURVEY)
    first = ccf.download_attachments(visits, folder)
    (folder / "f-3" / "1.jpg").write_bytes(b"somebody cut it short")
    (folder / "f-4" / "1.jpg").unlink()
    before = len(hq.log)
    second = ccf.download_attachments(visits, folder)

    assert second["state"].tolist() == ["present", "present", "present", "downloaded", "downloaded"]
    assert len(asked(hq, before)) == 2
    assert second.drop(columns=["state", "content_type"]).equals(first.drop(columns=["state", "content_type"]))


def test_a_download_that_broke_off_goes_on(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    for number in range(8):
        submit(forms, f"f-{number}", {"photo": "1.jpg"}, {"1.jpg": 5000})
    visits = ccf.read_forms(SURVEY)
    hq.faults.status(401, path=ATTACHMENTS, skip=4)
    with pytest.raises(LoginError):
        ccf.download_attachments(visits, folder, connections=1)
    assert len(list(folder.rglob("1.jpg"))) == 4
    hq.faults.clear()

    frame = ccf.download_attachments(visits, folder)
    assert frame["state"].value_counts().to_dict() == {"present": 4, "downloaded": 4}
    assert left_over(folder) == []


@pytest.mark.parametrize(
    "fault",
    [
        lambda faults: faults.cut_short(path=ATTACHMENTS, times=1),
        lambda faults: faults.cut_short(path=ATTACHMENTS, times=1, chunked=True),
        lambda faults: faults.invalid_json(path=ATTACHMENTS, times=1),
        lambda faults: faults.web_page(path=ATTACHMENTS, times=1),
        lambda faults: faults.reset(path=ATTACHMENTS, times=1),
        lambda faults: faults.status(502, path=ATTACHMENTS, times=1),
        lambda faults: faults.status(429, path=ATTACHMENTS, times=1, retry_after="0.05"),
    ],
)
def test_what_breaks_once_is_fetched_again(
    fault: Any, place: Domain, forms: FormIndex, hq: Sandbox, folder: Path
) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 200_000})
    visits = ccf.read_forms(SURVEY)
    fault(hq.faults)

    frame = ccf.download_attachments(visits, folder)
    assert frame["state"].tolist() == ["downloaded"]
    assert Path(frame["path"][0]).stat().st_size == 200_000


def test_a_file_that_keeps_failing_is_left_out_with_a_warning(
    place: Domain, forms: FormIndex, hq: Sandbox, folder: Path
) -> None:
    for number in range(4):
        submit(forms, f"f-{number}", {"photo": "1.jpg"}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    hq.faults.invalid_json(path=f"{ATTACHMENTS}/v1/f-2/")
    with pytest.warns(DataWarning, match="HQ kept failing at 1 of 4 files: 1.jpg of form f-2. The same call tries"):
        frame = ccf.download_attachments(visits, folder)

    assert frame["state"].tolist() == ["downloaded", "downloaded", "failed", "downloaded"]
    assert frame["path"].isna().tolist() == [False, False, True, False]
    assert not (folder / "f-2" / "1.jpg").exists()
    assert left_over(folder) == []


def test_a_server_that_is_down_ends_the_call_and_keeps_what_arrived(
    place: Domain, forms: FormIndex, hq: Sandbox, folder: Path
) -> None:
    for number in range(9):
        submit(forms, f"f-{number}", {"photo": "1.jpg"}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    hq.faults.status(503, path=ATTACHMENTS, skip=2)
    before = len(hq.log)
    with pytest.raises(ServerFailedError, match="503"):
        ccf.download_attachments(visits, folder, connections=1)

    assert len(list(folder.glob("*/1.jpg"))) == 2
    assert len(asked(hq, before)) <= 2 + QUICK.attempts * 4


def test_a_file_that_hq_does_not_have_is_named(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 100})
    submit(forms, "f-2", {"photo": "2.jpg"}, {"2.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    hq.faults.status(404, path=f"{ATTACHMENTS}/v1/f-1/", body="html")
    hq.faults.status(404, path="form/attachment/f-1/", body="html")
    with pytest.warns(DataWarning, match="HQ does not have 1 of 2 files: 1.jpg of form f-1"):
        frame = ccf.download_attachments(visits, folder)

    assert frame["state"].tolist() == ["missing", "downloaded"]


def test_the_limits_of_the_domain_are_obeyed(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    hq.faults.status(429, path=ATTACHMENTS, retry_after="3600")

    with pytest.raises(RateLimitError, match="for another 60 minutes"):
        ccf.download_attachments(visits, folder)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (lambda faults: faults.status(403, path=ATTACHMENTS), PermissionMissingError),
        (lambda faults: faults.login_page(path=ATTACHMENTS), LoginError),
        (lambda faults: faults.redirect("https://bucket.example.org/1.jpg", path=ATTACHMENTS), WrongServerError),
    ],
)
def test_a_refusal_ends_the_call(
    fault: Any, error: type[Exception], place: Domain, forms: FormIndex, hq: Sandbox, folder: Path
) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    fault(hq.faults)

    with pytest.raises(error):
        ccf.download_attachments(visits, folder)
    assert list(folder.rglob("*.jpg")) == []


def test_who_may_not_edit_data_gets_no_files(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    form_id = submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 100})
    ccf.connect("maternal-health", server=hq.url, username=hq.no_edit.username, api_key=hq.no_edit.api_key)

    with pytest.raises(PermissionMissingError, match='"Edit Data"'):
        ccf.download_attachments([form_id], folder)


def test_names_that_somebody_made_up_stay_in_the_folder(
    place: Domain, forms: FormIndex, hq: Sandbox, folder: Path
) -> None:
    names = ["../../up.jpg", "/etc/x.jpg", "C:\\y.jpg", "CON", "a.", "é.jpg", "दस्तावेज़.jpg", "A.jpg", "a.jpg"]
    names += ["q?#&.jpg", "..%2fz.jpg", "x\u202egpj.exe"]
    submit(forms, "f-1", {f"q{number}": name for number, name in enumerate(names)}, dict.fromkeys(names, 300))
    frame = ccf.download_attachments(ccf.read_forms(SURVEY), folder)

    assert sorted(frame["name"]) == sorted(names)
    assert set(frame["state"]) == {"downloaded"}
    inside = folder.resolve() / "f-1"
    assert {Path(path).resolve().parent for path in frame["path"]} == {inside}
    assert len({Path(path).name.casefold() for path in frame["path"]}) == len(names)
    assert set(frame["question"]) == {f"q{number}" for number in range(len(names))}
    kept = [Path(path).read_bytes() for path in frame["path"]]
    assert len(set(kept)) == len(names)


def test_a_name_that_is_no_name_asks_for_nothing_else(place: Domain, forms: FormIndex, folder: Path) -> None:
    submit(forms, "f-1", {"photo": ".."}, {"..": 64})
    with pytest.warns(DataWarning, match="HQ does not have 1 of 1 files"):
        frame = ccf.download_attachments(ccf.read_forms(SURVEY), folder)

    assert frame["state"].tolist() == ["missing"]


def test_names_do_not_depend_on_which_files_are_asked_for(place: Domain, forms: FormIndex, folder: Path) -> None:
    submit(forms, "f-1", {"one": "A.jpg", "two": "a.jpg"}, {"A.jpg": 64, "a.jpg": 64})
    visits = ccf.read_forms(SURVEY)
    some = ccf.download_attachments(visits, folder, questions=["two"]).set_index("name")["path"]
    every = ccf.download_attachments(visits, folder).set_index("name")["path"]

    assert some["a.jpg"] == every["a.jpg"]


# Which submissions


def test_rows_chosen_with_pandas(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    for number in range(3):
        submit(forms, f"f-{number}", {"photo": "1.jpg", "n": str(number)}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    before = len(hq.log)
    frame = ccf.download_attachments(visits[visits["n"] > 0].head(1), folder)

    assert frame["form_id"].tolist() == ["f-1"]
    assert not any("/form/v1/f-" in one.path for one in hq.log[before:])


def test_a_filtered_frame_is_asked_for_again_as_it_was(place: Domain, forms: FormIndex, folder: Path) -> None:
    stamps = [f"2026-07-0{number}T10:00:00.000000Z" for number in (1, 2, 3)]
    for stamp in stamps:
        submit(forms, f"f-{stamp[8:10]}", {"photo": "1.jpg"}, {"1.jpg": 100}, received_on=stamp)
    forms.archive(["f-03"])
    visits = ccf.read_forms(SURVEY, since="2026-07-02", until="2026-07-31", include_archived=True)

    assert ccf.download_attachments(visits, folder)["form_id"].tolist() == ["f-02", "f-03"]


def test_form_ids_and_frames_without_a_past(place: Domain, forms: FormIndex, folder: Path) -> None:
    for number in range(2):
        submit(forms, f"f-{number}", {"photo": "1.jpg"}, {"1.jpg": 100})
    bare = pd.DataFrame({"form_id": ["f-1", None, "f-1"]})

    assert ccf.download_attachments(["f-0"], folder)["state"].tolist() == ["downloaded"]
    assert ccf.download_attachments(bare, folder)["form_id"].tolist() == ["f-1"]
    with pytest.warns(DataWarning, match="no form with 1 of the form ids: gone"):
        assert len(ccf.download_attachments(["gone"], folder)) == 0


def test_tables_of_a_form_will_do_as_well(place: Domain, forms: FormIndex, folder: Path) -> None:
    submit(forms, "f-1", {"kids": [{"photo": "1.jpg"}, {}]}, {"1.jpg": 100})
    tables = ccf.read_form_tables(SURVEY)

    for name in ("kids", "attachments"):
        assert ccf.download_attachments(tables[name], folder)["question"].tolist() == ["kids.photo"]  # type: ignore[index]


def test_a_form_that_was_deleted_meanwhile_is_named(place: Domain, forms: FormIndex, folder: Path) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 100})
    submit(forms, "f-2", {"photo": "1.jpg"}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    forms.delete(["f-1"])

    with pytest.warns(DataWarning) as warned:
        assert ccf.download_attachments(visits, folder)["form_id"].tolist() == ["f-2"]
    assert any("no form with 1 of the form ids: f-1" in str(each.message) for each in warned)


def test_no_submissions_give_an_empty_typed_frame_and_no_folder(place: Domain, hq: Sandbox, folder: Path) -> None:
    before = len(hq.log)
    frame = ccf.download_attachments([], folder)

    assert frame.dtypes.astype(str).to_dict() == {
        "form_id": "str", "question": "str", "name": "str", "content_type": "str", "length": "Int64", "path": "str",
        "state": "str",
    }  # fmt: skip
    assert not folder.exists()
    assert asked(hq, before) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("f-1", "write forms="),
        ({"": pd.DataFrame({"form_id": ["f-1"]})}, "is a frame of read_forms or a list of form ids"),
        (pd.DataFrame({"case_id": ["x"]}), "no column 'form_id'"),
    ],
)
def test_what_is_no_submissions(place: Domain, folder: Path, wrong: Any, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        ccf.download_attachments(wrong, folder)


def test_a_frame_of_another_server_is_refused(place: Domain, folder: Path) -> None:
    frame = pd.DataFrame({"form_id": ["f-1"]})
    frame.attrs["commcare"] = {"kind": "forms", "domain": "maternal-health", "server": "https://elsewhere.example.org"}

    with pytest.raises(QueryError, match="is of domain 'maternal-health' at https://elsewhere"):
        ccf.download_attachments(frame, folder)
    with pytest.raises(QueryError, match="cache='offline' has no meaning"):
        ccf.download_attachments(["f-1"], folder, cache="offline")
    with pytest.raises(QueryError, match="connections=0 is too few"):
        ccf.download_attachments(["f-1"], folder, connections=0)


def test_a_frame_of_another_domain_of_the_server_is_asked_there(place: Domain, hq: Sandbox, folder: Path) -> None:
    submit(hq.forms("child-nutrition"), "f-9", {"photo": "1.jpg"}, {"1.jpg": 9})
    frame = ccf.read_forms(SURVEY, domain="child-nutrition")

    assert ccf.download_attachments(frame, folder)["state"].tolist() == ["downloaded"]


# The disk


def test_a_folder_that_cannot_be_made(place: Domain, forms: FormIndex, tmp_path: Path) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 100})
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(ExportError, match=r"file/f-1 cannot be made: .*Name a folder that you may write to"):
        ccf.download_attachments(["f-1"], tmp_path / "file")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(place: Domain, forms: FormIndex, tmp_path: Path) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 100})
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ExportError, match="cannot be made"):
            ccf.download_attachments(["f-1"], tmp_path / "files")
    finally:
        tmp_path.chmod(0o700)


def test_more_than_fits_is_refused_before_the_first_request(
    place: Domain, forms: FormIndex, hq: Sandbox, folder: Path
) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 10**16})
    visits = ccf.read_forms(SURVEY)
    before = len(hq.log)

    with pytest.raises(ExportError, match="need 10,000,000,000 MB and .* MB are free"):
        ccf.download_attachments(visits, folder)
    assert asked(hq, before) == []


def test_a_disk_that_fills_up_leaves_no_half_file(place: Domain, forms: FormIndex, hq: Sandbox, folder: Path) -> None:
    submit(forms, "f-1", {"photo": "1.jpg"}, {"1.jpg": 1000})
    submit(forms, "f-2", {"photo": "1.jpg"}, {"1.jpg": 3_000_000})
    script = (
        "import resource, sys\n"
        "import commcare_frames as ccf\n"
        f"login = {{'server': {hq.url!r}, 'username': {hq.admin.username!r}, 'api_key': {hq.admin.api_key!r}}}\n"
        "ccf.connect('maternal-health', **login)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))\n"
        f"ccf.download_attachments(['f-1', 'f-2'], {str(folder)!r}, connections=1)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert "ExportError" in done.stderr
    assert "cannot be written: File too large" in done.stderr
    assert [path.name for path in folder.rglob("*.jpg")] == ["1.jpg"]
    assert (folder / "f-1" / "1.jpg").stat().st_size == 1000
    assert left_over(folder) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 2_000_000


# How far it is


def test_many_files_are_announced_with_their_size(
    place: Domain, forms: FormIndex, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(24):
        submit(forms, f"f-{number:02}", {"photo": "1.jpg"}, {"1.jpg": 100_000})
    visits = ccf.read_forms(SURVEY)
    ccf.download_attachments(visits, folder, progress=True)

    assert "attachments: 24 files, 2 MB. Interrupt it if you like" in capsys.readouterr().err


# Side by side


def test_files_are_fetched_side_by_side_but_not_more_than_asked(
    place: Domain, forms: FormIndex, hq: Sandbox, folder: Path
) -> None:
    for number in range(6):
        submit(forms, f"f-{number}", {"photo": "1.jpg"}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    hq.faults.latency_per_request = 0.25
    begun = time.perf_counter()
    frame = ccf.download_attachments(visits, folder, connections=2, max_age="1h")
    took = time.perf_counter() - begun

    assert set(frame["state"]) == {"downloaded"}
    assert 3 * 0.25 <= took < 6 * 0.25
    assert frame["form_id"].tolist() == sorted(frame["form_id"])


def test_interrupting_ends_the_threads_and_keeps_what_arrived(
    place: Domain, forms: FormIndex, hq: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commcare_frames.read import progress  # noqa: PLC0415

    for number in range(20):
        submit(forms, f"f-{number:02}", {"photo": "1.jpg"}, {"1.jpg": 100})
    visits = ccf.read_forms(SURVEY)
    arrived: list[int] = []
    advance = progress.ProgressLine.advance

    def interrupted(self: progress.ProgressLine, rows: int) -> None:
        advance(self, rows)
        arrived.append(rows)
        if len(arrived) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.ProgressLine, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ccf.download_attachments(visits, folder, connections=2)
    monkeypatch.undo()
    for thread in threading.enumerate():
        if thread.daemon and "run" in thread.name:
            thread.join(timeout=5)
    time.sleep(0.3)
    there = len(list(folder.rglob("1.jpg")))

    assert 1 <= there < 20
    assert left_over(folder) == []
    assert ccf.download_attachments(visits, folder)["state"].value_counts()["present"] == there
