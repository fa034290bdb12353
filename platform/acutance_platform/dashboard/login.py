"""Log in with a token, log out."""

import re
import urllib.parse

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from acutance_platform.dashboard.access import COOKIE
from acutance_platform.dashboard.site import Site

_PATH = re.compile(r"/[^/\\].*|/")  # a path of ours, not //elsewhere


def routes(site: Site) -> APIRouter:
    """Return the routes of this area."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def ask(request: Request, to: str = "/") -> Response:
        return site.page(request, "login.html.j2", to=_own(to), wrong=False)

    @router.post("/login")
    async def check(request: Request) -> Response:
        fields = urllib.parse.parse_qs((await request.body()).decode("utf-8", "replace"))
        to = _own(fields.get("to", ["/"])[0])
        role = site.access.role_of(fields.get("token", [""])[0].strip())
        if role is None:
            return site.page(request, "login.html.j2", status_code=401, to=to, wrong=True)
        name = " ".join(fields.get("name", [""])[0].split())[:60] or role
        answer = RedirectResponse(to, status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, site.access.cookie(name, role), httponly=True, samesite="strict", secure=secure
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


def _own(path: str) -> str:
    return path if _PATH.fullmatch(path) else "/"
