"""Modules as rows, from the structure that is cached once for all that is read of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import commcare_frames as ccf
from commcare_frames.errors import CacheError, NotFoundError, PermissionMissingError

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox


def applications(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox._hq.domains["maternal-health"].programme.applications
    return found


def times_asked(sandbox: Sandbox) -> int:
    return sum("/application/" in each.path for each in sandbox.log)


def test_each_form_of_each_module_is_a_row(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    modules = ccf.read_modules("Mother and Child")
    (described,) = (each for each in applications(fresh_sandbox) if each["name"] == "Mother and Child")
    expected = [
        (module["unique_id"], module["case_type"], form.get("unique_id"), form.get("xmlns"))
        for module in described["modules"]
        for form in module["forms"] or [{}]
    ]

    shown = modules[["module_id", "case_type", "unique_id", "xmlns"]].astype(object)
    assert [tuple(row) for row in shown.where(shown.notna(), None).to_numpy()] == expected
    assert set(modules["app_id"]) == {described["id"]}
    assert modules["case_properties"][0] == ", ".join(described["modules"][0]["case_properties"])
    assert modules.loc[0, ["module.fr", "form.fr"]].tolist() == ["Ménages", "Enregistrer un ménage"]
    assert modules.loc[0, "questions"] == len(described["modules"][0]["forms"][0]["questions"])


def test_a_module_without_forms_has_a_row_without_a_form(domain: Domain) -> None:
    modules = ccf.read_modules()
    visits = modules[modules["module"] == "Visits"]

    assert visits["case_type"].tolist() == ["visit"]
    assert visits[["form", "xmlns", "unique_id", "questions"]].isna().all(axis=None)


def test_all_that_is_read_of_applications_takes_one_request(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    ccf.list_apps()
    modules = ccf.read_modules()
    ccf.read_questions()
    ccf.list_forms()

    assert times_asked(fresh_sandbox) == 1
    assert ccf.read_modules(cache="offline").equals(modules)
    assert modules["form"].dropna().tolist() == ccf.list_forms()["form"].tolist()


def test_what_hq_could_not_describe_is_warned_of_and_the_rest_is_there(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    whole = ccf.read_modules(cache=False)
    first = applications(fresh_sandbox)[0]
    broken = first["modules"][0]
    first["modules"][0] = {"error": "Module has no form"}

    with pytest.warns(ccf.DataWarning, match="could not describe a module of app 'Mother and Child': Module has no"):
        modules = ccf.read_modules(cache=False)
    assert len(modules) == len(whole) - len(broken["forms"])
    assert "Households" not in modules["module"].tolist()


def test_odd_descriptions_lose_nothing(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    applications(fresh_sandbox)[0]["modules"] = [
        {"name": None, "case_type": None, "case_properties": None, "unique_id": None, "forms": None},
        {"name": {"en": "", "hi": "घर 🏠"}, "forms": [{"name": "plain"}, {"error": "odd", "name": {"en": "Half"}}]},
    ]
    with pytest.warns(ccf.DataWarning, match="could not describe a form of app .*: odd"):
        modules = ccf.read_modules("Mother and Child", cache=False)

    assert modules[["module", "form", "module.hi"]].fillna("-").to_numpy().tolist() == [
        ["-", "-", "-"], ["-", "plain", "घर 🏠"], ["-", "Half", "घर 🏠"],
    ]  # fmt: skip
    assert modules["questions"].tolist()[1:] == [0, 0]


def test_no_applications_are_an_empty_frame_with_types(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    applications(fresh_sandbox).clear()
    modules = ccf.read_modules()

    assert modules.columns.tolist() == [
        "app", "app_id", "version", "module", "module_id", "case_type", "case_properties", "form", "xmlns",
        "unique_id", "questions",
    ]  # fmt: skip
    assert (str(modules["version"].dtype), str(modules["module"].dtype)) == ("Int64", "str")


def test_an_unknown_app_nothing_cached_and_a_missing_permission_are_told(sandbox: Sandbox, domain: Domain) -> None:
    with pytest.raises(CacheError, match="Nothing is cached of the applications"):
        ccf.read_modules(cache="offline")
    with pytest.raises(NotFoundError, match="no app 'Supervison'. Did you mean 'Supervision'"):
        ccf.read_modules("Supervison")
    other = ccf.Domain(
        "maternal-health",
        sandbox.url,
        domain._login.__class__("api_key", sandbox.no_api.api_key, sandbox.no_api.username),
    )
    with pytest.raises(PermissionMissingError, match='403 .*"API access"'):
        ccf.read_modules(domain=other, cache=False)
