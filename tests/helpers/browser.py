"""A real browser on pages of the dashboard, which tells what a page asked for and complained of."""

import re
import shutil
import tempfile
import threading
import time
import urllib.parse
from contextlib import contextmanager

import pytest
import uvicorn
from packages import apt, installer

from acutance_platform.dashboard import create_app
from acutance_platform.dashboard.serving import _listen

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 60_000
"""Milliseconds for which a busy machine may keep a page waiting."""


class Server:
    """The dashboard of a home in a thread; `stop` and `start` on the same port."""

    def __init__(self, home, access=None):
        self._app = create_app(home, access)
        self.site = self._app.state.site
        self._port = 0
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def start(self):
        listening = _listen("127.0.0.1", self._port)
        self._port = listening.getsockname()[1]
        listening.listen(128)
        config = uvicorn.Config(
            self._app, log_level="warning", timeout_graceful_shutdown=1, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, daemon=True
        )
        self._thread.start()

    def stop(self):
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextmanager
def serving(home, access=None):
    """Give the running dashboard of a home."""
    server = Server(home, access)
    try:
        yield server
    finally:
        server.stop()
        server.site.closing.close()


def chromium():
    """Return the browser's path; it is installed (Debian's package) where it is missing."""
    if (found := shutil.which("chromium")) is not None:
        return found
    before = installer()
    if before is None:
        pytest.skip("no chromium here, and no way to install Debian's package")
    trouble = apt(before, ("install", "chromium"))
    assert trouble is None, trouble
    return shutil.which("chromium")


@contextmanager
def browsing(*, width=1280, height=900, dark=False):
    """Give a page of a fresh browser; on the way out it must not have complained or strayed.

    `page.strays` holds requests to other hosts, `page.complaints` the console's errors; what a
    test expects, such as the refused requests of a server that it stopped, it removes there.
    """
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            folder,
            executable_path=chromium(),
            args=list(_ARGUMENTS),
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        page = context.pages[0]
        page.set_default_timeout(PATIENCE)
        page.strays, page.complaints = [], []
        own = re.compile(r"(data|blob|about):")
        page.on(
            "request",
            lambda request: (
                None
                if own.match(request.url)
                or urllib.parse.urlsplit(request.url).hostname in ("127.0.0.1", "localhost")
                else page.strays.append(request.url)
            ),
        )
        page.on(
            "console",
            lambda said: page.complaints.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        try:
            yield page
            assert page.strays == []
            assert page.complaints == []
        finally:
            context.close()


def grave_faults(page):
    """Return what axe-core calls serious or critical about a page, as short lines."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:120]} ({node.get('failureSummary', '')[:160]})"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def eventually(look, seconds=60):
    """Return what `look` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)
    return found
