"""Checks filters that HQ itself would pass over without a word, or answer with a failure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commcare_frames.errors import QueryError, did_you_mean


@dataclass(frozen=True)
class PlainFilters:
    """The filters of an API whose values are plain texts.

    Parameters
    ----------
    of
        What they choose among, for messages.
    known
        Each filter, with the values that HQ knows; without any, it takes whatever text.
    several
        Filters of which HQ takes several values, parted by commas.
    """

    of: str
    known: Mapping[str, Collection[str]]
    several: Collection[str] = ()

    def params(self, where: Mapping[str, Any] | None) -> list[tuple[str, str]]:
        """Return the query parameters for what a caller asks.

        Raises
        ------
        QueryError
            When there is no such filter, or it does not take such a value.
        """
        return [(name, self._text(name, value)) for name, value in (where or {}).items()]

    def _text(self, name: str, value: Any) -> str:  # noqa: ANN401  whatever a caller gives
        if name not in self.known:
            dates = " Use since= and until= for times." if "date" in name else ""
            hint = did_you_mean(name, self.known) or dates
            raise QueryError(
                f"HQ cannot filter {self.of} by {name!r}.{hint} Its filters are {', '.join(map(repr, self.known))}."
            )
        several = not isinstance(value, str) and isinstance(value, Iterable)
        if several and name not in self.several:
            raise QueryError(f"where[{name!r}] is a list, and HQ takes one value there. Read once for each of them.")
        values = [self._checked(name, each) for each in (value if several else [value])]
        if not values:
            raise QueryError(f"where[{name!r}] is an empty list, which nothing can match.")
        return ",".join(values)

    def _checked(self, name: str, value: object) -> str:
        text = "" if value is None else str(value).strip()
        if not text:
            raise QueryError(f"where[{name!r}] is {value!r}, and HQ cannot look for {self.of} whose {name} is missing.")
        known = self.known[name]
        if known and text not in known:
            raise QueryError(
                f"HQ knows no {name} {text!r}.{did_you_mean(text, known)} There are {', '.join(map(repr, known))}."
            )
        return text
