"""Requests as an attacker writes them: raw paths and heads, nothing made tidy on the way."""

import hashlib
import http.client
import json
import re
from dataclasses import dataclass

from acutance_platform.dashboard.access import COOKIE, CSRF_HEADER

TOKENS = {"viewer": "viewer-token-of-test", "operator": "operator-token-of-test"}
SECRET = b"a secret that nobody may see"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    code: int
    heads: dict
    text: str


def send(server, method, path, heads=None, body=None):
    """Return the answer to one request; `body` may be an iterable, which is sent in chunks."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    try:
        connection.request(method, path, body=body, headers=heads or {})
        answer = connection.getresponse()
        given = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, given, answer.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def browser_heads(server, access, role="operator", name="Eve"):
    """Return what a logged-in person's browser sends with a change from one of our pages."""
    cookie = {"Cookie": f"{COOKIE}={access.cookie(name, role)}"}
    page = send(server, "GET", "/models/promote", cookie)
    assert page.code == 200, page.text
    csrf = re.search(r'name="csrf" content="(\w+)"', page.text)[1]
    return {
        **cookie,
        CSRF_HEADER: csrf,
        "Origin": server.url,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/json",
    }


def routes_of(app):
    """Yield every route of an application, also those of included routers and mounts."""
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop(0)
        router = getattr(route, "original_router", None)
        if router is not None:
            waiting += router.routes
        else:
            yield route


def changing(app):
    """Return (method, path, route) of all that may change something."""
    return [
        (method, route.path, route)
        for route in routes_of(app)
        for method in sorted(getattr(route, "methods", None) or ())
        if method not in ("GET", "HEAD", "OPTIONS")
    ]


def filled(path, value="x"):
    """Return a route's path with `value` for each of its parameters."""
    return re.sub(r"\{[^}]*\}", value, path)


def snapshot(home):
    """Return the hash of every file of a store and of its local folder, but locks."""
    folders = (home.local, home.local.parent / "store")
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix != ".lock"
    }


def is_plain(answer):
    """Say whether an error is one sentence for people: no traceback, path of ours, or secret."""
    told = answer.text
    if "json" in answer.heads.get("content-type", ""):
        told = json.loads(told)["error"]
    bad = ("Traceback", 'File "', "site-packages", SECRET.decode(), SECRET.hex(), *TOKENS.values())
    return not any(each in told for each in bad)
