"""Pages with figures: curves, front, parallel coordinates; and the columns that they draw."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from acutance_platform.dashboard.coordinates import coordinates
from acutance_platform.dashboard.curves import CHOICES, MOST, Over, curves
from acutance_platform.dashboard.kept import Document, Kept
from acutance_platform.dashboard.plotly_script import ADDRESS, add_script, brought_styles
from acutance_platform.dashboard.points import Points, card, read_view
from acutance_platform.dashboard.site import Site
from acutance_platform.dashboard.weighing import Weighing
from acutance_platform.report.theme import THEMES
from acutance_platform.search.course import Course

_Short = Annotated[str, Query(max_length=200)]
_Rules = Annotated[list[str], Query(max_length=40)]
_PALETTE: Final = {name: asdict(theme) for name, theme in THEMES.items()}


def routes(site: Site) -> APIRouter:
    """Return the routes of this area."""
    router = APIRouter()
    kept = Kept(site.index)
    site.index.hearers.append(Course)
    add_script(router)
    _add_pages(router, site)
    _add_front(router, site, kept)
    _add_others(router, site, kept)
    return router


def _add_pages(router: APIRouter, site: Site) -> None:
    def page(request: Request, name: str, tab: str, **shown: Any) -> HTMLResponse:
        with site.index.sweep(name) as known:
            sweep = known.told.sweep
            facts: Mapping[str, Any] = {
                "state": sweep.state,
                "search": sweep.search is not None,
                "trials": len(sweep.trials),
                "version": known.version,
            }
        template = f"{tab.lower()}.html.j2"
        shown |= {"name": name, "tab": tab, "facts": facts}
        shown |= {"plotly": ADDRESS, "brought": brought_styles(), "palette": _PALETTE}
        return site.page(request, template, **shown)

    @router.get("/sweeps/{name}/curves", include_in_schema=False)
    def curves_page(request: Request, name: str) -> HTMLResponse:
        return page(request, name, "Curves", choices=CHOICES, most=MOST)

    @router.get("/sweeps/{name}/front", include_in_schema=False)
    def front_page(request: Request, name: str) -> HTMLResponse:
        return page(request, name, "Front")

    @router.get("/sweeps/{name}/parallel", include_in_schema=False)
    def parallel_page(request: Request, name: str) -> HTMLResponse:
        return page(request, name, "Parallel")


def _add_front(router: APIRouter, site: Site, kept: Kept) -> None:
    @router.get("/api/sweeps/{name}/front")
    def columns(request: Request, name: str) -> Response:
        """Return every complete trial and interpolated model of a sweep, as columns."""
        return kept.get(name, "points", Points).document.answer(request)

    @router.get("/api/sweeps/{name}/front/left")
    def left(
        name: str,
        x: _Short = "",
        y: _Short = "",
        of: _Short = "",
        by: _Short = "",
        where: _Rules = [],  # noqa: B006
    ) -> dict[str, Any]:
        """Return the exact front of the points that meet the rules `where`, such as psnr_y>=28."""
        points = kept.get(name, "points", Points)
        return points.left(read_view(points, x, y, of, where, by))

    @router.get("/api/sweeps/{name}/points/{point}")
    def one(name: str, point: str) -> dict[str, Any]:
        """Return what is said of a trial or an interpolated model: metrics and recipe."""
        with site.index.sweep(name) as known:
            return card(known, point)


def _add_others(router: APIRouter, site: Site, kept: Kept) -> None:
    weighing = Weighing(site.index)

    @router.get("/api/sweeps/{name}/curves")
    def learning_curves(
        request: Request,
        name: str,
        metric: _Short = "",
        over: Over = "steps",
        choice: _Short = "best",
        q: Annotated[str, Query(max_length=2_000)] = "",
        most: Annotated[int, Query(ge=1, le=MOST)] = MOST,
    ) -> Response:
        """Return learning curves of a metric, `MOST` at most."""
        asked = (metric, over, choice, q, most)
        found = kept.get(
            name,
            ("curves", *asked),
            lambda known: Document(
                curves(known, metric=metric, over=over, choice=choice, q=q, most=most)
            ),
        )
        return found.answer(request)

    @router.get("/api/sweeps/{name}/parallel")
    def parallel(request: Request, name: str) -> Response:
        """Return the searched paths and the results of every trial, as columns."""
        return kept.get(name, "parallel", lambda known: Document(coordinates(known))).answer(
            request
        )

    @router.get("/api/sweeps/{name}/importance")
    def importance(name: str) -> dict[str, Any]:
        """Return how much each searched path matters; asked again while it is calculated."""
        return weighing.ask(name)
