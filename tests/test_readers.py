"""The doctor's table of readers leaves none out."""

from __future__ import annotations

import inspect

import commcare_frames as ccf
from commcare_frames.hq import resources
from commcare_frames.hq.resource import Resource
from commcare_frames.readers import CHECKS

SHARED = {
    "CASE_V2_BULK": "CASE_V2",
    "LOCATIONS_V1": "LOCATIONS",
    "ODATA_FORMS": "ODATA_CASES",
    "DET_CONFIG": "DET_EXPORTS",
}
"""What is opened by the same permissions as another one, and not asked by itself."""
OPEN = {"SIGN_ON"}


def declared() -> dict[str, Resource]:
    return {name: each for name, each in vars(resources).items() if isinstance(each, Resource)}


def test_every_api_is_tried() -> None:
    tried = [check.resource for check in CHECKS]

    assert len(tried) == len(set(tried))
    missing = {name for name, each in declared().items() if each not in tried}
    assert missing == {*SHARED, *OPEN} & declared().keys()


def test_every_reader_is_named() -> None:
    named = {name for check in CHECKS for name in check.names}
    prefixes = ("read_", "list_", "scan_", "export_", "get_", "download_", "add_")
    public = {name for name in ccf.__all__ if name.startswith(prefixes) and inspect.isfunction(getattr(ccf, name))}

    assert named - {"whoami"} == public
