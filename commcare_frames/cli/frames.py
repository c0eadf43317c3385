"""The commands that write everything else of HQ to a file: users, locations, lookup tables, messages and so on."""

# ruff: noqa: PLC0415  `--help` must not wait for pandas, so commands import what they need

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from commcare_frames.cli.base import options, project_options
from commcare_frames.cli.export import (
    cache_options,
    dtypes_option,
    file_argument,
    filters_of,
    neutralise_option,
    period_options,
    reading_options,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_listed = neutralise_option
_whole = options(cache_options, neutralise_option)
_app = click.option("--app", metavar="NAME", help="Only this application, by its name or id.")
_where = click.option("--where", multiple=True, metavar="NAME=VALUE", help="A filter; may be repeated.")


@dataclass(frozen=True)
class Kind:
    """A kind of data that is written as one file, or as one file per table.

    Parameters
    ----------
    name
        Name of the command.
    reader
        Name of the public function that reads it.
    text
        What the command does.
    takes
        Its options.
    thing
        The argument that names what is wanted, and goes to the reader as such.
    has_tables
        Whether the reader gives several tables.
    """

    name: str
    reader: str
    text: str
    takes: Callable[..., Any] = reading_options
    thing: str | None = None
    has_tables: bool = False

    def write(self, path: Path, *, neutralise: bool, where: Sequence[str] = (), **asked: Any) -> Path | list[Path]:  # noqa: ANN401
        """Read it, and write it."""
        import commcare_frames
        from commcare_frames.read.frame_export import export_frame, export_tables

        named = () if self.thing is None else (asked.pop(self.thing),)
        said = {name: value for name, value in asked.items() if value is not None and value != ()}
        if where:
            # One value is a value: not everywhere may there be several.
            said["where"] = {name: found if found[1:] else found[0] for name, found in filters_of(where).items()}

        def read() -> Any:  # noqa: ANN401  a frame, or several
            return getattr(commcare_frames, self.reader)(*named, **said)

        if self.has_tables:
            return export_tables(path, read, neutralise=neutralise)
        return export_frame(path, self.name, read, neutralise=neutralise)


KINDS = (
    Kind("domains", "list_domains", "Write the list of domains that the login may open to PATH.", _listed),
    Kind("case-types", "list_case_types", "Write the list of case types to PATH.", _listed),
    Kind("reports", "list_reports", "Write the list of reports to PATH.", _listed),
    Kind("data-sources", "list_data_sources", "Write the list of UCR data sources to PATH.", _listed),
    Kind(
        "users",
        "read_users",
        "Write mobile workers to PATH.",
        options(
            click.option("--active/--deactivated", default=None, help="Only these; left out: both."),
            click.option("--group", metavar="NAME", help="Only the workers of this group."),
            click.option(
                "--extras", is_flag=True, help="Add counts of submissions and visits, which HQ takes long for."
            ),
            reading_options,
        ),
    ),
    Kind("web-users", "read_web_users", "Write web users to PATH."),
    Kind("groups", "read_groups", "Write groups to PATH."),
    Kind("group-members", "read_group_members", "Write who is in which group to PATH.", _whole),
    Kind("locations", "read_locations", "Write locations, with those above them, to PATH."),
    Kind("location-types", "read_location_types", "Write the levels of locations to PATH."),
    Kind("lookup-tables", "list_lookup_tables", "Write the list of lookup tables to PATH.", _listed),
    Kind("lookup-table", "read_lookup_table", "Write the rows of the lookup table TAG to PATH.", thing="tag"),
    Kind("apps", "list_apps", "Write the list of applications to PATH.", _whole),
    Kind("form-names", "list_forms", "Write the list of the applications' forms to PATH.", options(_app, _whole)),
    Kind(
        "modules", "read_modules", "Write the modules of applications, and their forms, to PATH.", options(_app, _whole)
    ),
    Kind(
        "questions",
        "read_questions",
        "Write the codebook to PATH.",
        options(_app, click.option("--form", metavar="NAME", help="Only this form."), _whole),
    ),
    Kind("data-source", "read_data_source", "Write the rows of the UCR data source NAME to PATH.", thing="name"),
    Kind("messages", "read_messages", "Write messages to PATH.", options(_where, period_options, reading_options)),
    Kind(
        "device-logs",
        "read_device_logs",
        "Write the logs of phones to PATH.",
        options(_where, period_options, reading_options),
    ),
    Kind(
        "action-times",
        "read_action_times",
        "Write when web users worked on HQ to PATH.",
        options(
            click.option("--user", "users", multiple=True, metavar="NAME", help="Only this user; may be repeated."),
            period_options,
            reading_options,
        ),
    ),
    Kind(
        "odata",
        "read_odata",
        "Write the OData feed FEED, its address or id, to PATH.",
        options(
            click.option("--kind", type=click.Choice(["cases", "forms"]), help="What a feed named by its id has."),
            click.option("--table", type=int, metavar="NUMBER", help="Which of the feed's tables."),
            reading_options,
        ),
        thing="feed",
    ),
    Kind(
        "case-history",
        "read_case_history",
        "Write what each form changed in the case CASE_ID to PATH.",
        _listed,
        thing="case_id",
    ),
    Kind("det-exports", "list_det_exports", "Write the list of saved exports to PATH.", _listed),
    Kind(
        "det",
        "read_det_export",
        "Run QUERY, a saved export or a query file of commcare-export: one file per sheet.",
        _listed,
        thing="query",
        has_tables=True,
    ),
    Kind(
        "restore",
        "read_restore",
        "Write what the phone of USER is given: one file per table.",
        options(_app, dtypes_option, neutralise_option),
        thing="user",
        has_tables=True,
    ),
)


def add_kinds(group: click.Group) -> None:
    """Give a group a command for each kind."""
    for kind in KINDS:
        _add(group, kind)


def _add(group: click.Group, kind: Kind) -> None:
    @click.pass_context
    def run(ctx: click.Context, /, **asked: Any) -> None:  # noqa: ANN401  as the reader has them
        write(ctx, kind.write, is_kept=False, **asked)

    command = options(project_options, kind.takes)(run)
    if kind.thing:
        command = click.argument(kind.thing)(command)
    group.command(kind.name, help=kind.text)(file_argument(command))
