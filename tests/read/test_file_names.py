"""Names of files: what phones and people call things never leaves the folder, nor takes another's place."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commcare_frames.read.file_names import LONGEST, safe_name, safe_names

ANY = st.text(max_size=300) | st.sampled_from(
    ["..", ".", "", "CON", "nul.txt", "com1", "LPT9.jpg", "COM¹", "a/../../b", "C:\\x", "\\\\server\\x", "a\0b", "a\nb",
     "x\u202egpj.exe", "~", "-rf", "$HOME", "\ud83d.jpg", "é.jpg", "e\u0301.jpg", "a.", "a ", " a", "."* 300, "é" * 200]
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["1508885657735.jpg", "photo of Asha.jpg", "दस्तावेज़.pdf", "图片.png", "é.m4a", "form.xml", "a-b_c (1).jpg", ".x"],
)
def test_a_name_that_will_do_stays(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", r"\.\._\.\._etc_passwd-\w{8}|\.\.[-\w.]*"),
        ("..", r"_\.*-\w{8}"),
        ("CON.jpg", r"_CON-\w{8}\.jpg"),
        ("a?.jpg", r"a_-\w{8}\.jpg"),
        ("x\u202egpj.exe", r"x_gpj-\w{8}\.exe"),
        ("a" * 300 + ".jpg", r"a+-\w{8}\.jpg"),
    ],
)
def test_a_name_that_will_not_do_is_changed_a_little(name: str, expected: str) -> None:
    assert re.fullmatch(expected, safe_name(name))


@given(ANY)
def test_every_name_becomes_one_part_of_a_path_on_every_computer(name: str) -> None:
    made = safe_name(name)

    assert PurePosixPath(made).parts == PureWindowsPath(made).parts == (made,)
    assert made not in {"", ".", ".."}
    assert len(made.encode()) <= LONGEST
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', made)
    assert made[-1] not in ". "
    assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", made, re.IGNORECASE)
    assert (Path("/folder") / made).parent == Path("/folder")
    assert made == safe_name(name)


@given(st.lists(ANY, max_size=8))
def test_names_of_one_folder_differ_also_where_capitals_do_not_count(names: list[str]) -> None:
    made = safe_names(names)

    assert made.keys() == set(names)
    assert len({name.casefold() for name in made.values()}) == len(made)


def test_capitals_and_accents() -> None:
    made = safe_names(["A.jpg", "a.jpg", "e\u0301.jpg", "é.jpg"])

    assert len({name.casefold() for name in made.values()}) == 4
    assert made["A.jpg"] == "A.jpg"
