"""Plotly's own script out of its Python wheel, at an address that names its version."""

import functools
import gzip
import importlib.metadata
import importlib.resources
import re

from fastapi import APIRouter, Request
from fastapi.responses import Response

VERSION = importlib.metadata.version("plotly")
ADDRESS = f"/static/plotly-{VERSION}.min.js"
"""Another version has another address, so that a browser may keep it for good."""


def add_script(router: APIRouter) -> None:
    """Add the script's address to an area's routes."""

    @router.get(ADDRESS, include_in_schema=False)
    def script(request: Request) -> Response:
        heads = {
            "cache-control": "public, max-age=31536000, immutable",
            "vary": "accept-encoding",
        }
        body = _packed()
        if "gzip" in request.headers.get("accept-encoding", ""):
            heads["content-encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
        return Response(body, media_type="text/javascript; charset=utf-8", headers=heads)


@functools.cache
def brought_styles() -> tuple[str, ...]:
    """Return the ids of the style elements that the script adds unless there is one already.

    They are a map library's, which no figure here uses, and the content security policy refuses
    them: a page that has elements with these ids spares its readers the complaint.
    """
    return tuple(re.findall(r'getElementById\("([0-9a-f]{64})"\)', _script().decode()))


@functools.cache
def _packed() -> bytes:
    """Return it packed: 1.5 MB in place of 4.8."""
    return gzip.compress(_script(), compresslevel=6)


def _script() -> bytes:
    return (importlib.resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
