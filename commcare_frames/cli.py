"""The command `commcare-frames`: what the package does, without Python."""

# ruff: noqa: PLC0415  `--help` must not wait for pandas, so commands import what they need

from __future__ import annotations

import contextlib
import logging
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commcare_frames.errors import CommCareError, DataWarning, NotConnectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from commcare_frames.cache.management import CachedTable
    from commcare_frames.connection import Domain

ON_INTERRUPT = f"{__name__}.on_interrupt"
COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}

HEADINGS = ("SERVER", "DOMAIN", "KIND", "TABLE", "REFRESHED (UTC)", "STATE", "ROWS", "SUPERSEDED", "PARTS", "SIZE")
FIRST_NUMBER = HEADINGS.index("ROWS")


class Failure(click.ClickException):
    """One line on standard error, and exit code 1."""


class Interruption(click.ClickException):
    """One line on standard error, and the exit code that shells report after Ctrl-C."""

    exit_code = 130


class Command(click.Command):
    """A command that tells a failure in one line, and all of it with ``--verbose``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  as click's own
        super().__init__(*args, **kwargs)
        self.params.append(click.Option(["--verbose"], is_flag=True, help="Show tracebacks and what is asked of HQ."))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as click's own
        """Run the command."""
        verbose = ctx.params.pop("verbose")
        if verbose:
            _show_logs()
        try:
            with _plain_warnings():
                return super().invoke(ctx)
        except (CommCareError, KeyboardInterrupt, EOFError) as error:
            if verbose:
                traceback.print_exc()
            raise _failure(error, ctx) from error


class Group(click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type


def _failure(error: BaseException, ctx: click.Context) -> click.ClickException:
    if isinstance(error, KeyboardInterrupt):
        return Interruption(ctx.meta.get(ON_INTERRUPT, "Interrupted."))
    if isinstance(error, EOFError):
        return Failure(
            "Nobody answers questions here. Set COMMCARE_SERVER, COMMCARE_DOMAIN, COMMCARE_USERNAME and "
            "COMMCARE_API_KEY instead."
        )
    if isinstance(error, NotConnectedError):
        return Failure(f"{error} On the command line: --domain and --server, and `commcare-frames login`.")
    return Failure(str(error))


def _show_logs() -> None:
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
    for name in ("commcare_frames", "urllib3"):
        logging.getLogger(name).setLevel(logging.DEBUG)


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show a warning about data as a line, without a place in the code."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        click.echo(f"Warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        warnings.showwarning = show
        yield


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Put several options on a command."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_server = click.option("--server", metavar="SERVER", help="www, india, eu, swiss, or a URL.")
_project = _options(
    click.option("--domain", metavar="NAME", help="The domain (project space), or a web address of it."), _server
)
_tables = _options(
    click.option("--domain", metavar="NAME", help="Only tables of this domain."),
    click.option("--table", metavar="NAME", help="Only tables of this name, such as a case type."),
)


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

    domain = connection.login(server)
    click.echo(f"Connected to {domain.name} at {domain.server}.")


@main.command()
@click.argument("server", required=False)
def logout(server: str | None) -> None:
    """Forget the saved login for SERVER, or the one saved last."""
    from commcare_frames import connection

    click.echo("The login was forgotten." if connection.logout(server) else "No login was saved.")


@main.command()
@_server
def domains(server: str | None) -> None:
    """List the domains that the login may open."""
    from commcare_frames.connection import locate
    from commcare_frames.read.identity import list_domains

    for name in list_domains(domain=locate(server=server, named=False))["domain"]:
        click.echo(name)


@main.command("case-types")
@_project
def case_types(domain: str | None, server: str | None) -> None:
    """List the case types of a domain."""
    from commcare_frames.connection import connect
    from commcare_frames.read.cases import list_case_types

    for name in list_case_types(domain=connect(domain, server=server))["case_type"]:
        click.echo(name)


@main.group()
def export() -> None:
    """Write data to a file."""


@export.command()
@click.argument("path", type=click.Path(path_type=Path))
@_project
@click.option("--case-type", metavar="TYPE", help="The case type; left out: cases of all types.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="A filter, such as closed=false; may be repeated.")
@click.option("--query", help="A query in HQ's case search language.")
@click.option("--since", metavar="TIME", help="Only cases that changed since then, in UTC.")
@click.option("--until", metavar="TIME", help="Only cases that changed until then, in UTC.")
@click.option("--columns", metavar="NAME,NAME", help="The columns wanted, in order.")
@click.option("--dtypes", type=click.Choice(["infer", "string"]), default="infer", help="Typed, or as HQ sent it.")
@click.option("--no-cache", is_flag=True, help="Fetch everything, keep nothing.")
@click.option("--offline", is_flag=True, help="Ask nothing: write what is cached.")
@click.option("--max-age", metavar="TIME", help="Ask nothing if refreshed within this time, such as 1h.")
@click.option("--connections", default=1, help="Stretches of a first pull to read side by side.")
@click.option("--neutralise", is_flag=True, help="Keep texts in .csv and .xlsx from running as formulas.")
@click.pass_context
def cases(
    ctx: click.Context,
    /,
    *,
    path: Path,
    domain: str | None,
    server: str | None,
    where: tuple[str, ...],
    columns: str | None,
    no_cache: bool,
    offline: bool,
    **options: Any,  # noqa: ANN401  as export_cases has them
) -> None:
    """Write cases to PATH, which ends in .parquet, .csv, .xlsx, .duckdb or .feather."""
    if no_cache and offline:
        raise click.UsageError("--no-cache and --offline exclude each other.")
    filters = _filters(where)
    from commcare_frames.read.export import export_cases

    is_kept = not (no_cache or filters or columns or options["query"] or options["since"] or options["until"])
    goes_on = " What has arrived is kept: the same command goes on from there." if is_kept else ""
    ctx.meta[ON_INTERRUPT] = f"Interrupted; {path} was not written.{goes_on}"
    opened = _opened(domain, server, quietly=offline or bool(options["max_age"]))
    written = export_cases(
        path,
        domain=opened,
        where=filters or None,
        columns=columns.split(",") if columns else None,
        cache="offline" if offline else not no_cache,
        **options,
    )
    click.echo(f"Wrote {written} ({_bytes(written.stat().st_size)}), {_count(opened.requests_made, 'request')}.")


def _opened(domain: str | None, server: str | None, *, quietly: bool) -> Domain:
    """Return the domain meant; unless it must be done quietly, make sure first that the login opens it."""
    from commcare_frames.connection import connect, locate

    return locate(domain, server=server) if quietly else connect(domain, server=server)


def _filters(where: Sequence[str]) -> dict[str, list[str]]:
    """Return filters by name; of several values for one name any may match."""
    filters: dict[str, list[str]] = {}
    for each in where:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{each!r} is not NAME=VALUE.", param_hint="--where")
        filters.setdefault(name, []).append(value)
    return filters


@main.group()
def cache() -> None:
    """Look after the tables kept on this computer."""


@cache.command("list")
@_tables
def list_tables(domain: str | None, table: str | None) -> None:
    """List the tables: rows, superseded rows, files, size, state."""
    from commcare_frames.cache import management, places

    found = management.cached_tables(domain=domain, what=table)
    if found:
        _echo_columns([HEADINGS, *map(_described, found)])
        click.echo(f"\nIn {places.root()}.")
    else:
        click.echo(f"Nothing of that kind is cached in {places.root()}.")
    if aside := len(list(management.set_aside())):
        click.echo(f"{_count(aside, 'leftover')} of damage: `commcare-frames cache clear --set-aside` deletes that.")


def _described(table: CachedTable) -> tuple[str, ...]:
    refreshed = (table.refreshed_at or "-")[:16].replace("T", " ")
    numbers = (f"{table.rows:,}", f"{table.superseded:,}", f"{table.parts:,}", _bytes(table.size))
    return (table.host, table.domain, table.kind, table.what, refreshed, table.state, *numbers)


@cache.command()
@_tables
def verify(domain: str | None, table: str | None) -> None:
    """Read every file of the tables, and name those that are damaged."""
    from commcare_frames.cache import management

    broken = 0
    for each in management.cached_tables(domain=domain, what=table):
        damaged = each.damaged()
        broken += bool(damaged)
        click.echo(f"{_title(each)}: {'sound' if not damaged else 'damaged: ' + ', '.join(damaged)}")
    if broken:
        raise Failure(
            f"{_count(broken, 'table')} with damaged files. Nothing was changed: the next read that may use the "
            "network sets them aside and fetches again what they held."
        )


@cache.command()
@_tables
def compact(domain: str | None, table: str | None) -> None:
    """Drop superseded rows and join small files; rows that count stay."""
    from commcare_frames.cache import management

    for each in management.cached_tables(domain=domain, what=table):
        if each.is_compact:
            click.echo(f"{_title(each)}: nothing to gain")
            continue
        each.compact()
        after = management.CachedTable(each.folder)
        click.echo(
            f"{_title(each)}: {_count(each.superseded, 'superseded row')} dropped, {_count(each.parts, 'part')} "
            f"made {after.parts:,}, {_bytes(each.size)} made {_bytes(after.size)}"
        )


@cache.command()
@_tables
@click.option("--set-aside", is_flag=True, help="Only leftovers: what was damaged, or an export left behind.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(domain: str | None, table: str | None, *, set_aside: bool, yes: bool) -> None:
    """Delete tables, and leftovers of damage; the next read fetches the tables anew."""
    from commcare_frames.cache import management

    aside = list(management.set_aside(domain=domain, what=table))
    tables = [] if set_aside else management.cached_tables(domain=domain, what=table)
    if not aside and not tables:
        click.echo("There is nothing of that kind to delete.")
        return
    size = sum(management.size_of(path) for path in aside) + sum(each.size for each in tables)
    counts = ((len(tables), "table"), (len(aside), "leftover"))
    what = f"{' and '.join(_count(number, name) for number, name in counts if number)} ({_bytes(size)})"
    if not yes:
        click.confirm(f"Delete {what}?", abort=True)
    for path in aside:
        management.remove(path)
    for each in tables:
        each.clear()
    click.echo(f"Deleted {what}.")


@main.command()
@_project
def doctor(domain: str | None, server: str | None) -> None:
    """Check versions, cache, login, permissions, limits and clock."""
    from commcare_frames.doctor import examine

    problems = 0
    for finding in examine(domain, server=server):
        problems += finding.level == "problem"
        click.echo(f"{click.style(f'{finding.level:<8}', fg=COLOURS[finding.level])} {finding.text}")
    if problems:
        raise Failure(f"{_count(problems, 'problem')} found.")


def _title(table: CachedTable) -> str:
    return f"{table.what} ({table.kind} of {table.domain} at {table.host})"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'s' * (number != 1)}"


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"  # noqa: PLR2004


def _echo_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under their headings; the columns that hold numbers are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if place >= FIRST_NUMBER else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
