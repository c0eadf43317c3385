"""CommCare HQ data as tidy, typed pandas DataFrames, from a Parquet cache that tops itself up."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commcare_frames.connection import Domain, connect, login, logout
    from commcare_frames.errors import CommCareError, DataWarning
    from commcare_frames.plots import plot_cohort
    from commcare_frames.read.cases import list_case_types, read_cases, scan_cases
    from commcare_frames.read.export import export_cases
    from commcare_frames.read.identity import list_domains, whoami

_HOMES = {
    "CommCareError": "errors",
    "DataWarning": "errors",
    "Domain": "connection",
    "connect": "connection",
    "export_cases": "read.export",
    "list_case_types": "read.cases",
    "list_domains": "read.identity",
    "login": "connection",
    "logout": "connection",
    "plot_cohort": "plots",
    "read_cases": "read.cases",
    "scan_cases": "read.cases",
    "whoami": "read.identity",
}

__all__ = [
    "CommCareError",
    "DataWarning",
    "Domain",
    "connect",
    "export_cases",
    "list_case_types",
    "list_domains",
    "login",
    "logout",
    "plot_cohort",
    "read_cases",
    "scan_cases",
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
