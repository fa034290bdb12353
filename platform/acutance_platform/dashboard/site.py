"""What all areas of the dashboard share: where things lie, who asks, how a page is made."""

from contextlib import ExitStack
from typing import Any, final

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from acutance_platform.dashboard.access import Access, User
from acutance_platform.dashboard.index import Index
from acutance_platform.dashboard.streams import Streams
from acutance_platform.dashboard.words import FILTERS
from acutance_platform.verbs.home import Home

AREAS = (
    ("Sweeps", "/sweeps"),
    ("Compare", "/compare"),
    ("Blind test", "/blind"),
    ("Models", "/models"),
    ("Data", "/data"),
)
"""What the head of every page links to."""


@final
class Site:
    """One dashboard.

    Args:
        home: The store that it shows, and this machine's folder.
        access: Who may look and change.
    """

    def __init__(self, home: Home, access: Access) -> None:
        self.home, self.access = home, access
        self.index = Index(home)
        self.streams = Streams()
        self.closing = ExitStack()
        """Ends what areas have running beside the server."""
        self._templates = Environment(
            loader=PackageLoader("acutance_platform.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)

    def page(self, request: Request, template: str, /, **shown: Any) -> HTMLResponse:
        """Return a page made of `templates/NAME`, which extends `base.html.j2`.

        Args:
            request: Whose path marks the area that one is in.
            template: File name.
            shown: Its variables; `status` is the response's status code, 200 unless given.
        """
        status = shown.pop("status_code", 200)
        user = self.access.user(request)
        text = self._templates.get_template(template).render(
            areas=AREAS,
            path=request.url.path,
            user=user,
            login=not self.access.open,
            csrf=self.access.csrf(request) if user is not None else "",
            **shown,
        )
        return HTMLResponse(text, status_code=status)

    def member(self, request: Request) -> User:
        """Return who asks for a change that everybody who is logged in may make, as a vote is.

        Raises:
            HTTPException: 401 or 403 for a stranger, and for a request that came from another
                site's page.
        """
        user = self.access.user(request)
        if user is None:
            raise HTTPException(401, "Log in first.")
        if not self.access.trusted_change(request):
            raise HTTPException(403, "This did not come from a page of this dashboard. Reload it.")
        return user

    def operator(self, request: Request) -> User:
        """Return who asks for a change; a dependency of every changing route but votes.

        Raises:
            HTTPException: As for `member`, and 403 for who may not change anything.
        """
        user = self.access.user(request)
        if user is not None and not user.operator:
            raise HTTPException(403, f"{user.name} may look, not change. Use an operator's token.")
        return self.member(request)
