"""Labels on cases: what is shown, what it costs in requests, and what is said when they cannot be had."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.cache import documents, places, refresh
from commcare_frames.errors import CacheError, PermissionMissingError, QueryError
from commcare_frames.read import applications
from commcare_frames.read.applications import structure
from commcare_frames.sandbox import Sandbox, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from commcare_frames.connection import Domain

STRUCTURE = "/a/maternal-health/api/application/v1/"
ROWS = "/a/maternal-health/api/fixture/v1/"


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A small sandbox that is there in no time."""
    with start(patients=20) as running:
        yield running


@pytest.fixture
def times_asked(fresh_sandbox: Sandbox, fresh_domain: Domain) -> Callable[[str], int]:
    """Say how often the sandbox was asked for a path."""
    return lambda path: sum(asked.path == path for asked in fresh_sandbox.log)


def programme(sandbox: Sandbox):
    return sandbox._hq.domains["maternal-health"].programme


def test_choices_are_shown_by_their_labels_in_the_order_of_the_choices(domain: Domain) -> None:
    values = ccf.read_cases("patient")
    shown = ccf.read_cases("patient", labels="fr")
    labels = {"married": "Mariée", "single": "Célibataire", "widowed": "Veuve", "separated": "Séparée"}

    assert shown["marital_status"].cat.categories.tolist() == list(labels.values())
    assert shown["marital_status"].cat.ordered
    assert shown["marital_status"].astype("str").equals(values["marital_status"].map(labels).astype("str"))
    assert shown["risk_factors"].dropna().map(type).eq(list).all()
    first = values["risk_factors"].first_valid_index()
    assert len(shown["risk_factors"][first]) == len(values["risk_factors"][first].split())
    assert list(shown.columns) == list(values.columns)
    rest = [name for name in values if str(shown[name].dtype) not in {"category", "object"}]
    pd.testing.assert_frame_equal(shown[rest], values[rest])


