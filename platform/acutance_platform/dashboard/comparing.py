"""Pictures of models: side by side, and blind. What both share is made here."""

from fastapi import APIRouter

from acutance_platform.dashboard import blind, pictures
from acutance_platform.dashboard.panels import Panels
from acutance_platform.dashboard.site import Site
from acutance_platform.dashboard.studio import Studio


def routes(site: Site) -> APIRouter:
    """Return the pages and answers of /compare and /blind."""
    studio = Studio(site.home)
    site.closing.callback(studio.close)
    panels = Panels(site.home, site.index, studio.key)
    router = APIRouter()
    router.include_router(pictures.routes(site, studio, panels))
    router.include_router(blind.routes(site, studio, panels))
    return router
