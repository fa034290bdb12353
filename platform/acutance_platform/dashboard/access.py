"""Who may look and who may change: tokens, a reverse proxy's header, or this machine's user.

On loopback without tokens everybody who reaches the port is the user that started it. Elsewhere
a request carries a token (typed once, then kept in a signed cookie; scripts send it as
`Authorization: Bearer`), or comes from a reverse proxy that names the user in a header.
"""

import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from starlette.requests import HTTPConnection

from acutance_platform.recipe import refuse
from acutance_platform.search.requests import asker

Role = Literal["viewer", "operator"]

COOKIE = "acutance_session"
CSRF_HEADER = "x-acutance-csrf"
LASTS = 7 * 24 * 3600
"""Seconds after which a login has to be repeated."""
_ROLES: tuple[Role, ...] = ("viewer", "operator")
_VARIABLES: Mapping[Role, str] = {
    "viewer": "ACUTANCE_DASHBOARD_VIEWER_TOKEN",
    "operator": "ACUTANCE_DASHBOARD_OPERATOR_TOKEN",
}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@final
@dataclass(frozen=True)
class User:
    """Who sent a request."""

    name: str
    """As the ledger and journals write it."""
    role: Role

    @property
    def operator(self) -> bool:
        """Whether it may change anything."""
        return self.role == "operator"


@final
@dataclass(frozen=True)
class Access:
    """The rules of one server.

    Attributes:
        tokens: Role -> the token that gives it; empty on loopback without a login.
        secret: Signs cookies and CSRF tokens; fresh ones end all logins.
        proxy_header: The header in which a reverse proxy names the user; None trusts none.
        proxies: Addresses from which that header is believed.
        operators: Users of the proxy who may change things; all others look.
    """

    tokens: Mapping[Role, str] = field(default_factory=dict, repr=False)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    proxy_header: str | None = None
    proxies: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()

    @property
    def open(self) -> bool:
        """Whether everybody who reaches the port is let in."""
        return not self.tokens and self.proxy_header is None

    def user(self, request: HTTPConnection) -> User | None:
        """Return who sent a request, None for a stranger."""
        if self.open:
            return User(asker(), "operator")
        named = self._from_proxy(request)
        if named is not None:
            return named
        if "authorization" in request.headers:
            return self._from_bearer(request)
        return self._from_cookie(request.cookies.get(COOKIE, ""))

    def role_of(self, token: str) -> Role | None:
        """Return what a token allows, None if it is none of ours."""
        given = token.encode()
        found = [r for r in _ROLES if hmac.compare_digest(self.tokens.get(r, "").encode(), given)]
        return found[0] if found and token else None

    def cookie(self, name: str, role: Role) -> str:
        """Return the value of a session's cookie; it ends after `LASTS` and with its token."""
        body = json.dumps([name, role, time.time() + LASTS, secrets.token_hex(8)]).encode().hex()
        return f"{body}.{self._sign('session', self.tokens.get(role, ''), body)}"

    def csrf(self, request: HTTPConnection) -> str:
        """Return what a page of this user sends along with every change."""
        user = self.user(request)
        session = request.cookies.get(COOKIE, "")
        return self._sign("csrf", user.name if user else "", session)

    def trusted_change(self, request: HTTPConnection) -> bool:
        """Say whether a changing request came from one of our own pages, or from a script.

        A script shows a token in a header that no browser adds on its own.
        """
        if self._from_bearer(request) is not None:
            return True
        given = request.headers.get(CSRF_HEADER, "")
        return same_site(request) and hmac.compare_digest(
            given.encode(), self.csrf(request).encode()
        )

    def forwarded(self, request: HTTPConnection) -> bool:
        """Say whether a request that needs no login came through a proxy, from who knows where."""
        return self.open and any(name in request.headers for name in _FORWARDED)

    def _from_proxy(self, request: HTTPConnection) -> User | None:
        if self.proxy_header is None or request.client is None:
            return None
        named = request.headers.getlist(self.proxy_header)
        # Two names are the proxy's and one that somebody slipped in: neither is believed.
        if len(named) != 1 or request.client.host not in self.proxies:
            return None
        name = named[0].strip()
        if not name or not name.isprintable():
            return None
        return User(name, "operator" if name in self.operators else "viewer")

    def _from_bearer(self, request: HTTPConnection) -> User | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        role = self.role_of(token.strip()) if scheme.lower() == "bearer" else None
        return User(f"{role} (token)", role) if role else None

    def _from_cookie(self, value: str) -> User | None:
        body, _, signature = value.partition(".")
        for role in _ROLES:
            if role not in self.tokens:
                continue
            ours = self._sign("session", self.tokens[role], body)
            if hmac.compare_digest(signature.encode(), ours.encode()):
                name, named, until, _ = json.loads(bytes.fromhex(body))
                # The name was typed by whoever knew the token; a proxy's or the system's was not.
                lasts = named == role and time.time() < until
                return User(f"{name} (token)", role) if lasts else None
        return None

    def _sign(self, *parts: str) -> str:
        """Return a signature; the first part says what for, so that none serves for another."""
        return hmac.new(self.secret, json.dumps(parts).encode(), hashlib.sha256).hexdigest()


def same_site(request: HTTPConnection) -> bool:
    """Say whether nothing tells that another site's page sent a request."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")


def is_loopback(host: str) -> bool:
    """Say whether an address or name can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def kept_access(folder: Path) -> Access:
    """Return tokens and secret of a folder, made there at the first call, readable by its user.

    `ACUTANCE_DASHBOARD_OPERATOR_TOKEN` and `ACUTANCE_DASHBOARD_VIEWER_TOKEN` replace the file's.

    Raises:
        RecipeErrors: If the file or a token cannot be used.
    """
    path = folder / "access.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = {role: secrets.token_urlsafe(24) for role in _ROLES}
        _write_private(path, json.dumps({**made, "secret": secrets.token_hex(32)}, indent=2))
    with suppress(OSError):  # a copy from elsewhere may be readable by others
        path.chmod(0o600)
    try:
        kept = json.loads(path.read_text())
        secret = bytes.fromhex(kept["secret"])
        tokens: dict[Role, str] = {role: str(kept[role]) for role in _ROLES}
    except (OSError, ValueError, KeyError, TypeError):
        way_out = "Delete it: new tokens are made."
        raise refuse("tokens", str(path), "this file cannot be read", way_out) from None
    for role in _ROLES:
        tokens[role] = os.environ.get(_VARIABLES[role]) or tokens[role]
        if len(tokens[role]) < 16:
            raise refuse(
                f"token of the {role}", None, "16 characters at least", "Use a longer one."
            )
    if tokens["viewer"] == tokens["operator"]:
        raise refuse("tokens", None, "the viewer's equals the operator's", "Give each its own.")
    return Access(tokens=tokens, secret=secret)


def tokens_are_set() -> bool:
    """Say whether the environment has a token: then one is wanted, also on loopback."""
    return any(os.environ.get(name) for name in _VARIABLES.values())


def _write_private(path: Path, text: str) -> None:
    """Write a file that its user alone can read, unless another process was first."""
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
