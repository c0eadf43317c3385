"""How several tables show themselves: by name, with their sizes, rather than all their rows at once."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class Tables(dict[str, "pd.DataFrame"]):
    """A dictionary of frames that shows their names and sizes."""

    joined_by: str | None = None
    """The column that tells which rows of different tables belong together."""

    def __repr__(self) -> str:
        """Show a line per table."""
        width = max((len(repr(name)) for name in self), default=0)
        lines = [
            f"  {name!r:<{width}}  {len(frame):>9,} rows x {frame.shape[1]:,} columns" for name, frame in self.items()
        ]
        joined = f", joined by {self.joined_by}" if self.joined_by else ""
        return "\n".join([f"{len(self)} tables{joined}:", *lines])

    def _repr_html_(self) -> str:
        """Show a table of the tables; their names are whatever HQ has, and escaped."""
        joined = f", joined by <code>{escape(self.joined_by)}</code>" if self.joined_by else ""
        rows = "".join(
            f"<tr><td style='text-align: left'><code>{escape(repr(name))}</code></td>"
            f"<td>{len(frame):,}</td><td>{frame.shape[1]:,}</td></tr>"
            for name, frame in self.items()
        )
        return (
            f"<p>{len(self)} tables{joined}</p><table><thead><tr>"
            "<th style='text-align: left'>table</th><th>rows</th><th>columns</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


class RelatedTables(Tables):
    """The tables of a form."""

    joined_by = "form_id"
