"""What commands have in common: how they fail, warn and count, and the options of several."""

from __future__ import annotations

import contextlib
import logging
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import click

from commcare_frames.errors import CommCareError, DataWarning, NotConnectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ON_INTERRUPT = f"{__name__}.on_interrupt"


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


def options(*several: Callable[..., Any]) -> Callable[..., Any]:
    """Put several options on a command."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(several):
            command = option(command)
        return command

    return decorate


server_option = click.option("--server", metavar="SERVER", help="www, india, eu, swiss, or a URL.")
project_options = options(
    click.option("--domain", metavar="NAME", help="The domain (project space), or a web address of it."), server_option
)


def count(number: int, name: str) -> str:
    """Say how many there are."""
    return f"{number:,} {name}{'s' * (number != 1)}"


def in_bytes(size: int) -> str:
    """Say how large something is."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"  # noqa: PLR2004
