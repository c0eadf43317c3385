"""Seeded draws and ids: the same seed gives the same data on every platform and every Python."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Draw:
    """A stream of draws that its key alone decides.

    It rests on `Random.random` and on plain arithmetic: Python promises the former for ever, and the mathematical
    functions of platforms differ in their last digit.
    """

    __slots__ = ("random",)

    def __init__(self, *key: object) -> None:
        self.random = Random("/".join(map(str, key))).random  # noqa: S311  believable, not secret

    def chance(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Take one of the options, all equally likely."""
        return options[int(self.random() * len(options))]

    def lean(self, options: Sequence[T]) -> T:
        """Take one of the options, the earlier ones more likely."""
        share = self.random()
        return options[int(share * share * len(options))]

    def some(self, options: Sequence[T], probability: float) -> list[T]:
        """Take each of the options with this probability, in their order."""
        return [option for option in options if self.random() < probability]

    def whole(self, low: int, high: int) -> int:
        """Take a whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def bell(self, middle: float, spread: float) -> float:
        """Take a number near the middle, never further away than three times the spread."""
        return middle + (self.random() + self.random() + self.random() - 1.5) * 2 * spread


def digest(*key: object) -> bytes:
    """Sixteen bytes that the key alone decides."""
    return blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()


def hex_id(*key: object) -> str:
    """Make an id as HQ gives to users, groups, locations and applications."""
    return digest(*key).hex()


def uuid(raw: bytes) -> str:
    """Write sixteen bytes as phones write the ids of cases and forms."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
