"""The first minute with the package: a made-up project on a local stand-in for CommCare HQ, read twice."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from matplotlib.figure import Figure

from commcare_frames import sandbox
from commcare_frames.cache.management import cached_tables
from commcare_frames.connection import connect
from commcare_frames.errors import ExportError
from commcare_frames.plots import plot_cohort
from commcare_frames.read.cases import read_cases
from commcare_frames.read.export import export_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from commcare_frames.connection import Domain

PATIENTS = 6000  # two requests' worth
SHOWN = ["case_name", "dob", "age", "village", "phone", "weight_kg", "date_opened", "closed"]

FAREWELL = """
The same with a project of your own, in Python or a notebook:

    import commcare_frames as ccf
    ccf.login()                             # asks for server, domain, username and API key, once
    patients = ccf.read_cases("patient")
"""


def run(folder: Path, *, patients: int = PATIENTS) -> None:
    """Run the demo, and say on standard output what it does.

    Parameters
    ----------
    folder
        Where ``patients.parquet`` and ``patients.png`` go.
    patients
        How many patients the made-up project has.

    Raises
    ------
    ExportError
        When the folder cannot be written.
    """
    click.echo(f"Starting a stand-in for CommCare HQ on this computer, with {patients:,} made-up patients ...")
    with _cache_of_its_own() as cache, sandbox.start(patients=patients, case_types=["patient"]) as server:
        # As slow as a server far away, so that there is something to see.
        server.faults.latency_per_request = 0.3
        server.faults.latency_per_record = 0.0002
        domain = connect(
            server.domains[0], server=server.url, username=server.admin.username, api_key=server.admin.api_key
        )
        _say(f"It answers at {server.url}. Connected to {domain.name} with its API key.")
        frame = _read(domain, "")
        _show(frame)
        _say(f"The Parquet lies in {cached_tables()[0].folder}.")
        _read(domain, "Again, to see what a second run asks for: only what changed since, and nothing did.\n\n")
        _write(frame, domain, folder)
    _say(f"The demo's cache, {cache}, is yours to look at and to delete.")
    click.echo(FAREWELL)


def _read(domain: Domain, why: str) -> pd.DataFrame:
    _say(f'{why}>>> patients = ccf.read_cases("patient")')
    requests, started = domain.requests_made, time.monotonic()
    frame = read_cases("patient", domain=domain, progress=True)
    requests, seconds = domain.requests_made - requests, time.monotonic() - started
    click.echo(f"{len(frame):,} rows, {frame.shape[1]} columns, {_requests(requests)}, {seconds:.1f} s.")
    return frame


def _show(frame: pd.DataFrame) -> None:
    _say(f">>> patients.head()    # {len(SHOWN)} of {frame.shape[1]} columns")
    click.echo(frame[SHOWN].head().assign(date_opened=frame["date_opened"].dt.floor("s")).to_string())
    _say(">>> patients.dtypes    # by dtype")
    for dtype, names in frame.columns.to_series().groupby(frame.dtypes.astype(str)):
        click.echo(textwrap.fill(", ".join(names), 100, initial_indent=f"{dtype:<21}", subsequent_indent=" " * 21))


def _write(frame: pd.DataFrame, domain: Domain, folder: Path) -> None:
    requests = domain.requests_made
    file = export_cases(folder / "patients.parquet", "patient", domain=domain, cache="offline")
    requests = domain.requests_made - requests
    picture = folder / "patients.png"
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    plot_cohort(frame, ax=figure.subplots())
    try:
        figure.savefig(picture, dpi=150)
    except OSError as error:
        raise ExportError(f"{picture} cannot be written: {error.strerror or error}.") from error
    _say(f"Wrote {file} and {picture} from the cache, with {_requests(requests)}.")


def _requests(number: int) -> str:
    return f"{number or 'no'} request{'s' * (number != 1)}"


def _say(text: str) -> None:
    click.echo(f"\n{text}")


@contextlib.contextmanager
def _cache_of_its_own() -> Iterator[Path]:
    """Cache in a new folder, which stays for people to look at; the user's own cache is not touched."""
    before = os.environ.get("COMMCARE_CACHE_DIR")
    folder = Path(tempfile.mkdtemp(prefix="commcare_frames-demo-"))
    os.environ["COMMCARE_CACHE_DIR"] = str(folder)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.environ.pop("COMMCARE_CACHE_DIR")
        if before is not None:
            os.environ["COMMCARE_CACHE_DIR"] = before
