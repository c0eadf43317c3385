"""What every public function has in common, checked on all of them."""

from __future__ import annotations

import doctest
import inspect
import tomllib
import typing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from numpydoc.validate import validate

import commcare_frames as ccf

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.connection import Domain
    from commcare_frames.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
NAMES = sorted(name for name in ccf.__all__ if inspect.isfunction(getattr(ccf, name)))
POSITIONAL = {
    "add_locations": ["frame"],
    "add_owners": ["frame"],
    "add_users": ["frame"],
    "check_login": ["username", "password"],
    "connect": ["domain"],
    "download_app": ["app", "folder"],
    "download_attachments": ["forms", "folder"],
    "export_cases": ["path", "case_type"],
    "export_forms": ["path", "form"],
    "export_report": ["path", "report"],
    "get_case": ["case_id"],
    "get_form": ["form_id"],
    "join_parents": ["children", "parents"],
    "label_columns": ["frame", "lang"],
    "login": ["server"],
    "logout": ["server"],
    "plot_choices": ["frame", "column"],
    "plot_cohort": ["cases"],
    "plot_durations": ["forms"],
    "plot_map": ["frame", "question"],
    "plot_missing": ["forms"],
    "plot_submissions": ["forms"],
    "plot_timeline": ["forms", "case"],
    "plot_workers": ["forms"],
    "read_case_history": ["case_id"],
    "read_cases": ["case_type"],
    "read_data_source": ["data_source"],
    "read_det_export": ["name_or_path"],
    "read_form_tables": ["form"],
    "read_forms": ["form"],
    "read_lookup_table": ["tag"],
    "read_odata": ["feed"],
    "read_modules": ["app"],
    "read_questions": ["app", "form"],
    "read_repeats": ["form", "repeat"],
    "read_report": ["report"],
    "read_restore": ["user"],
    "review": ["frame"],
    "scan_cases": ["case_type"],
    "scan_forms": ["form"],
    "to_geo": ["frame", "question"],
}
SAME_EVERYWHERE = ["domain", "where", "query", "since", "until", "columns", "dtypes", "cache", "max_age", "progress"]


def parameters(name: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(getattr(ccf, name)).parameters)


def test_the_public_names_are_those_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()

    assert [name for name in ccf.__all__ if name not in readme] == []
    assert dir(ccf) == sorted(ccf.__all__)
    with pytest.raises(AttributeError, match="no attribute 'read_case'"):
        _ = ccf.read_case


@pytest.mark.parametrize("name", NAMES)
def test_only_what_names_the_thing_asked_for_is_positional(name: str) -> None:
    positional = [each.name for each in parameters(name).values() if each.kind is each.POSITIONAL_OR_KEYWORD]

    assert positional == POSITIONAL.get(name, [])


@pytest.mark.parametrize("argument", SAME_EVERYWHERE)
def test_the_same_argument_means_the_same_everywhere(argument: str) -> None:
    found = {
        (str(each.annotation), repr(each.default))
        for name in NAMES
        if name != "connect"
        for each in [parameters(name).get(argument)]
        if each
    }

    assert len(found) == 1


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_annotated_and_documented(name: str) -> None:
    function: Callable[..., object] = getattr(ccf, name)
    annotated = set(function.__annotations__)
    problems = [
        problem
        for problem in validate(f"{function.__module__}.{name}")["errors"]
        if problem[0] in {"GL03", "GL08", "SS01", "SS03", "SS05", "PR01", "PR02", "PR03", "RT01", "RT03"}
    ]

    assert annotated == {*parameters(name), "return"}
    assert problems == []


@pytest.mark.parametrize("name", NAMES)
def test_the_example_in_the_documentation_runs(name: str, domain: Domain, sandbox: Sandbox, tmp_path: Path) -> None:
    if name in {"login", "logout"}:
        pytest.skip("asks questions")
    function = getattr(ccf, name)
    examples = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    report: list[str] = []
    assert examples[0].examples, "an example is there"
    for example in examples:
        example.globs.update(sandbox=sandbox, key=sandbox.admin.api_key, folder=tmp_path)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
        runner.run(example, out=report.append)
        assert runner.failures == 0, "".join(report)


def test_annotations_can_be_resolved() -> None:
    assert typing.get_type_hints(ccf.CommCareError.__init__)["return"] is type(None)


def test_conda_and_pip_ask_for_the_same_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["notebook"], *extras["excel"], *extras["duckdb"], *extras["dask"]]
    wanted += [*extras["geo"], "pytest>=8.4"]
    renamed = {
        "dask[dataframe]": "dask",
        "duckdb": "python-duckdb",
        "isal": "python-isal",
        "matplotlib": "matplotlib-base",
    }

    def split(requirement: str) -> tuple[str, str]:
        name, _, version = requirement.partition(">=")
        return renamed.get(name, name), version

    packages = [each for each in conda if not each.startswith("python>") and each != "pip"]
    assert sorted(map(split, wanted)) == sorted(map(split, packages))
    assert f"python{project['requires-python']}" in conda
