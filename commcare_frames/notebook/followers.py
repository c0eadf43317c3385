"""Panels that show whatever domain is connected, and are told when the sign-in panel opens one."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet


class Follower(Protocol):
    """A panel that follows."""

    def follow(self) -> None:
        """Show the domain that is connected by now."""


followers: WeakSet[Follower] = WeakSet()


def tell_followers() -> None:
    """Tell all of them; a notebook or web page may have shown them before anybody signed in."""
    for follower in list(followers):
        follower.follow()
