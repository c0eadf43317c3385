"""Who may log in to the sandbox: web users, a mobile worker, and what keys and roles they have."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from commcare_frames.sandbox.domains import Domain

MOST_WRONG_PASSWORDS = 5

PERMISSIONS = frozenset(
    {
        "access_api", "edit_data", "edit_commcare_users", "view_commcare_users", "edit_web_users",
        "view_web_users", "edit_locations", "edit_apps", "view_reports", "edit_ucrs", "access_mobile_endpoints",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Login:
    """What a person needs to log in: the sandbox's secrets are fakes, and the same on every computer.

    Parameters
    ----------
    username
        The login's name.
    api_key, password, otp, token
        Its API key, password, two-factor code and OAuth access token; "" where it has none.
    """

    username: str
    api_key: str = ""
    password: str = ""
    otp: str = ""
    token: str = ""


@dataclass(frozen=True)
class Account:
    """A login with what it may do: `roles` names its domains, with the permissions it has there.

    `has_flags` says whether it has the feature flags that HQ gives to single users.
    """

    login: Login
    roles: Mapping[str, frozenset[str]]
    first_name: str
    last_name: str
    web_user: bool = True
    key_domain: str | None = None
    key_expired: bool = False
    has_flags: bool = True

    def key_opens(self, api_key: str, domain: str | None) -> bool:
        """Whether `api_key` is this account's and works on `domain`, or on the URLs without a domain."""
        right_domain = domain is None or self.key_domain in (None, domain)
        return bool(api_key) and api_key == self.login.api_key and right_domain and not self.key_expired


@dataclass
class Accounts:
    """All accounts of the server, and how often each was tried with a wrong password."""

    accounts: Iterable[Account]
    _wrong: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Look accounts up by name and by token."""
        self._by_username = {account.login.username: account for account in self.accounts}
        self._by_token = {account.login.token: account for account in self.accounts if account.login.token}

    def named(self, username: str) -> Account | None:
        """Return the account of exactly that username."""
        return self._by_username.get(username)

    def of_token(self, token: str) -> Account | None:
        """Return the account that an OAuth token speaks for."""
        return self._by_token.get(token)

    def locked(self, username: str) -> bool:
        """Whether there were too many wrong passwords."""
        return self._wrong[username] >= MOST_WRONG_PASSWORDS

    def remember_try(self, username: str, *, right: bool) -> None:
        """Count a wrong password; a right one clears the count."""
        with self._lock:
            self._wrong[username] = 0 if right else self._wrong[username] + 1


def default_accounts(domains: Sequence[Domain]) -> dict[str, Account]:
    """Return one account per kind of login, by the name that `Sandbox` gives it.

    All but the mobile worker and the two-factor account are members of every domain; the scoped key is for
    the first.
    """
    everywhere = {domain.name: PERMISSIONS for domain in domains}
    first = domains[0]
    guarded = next((domain for domain in domains if domain.two_factor), first)
    worker = first.programme.users[0] if first.programme.users else {"username": f"asha@{first.name}.commcarehq.org"}
    return {
        "admin": Account(
            Login("admin@example.org", "5a17b0c5" * 5, "sandbox-admin", "111111"),
            everywhere,
            "Amina",
            "Diallo",
        ),
        "scoped": Account(
            Login("scoped@example.org", "5c09ed00" * 5), everywhere, "Ravi", "Kumar", key_domain=first.name
        ),
        "expired": Account(Login("expired@example.org", "dead0000" * 5), everywhere, "Lena", "Old", key_expired=True),
        "no_api": Account(
            Login("no-api@example.org", "0a910000" * 5, "sandbox-no-api"),
            {domain.name: PERMISSIONS - {"access_api"} for domain in domains},
            "Nora",
            "Api",
        ),
        "no_edit": Account(
            Login("no-edit@example.org", "0ed17000" * 5, "sandbox-no-edit"),
            {domain.name: PERMISSIONS - {"edit_data", "access_mobile_endpoints"} for domain in domains},
            "Reed",
            "Only",
            has_flags=False,
        ),
        "only_api": Account(
            Login("only-api@example.org", "0117a910" * 5),
            {domain.name: frozenset({"access_api"}) for domain in domains},
            "Ona",
            "Lee",
        ),
        "mobile_worker": Account(
            Login(worker["username"], "0b11e000" * 5, "sandbox-mobile"),
            {first.name: PERMISSIONS},
            worker.get("first_name", "Asha"),
            worker.get("last_name", "Devi"),
            web_user=False,
        ),
        "two_factor": Account(
            Login("two-factor@example.org", "2fac7000" * 5, "sandbox-two-factor", "123456"),
            dict.fromkeys({first.name, guarded.name}, PERMISSIONS),
            "Tariq",
            "Guard",
        ),
        "oauth": Account(
            Login("oauth@example.org", token="sandbox-access-token"),  # noqa: S106  a fake
            everywhere,
            "Olga",
            "Auth",
        ),
    }
