"""The part of the sign-in panel where server, username and secret are typed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import ipywidgets as widgets

from commcare_frames.addresses import SERVERS
from commcare_frames.credentials import Login
from commcare_frames.errors import NotConnectedError
from commcare_frames.notebook.display import hint
from commcare_frames.notebook.secret_field import SecretField, on_enter

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.credentials import Kind

WAYS: dict[str, Kind] = {"API key": "api_key", "Password": "password", "Access token (OAuth)": "token"}
SECRETS = {"api_key": "API key", "password": "Password", "token": "Access token"}
HINTS = {
    "api_key": "Made on HQ under My Account Settings > API Keys. Needs no two-factor code.",
    "password": "The two-factor code is needed only where your project asks for one.",
    "token": "Lasts 15 minutes.",
}
WIDE = {"width": "auto"}
LABELS = {"description_width": "9em"}


class LoginForm:
    """Fields for a login.

    Parameters
    ----------
    server
        What the server field says at first.
    submit
        Called when the form is filled in.
    """

    def __init__(self, server: str, submit: Callable[[], None]) -> None:
        self.server = widgets.Combobox(
            description="Server",
            options=list(SERVERS),
            value=server,
            placeholder="www (or india, eu, swiss, or a web address)",
            layout=WIDE,
            style=LABELS,
        )
        self.way = widgets.Dropdown(description="Sign in with", options=WAYS, layout=WIDE, style=LABELS)
        self.username = widgets.Text(
            description="Username",
            value=os.environ.get("COMMCARE_USERNAME", ""),
            placeholder="your e-mail address on HQ",
            layout=WIDE,
            style=LABELS,
        )
        self.secret = SecretField(layout=WIDE, style=LABELS)
        self.code = SecretField(description="Two-factor code", layout=WIDE, style=LABELS)
        self.hint = widgets.HTML(description=" ", style=LABELS)
        self.remember = widgets.Checkbox(description="Remember on this computer", style=LABELS, layout=WIDE)
        self.button = widgets.Button(description="Connect", button_style="primary")
        self.box = widgets.VBox(layout=WIDE)
        self.button.on_click(lambda _: submit())
        for field in (self.server, self.username, self.secret, self.code):
            on_enter(field, submit)
        self.way.observe(self._adapt, names="value")
        self._adapt()

    def login(self) -> Login:
        """Return the login that was typed.

        Raises
        ------
        NotConnectedError
            When the secret is missing.
        """
        kind: Kind = self.way.value
        if not self.secret.reveal():
            raise NotConnectedError(f"{SECRETS[kind]} is empty. {HINTS[kind]}")
        username = None if kind == "token" else self.username.value.strip() or None
        otp = self.code.reveal() or None
        return Login(kind, self.secret.reveal(), username, otp, source="the sign-in panel")

    @property
    def keeps(self) -> bool:
        """Whether the login is to be remembered; a token does not live long enough for that."""
        return bool(self.remember.value) and self.way.value != "token"

    def forget(self) -> None:
        """Forget the secrets."""
        self.secret.forget()
        self.code.forget()

    def _adapt(self, *_: object) -> None:
        """Show the fields that the chosen way of signing in takes."""
        self.forget()
        kind = self.way.value
        self.secret.description = SECRETS[kind]
        self.hint.value = hint(HINTS[kind])
        username = [] if kind == "token" else [self.username]
        code = [self.code] if kind == "password" else []
        remember = [] if kind == "token" or _is_web_page() else [self.remember]
        self.box.children = [self.server, self.way, *username, self.secret, *code, self.hint, *remember]


def _is_web_page() -> bool:
    """Whether Voila shows this: then the computer is a server, which must not sign in the next visitor as this one."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila")
