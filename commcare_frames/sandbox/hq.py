"""The state of one stand-in server: its domains, accounts, time, limits and faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commcare_frames.sandbox.accounts import Accounts
    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.domains import Domain
    from commcare_frames.sandbox.faults import Faults


@dataclass(frozen=True)
class Asked:
    """One request as the log has it; `status` is None where the connection was reset instead of an answer."""

    method: str
    path: str
    query: list[tuple[str, str]]
    status: int | None
    username: str | None


@dataclass
class HQ:
    """Everything that outlives a request; `public_url` is the address that `next` links are built from."""

    domains: dict[str, Domain]
    accounts: Accounts
    faults: Faults
    clock: Clock
    public_url: str = ""
    log: list[Asked] = field(default_factory=list)
