"""`explore`: choose data in a notebook, look at them, and take away the line of Python that reads them."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.errors import CommCareError

if TYPE_CHECKING:
    from commcare_frames.connection import Domain
    from commcare_frames.notebook.explore_panel import Explorer


@checked
def explore(*, domain: str | Domain | None = None) -> Explorer:
    """Show a panel to choose data in, to see what they cost and look at them, with the line of Python that reads them.

    Cases, forms, the entries of a repeat group, reports, the codebook, users, groups, locations, lookup tables and
    messages: whatever is chosen, the line under the fields reads the same, and can be copied to a cell. What is
    fetched is kept in the cache like that of any other read, so that the line asks HQ for what changed since at most;
    with ``max_age`` in it, for nothing.

    Parameters
    ----------
    domain
        A domain's name or a `Domain`; by default the last one connected.

    Returns
    -------
    Explorer
        The panel, which a notebook shows. Its ``line`` is the line of Python, and its ``frame`` what was fetched.

    Raises
    ------
    CommCareError
        When ipywidgets is not installed. All other errors are shown in the panel.

    Notes
    -----
    Asks for the case types and the applications when it opens, for the reports or the lookup tables once these are
    chosen, and for a count when Count is pressed. Without a connection it waits until `login` has made one.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> panel = ccf.explore()
    >>> print(panel.line)
    frame = ccf.read_cases(...)
    """
    if importlib.util.find_spec("ipywidgets") is None:
        raise CommCareError(
            "explore needs ipywidgets, which is not installed: pip install 'commcare-frames[notebook]', and start "
            "Jupyter anew."
        )
    from commcare_frames.notebook.explore_panel import Explorer  # noqa: PLC0415  an extra

    return Explorer(domain)
