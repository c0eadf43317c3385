"""Takes a restore, the XML of all that a phone holds, apart into tables while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from xml.etree.ElementTree import ParseError

import orjson
import pyarrow as pa
from defusedxml.ElementTree import iterparse

from commcare_frames.tables.exact import InvalidRecords, Record
from commcare_frames.tables.flatten import Flattener
from commcare_frames.tables.layout import CASE_V2, Column, Layout
from commcare_frames.tables.leaves import TEXT, unpack
from commcare_frames.tables.paths import to_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

BATCH = 5000
"""Cases and rows that are held as they are in the XML."""

_UNKNOWN_TO_PHONES = frozenset({"server_last_modified", "indexed_on", "date_closed", "is_deprecated", "domain"})

RESTORED_CASE = Layout(
    name="restored case",
    metadata=(
        *(column for column in CASE_V2.metadata if column.name not in _UNKNOWN_TO_PHONES),
        Column("user_id", ("user_id",)),
    ),
    reserved=CASE_V2.reserved,
)
"""A case as a phone is told of it; its columns are those of `CASE_V2` as far as phones know them."""

_OF_CASES = frozenset({"case_type", "case_name", "external_id", "owner_id", "date_opened"})
_BESIDE = frozenset({"message", "Sync", "schema"})
"""What a restore says that is neither of the user nor data: the last tells the phone what to index."""
_RECORD, _LIST, _ROW = 2, 3, 4
"""How deep stand what a restore consists of, the lists in its fixtures, and their rows."""


class Source(Protocol):
    """What XML is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""


@dataclass
class Fixture:
    """Rows that forms choose from: a lookup table, groups, locations, reports.

    Attributes
    ----------
    tables
        The rows, a batch at a time.
    attributes
        What is said of the fixture as a whole.
    """

    tables: list[pa.Table] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    _rows: list[Record] = field(default_factory=list)

    def add(self, row: Record) -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    @property
    def table(self) -> pa.Table:
        """All rows: what stands in an element under its name, attributes under theirs with an ``@``."""
        self._flush()
        return pa.concat_tables(self.tables, promote_options="default") if self.tables else pa.table({})

    def _flush(self) -> None:
        if self._rows:
            _, leaves = unpack([orjson.dumps(self._rows).decode()])
            columns = {to_name(path or (TEXT,)): texts for path, texts in leaves.texts.items()}
            columns |= {to_name(path) + ending: texts for (path, ending), texts in leaves.json.items()}
            self.tables.append(pa.table(columns))
            self._rows.clear()


