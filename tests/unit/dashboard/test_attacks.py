"""Every route under attack: what should not change anything changes nothing, and says so plainly.

The walk goes over the routes of the application, so a new one is attacked without being named here.
"""

import json

import pytest
from attacking import (
    SECRET,
    TOKENS,
    browser_heads,
    changing,
    filled,
    is_plain,
    routes_of,
    send,
    snapshot,
)
from browser import serving
from registered_example import make_registry

from acutance_platform.dashboard import Access
from acutance_platform.dashboard.access import COOKIE, CSRF_HEADER
from acutance_platform.dashboard.guard import MOST_BYTES

ANYBODYS = {"/login", "/logout"}
"""Changing routes that are no operator's: both concern the asker's own browser alone."""
VOTES = {"/api/blind/{name}/votes", "/api/blind/{name}/seen"}
"""What viewers may change too."""
NASTY = (
    "..",
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cetc%5cpasswd",
    "%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "sr%00.json",
    "%ff%fe",
    "%0d%0aSet-Cookie:%20a=b",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "{{7*7}}",
    "-1",
    "99999999999999999999999",
    "1e999",
    "a" * 4000,
    "%F0%9F%98%80",
    "x'%20OR%20'1'='1",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server with tokens in front of a registry, and what its store looks like."""
    home, _ = make_registry(tmp_path_factory.mktemp("world"))
    access = Access(tokens=TOKENS, secret=SECRET)
    with serving(home, access) as server:
        yield server, access, home


@pytest.fixture(autouse=True)
def _nothing_changes(world):
    before = snapshot(world[2])
    yield
    assert snapshot(world[2]) == before


def every_change(server):
    return [(method, filled(path)) for method, path, _ in changing(server._app)]


def test_only_an_operators_routes_change_anything(world):
    def callees(dependant):
        yield dependant.call
        for each in dependant.dependencies:
            yield from callees(each)

    site = world[0]._app.state.site
    routes = changing(world[0]._app)
    assert len(routes) >= 5
    for method, path, route in routes:
        if path not in ANYBODYS:
            wanted = site.member if path in VOTES else site.operator
            assert wanted in callees(route.dependant), f"{method} {path} is open to viewers"


def test_strangers_learn_nothing_but_that_they_have_to_log_in(world):
    server, _, _ = world
    for method, path in every_change(server):
        if path not in ANYBODYS:
            answer = send(server, method, path, {"Content-Type": "application/json"}, "{}")
            assert (answer.code, json.loads(answer.text)) == (401, {"error": "Log in first."})
    for route in routes_of(server._app):
        if "GET" not in (getattr(route, "methods", None) or ()):
            continue
        answer = send(server, "GET", filled(route.path))
        if route.path in ("/login", "/api/alive") or route.path.startswith("/static/"):
            assert answer.code == 200
        elif route.path.startswith("/api/"):
            assert answer.code == 401
        else:
            assert (answer.code, answer.text) == (303, ""), route.path
            assert answer.heads["location"].startswith("/login?to=")


def test_a_viewer_may_look_and_not_change(world):
    server, access, _ = world
    heads = browser_heads(server, access, role="viewer")
    script = {"Authorization": f"Bearer {TOKENS['viewer']}", "Content-Type": "application/json"}
    for method, path in every_change(server):
        if path not in ANYBODYS | set(map(filled, VOTES)):
            for each in (heads, script):
                answer = send(server, method, path, each, "{}")
                assert answer.code == 403, path
                assert "may look, not change" in answer.text


def wrong_ways(heads):
    """Yield the heads of an operator's browser with one thing wrong."""
    yield "no token", {k: v for k, v in heads.items() if k != CSRF_HEADER}
    yield "another token", {**heads, CSRF_HEADER: "0" * 64}
    yield "not ASCII", {**heads, CSRF_HEADER: "\xe9" * 64}
    yield "another site", {**heads, "Origin": "https://evil.example"}
    yield "an opaque site", {**heads, "Origin": "null"}
    yield "a longer name", {**heads, "Origin": heads["Origin"] + ".evil.example"}
    yield "cross-site", {**heads, "Sec-Fetch-Site": "cross-site"}
    yield "a neighbour", {**heads, "Sec-Fetch-Site": "same-site"}
    form = {**heads, "Content-Type": "application/x-www-form-urlencoded", "Origin": "https://e.x"}
    del form[CSRF_HEADER]
    yield "a form", form
    yield "a made-up bearer", {**heads, CSRF_HEADER: "", "Authorization": "Bearer 0123456789abcdef"}


def test_another_sites_page_changes_nothing_in_an_operators_name(world):
    server, access, _ = world
    heads = browser_heads(server, access)
    for method, path in every_change(server):
        if path == "/login":
            continue
        for what, wrong in wrong_ways(heads):
            answer = send(server, method, path, wrong, "{}")
            assert answer.code in (401, 403), (what, path, answer)
            assert is_plain(answer)


def test_a_login_from_another_site_is_refused_and_leads_nowhere_else(world):
    server, _, _ = world
    body = f"token={TOKENS['operator']}&to=//evil.example/"
    answer = send(server, "POST", "/login", {"Origin": "https://evil.example"}, body)
    assert answer.code == 403
    assert "set-cookie" not in answer.heads
    for to in ("//evil.example", "/%5Cevil.example", "https://evil.example", "/%09/evil.example"):
        answer = send(server, "POST", "/login", {}, f"token={TOKENS['operator']}&to={to}")
        assert (answer.code, answer.heads["location"]) == (303, "/"), to
        told = answer.heads["set-cookie"].lower()
        assert "httponly" in told
        assert "samesite=lax" in told
        assert TOKENS["operator"] not in told


def forged(access):
    """Yield cookies that nobody was given."""
    good = access.cookie("Eve", "viewer")
    body, _, signature = good.partition(".")
    operator = json.dumps(["Eve", "operator", 9e9, "0"]).encode().hex()
    yield f"{operator}.{signature}"
    yield f"{operator}."
    yield operator
    yield f"{body}.{signature[:-1]}{'0' if signature[-1] != '0' else '1'}"
    yield Access(tokens=TOKENS, secret=b"another").cookie("Eve", "operator")
    renewed = Access(tokens={**TOKENS, "operator": "it was changed later"}, secret=SECRET)
    yield renewed.cookie("Eve", "operator")
    # A signature of ours that was made for something else.
    yield f"csrf:Eve:.{access._sign('csrf', 'Eve', '')}"
    yield f"zz.{access._sign('session', TOKENS['viewer'], 'zzz')}"
    yield "\xe9.\xe9"
    yield "." * 3000


def test_forged_and_foreign_cookies_open_nothing(world):
    server, access, _ = world
    for cookie in forged(access):
        heads = {"Cookie": f"{COOKIE}={cookie}"}
        assert send(server, "GET", "/api/openapi.json", heads).code == 401, cookie
        assert send(server, "POST", "/api/ledger/verify", heads, "{}").code == 401, cookie


def test_a_host_or_address_that_lies_is_not_taken_for_an_open_page(world):
    server, _, _ = world
    for host in ("x/static/", "x/login?", "x/api/alive#", "x\\login"):
        answer = send(server, "GET", "/api/openapi.json", {"Host": host})
        assert answer.code in (400, 401)
    for path in (
        "/login/../api/openapi.json",
        "/static/../api/openapi.json",
        "/loginx",
        "//models",
    ):
        assert send(server, "GET", path).code in (303, 401, 404)


def test_too_much_is_refused_declared_and_in_chunks(world):
    server, access, _ = world
    heads = browser_heads(server, access)
    for method, path in every_change(server):
        declared = send(server, method, path, heads, b"x" * (MOST_BYTES + 1))
        assert (declared.code, is_plain(declared)) == (413, True), path
        chunks = iter([b'{"model": "'] + [b"x" * 9000] * 10)
        answer = send(server, method, path, heads, chunks)
        assert (answer.code, is_plain(answer)) == (413, True), path


BROKEN = (
    b"{",
    b"[]",
    b"null",
    b"7",
    b'"text"',
    b"\xff\xfe",
    b'{"model": 7, "name": null, "dry_run": "yes"}',
    b'{"model": ["a"], "name": {"a": 1}}',
    b'{"model": "sr/1", "name": "sr", "unknown": 1}',
    b'{"alias": "champion", "leaves": 1e400, "returns": NaN}',
    b'{"alias": "champion", "leaves": "2", "returns": "1"}',
    b'{"alias": "champion", "leaves": 2, "returns": 1}',
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"model": "' + b"a" * 60_000 + b'", "name": "sr"}',
    b'{"model": "/etc/passwd", "name": "sr"}',
    b'{"model": "../../good.safetensors", "name": "sr"}',
    b'{"model": "sr/1", "name": "../../x"}',
    b'{"model": "sr/1", "name": "sr", "gate": "../../x.yaml"}',
    b'{"model": "sr/1", "name": "sr", "data": "/etc"}',
    b'{"model": "sr/1", "name": "sr", "data": "photos@../../x"}',
)


