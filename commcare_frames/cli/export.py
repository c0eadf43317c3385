"""The commands that write cases, forms and reports to a file, and what all such commands have in common."""

# ruff: noqa: PLC0415  `--help` must not wait for pandas, so commands import what they need

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commcare_frames.cli.base import ON_INTERRUPT, Group, count, in_bytes, options, project_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commcare_frames.connection import Domain

_FILTER = re.compile(r"(?P<name>[^<>=!]+)(?P<operator><=|>=|!=|==|<|>|=)(?P<value>.*)", re.DOTALL)

file_argument = click.argument("path", type=click.Path(path_type=Path))
period_options = options(
    click.option("--since", metavar="TIME", help="Only what changed or was received since then, in UTC."),
    click.option("--until", metavar="TIME", help="Only what changed or was received until then, in UTC."),
)
cache_options = options(
    click.option("--no-cache", is_flag=True, help="Fetch everything, keep nothing."),
    click.option("--offline", is_flag=True, help="Ask nothing: write what is cached."),
    click.option("--max-age", metavar="TIME", help="Ask nothing if refreshed within this time, such as 1h."),
)
neutralise_option = click.option(
    "--neutralise", is_flag=True, help="Keep texts in .csv and .xlsx from running as formulas."
)
dtypes_option = click.option(
    "--dtypes", type=click.Choice(["infer", "string"]), default="infer", help="Typed, or as HQ sent it."
)
reading_options = options(
    click.option("--columns", metavar="NAME,NAME", help="The columns wanted, in order."),
    dtypes_option,
    cache_options,
    neutralise_option,
)
_label_row = click.option("--label-row", is_flag=True, help="In .xlsx, put labels below the names of the columns.")


@click.group(cls=Group)
def export() -> None:
    """Write data to a file, which ends in .parquet, .csv, .xlsx, .duckdb or .feather."""


@export.command()
@file_argument
@project_options
@click.option("--case-type", metavar="TYPE", help="The case type; left out: cases of all types.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="A filter, such as closed=false; may be repeated.")
@click.option("--query", help="A query in HQ's case search language.")
@period_options
@reading_options
@click.option("--connections", default=1, help="Stretches of a first pull to read side by side.")
@click.pass_context
def cases(ctx: click.Context, /, *, where: tuple[str, ...], **asked: Any) -> None:  # noqa: ANN401  as export_cases
    """Write cases to PATH."""
    filters = filters_of(where)
    from commcare_frames.read.export import export_cases

    chosen = ("query", "since", "until", "columns")
    is_kept = not (filters or any(asked[name] for name in chosen))
    write(ctx, export_cases, is_kept=is_kept, where=filters or None, **asked)


@export.command()
@file_argument
@click.argument("form")
@project_options
@click.option("--repeat", metavar="PATH", help="Write the entries of this repeat group, not the submissions.")
@click.option("--app", metavar="NAME", help="Only submissions made with this application.")
@click.option("--case-id", metavar="ID", help="Only submissions that touched this case.")
@click.option("--include-archived", is_flag=True, help="Write archived submissions as well.")
@period_options
@reading_options
@_label_row
@click.pass_context
def forms(ctx: click.Context, /, **asked: Any) -> None:  # noqa: ANN401  as export_forms has them
    """Write the submissions of FORM, named or by its xmlns, to PATH."""
    from commcare_frames.read.export import export_forms

    is_kept = not any(asked[name] for name in ("since", "until", "case_id"))
    write(ctx, export_forms, is_kept=is_kept, **asked)


@export.command()
@file_argument
@click.argument("report")
@project_options
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="NAME=VALUE",
    help="A filter, such as district=Gaya, edd=2026-01-01..2026-03-31 or visits>=3; may be repeated.",
)
@reading_options
@_label_row
@click.pass_context
def report(ctx: click.Context, /, *, conditions: tuple[str, ...], **asked: Any) -> None:  # noqa: ANN401
    """Write REPORT, its title or id, to PATH."""
    filters = _conditions(conditions)
    from commcare_frames.read.export import export_report

    write(ctx, export_report, is_kept=False, filters=filters or None, **asked)


def write(
    ctx: click.Context,
    how: Callable[..., Path | Sequence[Path]],
    *,
    path: Path,
    domain: str | None,
    server: str | None,
    is_kept: bool,
    **asked: Any,  # noqa: ANN401  as the function has them
) -> None:
    """Let a function write a file, or several, and say what it wrote.

    Parameters
    ----------
    ctx
        The command that was given.
    how
        Writes the file, told what the options say.
    path, domain, server
        Where to, and from where.
    is_kept
        Whether what has arrived is kept when it is interrupted.
    asked
        The other options, of which those on columns and the cache are told as `read_cases` has them.
    """
    no_cache, offline = asked.pop("no_cache", False), asked.pop("offline", False)
    if no_cache and offline:
        raise click.UsageError("--no-cache and --offline exclude each other.")
    if offline or no_cache:
        asked["cache"] = "offline" if offline else False
    if columns := asked.pop("columns", None):
        asked["columns"] = columns.split(",")
    goes_on = " What has arrived is kept: the same command goes on from there." if is_kept and not no_cache else ""
    ctx.meta[ON_INTERRUPT] = f"Interrupted; {path} was not written.{goes_on}"
    place = opened(domain, server, quietly=offline or bool(asked.get("max_age")))
    written = how(path, domain=place, **asked)
    files = [written] if isinstance(written, Path) else written
    told = [f"Wrote {file} ({in_bytes(file.stat().st_size)})" for file in files] or ["Wrote no table"]
    click.echo(".\n".join(told) + f", {count(place.requests_made, 'request')}.")


def opened(domain: str | None, server: str | None, *, quietly: bool = False) -> Domain:
    """Return the domain meant; unless it must be done quietly, make sure first that the login opens it."""
    from commcare_frames.connection import connect, locate

    return locate(domain, server=server) if quietly else connect(domain, server=server)


def filters_of(where: Sequence[str]) -> dict[str, list[str]]:
    """Return filters by name; of several values for one name any may match."""
    filters: dict[str, list[str]] = {}
    for each in where:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{each!r} is not NAME=VALUE.", param_hint="--where")
        filters.setdefault(name, []).append(value)
    return filters


def _conditions(conditions: Sequence[str]) -> dict[str, Any]:
    """Return the filters of a report: choices, ranges of dates, comparisons of numbers."""
    filters: dict[str, Any] = {}
    for each in conditions:
        found = _FILTER.fullmatch(each)
        if found is None:
            raise click.BadParameter(f"{each!r} is not NAME=VALUE.", param_hint="--filter")
        name, operator, value = found["name"].strip(), found["operator"], found["value"].strip()
        if operator != "=":
            filters[name] = ("=" if operator == "==" else operator, _number(value))
        elif ".." in value:
            filters[name] = tuple(value.split("..", 1))
        else:
            filters.setdefault(name, []).append(value)
    return filters


def _number(text: str) -> float | str:
    """Return a number where a text is one; what is none is told of by whoever needs one."""
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return text
