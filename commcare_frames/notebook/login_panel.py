"""The sign-in panel: sign in, pick a domain, and every later call reads it."""

from __future__ import annotations

import contextlib
import dataclasses
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as widgets
from IPython.display import display

from commcare_frames import credentials
from commcare_frames.addresses import SERVERS, parse_address
from commcare_frames.connection import locate, open_domain, resolve
from commcare_frames.errors import (
    CommCareError,
    LoginError,
    NotConnectedError,
    PermissionMissingError,
    QueryError,
    TwoFactorError,
)
from commcare_frames.notebook.display import code, heading, hint, notice, strong
from commcare_frames.notebook.domain_picker import DomainPicker
from commcare_frames.notebook.followers import tell_followers
from commcare_frames.notebook.login_form import SECRETS, LoginForm
from commcare_frames.read.identity import list_domains, whoami

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from commcare_frames.connection import Domain

WIDTH = {"width": "100%", "max_width": "620px"}
SPACED = {"margin": "8px 0 0"}
NARROW = {"width": "auto"}
NOT_LISTED = "HQ does not list the domains of this login: type the one to open."


class Card(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """A box that says what it is where widgets cannot be shown."""

    def __repr__(self) -> str:
        """Stand in for the panel, in saved notebooks too."""
        return "The sign-in panel of commcare_frames. Run this cell to see it."


class LoginPanel:
    """A panel with which a user signs in, and picks the domain that every later call reads.

    Parameters
    ----------
    server
        The server, if the caller named one.
    """

    def __init__(self, server: str | None = None) -> None:
        self._session = resolve(None, named=False) if server is None else locate(server=server, named=False)
        self._keeps = False
        self.title = widgets.HTML()
        self.text = widgets.HTML()
        self.message = widgets.HTML()
        self.form = LoginForm(_short(self._session.server) if server else "", self.sign_in)
        self.picker = DomainPicker(self.open)
        self.choice = widgets.Button(layout=NARROW)
        self.switch = widgets.Button(description="Use another login", layout=NARROW)
        self.choice.on_click(lambda _: self.choose())
        self.switch.on_click(lambda _: self._show_form())
        self.card = Card(layout=WIDTH)
        self.card.add_class("commcare-card")
        try:
            self._show_login()
        except NotConnectedError:
            self._show_form()

    def show(self) -> None:
        """Put the panel below the cell."""
        display(self.card)  # type: ignore[no-untyped-call]

    def sign_in(self) -> None:
        """Sign in with what the form says, and offer the domains of that login."""
        if self.form.box not in self.card.children:
            return  # Enter was pressed twice
        with self._telling("Signing in", self.form.secret.focus):
            server = self.form.server.value.strip() or "www"
            try:
                self._offer_domains(locate(server=server, login=self.form.login(), named=False))
            except LoginError:
                self.form.forget()
                raise
            self._keeps = self.form.keeps
            self.form.forget()

    def choose(self) -> None:
        """Offer the domains of the login that was found."""
        with self._telling("Asking which domains there are"):
            self._offer_domains(self._session)

    def open(self) -> None:
        """Open the domain that is picked, and make it the default of every later call."""
        if self.picker.box not in self.card.children:
            return
        with self._telling("Opening the domain", self.picker.focus):
            picked, server, login = self.picker.picked, self._session.server, self._session.login
            if not picked:
                raise QueryError("No domain is picked.")
            # Whoever signed in there was asked already whether the way to that server is safe.
            if "/" in picked and parse_address(picked, allow_http=True).server != server:
                raise QueryError(f"{picked} is not at {server}, where you are signed in. Use another login for it.")
            login = dataclasses.replace(login, otp=self.picker.code.reveal() or login.otp)
            self.picker.code.forget()
            opened = locate(picked, server=server, login=login, allow_http=True)
            try:
                with self._telling_waits(opened):
                    self._session = open_domain(opened)
            except TwoFactorError:
                self.picker.ask_code()
                raise
            self._show_opened()
            tell_followers()
            if self._keeps:
                place = credentials.save_login(server, self._session.name, login)
                self._keeps = False
                self.text.value += f"<br>The login is kept in {escape(place)}; {code('ccf.logout()')} forgets it."

    def _offer_domains(self, session: Domain) -> None:
        names, username, refusal = {}, session.login.username, ""
        try:
            with self._telling_waits(session):
                listed = list_domains(domain=session)
                names = dict(zip(listed["domain"], listed["project_name"].fillna(""), strict=True))
                username = username or whoami(domain=session)["username"]
        except PermissionMissingError as error:
            refusal = str(error)
        self._session = session
        text = f"Signed in at {strong(session.server)} as {strong(username or 'the user of the token')}."
        if not names:
            text += f"<p>{escape(NOT_LISTED)}</p>{hint(refusal)}"
        self._show("Which domain?", text, self.picker.box, buttons=(self.picker.button, self.switch))
        self.picker.offer(names, session.name or _domain_of(username or ""))

    def _show_form(self) -> None:
        self._show("Sign in to CommCare HQ", "", self.form.box, buttons=(self.form.button,))

    def _show_login(self) -> None:
        """Say whose login was found, and where."""
        login, domain = self._session.login, self._session.name
        text = (
            f"As {strong(login.username or 'the user of a token')} at {strong(self._session.server)} "
            f"({SECRETS[login.kind]} from {escape(login.source)})."
        )
        text += f"<br>What you read comes from the domain {strong(domain)}." if domain else ""
        self.choice.description = "Choose another domain" if domain else "Choose a domain"
        self._show("Signed in to CommCare HQ", text, buttons=(self.choice, self.switch))

    def _show_opened(self) -> None:
        opened = self._session
        text = (
            f"What you read now comes from {strong(self.picker.title(opened.name))} at {escape(opened.server)}.<br>"
            f"Next, in a cell of its own: {code('ccf.list_case_types()')} or {code('ccf.list_forms()')}"
        )
        self.choice.description = "Choose another domain"
        self._show("✓ Connected", text, buttons=(self.choice, self.switch))

    def _show(self, title: str, text: str, *body: widgets.Widget, buttons: tuple[widgets.Button, ...]) -> None:
        self.title.value = heading(title)
        self.text.value = text
        self.message.value = ""
        self.card.children = [self.title, self.text, *body, self.message, widgets.HBox(buttons, layout=SPACED)]

    @contextlib.contextmanager
    def _telling(self, doing: str, go_back: Callable[[], None] | None = None) -> Iterator[None]:
        """Say what goes on meanwhile, and what went wrong; then go back to the field where that can be put right."""
        self.message.value = notice(f"{doing} …", "busy")
        self._enable(is_enabled=False)
        try:
            yield
            go_back = None
        except CommCareError as error:
            self.message.value = notice(str(error), "error")
        except KeyboardInterrupt:
            self.message.value = notice("Interrupted.", "error")
        except BaseException as error:
            self.message.value = notice(f"{doing} broke off: {type(error).__name__}.", "error")
            raise
        finally:
            self._enable()
            if go_back:
                go_back()

    def _enable(self, *, is_enabled: bool = True) -> None:
        for button in (self.form.button, self.picker.button, self.choice, self.switch):
            button.disabled = not is_enabled
        for field in (self.form.secret, self.form.code, self.picker.code):
            field.shut(not is_enabled)

    @contextlib.contextmanager
    def _telling_waits(self, domain: Domain) -> Iterator[None]:
        """Say when the server's limits make a request wait."""

        def tell(seconds: float, why: str) -> None:
            self.message.value = notice(f"Waiting {seconds:.0f} s. {why}", "busy")

        client = domain.client
        before, client.on_wait = client.on_wait, tell
        try:
            yield
        finally:
            client.on_wait = before


def _short(server: str) -> str:
    """Return a server's short name, where it has one."""
    return next((name for name, url in SERVERS.items() if url == server), server)


def _domain_of(username: str) -> str:
    """Return the domain in a mobile worker's username."""
    _, _, host = username.partition("@")
    return host.removesuffix(".commcarehq.org") if host.endswith(".commcarehq.org") else ""
