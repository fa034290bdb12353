"""What holds for every request before any area sees it, and the heads of every answer."""

import re
import urllib.parse
from typing import Final, final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acutance_platform.dashboard.access import Access, is_loopback

MOST_BYTES: Final = 64 * 1024
"""Of a request's body; nothing here uploads pictures."""

_HOST: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_STATIC: Final = "/static/"
_OPEN: Final = ("/login", "/api/alive")
HEADS: Final = {
    # The second source is the hash of an empty text: a script may add an empty <style> and fill it
    # with rules of its own, which markup that slipped into a page could not.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:;"
        " style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; font-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer."""


@final
class Guard:
    """ASGI middleware.

    Args:
        app: What answers requests that may pass.
        access: Who they are.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return None  # there are no other kinds here, so nobody has to guard them

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_heads(MutableHeaders(scope=message), scope["path"])
            await send(message)

        answer = self._refusal(Request(scope))
        if answer is not None:
            return await answer(scope, receive, headed)
        body = await _body(receive)
        if body is None:
            return await _too_large()(scope, receive, headed)
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def received() -> Message:
            return waiting.pop() if waiting else await receive()

        return await self._app(scope, received, headed)

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not pass, None for one that may."""
        length = request.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 20):
            return _plain(400, "Its content-length is no number.")
        if int(length) > MOST_BYTES:
            return _too_large()
        if self._access.open and not is_loopback(_name(request.headers.get("host", ""))):
            # Another site's name that was made to point here (DNS rebinding) is not us.
            return _plain(400, "This dashboard is at localhost.")
        if self._access.forwarded(request):
            return _plain(403, "This dashboard lets no proxy in. Start it with --tokens.")
        # As routes see it: the address that a request claims is made of its Host header as well.
        path = request.scope["path"]
        if path in _OPEN or path.startswith(_STATIC) or self._access.user(request) is not None:
            return None
        if path.startswith("/api/") or request.method not in ("GET", "HEAD"):
            return _plain(401, "Log in first.")
        if self._access.proxy_header is not None and not self._access.tokens:
            return _plain(401, "The proxy named no user.")
        query = request.scope["query_string"].decode("latin-1")
        wanted = urllib.parse.quote(f"{path}?{query}" if query else path)
        return RedirectResponse(f"/login?to={wanted}", status_code=303)


def _add_heads(heads: MutableHeaders, path: str) -> None:
    if path.startswith(_STATIC):
        heads.setdefault("cache-control", "no-cache")  # kept, and asked for by its hash
    for name, value in HEADS.items():
        heads.setdefault(name, value)


async def _body(receive: Receive) -> bytes | None:
    """Return what a request brings, however it is sent; None where that is too much."""
    parts, more = bytearray(), True
    while more:
        message = await receive()
        parts += message.get("body", b"")
        more = message.get("more_body", False)  # who hangs up brings no more either
        if len(parts) > MOST_BYTES:
            return None
    return bytes(parts)


def _plain(code: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=code)


def _too_large() -> Response:
    return _plain(413, f"A request may bring {MOST_BYTES:,} bytes.")


def _name(host: str) -> str:
    """Return a Host header without its port; empty where it is no name."""
    found = _HOST.fullmatch(host)
    return found[1] if found else ""
