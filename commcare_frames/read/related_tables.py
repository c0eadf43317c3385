"""How the tables of a form show themselves: by name, with their sizes, rather than all their rows at once."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class RelatedTables(dict[str, "pd.DataFrame"]):
    """A dictionary of frames that shows their names and sizes."""

    def __repr__(self) -> str:
        """Show a line per table."""
        width = max((len(repr(name)) for name in self), default=0)
        lines = [
            f"  {name!r:<{width}}  {len(frame):>9,} rows x {frame.shape[1]:,} columns" for name, frame in self.items()
        ]
        return "\n".join([f"{len(self)} tables, joined by form_id:", *lines])

    def _repr_html_(self) -> str:
        """Show a table of the tables; their names are the form's, and escaped."""
        rows = "".join(
            f"<tr><td style='text-align: left'><code>{escape(repr(name))}</code></td>"
            f"<td>{len(frame):,}</td><td>{frame.shape[1]:,}</td></tr>"
            for name, frame in self.items()
        )
        return (
            f"<p>{len(self)} tables, joined by <code>form_id</code></p><table><thead><tr>"
            "<th style='text-align: left'>table</th><th>rows</th><th>columns</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
