"""What there is to say of an API of CommCare HQ: paths, versions, page style, id, change stamp, permission."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args

Wire = Literal["json", "xml"]
"""The format in which a server is asked to send records."""

ApiVersion = Literal["v0.4", "v0.5", "v1", "v2"]
API_VERSIONS: tuple[ApiVersion, ...] = get_args(ApiVersion)


class PageStyle(Enum):
    """How a resource hands out its records."""

    CURSOR = "cursor"  # an opaque cursor in `next`
    STAMP = "stamp"  # ordered by the change stamp; the next page starts at the last stamp seen
    SEEK = "seek"  # the same, where a page can be asked for by its stamps only, and not by an offset within them
    OFFSET = "offset"  # limit and offset
    LINK = "link"  # a URL in `@odata.nextLink`, of which the query says what to ask
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
    exact_stamps
        Whether stamps are compared to the microsecond, as in a database, not to the millisecond as in HQ's index.
    permission
        The role permission that a user needs beside "API access", as HQ's role page names it.
    feature_flag
        The feature flag that the domain needs, which only Dimagi's support can switch on.
    plan_feature
        What the domain's plan has to include beside API access.
    flag_of_user
        Whether it is the user who needs the feature flag.
    web_users_only
        Whether mobile workers are refused.
    is_selective
        Whether a caller may choose the fields of records, and fetch records of the same shape by their ids.
    repeats_params
        Whether the cursor of a next page has to come with the parameters of the first.
    is_counted
        Whether the server says on each page how many records match in all.
    is_api
        Whether a role needs "API access" for it.
    is_page_when_missing
        Whether HQ answers with a web page for what does not exist, as it does for a URL that it does not know.
    is_throttled
        Whether HQ counts its requests against the domain's limits.
    takes_form
        Whether it takes a form, not JSON.
    has_v0_4
        Whether it has been there since version 0.4.
    version_1
        The resource that stands in for this one, where this is version 2 and an older one is wanted.
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
    exact_stamps: bool = False
    permission: str | None = None
    feature_flag: str | None = None
    plan_feature: str | None = None
    flag_of_user: bool = False
    web_users_only: bool = True
    is_selective: bool = False
    repeats_params: bool = False
    is_counted: bool = True
    is_api: bool = True
    is_page_when_missing: bool = False
    is_throttled: bool = True
    takes_form: bool = False
    has_v0_4: bool = False
    version_1: Resource | None = None
    timeout: float = 120.0

    @property
    def range_names(self) -> tuple[str, str]:
        """The parameters that choose records by their stamps, from one on and up to another, both included."""
        first, last = (".gte", ".lte") if self.exact_stamps else ("_start", "_end")
        return f"{self.stamp}{first}", f"{self.stamp}{last}"

    def path_in(self, version: ApiVersion) -> str:
        """Return the URL path of a version, of those that the resource has the nearest one."""
        if version in {"v1", "v2"}:
            return self.path
        return self.old_path.replace("/v0.5/", "/v0.4/") if version == "v0.4" and self.has_v0_4 else self.old_path

    def in_version(self, version: ApiVersion | None) -> Resource:
        """Return the resource to ask where a version is wanted."""
        return self.version_1 if self.version_1 and version in {"v0.4", "v0.5", "v1"} else self
