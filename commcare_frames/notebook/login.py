"""Signing in: a panel in a notebook, questions in a terminal."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from commcare_frames.arguments import checked
from commcare_frames.connection import ask_login
from commcare_frames.read.progress import in_notebook

if TYPE_CHECKING:
    from commcare_frames.connection import Domain


@checked
def login(server: str | None = None) -> Domain | None:
    """Sign in and choose a domain: in a panel in a notebook, by answering questions in a terminal.

    Parameters
    ----------
    server
        The server, as in `connect`; by default it can be chosen.

    Returns
    -------
    Domain or None
        In a terminal the connected domain. In a notebook None: the panel connects when its button is pressed. Either
        way the domain is the default of every later call, so that nothing needs to be kept of what is returned.

    Raises
    ------
    CommCareError
        As `connect`; the panel shows errors in place.

    Notes
    -----
    The panel asks ``/api/user_domains/v1/`` for the domains that the login may open, then what `connect` asks. Typed
    secrets stay in the kernel's memory: no cell, output, widget state or saved notebook holds them.

    In a web page made by Voila, with this in one cell and `explore` in the next, each visitor signs in and the explorer
    opens. What they read is kept in the cache of the server, and no login is remembered there.

    Examples
    --------
    >>> import commcare_frames as ccf
    >>> ccf.login()  # doctest: +SKIP
    """
    if not in_notebook():
        return ask_login(server)
    if importlib.util.find_spec("ipywidgets") is None:
        print("For a panel instead of questions: pip install 'commcare-frames[notebook]', then restart the kernel.")  # noqa: T201
        return ask_login(server)
    from commcare_frames.notebook.login_panel import LoginPanel  # noqa: PLC0415  an extra

    LoginPanel(server).show()
    return None
