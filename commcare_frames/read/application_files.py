"""An application as the .ccz file that phones install."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

from commcare_frames.arguments import checked
from commcare_frames.connection import resolve
from commcare_frames.errors import NotFoundError, QueryError
from commcare_frames.hq.answers import BrokenAnswerError
from commcare_frames.hq.downloads import download
from commcare_frames.hq.resources import APPLICATION_FILE
from commcare_frames.read.applications import structure
from commcare_frames.read.exporting import disk_errors, put_in_place
from commcare_frames.read.file_names import safe_name
from commcare_frames.read.naming import find_app
from commcare_frames.read.progress import ProgressLine

if TYPE_CHECKING:
    from os import PathLike

    from commcare_frames.connection import Domain
    from commcare_frames.tables.structure import App

KINDS = {"latest": "release", "build": "build", "save": "save"}
"""What a caller may ask for, and what HQ calls it."""

_A_MOMENT = timedelta(minutes=1)
_PROFILES = ("profile.ccpr", "profile.xml")


@checked
def download_app(
    app: str,
    folder: str | PathLike[str],
    *,
    version: int | str = "latest",
    multimedia: bool = False,
    domain: str | Domain | None = None,
    progress: bool | None = None,
) -> Path:
    """Download an application as the ``.ccz`` file that phones install: its forms, menus and texts.

    Parameters
    ----------
    app
        The application: its name or id.
    folder
        Where to put the file; it is made where it does not exist.
    version
        ``"latest"``: the version that was released last, which phones get. ``"build"``: the one that was made last,
        released or not. ``"save"``: the application as it is now. A number: that version.
    multimedia
        With the pictures, recordings and videos of the application, which may be very large.
    domain
        A domain's name or a `Domain`; by default the last one connected.
    progress
        Show a progress line; by default where somebody is looking and it takes more than a second.

    Returns
    -------
    Path
        The file, ``<name of the app> v<version>.ccz``, with ``saved`` or ``with multimedia`` in its name where that is
        so; it takes the place of one of the same name.

    Raises
    ------
    NotFoundError
        When there is no such application, or it has no such version.
    QueryError
        When the application as it is now has errors, so that HQ cannot make the file.
    ExportError
        When the file cannot be written.
    CommCareError
        When the server cannot be reached, refuses, or keeps failing.

    See Also
    --------
    read_questions : The questions of an application as a DataFrame.

    Notes
    -----
    Asks ``/a/{domain}/apps/api/download_ccz/``, which takes HQ a minute for a large application, and once a day
    ``/a/{domain}/api/application/v1/`` for the names of applications.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> path = ccf.download_app("Mother and Child", folder)
    >>> path.name
    'Mother and Child v31.ccz'
    >>> import zipfile
    >>> zipfile.ZipFile(path).namelist()[:2]
    ['profile.ccpr', 'suite.xml']
    """
    params = [_which(version)]
    place, root = resolve(domain), Path(folder)
    found = _app(place, app)
    name, app_id = (found.name, found.app_id) if found else (app, app)
    params = [("app_id", app_id), *params, *([("include_multimedia", "true")] if multimedia else [])]
    with disk_errors(root / f"{safe_name(name)}.ccz"):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as file:
            with ProgressLine(f"app {name}", place.client, show=progress, resumes=False):
                try:
                    download(place.client, APPLICATION_FILE, file, params=params, check=_check)
                except NotFoundError as error:
                    error.args = (_no_version(place, name, app_id, version, known=found is not None),)
                    raise
                except QueryError as error:
                    error.args = (_without_tags(str(error)),)
                    raise
            more = [text for text, holds in (("saved", version == "save"), ("with multimedia", multimedia)) if holds]
            title = " ".join([name, *_version_of(file), *more])
            path = root / safe_name(f"{title}.ccz")
            with put_in_place(path) as written, written.open("wb") as copy:
                file.seek(0)
                shutil.copyfileobj(file, copy)
    return path


def _which(version: object) -> tuple[str, str]:
    """Return what to ask for a version."""
    if isinstance(version, int) and version > 0:
        return "version", str(version)
    if version in KINDS:
        return "latest", KINDS[str(version)]
    raise QueryError(f"version={version!r} is none of {', '.join(map(repr, KINDS))} and no number such as 12.")


def _app(domain: Domain, app: str) -> App | None:
    """Return the application of that name or id; None where the applications cannot be read."""
    applications = structure(domain)
    if applications is None:
        return None
    try:
        return find_app(applications, app)
    except NotFoundError:
        return find_app(structure(domain, max_age=_A_MOMENT, required=True), app)  # it may be new


def _check(file: BinaryIO) -> None:
    """Raise for a file that is no whole zip file."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as packed:
            damaged = packed.testzip()
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise BrokenAnswerError("a file that is no .ccz file, or breaks off") from error
    if damaged is not None:
        raise BrokenAnswerError(f"a .ccz file in which {damaged} is damaged")


def _version_of(file: BinaryIO) -> list[str]:
    """Return the version that the file says it is, as part of a name."""
    file.seek(0)
    with zipfile.ZipFile(file) as packed:
        for name in _PROFILES:
            if name in packed.namelist():
                try:
                    version = fromstring(packed.read(name)).get("version")
                except (ParseError, ValueError):
                    return []
                return [f"v{version}"] if version else []
    return []


def _no_version(domain: Domain, name: str, app_id: str, version: object, *, known: bool) -> str:
    if not known:
        return f"Domain {domain.name!r} has no application {app_id!r}, or not in the version asked for ({version})."
    if version == "latest":
        return (
            f"App {name!r} has no released version. version='build' asks for the last version that was made, "
            "version='save' for the application as it is now."
        )
    if version == "build":
        return f"App {name!r} has no version yet. version='save' asks for the application as it is now."
    return f"App {name!r} has no version {version!r}. read_questions({name!r}) describes the application as it is now."


def _without_tags(text: str) -> str:
    """Return what HQ says of errors in an application, which is a piece of a web page, as a sentence."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())
