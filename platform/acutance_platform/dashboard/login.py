"""Log in with a token, log out."""

import re
import urllib.parse

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from acutance_platform.dashboard.access import COOKIE, LASTS, same_site
from acutance_platform.dashboard.site import Site

_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")  # a path of ours, not //elsewhere


def routes(site: Site) -> APIRouter:
    """Return the routes of this area."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def ask(request: Request, to: str = "/") -> Response:
        return site.page(request, "login.html.j2", to=_own(to), wrong=False)

    @router.post("/login")
    async def check(request: Request) -> Response:
        if not same_site(request):
            raise HTTPException(403, "This did not come from a page of this dashboard.")
        fields = urllib.parse.parse_qs((await request.body()).decode("utf-8", "replace"))
        to = _own(fields.get("to", ["/"])[0])
        role = site.access.role_of(fields.get("token", [""])[0].strip())
        if role is None:
            return site.page(request, "login.html.j2", status_code=401, to=to, wrong=True)
        name = _printable(fields.get("name", [""])[0]) or role
        answer = RedirectResponse(to, status_code=303)
        # Who says so falsely keeps his own browser from sending the cookie, nobody else's.
        schemes = (request.url.scheme, request.headers.get("x-forwarded-proto"))
        answer.set_cookie(
            COOKIE,
            site.access.cookie(name, role),
            max_age=LASTS,
            httponly=True,
            samesite="lax",  # a link in somebody's message opens; changes carry a token besides
            secure="https" in schemes,
        )
        return answer

    @router.post("/logout")
    def leave(request: Request) -> Response:
        if not site.access.trusted_change(request):
            raise HTTPException(403, "This did not come from a page of this dashboard.")
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE)
        return answer

    return router


def _printable(name: str) -> str:
    """Return a name without what would not show, or would turn around what follows it."""
    shown = "".join(each if each.isprintable() else " " for each in name)
    return " ".join(shown.split())[:60]


def _own(path: str) -> str:
    return path if _PATH.fullmatch(path) else "/"
