"""Of several versions of a record, the latest: which rows count, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray


def latest_rows(versions: pa.Table, key: str, stamp: str | None) -> NDArray[np.int64]:
    """Return the positions of the rows that count, ordered by change stamp, then key.

    Parameters
    ----------
    versions
        All rows, in order of arrival.
    key, stamp
        The columns that identify a row and tell when it last changed; without a stamp a later row supersedes an
        earlier one.

    Returns
    -------
    ndarray of int64
        One position per distinct key.
    """
    keys = pd.Series(versions[key].to_pandas())
    order = np.arange(len(keys)) if stamp is None else _in_order(versions, key, stamp)
    superseded = keys.iloc[order].duplicated(keep="last").to_numpy()
    return order[~superseded].astype(np.int64)


def _in_order(versions: pa.Table, key: str, stamp: str) -> NDArray[np.int64]:
    """Return the positions of rows by change stamp, then key, which is looked at only where stamps are the same."""
    stamps = pc.fill_null(versions[stamp].cast(pa.int64()), np.iinfo(np.int64).max).to_numpy()
    order = np.argsort(stamps, kind="stable")
    is_next_same = np.diff(stamps[order]) == 0
    tied = np.flatnonzero(np.append(is_next_same, False) | np.append(False, is_next_same))
    rows = versions.take(pa.array(order[tied]))
    by_both = pc.sort_indices(rows, sort_keys=[(stamp, "ascending"), (key, "ascending")])
    order[tied] = order[tied][by_both.to_numpy()]
    return order


def take_rows(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Return the given rows of `table` in the given order, with as little copying as that order allows."""
    if len(rows) and (np.diff(rows) < 0).any():
        return table.take(pa.array(rows))
    return keep_rows(table, is_among(rows, table.num_rows))


def keep_rows(table: pa.Table, is_kept: NDArray[np.bool_]) -> pa.Table:
    """Return some rows of `table` in its order, or itself where that is all of them."""
    return table if is_kept.all() else table.filter(pa.array(is_kept))


def is_among(rows: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Tell of every one of so many rows whether it is among the given ones."""
    is_given = np.zeros(count, dtype=bool)
    is_given[rows] = True
    return is_given
