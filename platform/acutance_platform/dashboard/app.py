"""The application: areas, the rules that hold for every request, and how errors are shown."""

import importlib.resources
import json

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from acutance_platform.dashboard import (
    comparing,
    data,
    figures,
    login,
    promoting,
    sweep_steering,
    sweeps,
    trials,
)
from acutance_platform.dashboard.access import Access
from acutance_platform.dashboard.guard import HEADS, Guard
from acutance_platform.dashboard.site import Site
from acutance_platform.recipe import RecipeErrors
from acutance_platform.verbs.home import Home
from acutance_storage import DatasetError, StorageError

_AREAS = (
    login.routes,
    sweeps.routes,
    figures.routes,
    trials.routes,
    sweep_steering.routes,
    comparing.routes,
    promoting.routes,
    data.routes,
)
"""What each area adds; one line per area."""


def create_app(home: Home, access: Access | None = None) -> FastAPI:
    """Return the dashboard of a store as an ASGI application.

    Args:
        home: The store that it shows, and this machine's folder.
        access: Who may look and change; None lets in everybody who reaches the port.
    """
    site = Site(home, access or Access())
    app = FastAPI(
        title="acutance dashboard",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        middleware=[Middleware(Guard, access=site.access)],
    )
    app.state.site = site
    for routes in _AREAS:
        app.include_router(routes(site))
    static = importlib.resources.files("acutance_platform.dashboard") / "static"
    app.mount("/static", StaticFiles(directory=str(static)), name="static")
    _add_root(app)
    _add_errors(app, site)
    return app


def _add_root(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def root() -> RedirectResponse:
        return RedirectResponse("/sweeps")

    @app.get("/api/alive")
    def alive() -> dict[str, str]:
        """Say that the server is there; open pages ask it when their stream ended."""
        return {"state": "alive"}


def _add_errors(app: FastAPI, site: Site) -> None:
    """Turn what is raised anywhere into one plain sentence: JSON below /api, else a page."""

    def shown(request: Request, code: int, text: str) -> Response:
        if request.url.path.startswith("/api/") or request.method != "GET":
            return JSONResponse({"error": text}, status_code=code)
        return site.page(request, "error.html.j2", status_code=code, code=code, text=text)

    def missing_or_bad(request: Request, error: Exception) -> Response:
        return shown(request, 404 if request.method == "GET" else 400, str(error))

    def unavailable(request: Request, error: Exception) -> Response:
        return shown(request, 503, str(error))

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, AnyHTTPException)
        return shown(request, error.status_code, str(error.detail))

    def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        lines = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()]
        return shown(request, 422, "; ".join(lines))

    def broken(request: Request, error: Exception) -> Response:
        answer = shown(request, 500, "The dashboard made a mistake; its terminal has the details.")
        answer.headers.update(HEADS)  # this answer goes out around the guard
        return answer

    app.add_exception_handler(RecipeErrors, missing_or_bad)
    app.add_exception_handler(DatasetError, missing_or_bad)
    app.add_exception_handler(StorageError, unavailable)
    app.add_exception_handler(AnyHTTPException, refused)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(json.JSONDecodeError, missing_or_bad)
    app.add_exception_handler(Exception, broken)
