"""The commands that look after the tables kept on this computer."""

# ruff: noqa: PLC0415  `--help` must not wait for pandas, so commands import what they need

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commcare_frames.cli.base import Failure, Group, count, in_bytes, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commcare_frames.cache.management import CachedTable

HEADINGS = ("SERVER", "DOMAIN", "KIND", "TABLE", "REFRESHED (UTC)", "STATE", "ROWS", "SUPERSEDED", "PARTS", "SIZE")
FIRST_NUMBER = HEADINGS.index("ROWS")

table_options = options(
    click.option("--domain", metavar="NAME", help="Only tables of this domain."),
    click.option("--table", metavar="NAME", help="Only tables of this name, such as a case type."),
)


@click.group(cls=Group)
def cache() -> None:
    """Look after the tables kept on this computer."""


@cache.command("list")
@table_options
def list_tables(domain: str | None, table: str | None) -> None:
    """List the tables: rows, superseded rows, files, size, state."""
    from commcare_frames.cache import management, places

    found = management.cached_tables(domain=domain, what=table)
    if found:
        _echo_columns([HEADINGS, *map(_described, found)])
        click.echo(f"\nIn {places.root()}.")
    else:
        click.echo(f"Nothing of that kind is cached in {places.root()}.")
    if kept := list(management.documents(domain=domain)):
        size = sum(management.size_of(path) for path in kept)
        click.echo(f"Descriptions of applications of {count(len(kept), 'domain')} ({in_bytes(size)}).")
    if aside := len(list(management.set_aside())):
        click.echo(f"{count(aside, 'leftover')} of damage: `commcare-frames cache clear --set-aside` deletes that.")


def _described(table: CachedTable) -> tuple[str, ...]:
    refreshed = (table.refreshed_at or "-")[:16].replace("T", " ")
    numbers = (f"{table.rows:,}", f"{table.superseded:,}", f"{table.parts:,}", in_bytes(table.size))
    return (table.host, table.domain, table.kind, table.what, refreshed, table.state, *numbers)


@cache.command()
@table_options
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
            f"{count(broken, 'table')} with damaged files. Nothing was changed: the next read that may use the "
            "network sets them aside and fetches again what they held."
        )


@cache.command()
@table_options
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
            f"{_title(each)}: {count(each.superseded, 'superseded row')} dropped, {count(each.parts, 'part')} "
            f"made {after.parts:,}, {in_bytes(each.size)} made {in_bytes(after.size)}"
        )


@cache.command()
@table_options
@click.option("--set-aside", is_flag=True, help="Only leftovers: what was damaged, or an export left behind.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(domain: str | None, table: str | None, *, set_aside: bool, yes: bool) -> None:
    """Delete tables, and leftovers of damage; the next read fetches the tables anew."""
    from commcare_frames.cache import management

    aside = list(management.set_aside(domain=domain, what=table))
    tables = [] if set_aside else management.cached_tables(domain=domain, what=table)
    described = [] if set_aside or table else list(management.documents(domain=domain))
    if not aside and not tables and not described:
        click.echo("There is nothing of that kind to delete.")
        return
    size = sum(management.size_of(path) for path in [*aside, *described]) + sum(each.size for each in tables)
    counts = ((len(tables), "table"), (len(described), "application description"), (len(aside), "leftover"))
    what = f"{' and '.join(count(number, name) for number, name in counts if number)} ({in_bytes(size)})"
    if not yes:
        click.confirm(f"Delete {what}?", abort=True)
    for path in [*aside, *described]:
        management.remove(path)
    for each in tables:
        each.clear()
    click.echo(f"Deleted {what}.")


def _title(table: CachedTable) -> str:
    return f"{table.what} ({table.kind} of {table.domain} at {table.host})"


def _echo_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under their headings; the columns that hold numbers are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if place >= FIRST_NUMBER else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
