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
    from commcare_frames.read.cases import list_case_types, read_cases, scan_cases
    from commcare_frames.read.data_sources import list_data_sources, read_data_source
    from commcare_frames.read.export import export_cases, export_forms, export_report
    from commcare_frames.read.forms import read_form_tables, read_forms, read_repeats, scan_forms
    from commcare_frames.read.geo import to_geo
    from commcare_frames.read.identity import list_domains, whoami
    from commcare_frames.read.labels import label_columns
    from commcare_frames.read.links import join_parents
    from commcare_frames.read.questions import list_apps, list_forms, read_questions
    from commcare_frames.read.reports import list_reports, read_report
    from commcare_frames.read.review import review

_HOMES = {
    "CommCareError": "errors",
    "DataWarning": "errors",
    "Domain": "connection",
    "connect": "connection",
    "explore": "notebook.explorer",
    "export_cases": "read.export",
    "export_forms": "read.export",
    "export_report": "read.export",
    "join_parents": "read.links",
    "label_columns": "read.labels",
    "list_apps": "read.questions",
    "list_case_types": "read.cases",
    "list_data_sources": "read.data_sources",
    "list_domains": "read.identity",
    "list_forms": "read.questions",
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
    "read_cases": "read.cases",
    "read_data_source": "read.data_sources",
    "read_form_tables": "read.forms",
    "read_forms": "read.forms",
    "read_questions": "read.questions",
    "read_repeats": "read.forms",
    "read_report": "read.reports",
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
    "connect",
    "explore",
    "export_cases",
    "export_forms",
    "export_report",
    "join_parents",
    "label_columns",
    "list_apps",
    "list_case_types",
    "list_data_sources",
    "list_domains",
    "list_forms",
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
    "read_cases",
    "read_data_source",
    "read_form_tables",
    "read_forms",
    "read_questions",
    "read_repeats",
    "read_report",
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
