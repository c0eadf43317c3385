"""Joins: no case is lost or doubled on the way to its parent, its form or its place on a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import commcare_frames as ccf
from commcare_frames.errors import DataWarning, QueryError

if TYPE_CHECKING:
    from commcare_frames.connection import Domain

CHILDREN = pd.DataFrame({"case_id": ["a", "b", "c"], "indices.mother.case_id": ["m1", None, "m1"]}, index=[5, 3, 9])
MOTHERS = pd.DataFrame({"case_id": ["m1", "m2"], "age": [30, 40]})


def test_children_get_their_parents_beside_them(domain: Domain) -> None:
    children, mothers = ccf.read_cases("child"), ccf.read_cases("patient")
    joined = ccf.join_parents(children, mothers, index="mother")

    assert joined["case_id"].tolist() == children["case_id"].tolist()
    assert (joined["mother.case_id"] == children["indices.mother.case_id"]).all()
    one = joined.iloc[0]
    assert one["mother.case_name"] == mothers.set_index("case_id").loc[one["mother.case_id"], "case_name"]
    assert joined.attrs["commcare"]["case_type"] == "child"


def test_the_only_link_need_not_be_named_and_rows_keep_their_labels() -> None:
    joined = ccf.join_parents(CHILDREN, MOTHERS)

    assert joined.index.tolist() == [5, 3, 9]
    assert joined["mother.age"].tolist()[::2] == [30, 30]
    assert joined["mother.age"].isna().tolist() == [False, True, False]
    assert CHILDREN.columns.tolist() == ["case_id", "indices.mother.case_id"]


def test_orphans_are_told_and_kept() -> None:
    with pytest.warns(DataWarning, match="2 of 3 children are linked to cases that parents lacks: m1"):
        joined = ccf.join_parents(CHILDREN, MOTHERS.tail(1))
    assert len(joined) == 3


@pytest.mark.parametrize(
    ("children", "parents", "how", "message"),
    [
        (CHILDREN, MOTHERS, {"index": "mothr"}, "no link 'mothr'. Did you mean 'mother'"),
        (CHILDREN[["case_id"]], MOTHERS, {}, "Which link .* They have none"),
        (CHILDREN.assign(**{"indices.x.case_id": "y"}), MOTHERS, {}, "They have 'mother', 'x'"),
        (CHILDREN, pd.concat([MOTHERS, MOTHERS]), {}, "m1, m2 more than once, so that children would be doubled"),
        (CHILDREN, MOTHERS[["age"]], {}, "no column 'case_id'"),
        (CHILDREN.assign(**{"mother.age": 1}), MOTHERS, {}, "columns that the join would make: mother.age"),
    ],
)
def test_what_cannot_be_joined_is_told(children, parents, how, message) -> None:
    with pytest.raises(QueryError, match=message):
        ccf.join_parents(children, parents, **how)


def test_forms_join_their_cases_in_one_line(domain: Domain) -> None:
    visits, patients = ccf.read_forms("Visit"), ccf.read_cases("patient")
    joined = visits.merge(patients, on="case_id", how="left", validate="many_to_one", suffixes=("", "_case"))

    assert len(joined) == len(visits)
    assert joined["case_name"].notna().mean() > 0.9


@pytest.mark.parametrize("dtypes", ["infer", "string"])
def test_a_geopoint_becomes_a_geometry(dtypes: str, domain: Domain) -> None:
    visits = ccf.read_forms("Visit", dtypes=dtypes)
    geo = ccf.to_geo(visits, "position")
    split = ccf.read_forms("Visit")

    assert geo.crs.to_epsg() == 4326
    assert len(geo) == len(visits)
    assert (geo.geometry.isna().to_numpy() == split["position.latitude"].isna().to_numpy()).all()
    given = split["position.latitude"].notna().to_numpy()
    assert geo.geometry[given].y.tolist() == pytest.approx(split.loc[given, "position.latitude"].tolist())
    assert geo.geometry[given].x.tolist() == pytest.approx(split.loc[given, "position.longitude"].tolist())


def test_a_wrong_geopoint_is_told(domain: Domain) -> None:
    with pytest.raises(QueryError, match="no geopoint 'positon'. Did you mean 'position'"):
        ccf.to_geo(ccf.read_forms("Visit"), "positon")


# Labels


def test_choices_of_forms_and_repeats_are_shown_by_their_labels(domain: Domain) -> None:
    visits = ccf.read_forms("Visit", labels="fr")
    codes = ccf.read_forms("Visit")
    made = domain.requests_made
    english = ccf.read_forms("Visit", labels="en", max_age="1h")

    assert domain.requests_made == made
    assert visits["visit_type"].cat.categories.tolist() == ["Prénatale", "Postnatale"]
    assert english["visit_type"].cat.categories.tolist() == ["Before birth", "After birth"]
    assert (visits["visit_type"].cat.codes == codes["visit_type"].map({"anc": 0, "pnc": 1})).all()
    some = codes["danger_signs"].dropna().index[0]
    assert isinstance(visits.loc[some, "danger_signs"], list)
    medicines = ccf.read_repeats("Visit", "medicines", labels="en")
    assert "Iron and folic acid" in medicines["medicine"].cat.categories
    tables = ccf.read_form_tables("Register household", labels="en")
    assert "Girl" in tables["children"]["sex"].cat.categories


def test_labels_of_all_forms_at_once_are_refused(domain: Domain) -> None:
    with pytest.raises(QueryError, match="read one form at a time"):
        ccf.read_forms(labels="en")
    with pytest.raises(QueryError, match="'xx'"):
        ccf.read_forms("Visit", labels="xx")
