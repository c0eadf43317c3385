"""The commands that look around: demo, sandbox, login, lists, doctor."""

# ruff: noqa: PLC0415  `--help` must not wait for pandas, so commands import what they need

from __future__ import annotations

from pathlib import Path

import click

from commcare_frames.cli.base import Failure, Group, count, project_options, server_option

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="commcare-frames", prog_name="commcare-frames")
def main() -> None:
    """CommCare HQ data as tables, kept up to date on this computer.

    The login comes from `commcare-frames login`, or from COMMCARE_USERNAME and COMMCARE_API_KEY.
    """


@main.command()
def demo() -> None:
    """Show what this does with a made-up project: no account needed."""
    from commcare_frames import demo as first_minute

    first_minute.run(Path())


@main.command()
@click.option("--port", default=8000, help="Port on this computer; 0 for any free one.")
@click.option("--patients", default=1200, type=click.IntRange(min=1), help="Size of the made-up programme.")
@click.option("--case-type", "case_types", multiple=True, metavar="TYPE", help="Only this one; may be repeated.")
def sandbox(port: int, patients: int, case_types: tuple[str, ...]) -> None:
    """Run a stand-in for CommCare HQ on this computer until Ctrl-C."""
    from commcare_frames.sandbox import serve

    try:
        serve(port=port, patients=patients, case_types=case_types or None)
    except OSError as error:
        raise Failure(f"Port {port} cannot be used: {error.strerror or error}. Choose another with --port.") from error


@main.command()
@click.argument("server", required=False)
def login(server: str | None) -> None:
    """Ask for SERVER, domain, username and API key, and remember them."""
    from commcare_frames import connection

    domain = connection.ask_login(server)
    click.echo(f"Connected to {domain.name} at {domain.server}.")


@main.command()
@click.argument("server", required=False)
def logout(server: str | None) -> None:
    """Forget the saved login for SERVER, or the one saved last."""
    from commcare_frames import connection

    click.echo("The login was forgotten." if connection.logout(server) else "No login was saved.")


@main.command()
@server_option
def domains(server: str | None) -> None:
    """List the domains that the login may open."""
    from commcare_frames.connection import locate
    from commcare_frames.read.identity import list_domains

    for name in list_domains(domain=locate(server=server, named=False))["domain"]:
        click.echo(name)


@main.command("case-types")
@project_options
def case_types(domain: str | None, server: str | None) -> None:
    """List the case types of a domain."""
    from commcare_frames.connection import connect
    from commcare_frames.read.cases import list_case_types

    for name in list_case_types(domain=connect(domain, server=server))["case_type"]:
        click.echo(name)


@main.command()
@project_options
def doctor(domain: str | None, server: str | None) -> None:
    """Check versions, cache, login, permissions, limits and clock."""
    from commcare_frames.doctor import examine

    problems = 0
    for finding in examine(domain, server=server):
        problems += finding.level == "problem"
        click.echo(f"{click.style(f'{finding.level:<8}', fg=COLOURS[finding.level])} {finding.text}")
    if problems:
        raise Failure(f"{count(problems, 'problem')} found.")
