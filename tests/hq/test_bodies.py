"""Bodies of answers arrive whole, packed or not; what cannot be unpacked is asked for again."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from listener import Listener, Said

from commcare_frames.errors import ServerFailedError
from commcare_frames.hq.auth import ApiKeyAuth
from commcare_frames.hq.client import Client, Patience
from commcare_frames.hq.resources import IDENTITY

RECORDS = json.dumps({"username": "asha", "filler": [f"{number:x}" for number in range(300_000)]}).encode()
PACKED = gzip.compress(RECORDS)


def asked(*answers: Said) -> tuple[object, int]:
    """Ask a server that gives these answers, the last one for good; return what came and how often it was asked."""
    left = list(answers)
    with Listener(lambda _: left.pop(0) if len(left) > 1 else left[0]) as listener:
        client = Client(ApiKeyAuth(listener.url, "me@example.org", "secret-key"), patience=Patience(3, first_wait=0.01))
        return client.ask(IDENTITY), len(listener.heard)


def packed(body: bytes, encoding: str = "gzip") -> Said:
    return Said(200, body, {"Content-Encoding": encoding})


@pytest.mark.parametrize(
    "answer",
    [
        Said(200, RECORDS),
        packed(PACKED),
        packed(PACKED, "GZIP"),
        packed(zlib.compress(RECORDS), "deflate"),
        packed(gzip.compress(RECORDS, 0)),
        packed(gzip.compress(RECORDS + b" " * 50_000_000)),
    ],
    ids=["as it is", "gzip", "in capitals", "deflate", "stored", "much larger than it seems"],
)
def test_a_body_arrives_whole(answer: Said) -> None:
    assert asked(answer) == (json.loads(RECORDS), 1)


@pytest.mark.parametrize(
    "broken",
    [
        PACKED[:-1],
        PACKED[: len(PACKED) // 2],
        PACKED[:-8] + bytes(4) + PACKED[-4:],
        PACKED[:-4] + b"\xff\xff\xff\xff",
        PACKED[:5000] + bytes(100) + PACKED[5100:],
        RECORDS,
        b"x",
    ],
    ids=["a byte short", "half", "wrong checksum", "says it is 4 GB", "damaged", "not packed", "one byte"],
)
def test_a_body_that_cannot_be_unpacked_is_asked_for_again(broken: bytes) -> None:
    assert asked(packed(broken), packed(PACKED)) == (json.loads(RECORDS), 2)


def test_a_body_that_never_can_be_unpacked_is_told() -> None:
    with pytest.raises(
        ServerFailedError, match="failed 3 times in a row .* last with an answer that cannot be unpacked"
    ):
        asked(packed(PACKED[:-1]))
