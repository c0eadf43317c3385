"""The commands that fetch files, and single cases and forms as HQ has them."""

# ruff: noqa: PLC0415  `--help` must not wait for pandas, so commands import what they need

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from commcare_frames.cli.base import Group, count, options, project_options
from commcare_frames.cli.export import opened, period_options

_folder = click.argument("folder", type=click.Path(path_type=Path))


@click.group(cls=Group)
def download() -> None:
    """Fetch files into a folder."""


@download.command()
@click.argument("form")
@_folder
@options(project_options, period_options)
@click.option("--app", metavar="NAME", help="Only submissions made with this application.")
@click.option("--question", "questions", multiple=True, metavar="PATH", help="Only its files; may be repeated.")
@click.option("--form-xml", is_flag=True, help="Fetch the submissions themselves as well, as XML.")
def attachments(
    form: str,
    folder: Path,
    *,
    domain: str | None,
    server: str | None,
    questions: tuple[str, ...],
    form_xml: bool,
    **asked: Any,  # noqa: ANN401  as read_forms has them
) -> None:
    """Fetch the pictures and other files of the submissions of FORM into FOLDER; what is there already stays."""
    from commcare_frames.read.attachments import download_attachments
    from commcare_frames.read.forms import read_forms

    place = opened(domain, server)
    forms = read_forms(form, domain=place, **asked)
    files = download_attachments(forms, folder, questions=questions or None, form_xml=form_xml, domain=place)
    states = files["state"].value_counts()
    told = ", ".join(f"{number:,} {state}" for state, number in states.items()) or "no files"
    click.echo(f"{folder}: {told}; {count(place.requests_made, 'request')}.")


@download.command()
@click.argument("app")
@_folder
@project_options
@click.option("--version", default="latest", metavar="VERSION", help="A version's number, or latest.")
@click.option("--multimedia", is_flag=True, help="With pictures and sounds.")
def app(app: str, folder: Path, *, domain: str | None, server: str | None, version: str, multimedia: bool) -> None:
    """Fetch the application APP, its name or id, into FOLDER as the file that phones install."""
    from commcare_frames.read.application_files import download_app

    number = int(version) if version.isdecimal() else version
    file = download_app(app, folder, version=number, multimedia=multimedia, domain=opened(domain, server))
    click.echo(f"Wrote {file}.")


@click.group(cls=Group)
def show() -> None:
    """Print what HQ has of a single case, form or user, as JSON."""


@show.command()
@click.argument("case_id")
@project_options
def case(case_id: str, *, domain: str | None, server: str | None) -> None:
    """Print the case CASE_ID."""
    from commcare_frames.read.single import get_case

    _print(get_case(case_id, domain=opened(domain, server)))


@show.command()
@click.argument("form_id")
@project_options
def form(form_id: str, *, domain: str | None, server: str | None) -> None:
    """Print the form FORM_ID."""
    from commcare_frames.read.single import get_form

    _print(get_form(form_id, domain=opened(domain, server)))


@show.command()
@project_options
def login(domain: str | None, server: str | None) -> None:
    """Print whom HQ takes the login for."""
    from commcare_frames.connection import locate
    from commcare_frames.read.identity import whoami

    _print(whoami(domain=locate(domain, server=server, named=False)))


@show.command()
@click.argument("username")
@project_options
def user(username: str, *, domain: str | None, server: str | None) -> None:
    """Ask for the password of USERNAME, and print that user if it is right."""
    from commcare_frames.connection import locate
    from commcare_frames.read.identity import check_login

    password = click.prompt("Password", hide_input=True)
    _print(check_login(username, password, domain=locate(domain, server=server)))


def _print(record: dict[str, Any]) -> None:
    click.echo(json.dumps(record, indent=2, ensure_ascii=False))