def test_malformed_requests_of_an_operator_are_told_what_is_wrong(world):
    server, access, _ = world
    heads = browser_heads(server, access)
    for method, path in every_change(server):
        if path in ("/login", "/logout", "/api/ledger/verify"):
            continue
        for body in BROKEN:
            answer = send(server, method, path, heads, body)
            assert 400 <= answer.code < 500, (path, body[:60], answer)
            assert is_plain(answer), answer.text


def test_a_method_that_a_route_has_not_is_refused(world):
    server, access, _ = world
    heads = browser_heads(server, access)
    allowed = {}
    for route in routes_of(server._app):
        allowed.setdefault(route.path, set()).update(getattr(route, "methods", None) or ())
    for path, methods in allowed.items():
        for method in {"POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - methods:
            if path == "/static":
                continue
            answer = send(server, method, filled(path), heads, "{}")
            assert answer.code == 405, (method, path)
            assert is_plain(answer)


def test_no_path_leads_out_of_where_it_belongs(world):
    server, access, _ = world
    heads = browser_heads(server, access)
    asked = [
        filled(route.path, value)
        for route in routes_of(server._app)
        if "{" in route.path and "GET" in (getattr(route, "methods", None) or ())
        for value in NASTY
    ]
    asked += [f"/static/{value}" for value in NASTY]
    assert len(asked) > 100
    for path in asked:
        answer = send(server, "GET", path, heads)
        assert answer.code < 500, (path, answer.text[:400])
        assert answer.code != 200, path
        assert "root:" not in answer.text
        assert "<script>alert" not in answer.text
        assert "set-cookie" not in answer.heads
        assert "Traceback" not in answer.text


def test_every_answer_has_its_heads(world):
    server, access, _ = world
    heads = browser_heads(server, access)
    for path in ("/models", "/nowhere", "/api/nowhere", "/static/site.css", "/login", "/data/x"):
        answer = send(server, "GET", path, heads)
        assert "script-src 'self'" in answer.heads["content-security-policy"]
        assert "unsafe" not in answer.heads["content-security-policy"]
        assert answer.heads["x-content-type-options"] == "nosniff"
        kept = "no-cache" if path.startswith("/static/") else "no-store"
        assert answer.heads["cache-control"] == kept
