"""Starts and stops the sandbox, and lets tests and demos reach into it."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from commcare_frames.sandbox import (
    activity,
    application_files,
    case_v1,
    case_v2,
    control,
    det_exports,
    directory,
    forms,
    locations,
    lookup_tables,
    messaging,
    odata,
    people,
    reporting,
    restore,
)
from commcare_frames.sandbox.accounts import Accounts, Login, default_accounts
from commcare_frames.sandbox.clock import Clock
from commcare_frames.sandbox.domains import Domain
from commcare_frames.sandbox.endpoints import Router
from commcare_frames.sandbox.faults import Faults
from commcare_frames.sandbox.hq import HQ, Asked
from commcare_frames.sandbox.programme import build
from commcare_frames.sandbox.wire import Server

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import TracebackType
    from typing import Self

    from commcare_frames.sandbox.domains import Programme
    from commcare_frames.sandbox.event_log import EventLog
    from commcare_frames.sandbox.form_index import FormIndex
    from commcare_frames.sandbox.index import CaseIndex
    from commcare_frames.sandbox.messages import Request, Response
    from commcare_frames.sandbox.organisation import People, Places

ENDPOINTS = [
    *case_v2.ENDPOINTS,
    *case_v1.ENDPOINTS,
    *forms.ENDPOINTS,
    *directory.ENDPOINTS,
    *application_files.ENDPOINTS,
    *restore.ENDPOINTS,
    *people.ENDPOINTS,
    *locations.ENDPOINTS,
    *lookup_tables.ENDPOINTS,
    *reporting.ENDPOINTS,
    *messaging.ENDPOINTS,
    *activity.ENDPOINTS,
    *odata.ENDPOINTS,
    *det_exports.ENDPOINTS,
]

WITHOUT_API_ACCESS = frozenset({"paused-project"})
WITH_TWO_FACTOR = frozenset({"child-nutrition"})
WITHOUT_REPORT_FLAGS = frozenset({"child-nutrition"})
WITHOUT_ODATA = frozenset({"child-nutrition"})
WITHOUT_LOCATIONS = frozenset({"child-nutrition", "paused-project"})


class Sandbox:
    """A running stand-in for CommCare HQ; a context manager that stops it at the end.

    Parameters
    ----------
    programmes
        What its domains hold; the first is the one that the scoped key and the mobile worker belong to.
    port
        Port on loopback; 0 for any free one.
    public_url
        Address that the server takes for its own, where that is not the one it is reached by.

    Attributes
    ----------
    url
        Its address.
    admin, scoped, expired, no_api, no_edit, only_api, mobile_worker, two_factor, oauth
        Logins: of a web user who may do everything, with a key limited to the first domain, with an expired
        key, of roles without API access, without edit data (and feature flags) or with nothing but API access, of a
        mobile worker, of a web user with a two-factor code (asked for in the second domain), with an OAuth token.
    faults
        Its faults, all off.
    log
        What was asked, in order.
    """

    def __init__(self, programmes: Sequence[Programme], *, port: int = 0, public_url: str = "") -> None:
        self.faults = Faults()
        self.clock = Clock()
        domains = [
            Domain(
                programme,
                self.clock,
                self.faults,
                api_access=programme.domain not in WITHOUT_API_ACCESS,
                two_factor=programme.domain in WITH_TWO_FACTOR,
                reports_flagged=programme.domain not in WITHOUT_REPORT_FLAGS,
                odata=programme.domain not in WITHOUT_ODATA,
                has_locations=programme.domain not in WITHOUT_LOCATIONS,
            )
            for programme in programmes
        ]
        accounts = default_accounts(domains)
        logins = {name: account.login for name, account in accounts.items()}
        self.admin: Login = logins["admin"]
        self.scoped: Login = logins["scoped"]
        self.expired: Login = logins["expired"]
        self.no_api: Login = logins["no_api"]
        self.no_edit: Login = logins["no_edit"]
        self.only_api: Login = logins["only_api"]
        self.mobile_worker: Login = logins["mobile_worker"]
        self.two_factor: Login = logins["two_factor"]
        self.oauth: Login = logins["oauth"]
        self._hq = HQ(
            {domain.name: domain for domain in domains},
            Accounts(list(accounts.values())),
            self.faults,
            self.clock,
        )
        self._router = Router(ENDPOINTS)
        self._server = Server(port, self._hq, self._answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._hq.public_url = public_url or self.url
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="sandbox"
        )
        self._thread.start()

    @property
    def log(self) -> list[Asked]:
        """What was asked, in the order of the answers."""
        return self._hq.log

    @property
    def domains(self) -> list[str]:
        """Names of its domains."""
        return list(self._hq.domains)

    def domain(self, name: str) -> CaseIndex:
        """Return the cases of a domain, to be looked at and changed."""
        return self._hq.domains[name].cases

    def forms(self, name: str) -> FormIndex:
        """Return the forms of a domain, to be looked at and changed."""
        return self._hq.domains[name].forms

    def people(self, name: str) -> People:
        """Return the users and groups of a domain, to be looked at and changed."""
        return self._hq.domains[name].people

    def places(self, name: str) -> Places:
        """Return the locations of a domain, to be looked at and changed."""
        return self._hq.domains[name].places

    def events(self, name: str) -> EventLog:
        """Return the messaging events of a domain, to be looked at and changed."""
        return self._hq.domains[name].events

    def stop(self) -> None:
        """Stop serving and end all connections."""
        self._server.close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Return the running sandbox."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(control.PREFIX):
            return control.serve(request)
        return self.faults.spoil(request, self._router.answer(request))


def start(
    *,
    patients: int = 1200,
    seed: int = 2024,
    port: int = 0,
    case_types: Collection[str] | None = None,
    domains: Sequence[Programme] | None = None,
    public_url: str = "",
) -> Sandbox:
    """Start a sandbox that serves in background threads.

    Parameters
    ----------
    patients
        Women in the programme of the first domain, ``maternal-health``; all else scales with it.
    seed
        Of the data: the same seed gives the same data.
    port
        Port on loopback; 0 for any free one.
    case_types
        Only these case types; None for all.
    domains
        Other programmes than the usual three.
    public_url
        Address that `next` links name; "" for the one it is reached by.

    Returns
    -------
    Sandbox
        Running; use it in a ``with`` statement, or call `Sandbox.stop`.
    """
    if domains is None:
        sizes = {"maternal-health": patients, "child-nutrition": min(patients, 60), "paused-project": 5}
        names = ("Maternal Health Programme", "Child Nutrition Pilot", "Paused Project")
        domains = [
            build(domain, project_name=name, patients=size, seed=seed, case_types=case_types)
            for (domain, size), name in zip(sizes.items(), names, strict=True)
        ]
    return Sandbox(domains, port=port, public_url=public_url)


def serve(
    *,
    patients: int = 1200,
    seed: int = 2024,
    port: int = 8000,
    case_types: Collection[str] | None = None,
) -> None:
    """Run a sandbox until Ctrl-C, and print its address and logins.

    Parameters
    ----------
    patients, seed, port, case_types
        As for `start`.
    """
    running = start(patients=patients, seed=seed, port=port, case_types=case_types)
    with running as sandbox, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(_greeting(sandbox))
        sys.stdout.flush()
        threading.Event().wait()


def _greeting(sandbox: Sandbox) -> str:
    domain = sandbox.domains[0]
    key_of = {
        "admin": sandbox.admin,
        "key for this domain only": sandbox.scoped,
        "no API access": sandbox.no_api,
        "mobile worker": sandbox.mobile_worker,
        "two-factor": sandbox.two_factor,
    }
    lines = [
        f"Sandbox of CommCare HQ at {sandbox.url}, domains {', '.join(sandbox.domains)}",
        f"{sandbox.domain(domain).count():,} cases in {domain}. Ctrl-C stops it. Logins (made up):",
        *(
            f"  {what:<26}{login.username}  key {login.api_key}  password {login.password or '-'}"
            f"  code {login.otp or '-'}"
            for what, login in key_of.items()
        ),
        f"  {'OAuth token':<26}{sandbox.oauth.token}",
    ]
    return "\n".join(lines) + "\n"
