"""Understands how people write the address of a server or a domain."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from commcare_frames.errors import QueryError, did_you_mean

SERVERS = {name: f"https://{name}.commcarehq.org" for name in ("www", "india", "eu", "swiss")}
DOMAIN_NAME = re.compile(r"[\w.:-]+")


@dataclass(frozen=True)
class Address:
    """A server, and the domain on it where the address names one."""

    server: str
    domain: str | None = None


def parse_address(text: str, *, allow_http: bool = False) -> Address:
    """Understand a short name, a URL, or a web address of a domain.

    Parameters
    ----------
    text
        What a person typed or pasted.
    allow_http
        Whether a server elsewhere may be spoken to without encryption.

    Returns
    -------
    Address
        Base URL of the server, and the domain if the text names one.

    Raises
    ------
    QueryError
        When it is no address of a server, or an unencrypted one.
    """
    text = text.strip()
    if text.lower() in SERVERS:
        return Address(SERVERS[text.lower()])
    parts = urlsplit(text if "://" in text else f"https://{text}")
    host = parts.hostname or ""
    is_local = _is_loopback(host)
    if parts.scheme not in {"http", "https"} or not (is_local or "." in host or ":" in parts.netloc):
        raise QueryError(
            f"{text!r} is no server: give {', '.join(map(repr, SERVERS))}, or a URL such as "
            f"'https://commcare.example.org'.{did_you_mean(text, SERVERS)}"
        )
    if parts.scheme == "http" and not is_local and not allow_http:
        raise QueryError(
            f"{text!r} is not encrypted: the login would be readable on the way. Use https://, or pass "
            "allow_http=True if the way to that server is safe."
        )
    match = re.match(r"/a/([^/]+)", parts.path)
    netloc = parts.netloc.rpartition("@")[2].lower()
    return Address(f"{parts.scheme}://{netloc}", match[1] if match else None)


def checked_name(name: str) -> str:
    """Return a domain's name; raise `QueryError` for what is none."""
    if not DOMAIN_NAME.fullmatch(name) or name in {".", ".."}:
        raise QueryError(
            f"{name!r} is no domain name: it may have letters, digits and - . _ : only, as in the web address "
            "https://www.commcarehq.org/a/<domain>/."
        )
    return name


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
