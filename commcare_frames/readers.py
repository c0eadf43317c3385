"""Which reader asks which API, and the cheapest question that shows whether a login may ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commcare_frames.hq import resources

if TYPE_CHECKING:
    from commcare_frames.hq.resource import Resource

NOBODY = "0" * 32
"""An id that no record has: HQ checks permissions first, and then has nothing to look up, compute or send."""


@dataclass(frozen=True)
class Check:
    """What shows whether a login may ask an API.

    Parameters
    ----------
    resource
        The API.
    readers
        The functions that do not work without it, with a comma between them.
    also
        What it adds to functions that work without it.
    tail, params
        What to ask.
    asks_for_nothing
        Whether what is asked for does not exist, so that HQ's answer to say so shows that the login may ask.
    """

    resource: Resource
    readers: str = ""
    also: str = ""
    tail: str = ""
    params: tuple[tuple[str, str], ...] = ()
    asks_for_nothing: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the functions that do not work without it."""
        return self.readers.split(", ") if self.readers else []


_ONE = (("limit", "1"),)

CHECKS = (
    Check(resources.CASE_V2, "read_cases, scan_cases, export_cases, get_case, read_case_history", params=_ONE),
    Check(resources.CASE_V1, also="the columns of read_cases that only version 1 has", params=_ONE),
    Check(
        resources.FORM,
        "read_forms, read_repeats, read_form_tables, scan_forms, export_forms, get_form, read_case_history",
        params=_ONE,
    ),
    Check(resources.FORM_ATTACHMENT, "download_attachments", tail=f"{NOBODY}/none", asks_for_nothing=True),
    Check(resources.CASE_TYPES, "list_case_types", params=_ONE),
    Check(
        resources.APPLICATIONS,
        "list_apps, list_forms, read_modules, read_questions, download_app",
        also="which groups of forms repeat, labels",
        tail=f"{NOBODY}/",
        asks_for_nothing=True,
    ),
    Check(resources.APPLICATION_FILE, "download_app", params=(("app_id", NOBODY),), asks_for_nothing=True),
    Check(resources.LOOKUP_TABLES, "list_lookup_tables, read_lookup_table", params=_ONE),
    Check(
        resources.FIXTURES,
        also="labels of choices in lookup tables, read_lookup_table in fewer requests",
        tail=f"{NOBODY}/",
        asks_for_nothing=True,
    ),
    Check(
        resources.LOOKUP_ITEMS, also="item attributes in read_lookup_table", tail=f"{NOBODY}/", asks_for_nothing=True
    ),
    Check(resources.USERS, "read_users, add_users", params=_ONE),
    Check(resources.WEB_USERS, "read_web_users", params=_ONE),
    Check(resources.GROUPS, "read_groups, read_group_members", params=_ONE),
    Check(resources.USERNAMES, "add_owners", also="web users in add_users", params=_ONE),
    Check(resources.LOCATIONS, "read_locations, add_locations", params=_ONE),
    Check(resources.LOCATION_TYPES, "read_location_types", params=_ONE),
    Check(resources.REPORTS, "list_reports, read_report, export_report", tail=f"{NOBODY}/", asks_for_nothing=True),
    Check(resources.REPORT_DATA, "read_report, export_report", tail=f"{NOBODY}/", asks_for_nothing=True),
    Check(resources.DATA_SOURCES, "list_data_sources"),
    Check(resources.DATA_SOURCE_ROWS, "read_data_source", asks_for_nothing=True),
    Check(resources.DET_EXPORTS, "list_det_exports, read_det_export", params=_ONE),
    Check(resources.ODATA_CASES, "read_odata", tail=f"{NOBODY}/feed", asks_for_nothing=True),
    Check(resources.MESSAGING_EVENTS, "read_messages, read_message_tables", params=_ONE),
    Check(resources.DEVICE_LOGS, "read_device_logs", params=_ONE),
    Check(resources.ACTION_TIMES, "read_action_times", params=_ONE),
    Check(resources.RESTORE, "read_restore", params=(("version", "2.0"), ("as", "none")), asks_for_nothing=True),
    Check(resources.USER_DOMAINS, "list_domains"),
    Check(resources.IDENTITY, "whoami"),
)