def test_values_that_are_no_choice_any_more_stay(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    case_id = ccf.read_cases("patient")["case_id"][0]
    fresh_sandbox.domain("maternal-health").update(case_id, marital_status="divorced")
    shown = ccf.read_cases("patient", labels="en").set_index("case_id")["marital_status"]

    assert shown[case_id] == "divorced"
    assert shown.cat.categories.tolist() == ["Married", "Single", "Widowed", "Separated", "divorced"]


def test_both_shows_the_frame_without_labels_and_the_labels_beside(domain: Domain) -> None:
    values = ccf.read_cases("patient")
    both = ccf.read_cases("patient", labels="both")
    said = ccf.read_cases("patient", labels={"lang": "fr", "show": "both", "multi": "indicators"})

    pd.testing.assert_frame_equal(both[values.columns], values)
    assert both["marital_status.label"].cat.categories.tolist()[0] == "Married"
    assert said["marital_status.label"].cat.categories.tolist()[0] == "Mariée"
    anaemia = said["risk_factors"].dropna().str.split().map(lambda chosen: "anaemia" in chosen)
    assert anaemia.any()
    assert said["risk_factors.anaemia"].dropna().tolist() == anaemia.tolist()


def test_lookup_tables_are_resolved_with_one_request_in_every_language_they_have(
    fresh_sandbox: Sandbox, fresh_domain: Domain, times_asked: Callable[[str], int]
) -> None:
    facilities = programme(fresh_sandbox).lookup_items
    patients = ccf.read_cases("patient", labels="both")
    names = {
        row["fields"]["code"]["field_list"][0]["field_value"]: row["fields"]["name"]["field_list"][0]["field_value"]
        for row in facilities
        if "level" in row["fields"]
    }
    facility = patients["nearest_facility"].dropna()

    assert len(facility)
    assert patients["nearest_facility.label"].dropna().tolist() == facility.map(names).tolist()
    assert times_asked(ROWS) == 1
    children = ccf.read_cases("child", labels="fr")
    assert "Rougeole 1" in set(children["vaccines"].dropna().explode())
    assert times_asked(ROWS) == 2
    ccf.read_cases("patient", labels="fr")
    ccf.read_cases("child", labels="en")
    assert (times_asked(ROWS), times_asked(STRUCTURE)) == (2, 1)


def test_another_language_needs_no_request_nor_a_network(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    ccf.read_cases("patient", labels="en")
    start = len(fresh_sandbox.log)
    french = ccf.read_cases("patient", labels="fr", max_age="1h")
    assert len(fresh_sandbox.log) == start
    fresh_sandbox.stop()

    pd.testing.assert_frame_equal(ccf.read_cases("patient", labels="fr", cache="offline"), french)
    assert ccf.read_cases("patient", labels="en", cache="offline")["language"].cat.categories[1] == "Amharic"


def test_nothing_is_kept_without_a_cache(domain: Domain) -> None:
    ccf.read_cases("patient", labels="en", cache=False)

    with pytest.raises(CacheError, match="Nothing is cached of the applications"):
        ccf.read_cases("patient", labels="en", cache="offline")


def test_a_parent_form_opens_children_whose_choices_are_found(domain: Domain) -> None:
    visits = ccf.read_cases("visit", labels="en")

    assert set(visits["visit_type"].dropna()) <= {"Before birth", "After birth"}
    assert "Severe headache" in set(visits["danger_signs"].dropna().explode())


def test_all_types_and_cases_by_id_have_labels_too(domain: Domain) -> None:
    everything = ccf.read_cases(labels="en", columns=["case_id", "case_type", "roof", "sex", "marital_status"])
    some = everything.loc[everything["roof"].notna(), "case_id"].tolist()[:3]
    by_id = ccf.read_cases(case_ids=some, labels="fr", columns=["roof", "case_id"])

    assert set(everything["roof"].dropna()) <= {"Thatch", "Tin", "Tiles"}
    assert everything["sex"].cat.categories.tolist() == ["Girl", "Boy"]
    assert set(by_id["roof"]) <= {"Chaume", "Tôle", "Tuiles"}


def test_what_means_different_things_for_different_types_keeps_its_values(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    questions = programme(fresh_sandbox).applications[0]["modules"][0]["forms"][0]["questions"]
    language = next(question for question in questions if question["value"] == "/data/language")
    language["options"][0]["translations"] = {"en": "Hindustani"}
    with pytest.warns(ccf.DataWarning, match="choices of 'language' mean one thing for one case type"):
        everything = ccf.read_cases(labels="en")

    assert {"hi", "am"} <= set(everything["language"])
    assert ccf.read_cases("patient", labels="en")["language"].cat.categories[0] == "Hindi"
    assert ccf.read_cases("household", labels="en")["language"].cat.categories[0] == "Hindustani"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("de", "Nothing in the applications is written in 'de'. Their languages are en, fr"),
        ({"lang": "ENG"}, "Did you mean 'en'"),
        ("", "is no language"),
        (True, "labels is a language, 'both' or"),
        ({"shwo": "both"}, "Did you mean 'show'"),
        ({"show": "all"}, "show is 'label' or 'both', not 'all'"),
        ({"multi": None}, "is no language"),
    ],
)
def test_what_cannot_be_shown_is_an_error_that_says_so(domain: Domain, labels: object, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        ccf.read_cases("patient", labels=labels)  # type: ignore[arg-type]


def test_a_column_is_either_pinned_or_labelled(domain: Domain) -> None:
    pins = {"blood_group": "category", "age": "Float64"}
    with pytest.raises(QueryError, match="dtypes pins 'blood_group', which labels turns into labels"):
        ccf.read_cases("patient", labels="en", dtypes=pins)

    both = ccf.read_cases("patient", labels="both", dtypes=pins)
    assert (str(both["blood_group"].dtype), str(both["age"].dtype)) == ("category", "Float64")
    assert not both["blood_group"].cat.ordered


def test_labels_that_cannot_be_had_are_an_error_before_anything_is_read(sandbox: Sandbox) -> None:
    worker = sandbox.mobile_worker
    ccf.connect("maternal-health", server=sandbox.url, username=worker.username, api_key=worker.api_key)
    start = len(sandbox.log)

    with pytest.raises(PermissionMissingError, match="Application structure API is open to web users only"):
        ccf.read_cases("patient", labels="en")
    assert [asked.path for asked in sandbox.log[start:]] == [STRUCTURE]


def test_a_lookup_table_that_cannot_be_read_leaves_its_values_with_a_warning(
    fresh_sandbox: Sandbox, fresh_domain: Domain, times_asked: Callable[[str], int]
) -> None:
    fresh_sandbox.faults.status(403, path="fixture")
    wanted = ["nearest_facility", "referral_facility", "marital_status"]
    with pytest.warns(ccf.DataWarning, match="Lookup table 'facility' could not be read.*Edit Apps") as warned:
        shown = ccf.read_cases("patient", labels="en", columns=wanted)

    assert len(warned) == 1
    assert shown["nearest_facility"].dropna().str.contains("-").all()
    assert shown["marital_status"].cat.categories[0] == "Married"
    fresh_sandbox.faults.clear()
    assert ccf.read_cases("patient", labels="en")["nearest_facility"].dropna().str.contains("Centre|Hospital").all()
    assert times_asked(ROWS) == 2, "a failure is not kept"


def test_the_structure_is_fetched_anew_for_a_version_that_nobody_knew(
    fresh_sandbox: Sandbox, fresh_domain: Domain, times_asked: Callable[[str], int]
) -> None:
    known = structure(fresh_domain, required=True)
    app_id, version = known.apps[0].app_id, known.apps[0].version or 0
    structure(fresh_domain, newer_than={app_id: version})
    assert times_asked(STRUCTURE) == 1

    programme(fresh_sandbox).applications[0]["version"] = version + 1
    assert structure(fresh_domain, newer_than={app_id: version + 1}, required=True).apps[0].version == version + 1
    assert times_asked(STRUCTURE) == 2
    for _ in range(3):
        structure(fresh_domain, newer_than={app_id: version + 1, "deleted": 7})
    assert times_asked(STRUCTURE) == 3, "an application that is not there is looked for once"
    structure(fresh_domain, newer_than={"deleted": 8})
    assert times_asked(STRUCTURE) == 4


def test_the_structure_is_fetched_anew_after_a_day(
    fresh_domain: Domain, times_asked: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ccf.read_cases("patient", labels="en")

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=25)

    for module in (documents, refresh):
        monkeypatch.setattr(module, "datetime", Later)
    ccf.read_cases("patient", labels="en", max_age="2 days")
    ccf.label_columns(ccf.read_cases("patient"))
    assert (times_asked(STRUCTURE), times_asked(ROWS)) == (1, 1)
    ccf.read_cases("patient", labels="en")
    assert (times_asked(STRUCTURE), times_asked(ROWS)) == (2, 2)


def test_the_structure_is_parsed_once(fresh_domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    first = structure(fresh_domain)
    monkeypatch.setattr(applications, "structure_of", None)

    assert structure(fresh_domain) is first


def test_a_structure_that_is_not_required_is_none_with_one_warning(
    fresh_sandbox: Sandbox, fresh_domain: Domain
) -> None:
    fresh_sandbox.faults.status(403, path="application")
    with pytest.warns(ccf.DataWarning, match="could not be read, so nothing is known of its forms: 403") as warned:
        assert structure(fresh_domain) is None
    with pytest.warns(ccf.DataWarning, match="Nothing is cached"):
        assert structure(fresh_domain, cache="offline") is None
    with pytest.raises(PermissionMissingError):
        structure(fresh_domain, required=True)
    assert len(warned) == 1
    fresh_sandbox.faults.clear()
    first = structure(fresh_domain)
    assert first is not None

    fresh_sandbox.faults.status(403, path="application")
    with pytest.warns(ccf.DataWarning, match=r"could not be read, so what was known on \d\d \w+ \d{4} is used: 403"):
        assert structure(fresh_domain, max_age=timedelta()) is first


@pytest.mark.parametrize("body", ["web_page", "invalid_json"])
def test_a_broken_answer_is_asked_again_and_never_kept(
    fresh_sandbox: Sandbox, fresh_domain: Domain, times_asked: Callable[[str], int], body: str
) -> None:
    getattr(fresh_sandbox.faults, body)(path="application", times=1)

    assert structure(fresh_domain) is not None
    assert times_asked(STRUCTURE) == 2


def test_a_damaged_structure_is_fetched_anew_with_one_warning(
    fresh_domain: Domain, times_asked: Callable[[str], int]
) -> None:
    structure(fresh_domain)
    path = places.folder(fresh_domain.host, fresh_domain.name, "applications", "all") / "structure.json"
    path.write_bytes(path.read_bytes()[:-100])
    os.utime(path, ns=(time.time_ns(), time.time_ns()))
    with pytest.warns(ccf.DataWarning, match="it is damaged. It is fetched anew") as warned:
        assert structure(fresh_domain) is not None

    assert len(warned) == 1
    assert times_asked(STRUCTURE) == 2


def test_columns_are_named_by_questions_without_a_request(fresh_sandbox: Sandbox, fresh_domain: Domain) -> None:
    patients = ccf.read_cases("patient", labels={"multi": "indicators"})
    start = len(fresh_sandbox.log)
    named = ccf.label_columns(patients)
    french = ccf.label_columns(patients[["age", "hb", "risk_factors.twins"]].head(), "fr")

    assert len(fresh_sandbox.log) == start
    assert {"case_id", "Haemoglobin", "Risk factors: Twins", "age"} <= set(named.columns)
    assert named.columns.is_unique
    assert len(named.columns) == len(patients.columns)
    assert french.columns.tolist() == ["age", "Hémoglobine", "Facteurs de risque: Jumeaux"]
    assert "Haemoglobin" not in patients
    with pytest.raises(QueryError, match="written in 'de'"):
        ccf.label_columns(patients, "de")


def test_a_frame_that_does_not_say_what_it_holds_is_refused(domain: Domain) -> None:
    for frame in (pd.DataFrame({"age": [1]}), ccf.read_cases(), ccf.read_questions()):
        with pytest.raises(QueryError, match="does not say which cases or forms it holds"):
            ccf.label_columns(frame)


def test_columns_of_a_form_and_of_a_repeat_in_it_are_named(domain: Domain) -> None:
    about = {"server": domain.server, "domain": domain.name}
    household = ccf.list_forms(max_age="1h")["xmlns"][0]
    main = pd.DataFrame(columns=["form_id", "home.roof", "children.count", "members"])
    main.attrs["commcare"] = {**about, "xmlns": household}
    children = pd.DataFrame(columns=["form_id", "entry", "sex", "vaccinations.count"])
    children.attrs["commcare"] = {**about, "xmlns": household, "repeat": "children"}

    assert ccf.label_columns(main).columns.tolist() == [
        "form_id", "Roof", "Child under five (count)", "How many people live here?",
    ]  # fmt: skip
    assert ccf.label_columns(children, "fr").columns.tolist() == [
        "form_id", "entry", "Sexe", "Vaccination sur la carte (count)",
    ]  # fmt: skip
