"""A whole pull: stretches of change stamps read page by page, side by side, each able to go on where it broke off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from commcare_frames.errors import ServerFailedError
from commcare_frames.hq.bodies import keep_memory
from commcare_frames.hq.gather import gather_worked
from commcare_frames.hq.paging import Page, first_params, read_page
from commcare_frames.hq.resource import PageStyle, Resource, Wire
from commcare_frames.hq.stamps import MILLISECOND, earlier, end_of_millisecond, to_stamp, to_time
from commcare_frames.hq.xml import check_wire

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterator, Sequence

    from commcare_frames.hq.client import Client

T = TypeVar("T")

SMALLEST_PAGE = 50
TRIES_BEFORE_HALVING = 2


@dataclass(frozen=True)
class Question:
    """What a pull asks: a resource, the query parameters that choose its records, what follows its path, the format."""

    resource: Resource
    params: tuple[tuple[str, str], ...] = ()
    tail: str = ""
    wire: Wire = "json"

    def __post_init__(self) -> None:
        """Check the format, which a caller says."""
        check_wire(self.wire)


@dataclass(frozen=True)
class Segment:
    """A stretch of change stamps to read, and how far it has been read.

    Parameters
    ----------
    after, until
        Stamps later than `after`, up to and including `until`; None leaves that side open.
    following
        Query parameters of the next page; None when nothing was read yet.
    done
        Whether all of it was read.
    """

    after: str | None = None
    until: str | None = None
    following: tuple[tuple[str, str], ...] | None = None
    done: bool = False

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Segment:
        """Build a segment from what `dataclasses.asdict` gave, after a trip through JSON."""
        following = values["following"]
        return cls(**{**values, "following": following and tuple((name, value) for name, value in following)})


@dataclass(frozen=True)
class Piece(Generic[T]):
    """One page of a pull, decoded.

    Parameters
    ----------
    value
        What the decoder made of the page's records.
    index, segment
        Which segment it belongs to, and that segment's state once the piece is kept.
    total
        How many records the segment has in all, as the server counts at this page; None where it does not say.
    date
        The server's time at the answer.
    headers
        The names of the records' fields and what people call them, where the answer says so.
    """

    value: T
    index: int
    segment: Segment
    total: int | None
    date: str | None
    headers: dict[str, str]


def pull(
    client: Client, question: Question, segments: Sequence[Segment], decode: Callable[[bytes], T]
) -> Generator[Piece[T], None, None]:
    """Read all segments, each on a connection of its own, while `decode` works on a page that has arrived.

    Parameters
    ----------
    client
        Who asks.
    question
        What is asked.
    segments
        What to read; segments that are done are passed over.
    decode
        Makes something of the JSON text of a page's records, in a thread of its own, page by page; a `ValueError`
        from it means that the page is damaged, and the page is fetched again.

    Yields
    ------
    Piece
        The pages, in order within each segment.

    Raises
    ------
    ServerFailedError
        When pages stay damaged or the server keeps failing.
    """
    keep_memory()
    current = list(segments)
    damaged = 0
    while not all(segment.done for segment in current):
        pieces = gather_worked(
            [_reader(client, question, index, segment) for index, segment in enumerate(current) if not segment.done],
            partial(_decoded, decode=decode),
        )
        try:
            for piece in pieces:
                damaged = 0
                current[piece.index] = piece.segment
                yield piece
        except _DamagedPageError as error:
            damaged += 1
            if damaged >= client.patience.attempts:
                raise ServerFailedError(
                    f"{client.host} sent a damaged page of the {question.resource.title} {damaged} times: {error}"
                ) from error
        finally:
            pieces.close()


def range_params(resource: Resource, after: str | None, until: str | None) -> tuple[tuple[str, str], ...]:
    """Query parameters for stamps later than `after`, up to and including `until`."""
    if resource.page_style is PageStyle.STAMP:
        # It begins at the start itself, and ends at the end: that is the last microsecond where there are any.
        after = after and to_stamp(to_time(after) + MILLISECOND)
        until = end_of_millisecond(until) if until and resource.exact_stamps else until
        names, trim = resource.range_names, "Z"
    else:
        # Not `.gte`: HQ's cursor carries a parameter of that name and would read the first page twice.
        names, trim = (f"{resource.stamp}.gt", f"{resource.stamp}.lte"), ""
        if resource.page_style is PageStyle.SEEK:
            trim = "Z"
    pairs = zip(names, (after, until), strict=True)
    return tuple((name, stamp.removesuffix(trim)) for name, stamp in pairs if stamp)


Arrival = tuple[int, Page, Segment]


class _DamagedPageError(Exception):
    """A page that cannot be decoded, although it is JSON that looks like one."""


def _decoded(arrival: Arrival, decode: Callable[[bytes], T]) -> Piece[T]:
    index, page, segment = arrival
    try:
        value = page.decoded(decode)
    except ValueError as error:
        raise _DamagedPageError(str(error)) from error
    return Piece(value, index, segment, page.total, page.date, page.headers)


def _reader(
    client: Client, question: Question, index: int, segment: Segment
) -> Callable[[threading.Event], Iterator[Arrival]]:
    def read(cancelled: threading.Event) -> Iterator[Arrival]:
        for page, state in _pages(client, question, segment, cancelled):
            yield index, page, state

    return read


def _pages(
    client: Client, question: Question, segment: Segment, cancelled: threading.Event
) -> Iterator[tuple[Page, Segment]]:
    resource = question.resource
    limit = resource.largest_page

    def start(after: str | None) -> tuple[tuple[str, str], ...]:
        return first_params(resource, (*question.params, *range_params(resource, after, segment.until)), limit)

    asked: tuple[tuple[str, str], ...] | None = segment.following or start(segment.after)
    previous: Page | None = None
    while asked is not None:
        can_halve = (bool(resource.stamp) or resource.page_style is PageStyle.LINK) and limit > SMALLEST_PAGE
        try:
            page = client.ask(
                resource,
                asked,
                tail=question.tail,
                wire=question.wire,
                read=lambda answer, asked=asked: read_page(resource, asked, answer),  # type: ignore[misc]
                attempts=TRIES_BEFORE_HALVING if can_halve else None,
                cancelled=cancelled,
            )
        except ServerFailedError:
            if not can_halve:
                raise
            limit //= 2
            if resource.stamp:
                asked = start(_last_stamp(previous, resource) or segment.after)
            else:
                asked = tuple((name, str(limit) if name == "limit" else value) for name, value in asked)
            continue
        asked = page.following
        segment = replace(segment, following=asked, done=asked is None)
        previous = page if page.records != b"[]" else previous
        yield page, segment


def _last_stamp(page: Page | None, resource: Resource) -> str | None:
    """Return the stamp just before the last one of a page: the records that share the last one come again."""
    if page is None:
        return None
    return earlier(str(page.parsed[-1][str(resource.stamp)]), MILLISECOND)
