"""What the domain's applications consist of: asked of HQ once a day at most, as that is a slow and large answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, overload

from commcare_frames.cache import places
from commcare_frames.cache.documents import Document, is_recent
from commcare_frames.errors import CacheError, CommCareError, NotFoundError, warn
from commcare_frames.hq.answers import BrokenAnswerError, parse_json
from commcare_frames.hq.resources import APPLICATIONS
from commcare_frames.hq.xml import check_wire
from commcare_frames.tables.applications import structure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from commcare_frames.cache.documents import Signature
    from commcare_frames.connection import Domain
    from commcare_frames.hq.client import Answer
    from commcare_frames.hq.resource import Wire
    from commcare_frames.read.reading import Cache
    from commcare_frames.tables.structure import App, Structure

DAY = timedelta(days=1)
FOR_EVER = timedelta.max
TRIES = 2
"""Of a request that may take HQ minutes."""


@dataclass(frozen=True)
class _Held:
    """A structure that is cached: which version of the document it is, since when, and what it was fetched for."""

    signature: Signature
    written_at: datetime
    structure: Structure
    seen: Mapping[str, int]

    def serves(self, max_age: timedelta, seen: Mapping[str, int]) -> bool:
        """Whether it is recent, and was fetched after every version of an application that was seen by now.

        A version that it was fetched for counts as known even where it is not in it: deleted applications never are.
        """
        known = {app.app_id: app.version or 0 for app in self.structure.apps}
        is_newest = all(
            version <= max(known.get(app_id, -1), self.seen.get(app_id, -1)) for app_id, version in seen.items()
        )
        return is_newest and is_recent(self.written_at, max_age)


_memory: dict[Path, _Held] = {}


@overload
def structure(
    domain: Domain,
    *,
    cache: Cache = ...,
    max_age: timedelta | None = ...,
    newer_than: Mapping[str, int] | None = ...,
    wire: Wire = ...,
    required: Literal[True],
) -> Structure: ...
@overload
def structure(
    domain: Domain,
    *,
    cache: Cache = ...,
    max_age: timedelta | None = ...,
    newer_than: Mapping[str, int] | None = ...,
    wire: Wire = ...,
    required: Literal[False] = ...,
) -> Structure | None: ...


def structure(
    domain: Domain,
    *,
    cache: Cache = True,
    max_age: timedelta | None = None,
    newer_than: Mapping[str, int] | None = None,
    wire: Wire = "json",
    required: bool = False,
) -> Structure | None:
    """Return what the applications of a domain consist of, from the cache or else with one request.

    Parameters
    ----------
    domain
        Whose.
    cache
        True: fetch it when it is older than `max_age`, and keep it. False: fetch it. ``"offline"``: never fetch it.
    max_age
        By default a day.
    newer_than
        The latest version of each application, by its id, that submissions were seen of: what is cached is fetched
        anew if it was fetched before one of them was made.
    wire
        The format that HQ is asked to send.
    required
        Raise when it cannot be had, instead of warning.

    Returns
    -------
    Structure or None
        None, with one `DataWarning` that says why, when it cannot be had and is not required. What was cached
        earlier stands in where it cannot be brought up to date, with a warning too.

    Raises
    ------
    CommCareError
        When it is required and cannot be had.
    """
    check_wire(wire)
    document = _document(domain, "structure", "the applications", wire)
    try:
        return _structure(
            domain, document, cache, DAY if max_age is None else max_age, seen=newer_than or {}, wire=wire
        )
    except CommCareError as error:
        if required:
            raise
        held = None if cache is False else _held(document)
        use = f"what was known on {held.written_at:%d %B %Y} is used" if held else "nothing is known of its forms"
        warn(f"The applications of domain {domain.name!r} could not be read, so {use}: {error}")
        return held.structure if held else None


def build(domain: Domain, app: App, version: int, *, cache: Cache, wire: Wire) -> Structure:
    """Return what one version of an application consists of; a version that was built never changes.

    Parameters
    ----------
    domain, app, version
        Which.
    cache, wire
        As for `structure`.

    Returns
    -------
    Structure
        Of that application only.

    Raises
    ------
    NotFoundError
        When there is no such version.
    """
    if version not in app.builds:
        known = ", ".join(map(str, sorted({*app.builds, *([app.version] if app.version else [])})))
        raise NotFoundError(f"App {app.name!r} has no version {version!r}. Its versions are {known or 'none yet'}.")
    build_id = app.builds[version]

    def fetch() -> list[Any]:
        described: Any = domain.client.ask(APPLICATIONS, tail=f"{build_id}/", wire=wire, attempts=TRIES)
        return [described]

    document = _document(domain, f"build {build_id}", f"version {version} of app {app.name!r}", wire)
    return structure_of(_kept(document, fetch, cache, FOR_EVER))


def _structure(
    domain: Domain, document: Document, cache: Cache, max_age: timedelta, *, seen: Mapping[str, int], wire: Wire
) -> Structure:
    if cache is False:
        return _without_gaps(structure_of(_fetch(domain, wire)))
    held = _held(document)
    if cache == "offline":
        if held is None:
            raise _uncached(document)
        return held.structure
    if held and held.serves(max_age, seen):
        return held.structure
    with document.locked():
        held = _held(document)
        if held and held.serves(max_age, seen):
            return held.structure  # another process has fetched it meanwhile
        looked_for = {**(held.seen if held else {}), **seen}
        document.write({"applications": _fetch(domain, wire), "seen": looked_for})
        held = _held(document)
    if held is None:
        raise CacheError(f"{document.path} was deleted by another program. Run the same call again.")
    return _without_gaps(held.structure)


def _held(document: Document) -> _Held | None:
    """Return the structure that is cached, which is parsed once only as long as it stays the same."""
    signature = document.signature
    held = _memory.get(document.path)
    if signature is None or (held and held.signature == signature):
        return held if signature else None
    kept = document.read()
    if kept is None:
        return None
    found = structure_of(kept.content["applications"])
    held = _memory[document.path] = _Held(signature, kept.written_at, found, kept.content["seen"])
    return held


def _fetch(domain: Domain, wire: Wire) -> list[Any]:
    return domain.client.ask(APPLICATIONS, read=_objects, wire=wire, attempts=TRIES)


def _objects(answer: Answer) -> list[Any]:
    parsed = parse_json(answer.body)
    objects = parsed.get("objects") if isinstance(parsed, dict) else None
    if not isinstance(objects, list):
        raise BrokenAnswerError("JSON without a list of applications")
    return objects


def _without_gaps(found: Structure) -> Structure:
    """Warn of what HQ could not describe."""
    if found.problems:
        warn(
            f"HQ could not describe {'; '.join(found.problems)}. Its questions have no labels, and what repeats in its "
            "forms is taken from the data."
        )
    return found


def _document(domain: Domain, name: str, title: str, wire: Wire) -> Document:
    name = name if wire == "json" else f"{name} as {wire}"
    folder = places.folder(domain.host, domain.name, places.APPLICATIONS, "all")
    return Document(folder, places.safe_name(name), f"{title} of domain {domain.name!r}")


def _kept(document: Document, fetch: Callable[[], Any], cache: Cache, max_age: timedelta) -> Any:  # noqa: ANN401
    """Return a document's content, fetched where it is not cached, or too long ago."""
    if cache is False:
        return fetch()
    kept = document.read()
    if cache == "offline":
        if kept is None:
            raise _uncached(document)
        return kept.content
    if kept is None or not is_recent(kept.written_at, max_age):
        content = fetch()
        with document.locked():
            document.write(content)
        return content
    return kept.content


def _uncached(document: Document) -> CacheError:
    return CacheError(
        f"Nothing is cached of {document.title}. Read the same once with cache=True while there is a network."
    )
