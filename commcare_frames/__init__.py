"""CommCare HQ data as tidy, typed pandas DataFrames, from a Parquet cache that tops itself up."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commcare_frames.connection import Domain, connect, logout
    from commcare_frames.errors import CommCareError, DataWarning
    from commcare_frames.notebook.explorer import explore
    from commcare_frames.notebook.login import login
    from commcare_frames.plots import (
        plot_choices,
        plot_cohort,
        plot_durations,
        plot_map,
        plot_missing,
        plot_submissions,
        plot_timeline,
        plot_workers,
    )
    from commcare_frames.read.activity import read_action_times, read_device_logs
    from commcare_frames.read.application_files import download_app
    from commcare_frames.read.attachments import download_attachments
    from commcare_frames.read.case_history import read_case_history
    from commcare_frames.read.cases import list_case_types, read_cases, scan_cases
    from commcare_frames.read.data_sources import list_data_sources, read_data_source
    from commcare_frames.read.det_exports import list_det_exports, read_det_export
    from commcare_frames.read.export import export_cases, export_forms, export_report
    from commcare_frames.read.forms import read_form_tables, read_forms, read_repeats, scan_forms
    from commcare_frames.read.geo import to_geo
    from commcare_frames.read.groups import read_group_members, read_groups
    from commcare_frames.read.identity import check_login, list_domains, whoami
    from commcare_frames.read.labels import label_columns
    from commcare_frames.read.limits import limits
    from commcare_frames.read.links import join_parents
    from commcare_frames.read.locations import read_location_types, read_locations
    from commcare_frames.read.lookup_tables import list_lookup_tables, read_lookup_table
    from commcare_frames.read.messages import read_message_tables, read_messages
    from commcare_frames.read.modules import list_apps, list_forms, read_modules
    from commcare_frames.read.odata import read_odata
    from commcare_frames.read.owners import add_locations, add_owners, add_users
    from commcare_frames.read.questions import read_questions
    from commcare_frames.read.reports import list_reports, read_report
    from commcare_frames.read.restores import read_restore
    from commcare_frames.read.review import review
    from commcare_frames.read.single import get_case, get_form
    from commcare_frames.read.users import read_users, read_web_users

_HOMES = {
    "CommCareError": "errors",
    "DataWarning": "errors",
    "Domain": "connection",
    "add_locations": "read.owners",
    "add_owners": "read.owners",
    "add_users": "read.owners",
    "check_login": "read.identity",
    "connect": "connection",
    "download_app": "read.application_files",
    "download_attachments": "read.attachments",
    "explore": "notebook.explorer",
    "export_cases": "read.export",
    "export_forms": "read.export",
    "export_report": "read.export",
    "get_case": "read.single",
    "get_form": "read.single",
    "join_parents": "read.links",
    "label_columns": "read.labels",
    "limits": "read.limits",
    "list_apps": "read.modules",
    "list_case_types": "read.cases",
    "list_data_sources": "read.data_sources",
    "list_det_exports": "read.det_exports",
    "list_domains": "read.identity",
    "list_forms": "read.modules",
    "list_lookup_tables": "read.lookup_tables",
    "list_reports": "read.reports",
    "login": "notebook.login",
    "logout": "connection",
    "plot_choices": "plots",
    "plot_cohort": "plots",
    "plot_durations": "plots",
    "plot_map": "plots",
    "plot_missing": "plots",
    "plot_submissions": "plots",
    "plot_timeline": "plots",
    "plot_workers": "plots",
    "read_action_times": "read.activity",
    "read_case_history": "read.case_history",
    "read_cases": "read.cases",
    "read_data_source": "read.data_sources",
    "read_det_export": "read.det_exports",
    "read_device_logs": "read.activity",
    "read_form_tables": "read.forms",
    "read_forms": "read.forms",
    "read_group_members": "read.groups",
    "read_groups": "read.groups",
    "read_location_types": "read.locations",
    "read_locations": "read.locations",
    "read_lookup_table": "read.lookup_tables",
    "read_message_tables": "read.messages",
    "read_messages": "read.messages",
    "read_odata": "read.odata",
    "read_modules": "read.modules",
    "read_questions": "read.questions",
    "read_repeats": "read.forms",
    "read_report": "read.reports",
    "read_restore": "read.restores",
    "read_users": "read.users",
    "read_web_users": "read.users",
    "review": "read.review",
    "scan_cases": "read.cases",
    "scan_forms": "read.forms",
    "to_geo": "read.geo",
    "whoami": "read.identity",
}

__all__ = [
    "CommCareError",
    "DataWarning",
    "Domain",
    "add_locations",
    "add_owners",
    "add_users",
    "check_login",
    "connect",
    "download_app",
    "download_attachments",
    "explore",
    "export_cases",
    "export_forms",
    "export_report",
    "get_case",
    "get_form",
    "join_parents",
    "label_columns",
    "limits",
    "list_apps",
    "list_case_types",
    "list_data_sources",
    "list_det_exports",
    "list_domains",
    "list_forms",
    "list_lookup_tables",
    "list_reports",
    "login",
    "logout",
    "plot_choices",
    "plot_cohort",
    "plot_durations",
    "plot_map",
    "plot_missing",
    "plot_submissions",
    "plot_timeline",
    "plot_workers",
    "read_action_times",
    "read_case_history",
    "read_cases",
    "read_data_source",
    "read_det_export",
    "read_device_logs",
    "read_form_tables",
    "read_forms",
    "read_group_members",
    "read_groups",
    "read_location_types",
    "read_locations",
    "read_lookup_table",
    "read_message_tables",
    "read_messages",
    "read_modules",
    "read_odata",
    "read_questions",
    "read_repeats",
    "read_report",
    "read_restore",
    "read_users",
    "read_web_users",
    "review",
    "scan_cases",
    "scan_forms",
    "to_geo",
    "whoami",
]


def __getattr__(name: str) -> object:
    """Load a public name at its first use, so that importing the package stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
