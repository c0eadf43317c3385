"""The command `commcare-frames`: what the package does, without Python."""

from commcare_frames.cli.base import Command, Group
from commcare_frames.cli.cache import cache
from commcare_frames.cli.export import export
from commcare_frames.cli.main import main

main.add_command(export)
main.add_command(cache)

__all__ = ["Command", "Group", "main"]
