"""The kinds of record that there are, and what turns their pages into tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from commcare_frames.tables.device_logs import DEVICE_LOG
from commcare_frames.tables.flatten import Flattener
from commcare_frames.tables.form_layout import FORM, FormLayout
from commcare_frames.tables.forms import FormFlattener
from commcare_frames.tables.layout import CASE_V1, CASE_V2, Layout
from commcare_frames.tables.lookup_tables import LOOKUP_ROWS
from commcare_frames.tables.messages import EVENT
from commcare_frames.tables.organisation import GROUP, LOCATION, LOCATION_TYPE, LOCATION_V1, USER, USERNAME, WEB_USER
from commcare_frames.tables.records import RecordFlattener, RecordLayout
from commcare_frames.tables.rows import ROWS, RowFlattener

if TYPE_CHECKING:
    import pyarrow as pa

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        *(CASE_V2, CASE_V1, FORM, ROWS, USER, WEB_USER, GROUP, USERNAME, LOCATION, LOCATION_TYPE),
        *(EVENT, DEVICE_LOG, LOOKUP_ROWS, LOCATION_V1),
    )
}
"""By the name that a cached table has it under."""


class PageFlattener(Protocol):
    """What turns the pages of one pull into tables."""

    def table(self, records: bytes) -> pa.Table:
        """Return one page as a table; raise `InvalidRecords` for what is none."""


class RowsFlattener(PageFlattener, Protocol):
    """What turns pages of records that are read anew into tables."""

    @property
    def numbers(self) -> list[str]:
        """The columns that held JSON numbers, and nothing else but null."""


def flattener(layout: Layout) -> PageFlattener:
    """Return what turns pages of records of that layout into tables."""
    if isinstance(layout, RecordLayout):
        return RecordFlattener(layout)
    return FormFlattener(layout) if isinstance(layout, FormLayout) else Flattener(layout)


def rows_flattener(layout: Layout) -> RowsFlattener:
    """Return what turns pages of records that are read anew into tables."""
    return RecordFlattener(layout) if isinstance(layout, RecordLayout) else RowFlattener()
