"""Run the dashboard's server on an address, and say where it is."""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import final

import uvicorn

from acutance_platform.dashboard.access import Access, is_loopback, kept_access, tokens_are_set
from acutance_platform.dashboard.app import create_app
from acutance_platform.dashboard.site import Site
from acutance_platform.recipe import refuse
from acutance_platform.verbs.home import Home

PORT = 8420
"""Where it listens unless told otherwise."""


def chosen_access(
    home: Home,
    host: str,
    *,
    proxy_header: str | None = None,
    proxies: Sequence[str] = (),
    operators: Sequence[str] = (),
    tokens: bool = False,
) -> Access:
    """Return the rules for an address: none on loopback, tokens or a proxy's header elsewhere.

    Args:
        home: In whose local folder tokens are kept, `dashboard/access.json`.
        host: Address or name to listen on.
        proxy_header: The header in which a reverse proxy names the user.
        proxies: Addresses of that proxy.
        operators: Its users who may change things.
        tokens: Whether to ask for tokens on loopback as well.

    Raises:
        RecipeErrors: If tokens cannot be used or the options contradict one another.
    """
    if proxy_header is None:
        if proxies or operators:
            way_out = "Add --proxy-header X-Forwarded-User, or leave them out."
            raise refuse("--operator", None, "users are named by a proxy's header", way_out)
        kept = kept_access(home.local / "dashboard")
        asked = tokens or tokens_are_set() or not is_loopback(host)
        # Without a login the secret is kept as well: an open page survives a new start.
        return kept if asked else Access(secret=kept.secret)
    return Access(
        secret=kept_access(home.local / "dashboard").secret,
        proxy_header=proxy_header.lower(),
        proxies=frozenset(proxies or ("127.0.0.1", "::1")),
        operators=frozenset(operators),
    )


def serve(
    home: Home, access: Access, *, host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Answer requests until the process is told to end.

    Args:
        home: The store that is shown.
        access: Who may look and change.
        host: Address or name to listen on.
        port: 0 takes a free one.
        ready: Called with the dashboard's address once it can be opened.

    Raises:
        RecipeErrors: If the address cannot be listened on.
    """
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}/"
    app = create_app(home, access)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # addresses may name what their reader wants to keep to himself
        server_header=False,
        timeout_graceful_shutdown=2,  # live pages hold their streams open for good
        timeout_keep_alive=15,
        proxy_headers=False,  # who sent a request is asked of the connection itself
    )
    listening.listen(128)  # from here on a browser waits instead of being refused
    ready(address)
    with suppress(KeyboardInterrupt):  # uvicorn raises it anew when all is closed
        _Server(config, app.state.site).run(sockets=[listening])


@final
class _Server(uvicorn.Server):
    """A server that ends its live pages' streams itself, where it would wait and then complain."""

    def __init__(self, config: uvicorn.Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._site.streams.close()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        way_out = "Choose another with --host and --port; --port 0 takes a free one."
        raise refuse("--port", f"{host}:{port}", f"cannot listen there: {why}", way_out) from None
    return listening
