"""One project space of the sandbox: its data, its plan, its cases as the API sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from commcare_frames.sandbox.index import CaseIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from commcare_frames.sandbox.clock import Clock
    from commcare_frames.sandbox.index import Lag
    from commcare_frames.sandbox.records import Case


class Programme(Protocol):
    """What the sandbox reads of a programme: everything of one domain, in HQ's own JSON shapes."""

    @property
    def domain(self) -> str:
        """Name of the domain."""

    @property
    def project_name(self) -> str:
        """What people call the project."""

    @property
    def users(self) -> Sequence[dict[str, Any]]:
        """Mobile workers."""

    @property
    def applications(self) -> Sequence[dict[str, Any]]:
        """Applications and their builds."""

    def iter_cases(self) -> Iterator[Case]:
        """Stream the cases in ascending ``(indexed_on, case_id)``."""


class Domain:
    """One project space.

    Parameters
    ----------
    programme
        Its data.
    clock, lag
        The server's time, and how long changes stay invisible.
    api_access
        Whether its plan includes API access.
    two_factor
        Whether it asks for a two-factor code with every password.
    """

    def __init__(
        self,
        programme: Programme,
        clock: Clock,
        lag: Lag,
        *,
        api_access: bool = True,
        two_factor: bool = False,
    ) -> None:
        self.programme = programme
        self.name = programme.domain
        self.api_access = api_access
        self.two_factor = two_factor
        self.cases = CaseIndex(self.name, programme.iter_cases(), clock, lag)
