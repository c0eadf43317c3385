"""Who HQ says that one is, and which domains that login may open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commcare_frames.connection import Domain, resolve
from commcare_frames.hq.resources import IDENTITY, USER_DOMAINS
from commcare_frames.read.lists import read_list

if TYPE_CHECKING:
    import pandas as pd


def whoami(*, domain: str | Domain | None = None) -> dict[str, str]:
    """Say who HQ takes this login for.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`, whose login is meant; by default the last one connected.

    Returns
    -------
    dict
        ``id``, ``username``, ``first_name``, ``last_name`` and ``email`` of the web user.

    Raises
    ------
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/api/identity/v1/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.whoami()["username"]
    'admin@example.org'
    """
    answer: dict[str, str] = resolve(domain, named=False).client.ask(IDENTITY)
    return answer


def list_domains(*, domain: str | Domain | None = None) -> pd.DataFrame:
    """List the domains that this login may open.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`, whose login is meant; by default the last one connected.

    Returns
    -------
    DataFrame
        Columns ``domain`` and ``project_name`` (str), in alphabetical order. HQ leaves out domains whose plan does
        not let other programs connect.

    Raises
    ------
    CommCareError
        When the server cannot be reached or refuses; mobile workers may not ask this.

    Notes
    -----
    Asks ``/api/user_domains/v1/``.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> "maternal-health" in ccf.list_domains()["domain"].tolist()
    True
    """
    return read_list(
        resolve(domain, named=False), USER_DOMAINS, {"domain_name": "domain", "project_name": "project_name"}
    )
