"""Reads the whole body of an answer, and unpacks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal import igzip_lib, isal_zlib

if TYPE_CHECKING:
    import requests

READ_SIZE = 1 << 20
"""Bytes taken at a time: of 10 kB, as requests takes by itself, each waits for its turn while other threads work."""

_LARGE = 24 << 20
"""Bytes of a large page; glibc takes no block beyond 32 MB for a measure."""

_GZIP = 31
"""What zlib calls this format."""

_LIKELY_RATIO = 64
"""More than JSON shrinks by: a body that says it is larger does not get its memory at once."""


class PackedBodyError(ValueError):
    """A body that is not packed as its headers claim."""


def keep_memory() -> None:
    """Have the memory of one page kept for the next.

    glibc gives freed memory back to the system, from which it comes again zeroed and piece by piece, but for as much as
    the largest block that was freed so far. Nothing is ever written to the block that is freed here.
    """
    bytes(_LARGE)


def whole_body(response: requests.Response) -> bytes:
    """Read a body; a packed one takes a third of the time that it takes requests.

    Parameters
    ----------
    response
        An answer of which nothing was read yet.

    Returns
    -------
    bytes
        The body, unpacked.

    Raises
    ------
    PackedBodyError
        When it cannot be unpacked.
    requests.exceptions.RequestException
        When the connection breaks.
    """
    is_packed = response.headers.get("Content-Encoding", "").lower() == "gzip"
    if is_packed:
        del response.raw.headers["Content-Encoding"]  # so that what comes is what was sent
    body = b"".join(response.iter_content(READ_SIZE))
    return _unpacked(body) if is_packed and body else body


def _unpacked(body: bytes) -> bytes:
    size = int.from_bytes(body[-4:], "little")
    try:
        unpacked: bytes = isal_zlib.decompress(body, _GZIP, 1 + min(size, _LIKELY_RATIO * len(body)))
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # which its stub does not call a class
        raise PackedBodyError("an answer that cannot be unpacked") from error
    return unpacked
