"""Joins cases to the cases that they are linked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import QueryError, did_you_mean, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

SHOWN = 5


@checked
def join_parents(children: pd.DataFrame, parents: pd.DataFrame, *, index: str | None = None) -> pd.DataFrame:
    """Put beside each case the case that it is linked to.

    Parameters
    ----------
    children
        Cases, as `read_cases` gives them.
    parents
        The cases that they are linked to.
    index
        Name of the link, such as ``"parent"``; may be left out where the children have one only.

    Returns
    -------
    DataFrame
        Every child once, in the same order, with the columns of `children`, then those of `parents` as
        ``<index>.<column>``; all of them missing where a child has no such link.

    Raises
    ------
    QueryError
        When the children have no such link, or `parents` has a case twice.

    Warns
    -----
    DataWarning
        When children are linked to cases that are not in `parents`.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> children = ccf.read_cases("child")
    >>> joined = ccf.join_parents(children, ccf.read_cases("patient"), index="mother")
    >>> len(joined) == len(children), "mother.case_name" in joined
    (True, True)
    """
    link = f"indices.{_index(children, index)}.case_id"
    if "case_id" not in parents.columns:
        raise QueryError("parents has no column 'case_id': read it with read_cases, with case_id among its columns.")
    if parents["case_id"].duplicated().any():
        twice = parents.loc[parents["case_id"].duplicated(), "case_id"]
        raise QueryError(
            f"parents has {named(twice)} more than once, so that children would be doubled. Keep one row of each, "
            "with parents.drop_duplicates('case_id')."
        )
    orphans = children.loc[children[link].notna() & ~children[link].isin(parents["case_id"]), link]
    if len(orphans):
        warn(
            f"{len(orphans):,} of {len(children):,} children are linked to cases that parents lacks: {named(orphans)}."
        )
    return put_beside(
        children, parents, on=link, key="case_id", prefix=link.removeprefix("indices.").removesuffix(".case_id")
    )


def put_beside(frame: pd.DataFrame, found: pd.DataFrame, *, on: str, key: str, prefix: str) -> pd.DataFrame:
    """Return a frame with the columns of another beside it, no row lost or doubled.

    Parameters
    ----------
    frame
        What is added to; what is missing from `found` stays, with nothing beside it.
    found
        What is added, with no `key` twice.
    on, key
        The columns of both that have to be the same.
    prefix
        Stands before the names of the added columns, and a dot.
    """
    beside = found.add_prefix(f"{prefix}.")
    clash = sorted(set(beside.columns) & set(frame.columns))
    if clash:
        raise QueryError(f"The frame has columns that the join would make: {', '.join(clash)}. Drop or rename them.")
    joined = frame.merge(beside, how="left", left_on=on, right_on=f"{prefix}.{key}", validate="many_to_one", sort=False)
    joined.index = frame.index
    joined.attrs = dict(frame.attrs)
    return joined


def _index(children: pd.DataFrame, index: str | None) -> str:
    links = [
        name.removeprefix("indices.").removesuffix(".case_id")
        for name in children.columns
        if name.startswith("indices.") and name.endswith(".case_id")
    ]
    if index is None and len(links) == 1:
        return links[0]
    have = f"They have {', '.join(map(repr, links))}." if links else "They have none."
    if index is None:
        raise QueryError(f"Which link of the children is meant? {have} Say index='...'.")
    if index not in links:
        raise QueryError(f"The children have no link {index!r}.{did_you_mean(index, links)} {have}")
    return index


def named(ids: Sequence[str] | pd.Series[str]) -> str:
    """List some ids for a message."""
    unique = list(dict.fromkeys(ids))
    return ", ".join(unique[:SHOWN]) + (", ..." if len(unique) > SHOWN else "")
