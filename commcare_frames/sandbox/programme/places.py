"""Where the programme works: three countries, their districts, blocks and villages, and when each district began."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from .clock import utc
from .draws import Draw, digest, hex_id
from .names import BY_LANGUAGE

if TYPE_CHECKING:
    from datetime import datetime

BLOCKS_PER_DISTRICT = 3
VILLAGES_PER_BLOCK = 6


@dataclass(frozen=True, slots=True)
class Country:
    """A country office of the programme."""

    code: str
    name: str
    language: str
    offset_minutes: int
    dial: str
    digits: int
    location_id: str = ""

    @property
    def offset(self) -> str:
        """The zone as a phone writes it, for example `+05:30`."""
        hours, minutes = divmod(self.offset_minutes, 60)
        return f"+{hours:02d}:{minutes:02d}"


@dataclass(frozen=True, slots=True)
class District:
    """A district, with the month in which it joined and how many people it reaches compared with the others."""

    code: str
    name: str
    country: Country
    opens: datetime
    reach: float
    latitude: float
    longitude: float
    location_id: str


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a district that two mobile workers share."""

    number: int
    code: str
    name: str
    district: District
    location_id: str


@dataclass(frozen=True, slots=True)
class Village:
    """A village with its site code and its middle."""

    number: int
    code: str
    name: str
    block: Block
    latitude: float
    longitude: float
    location_id: str


_COUNTRIES = (
    Country("ind", "India", "hi", 330, "91", 10),
    Country("eth", "Ethiopia", "am", 180, "251", 9),
    Country("sen", "Sénégal", "fr", 0, "221", 9),
)
_DISTRICTS = (
    ("gay", "Gaya", 0, utc(2023, 9, 1), 24, 24.79, 85.00),
    ("pur", "Purnia", 0, utc(2023, 11, 1), 19, 25.78, 87.47),
    ("naw", "Nawada", 0, utc(2024, 6, 1), 13, 24.88, 85.54),
    ("gon", "Gondar Zuria", 1, utc(2023, 10, 1), 15, 12.45, 37.55),
    ("des", "Dessie Zuria", 1, utc(2024, 9, 1), 12, 11.13, 39.63),
    ("ked", "Kédougou", 2, utc(2024, 3, 1), 13, 12.56, -12.17),
    ("thi", "Thiès", 2, utc(2025, 2, 1), 11, 14.79, -16.93),
)
_BLOCK_SIDES = {
    "hi": ("Sadar", "Uttar", "Dakshin"),
    "am": ("Semen", "Debub", "Misrak"),
    "fr": ("Centre", "Est", "Fleuve"),
}


@dataclass(frozen=True)
class Places:
    """Every place of one domain, from the countries down to the villages."""

    countries: tuple[Country, ...]
    districts: tuple[District, ...]
    blocks: tuple[Block, ...]
    villages: tuple[Village, ...]

    def blocks_of(self, district: District) -> tuple[Block, ...]:
        """List the blocks of a district."""
        return tuple(block for block in self.blocks if block.district == district)

    def villages_of(self, block: Block) -> tuple[Village, ...]:
        """List the villages of a block."""
        first = block.number * VILLAGES_PER_BLOCK
        return self.villages[first : first + VILLAGES_PER_BLOCK]


def place(root: str) -> Places:
    """Lay out the places of the domain that `root` stands for."""
    countries = tuple(replace(country, location_id=hex_id(root, "country", country.code)) for country in _COUNTRIES)
    districts = tuple(
        District(code, name, countries[country], opens, reach, latitude, longitude, hex_id(root, code))
        for code, name, country, opens, reach, latitude, longitude in _DISTRICTS
    )
    blocks = tuple(
        _block(root, number, district, side)
        for number, (district, side) in enumerate(product(districts, range(BLOCKS_PER_DISTRICT)))
    )
    villages = tuple(village for block in blocks for village in _villages(root, block))
    return Places(countries, districts, blocks, villages)


def _block(root: str, number: int, district: District, side: int) -> Block:
    name = f"{district.name} {_BLOCK_SIDES[district.country.language][side]}"
    code = f"{district.code}_{side + 1:02d}"
    return Block(number, code, name, district, hex_id(root, "block", code))


def _villages(root: str, block: Block) -> list[Village]:
    names = BY_LANGUAGE[block.district.country.language]
    every_name = sorted(
        (start + end for start, end in product(names.village_starts, names.village_ends)),
        key=lambda name: digest(root, block.code, name),
    )
    draw = Draw(root, "villages", block.code)
    return [
        Village(
            number=block.number * VILLAGES_PER_BLOCK + order,
            code=f"{block.code}_{order + 1:03d}",
            name=every_name[order],
            block=block,
            latitude=round(block.district.latitude + draw.bell(0, 0.12), 4),
            longitude=round(block.district.longitude + draw.bell(0, 0.12), 4),
            location_id=hex_id(root, "village", block.code, order),
        )
        for order in range(VILLAGES_PER_BLOCK)
    ]
