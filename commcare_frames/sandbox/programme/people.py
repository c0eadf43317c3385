"""The mobile workers of the programme: who covers which villages, from when, and how carefully."""

# ruff: noqa: PLR2004  shares, ages and weeks are what they are here; a name for each would hide the picture

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from .draws import Draw, hex_id
from .names import BY_LANGUAGE
from .questionnaires import RELEASED

if TYPE_CHECKING:
    from datetime import datetime

    from .places import Block, Country, Places, Village

WORKERS_PER_BLOCK = 2
_VERSIONS = tuple(RELEASED)


@dataclass(frozen=True, slots=True)
class Worker:
    """A mobile worker."""

    user_id: str
    username: str
    short: str
    first_name: str
    last_name: str
    phone: str
    block: Block
    villages: tuple[Village, ...]
    group_id: str
    left: datetime | None
    updated: tuple[datetime, ...]
    diligence: float

    def version(self, when: datetime) -> int:
        """Tell which version of the application was on the phone then."""
        return _VERSIONS[max(bisect_right(self.updated, when) - 1, 0)]

    def is_here(self, when: datetime) -> bool:
        """Whether the worker is still with the programme then."""
        return self.left is None or when < self.left


@dataclass(frozen=True)
class People:
    """All mobile workers of one domain, block by block."""

    workers: tuple[Worker, ...]

    def visiting(self, village: Village, when: datetime) -> Worker:
        """Find the worker of a village at that time: who left is stood in for by the other one of the block."""
        first = village.block.number * WORKERS_PER_BLOCK
        own = self.workers[first + village.number % WORKERS_PER_BLOCK]
        return own if own.is_here(when) else self.workers[first + (village.number + 1) % WORKERS_PER_BLOCK]


def employ(root: str, domain: str, places: Places) -> People:
    """Give each block its mobile workers."""
    return People(
        tuple(
            _worker(root, domain, block, places.villages_of(block), order)
            for block in places.blocks
            for order in range(WORKERS_PER_BLOCK)
        )
    )


def _worker(root: str, domain: str, block: Block, villages: tuple[Village, ...], order: int) -> Worker:
    draw = Draw(root, "worker", block.code, order)
    country = block.district.country
    names = BY_LANGUAGE[country.language]
    script = int(draw.chance(0.6))
    short = f"{block.code.replace('_', '')}-{order + 1}"
    leaves = order == 1 and draw.chance(0.25)
    return Worker(
        user_id=hex_id(root, "user", short),
        username=f"{short}@{domain}.commcarehq.org",
        short=short,
        first_name=draw.pick(names.women)[script],
        last_name=draw.pick(names.families)[script],
        phone=phone_number(draw, country),
        block=block,
        villages=tuple(village for village in villages if village.number % WORKERS_PER_BLOCK == order),
        group_id=hex_id(root, "group", block.code),
        left=block.district.opens + timedelta(days=draw.whole(250, 480)) if leaves else None,
        updated=tuple(released + timedelta(days=draw.whole(0, 35)) for released in RELEASED.values()),
        diligence=draw.bell(0.64, 0.12),
    )


def phone_number(draw: Draw, country: Country) -> str:
    """Write a phone number as people do: with the plus or without, with spaces or with a leading zero."""
    number = str(draw.whole(6, 9) * 10 ** (country.digits - 1) + draw.whole(0, 99_999_999))
    way = draw.random()
    if way < 0.4:
        return f"+{country.dial}{number}"
    if way < 0.75:
        return f"0{number}"
    if way < 0.9:
        return number
    return f"+{country.dial} {number[:3]} {number[3:6]} {number[6:]}"
