"""Every resource of CommCare HQ that can be read, declared once: paths, page style, id, change stamp, permission."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PageStyle(Enum):
    """How a resource hands out its records."""

    CURSOR = "cursor"  # an opaque cursor in `next`
    STAMP = "stamp"  # ordered by the change stamp; the next page starts at the last stamp seen
    OFFSET = "offset"  # limit and offset
    WHOLE = "whole"  # everything in one answer


@dataclass(frozen=True)
class Resource:
    """One readable API of CommCare HQ.

    Parameters
    ----------
    title
        What people call the API, for messages.
    path, old_path
        URL paths in the new and the old scheme; ``{domain}`` stands for the domain.
    records
        Key of the list of records in an answer; None where the answer is one object.
    page_style, largest_page
        How records are paged, and the most records the server gives out at once.
    key
        The field that identifies a record.
    stamp
        The field that tells when a record last changed in the index the API reads from.
    permission
        The role permission that a user needs beside "API access", as HQ's role page names it.
    feature_flag
        The feature flag that the domain needs, which only Dimagi's support can switch on.
    web_users_only
        Whether mobile workers are refused.
    is_selective
        Whether a caller may choose the fields of records, and fetch records of the same shape by their ids.
    repeats_params
        Whether the cursor of a next page has to come with the parameters of the first.
    timeout
        Seconds to wait for an answer to begin.
    """

    title: str
    path: str
    old_path: str
    records: str | None = None
    page_style: PageStyle = PageStyle.WHOLE
    largest_page: int = 0
    key: str = "id"
    stamp: str | None = None
    permission: str | None = None
    feature_flag: str | None = None
    web_users_only: bool = True
    is_selective: bool = False
    repeats_params: bool = False
    timeout: float = 120.0


CASE_V2 = Resource(
    title="Case API v2",
    path="/a/{domain}/api/case/v2/",
    old_path="/a/{domain}/api/v0.6/case/",
    records="cases",
    page_style=PageStyle.CURSOR,
    largest_page=5000,
    key="case_id",
    stamp="indexed_on",
    permission="Edit Data",
    web_users_only=False,
    is_selective=True,
)
CASE_V2_BULK = Resource(
    title="Case API v2 (bulk fetch)",
    path="/a/{domain}/api/case/v2/bulk-fetch/",
    old_path="/a/{domain}/api/v0.6/case/bulk-fetch/",
    records="cases",
    largest_page=5000,
    key="case_id",
    stamp="indexed_on",
    permission="Edit Data",
    web_users_only=False,
)
CASE_V1 = Resource(
    title="Case API v1",
    path="/a/{domain}/api/case/v1/",
    old_path="/a/{domain}/api/v0.5/case/",
    records="objects",
    page_style=PageStyle.STAMP,
    largest_page=5000,
    key="case_id",
    stamp="indexed_on",
    permission="Edit Data",
)
FORM = Resource(
    title="Form API",
    path="/a/{domain}/api/form/v1/",
    old_path="/a/{domain}/api/v0.5/form/",
    records="objects",
    page_style=PageStyle.STAMP,
    largest_page=1000,
    stamp="indexed_on",
    permission="Edit Data",
)
CASE_TYPES = Resource(
    title="list of case types",
    path="/a/{domain}/api/domain_cases/v1/",
    old_path="/a/{domain}/api/v0.5/domain_cases/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    key="case_type",
)
APPLICATIONS = Resource(
    title="Application structure API",
    path="/a/{domain}/api/application/v1/",
    old_path="/a/{domain}/api/v0.5/application/",
    records="objects",
    timeout=600.0,
)
FIXTURES = Resource(
    title="API of lookup table rows",
    path="/a/{domain}/api/fixture/v1/",
    old_path="/a/{domain}/api/v0.5/fixture/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
    permission="Edit Apps",
)
LOOKUP_TABLES = Resource(
    title="list of lookup tables",
    path="/a/{domain}/api/lookup_table/v1/",
    old_path="/a/{domain}/api/v0.5/lookup_table/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
)
LOOKUP_ITEMS = Resource(
    title="API of the rows of all lookup tables",
    path="/a/{domain}/api/lookup_table_item/v2/",
    old_path="/a/{domain}/api/v0.6/lookup_table_item/",
    records="objects",
    page_style=PageStyle.OFFSET,
    largest_page=1000,
)
IDENTITY = Resource(
    title="Identity API",
    path="/api/identity/v1/",
    old_path="/api/v0.5/identity/",
)
USER_DOMAINS = Resource(
    title="list of a user's domains",
    path="/api/user_domains/v1/",
    old_path="/api/v0.5/user_domains/",
    records="objects",
    key="domain_name",
)
REPORTS = Resource(
    title="list of reports",
    path="/a/{domain}/api/simplereportconfiguration/v1/",
    old_path="/a/{domain}/api/v0.5/simplereportconfiguration/",
    records="objects",
)
REPORT_DATA = Resource(
    title="Report API",
    path="/a/{domain}/api/configurablereportdata/v1/",
    old_path="/a/{domain}/api/v0.5/configurablereportdata/",
    records="data",
    page_style=PageStyle.OFFSET,
    largest_page=50,
    permission="Access All Reports",
)
DATA_SOURCES = Resource(
    title="list of UCR data sources",
    path="/a/{domain}/api/ucr_data_source/v1/",
    old_path="/a/{domain}/api/v0.5/ucr_data_source/",
    records="objects",
    permission="Create and Edit Configurable Reports",
    feature_flag="USER_CONFIGURABLE_REPORTS",
)
DATA_SOURCE_ROWS = Resource(
    title="UCR data source API",
    path="/a/{domain}/api/ucr/v1/",
    old_path="/a/{domain}/api/v0.5/ucr/",
    records="objects",
    page_style=PageStyle.CURSOR,
    largest_page=10_000,
    permission="Edit Data",
    feature_flag="EXPORT_DATA_SOURCE_DATA",
    web_users_only=False,
    repeats_params=True,
)
