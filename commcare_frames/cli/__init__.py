"""The command `commcare-frames`: what the package does, without Python."""

from commcare_frames.cli.base import Command, Group
from commcare_frames.cli.cache import cache
from commcare_frames.cli.download import download, show
from commcare_frames.cli.export import export
from commcare_frames.cli.frames import add_kinds
from commcare_frames.cli.main import main

add_kinds(export)
for command in (export, download, show, cache):
    main.add_command(command)

__all__ = ["Command", "Group", "main"]
