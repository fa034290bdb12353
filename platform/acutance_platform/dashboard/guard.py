"""What holds for every request before any area sees it, and the heads of every answer."""

from typing import Final, final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acutance_platform.dashboard.access import Access, is_loopback

MOST_BYTES: Final = 64 * 1024
"""Of a request's body; nothing here uploads pictures."""

_OPEN: Final = ("/login", "/static/", "/api/alive")
_HEADS: Final = {
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
}


class _TooLarge(Exception):
    """More came than a request may bring."""


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
            return await self._app(scope, receive, send)
        request, told, begun = Request(scope), 0, False

        async def limited() -> Message:
            nonlocal told
            message = await receive()
            told += len(message.get("body", b""))
            if told > MOST_BYTES:
                raise _TooLarge
            return message

        async def headed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                heads = MutableHeaders(scope=message)
                for name, value in _HEADS.items():
                    heads.setdefault(name, value)
                heads.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._refusal(request)
        try:
            await (answer or self._app)(scope, limited, headed)
        except _TooLarge:
            if not begun:
                await _too_large()(scope, receive, headed)
        return None

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not pass, None for one that may."""
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return _too_large()
        if self._access.open and not is_loopback(_name(request.headers.get("host", ""))):
            # Another site's name that was made to point here (DNS rebinding) is not us.
            return JSONResponse({"error": "This dashboard is at localhost."}, status_code=400)
        if request.url.path.startswith(_OPEN) or self._access.user(request) is not None:
            return None
        if request.url.path.startswith("/api/") or request.method not in ("GET", "HEAD"):
            return JSONResponse({"error": "Log in first."}, status_code=401)
        if self._access.proxy_header is not None and not self._access.tokens:
            return JSONResponse({"error": "The proxy named no user."}, status_code=401)
        return RedirectResponse(f"/login?to={request.url.path}", status_code=303)


def _too_large() -> Response:
    text = f"A request may bring {MOST_BYTES:,} bytes."
    return JSONResponse({"error": text}, status_code=413)


def _name(host: str) -> str:
    """Return a Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