class Restore:
    """What one user's phone holds.

    Parameters
    ----------
    heed
        Is told how many cases were read so far, now and then.

    Attributes
    ----------
    token
        The sync token, by which the phone asks for what changed since.
    user
        What is said of the user.
    fixtures
        By their ids.
    """

    def __init__(self, heed: Callable[[int], None] = lambda _: None) -> None:
        self.token: str | None = None
        self.user: Record = {}
        self.fixtures: dict[str, Fixture] = {}
        self._heed = heed
        self._flattener = Flattener(RESTORED_CASE)
        self._cases: list[Record] = []
        self._tables = [self._flattener.table(b"[]")]
        self._count = 0

    @classmethod
    def read(cls, source: Source, heed: Callable[[int], None] = lambda _: None) -> Restore:
        """Read a restore.

        Parameters
        ----------
        source
            The XML.
        heed
            As of the class.

        Raises
        ------
        InvalidRecords
            When it is no restore, or breaks off.
        """
        restore = cls(heed)
        try:
            restore._read(source)
        except ParseError as error:
            raise InvalidRecords(f"XML that is damaged or breaks off ({error})") from error
        if restore.token is None:
            raise InvalidRecords("XML that is no restore")
        restore._flush()
        return restore

    @property
    def cases(self) -> pa.Table:
        """The cases, as those of `CASE_V2`."""
        return pa.concat_tables(self._tables, promote_options="default")

    def _read(self, source: Source) -> None:
        stack: list[Element] = []
        fixture: Fixture | None = None
        for event, element in iterparse(source, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                stack.append(element)
                if len(stack) == _RECORD and _tag(element) == "fixture":
                    fixture = self.fixtures.setdefault(element.get("id", ""), Fixture())
                continue
            depth = len(stack)
            if fixture is not None and depth == _ROW:
                fixture.add(_row_of(element))
            elif fixture is not None and depth == _LIST:
                _end_list(fixture, element)
            elif depth == _RECORD:
                if fixture is not None:
                    fixture.attributes |= {key: value for key, value in element.attrib.items() if key != "id"}
                    fixture = None
                else:
                    self._take(element)
            stack.pop()
            if stack and (depth <= _RECORD or (fixture is not None and depth <= _ROW)):
                stack[-1].remove(element)  # what was read is not kept

    def _take(self, element: Element) -> None:
        kind = _tag(element)
        if kind == "case":
            self._cases.append(_case_of(element))
            if len(self._cases) >= BATCH:
                self._flush()
        elif kind == "Sync":
            self.token = next((child.text for child in element if _tag(child) == "restore_id"), None)
        elif kind == "Registration":
            self.user = _user_of(element)
        elif kind not in _BESIDE:
            raise InvalidRecords(f"XML that is no restore: <{kind}> stands in it")

    def _flush(self) -> None:
        if self._cases:
            self._tables.append(self._flattener.table(orjson.dumps(self._cases)))
            self._count += len(self._cases)
            self._cases.clear()
            self._heed(self._count)


def _end_list(fixture: Fixture, element: Element) -> None:
    """Note what is said of a list of rows; one that is but a text is a row by itself."""
    text = (element.text or "").strip()
    if text:
        fixture.add({_tag(element): _value(element)})
    else:
        fixture.attributes |= {f"{_tag(element)}.{_plain(key)}": value for key, value in element.attrib.items()}


def _row_of(element: Element) -> Record:
    value = _value(element)
    return value if isinstance(value, dict) else {TEXT: value}


def _user_of(element: Element) -> Record:
    user: Record = {}
    for child in element:
        if _tag(child) == "user_data":
            user["user_data"] = {data.get("key", ""): data.text or "" for data in child}
        elif _tag(child) != "password":
            user[_tag(child)] = _value(child)
    return user


def _case_of(element: Element) -> Record:
    """Return a case block as the case API would give the case."""
    case: Record = {
        "case_id": element.get("case_id"),
        "user_id": element.get("user_id"),
        "last_modified": element.get("date_modified"),
        "closed": False,
    }
    properties: Record = {}
    for part in element:
        kind = _tag(part)
        if kind in {"create", "update"}:
            for child in part:
                (case if _tag(child) in _OF_CASES else properties)[_tag(child)] = _value(child)
        elif kind == "index":
            case["indices"] = {_tag(link): _link_of(link) for link in part}
        elif kind == "close":
            case["closed"] = True
        else:
            case[kind] = _value(part)
    return {**case, "properties": properties}


def _link_of(link: Element) -> Record:
    attributes = {_plain(key): value for key, value in link.attrib.items()}
    return {"case_id": link.text or "", "relationship": "child", **attributes}


def _value(element: Element) -> Any:  # noqa: ANN401 - a text, or a dictionary of texts, dictionaries and lists
    """Return an element as HQ's JSON of forms has it: attributes with an ``@``, what comes several times as a list."""
    if not len(element) and not element.attrib:
        return element.text or ""
    value: Record = {f"@{_plain(key)}": text for key, text in element.attrib.items()}
    for child in element:
        name, inner = _tag(child), _value(child)
        if name not in value:
            value[name] = inner
        elif isinstance(value[name], list):
            value[name].append(inner)
        else:
            value[name] = [value[name], inner]
    if (element.text or "").strip() or not len(element):
        value[TEXT] = element.text or ""
    return value


def _tag(element: Element) -> str:
    return _plain(element.tag)


def _plain(name: str) -> str:
    return name.rpartition("}")[2]
