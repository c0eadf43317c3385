"""Replays what forms did to a case: every value that they wrote, what it was before, and what they left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from commcare_frames.tables.forms import moment
from commcare_frames.tables.layout import CASE_V2
from commcare_frames.tables.leaves import CASE, CASE_ID, TEXT
from commcare_frames.tables.paths import to_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from commcare_frames.tables.exact import Record
    from commcare_frames.tables.layout import Path

Value = str | bool | None
Block = tuple["Path", "Record"]

KNOWN = ("case_type", "case_name", "owner_id", "external_id", "date_opened")
"""What HQ keeps of a case outside its properties, wherever a form says it."""

NOT_PROPERTIES = frozenset({"date_opened", "name", "user_id", "location_id"})
"""What a form may write that HQ's case API does not give back under that name."""

_CLOCKS_MAY_DIFFER = timedelta(hours=12)


@dataclass(frozen=True)
class Change:
    """One value that a form wrote to a case.

    Attributes
    ----------
    form, block, path
        Which form, which of its case blocks, and where that stands.
    action
        ``"create"``, ``"update"``, ``"index"``, ``"attachment"``, ``"close"``; ``"touch"`` for a block without any.
    column
        The column that `read_cases` has the value in.
    before, after
        The value, and what it was before; None where there is none.
    """

    form: Record
    block: Record
    path: str
    action: str
    column: str | None
    before: Value
    after: Value

    @property
    def is_change(self) -> bool:
        """Whether the value became another one; blank is as good as missing."""
        return (self.before or None) != (self.after or None)


@dataclass
class Replay:
    """What forms did to a case, one after the other.

    Parameters
    ----------
    case_id
        The case.

    Attributes
    ----------
    changes
        All values that were written, in order.
    state
        What is left of them, by column.
    """

    case_id: str
    changes: list[Change] = field(default_factory=list)
    state: dict[str, Value] = field(default_factory=dict)

    @classmethod
    def of(cls, case_id: str, forms: Sequence[Record]) -> Replay:
        """Replay forms in the order in which HQ applies them."""
        replay = cls(case_id)
        for form in in_hq_order(case_id, forms):
            for path, block in blocks_of(case_id, form):
                replay._apply(form, block, to_name(path))
        return replay

    def _apply(self, form: Record, block: Record, path: str) -> None:
        written = list(_written(block)) or [("touch", None, None)]
        for action, name, after in written:
            before = self.state.get(name) if name else None
            self.changes.append(Change(form, block, path, action, name, before, after))
            if name:
                self.state[name] = after
        if not self.state.get("owner_id"):
            self.state["owner_id"] = block.get("@user_id")

    def differences(self, case: Record) -> list[str]:
        """Return the columns in which a case, as the case API gives it, is not as its forms left it."""
        present = _state_of(case)
        said = {
            name: value
            for name, value in self.state.items()
            if not name.startswith("attachment.") and (name in present or _plain(name) not in NOT_PROPERTIES)
        }
        return [name for name in sorted({*said, *present}) if (said.get(name) or None) != (present.get(name) or None)]


def in_hq_order(case_id: str, forms: Sequence[Record]) -> list[Record]:
    """Return forms in the order in which HQ applies them to a case.

    That is the order in which they were received; but forms of one user that came within twelve hours, as after a
    day without a network, are ordered by the clock of the phone.
    """

    def later(one: Record, other: Record) -> int:
        mine, theirs = _whose_and_when(case_id, one), _whose_and_when(case_id, other)
        received = (mine[1], one["id"]), (theirs[1], other["id"])
        if mine[0] != theirs[0] or abs(mine[1] - theirs[1]) > _CLOCKS_MAY_DIFFER:
            return _compared(*received)
        return _compared((mine[2], *received[0]), (theirs[2], *received[1]))

    return sorted(sorted(forms, key=lambda form: (form.get("received_on") or "", form["id"])), key=cmp_to_key(later))


def blocks_of(case_id: str, form: Record) -> list[Block]:
    """Return the case blocks of a form that are about a case, with the paths where they stand."""
    return [(path, block) for path, block in _blocks(form.get("form"), ()) if block.get(CASE_ID) == case_id]


def _blocks(value: Any, path: Path) -> Iterator[Block]:  # noqa: ANN401 - any part of a form
    if isinstance(value, list):
        for each in value:
            yield from _blocks(each, path)
    elif isinstance(value, dict):
        if path[-1:] == (CASE,) and CASE_ID in value:
            yield path, value
        for key, inner in value.items():
            yield from _blocks(inner, (*path, key))


def _written(block: Record) -> Iterator[tuple[str, str | None, Value]]:
    """Give what a block says, in the order in which HQ takes it: action, column, value."""
    create, update = _part(block, "create"), _part(block, "update")
    for action, part in (("create", create), ("update", update)):
        for name in part:
            if name in KNOWN:
                yield action, name, _text(part[name])
    for name, value in update.items():
        if name not in KNOWN and not name.startswith(("@", "#")):
            yield "update", CASE_V2.name_at((CASE_V2.values, name)), _text(value)
            if name in _ALSO:
                yield "update", _ALSO[name], _text(value)
    if "close" in block:
        yield "close", "closed", True
    yield from _links(block)
    for name, value in _part(block, "attachment").items():
        yield "attachment", f"attachment.{name}", value.get("@src") if isinstance(value, dict) else None


def _links(block: Record) -> Iterator[tuple[str, str | None, Value]]:
    """Give the links that a block makes; one that points to nothing ends."""
    for name, value in _part(block, "index").items():
        target = _text(value)
        attributes = value if isinstance(value, dict) and target else {}
        default = "child" if target else None
        for key, each in (
            ("case_id", target or None),
            ("case_type", attributes.get("@case_type")),
            ("relationship", attributes.get("@relationship", default)),
        ):
            yield "index", CASE_V2.name_at((CASE_V2.links, name, key)), each


_ALSO = {"name": "case_name", "hq_user_id": "external_id"}
"""Properties whose values HQ takes for something else as well."""


def _part(block: Record, name: str) -> Record:
    part = block.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return _text(value[-1]) if value else None
    if isinstance(value, dict):
        return _text(value.get(TEXT, ""))
    return value if value is None or isinstance(value, str) else str(value)


def _state_of(case: Record) -> dict[str, Value]:
    state: dict[str, Value] = {name: case.get(name) for name in ("case_type", "case_name", "owner_id", "external_id")}
    state["closed"] = case.get("closed")
    for name, value in (case.get(CASE_V2.values) or {}).items():
        state[CASE_V2.name_at((CASE_V2.values, name))] = _text(value)
    for name, link in (case.get(CASE_V2.links) or {}).items():
        for key in ("case_id", "case_type", "relationship"):
            state[CASE_V2.name_at((CASE_V2.links, name, key))] = link.get(key)
    return state


def _plain(column: str) -> str:
    return column.removeprefix(f"{CASE_V2.values}.")


def _whose_and_when(case_id: str, form: Record) -> tuple[str | None, datetime, datetime]:
    """Return who sent a form, when it was received, and what the phone's clock said."""
    received = moment(form.get("received_on")) or datetime.min.replace(tzinfo=UTC)
    block = next((block for _, block in blocks_of(case_id, form)), {})
    user = block.get("@user_id") or (form.get("metadata") or {}).get("userID")
    return user, received, moment(block.get("@date_modified")) or received


def _compared(one: Any, other: Any) -> int:  # noqa: ANN401 - anything that can be ordered
    return int(one > other) - int(one < other)
