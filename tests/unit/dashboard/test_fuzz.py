"""Requests drawn from the description of every route: no server error, and what was declared."""

import pytest
import requests
import schemathesis
from attacking import SECRET, TOKENS, routes_of, snapshot
from browser import serving
from hypothesis import HealthCheck, Phase, given, settings
from registered_example import make_registry
from schemathesis.checks import CHECKS
from schemathesis.core.transport import Response as SchemathesisResponse

from acutance_platform.dashboard import Access

STARTS = {"/api/ledger/verify", "/logout"}
"""Would start MLflow's server, or read nothing of what is drawn."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    home, _ = make_registry(tmp_path_factory.mktemp("world"))
    with serving(home, Access(tokens=TOKENS, secret=SECRET)) as server:
        yield server, home


def operations(server):
    """Return every route as an operation of OpenAPI, pages as well, which declare no type."""
    app = server._app
    shown = {route.path for route in routes_of(app) if getattr(route, "include_in_schema", True)}
    for route in routes_of(app):
        if hasattr(route, "dependant"):
            route.include_in_schema = True
    app.openapi_schema = None
    schema = schemathesis.openapi.from_dict(app.openapi())
    found = [each.ok() for each in schema.get_all_operations()]
    return [(each, each.path in shown) for each in found if each.path not in STARTS]


def attack(server, operation, declared, role, examples):
    """Send drawn requests of one operation; a small number of pages', which draw little."""
    session = requests.Session()
    heads = {"Authorization": f"Bearer {TOKENS[role]}"}
    wanted = {"content_type_conformance", "response_headers_conformance"} if declared else set()
    checks = [check for check in CHECKS.get_all() if check.__name__ in wanted]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def answered(case):
        sent = case.as_transport_kwargs(base_url=server.url)
        sent["headers"] = {**(sent.get("headers") or {}), **heads}
        answer = session.request(**sent, allow_redirects=False, timeout=120, stream=True)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.close()  # it would go on for good
            return
        assert answer.status_code < 500, (sent, answer.text[:300])
        assert "Traceback" not in answer.text
        if answer.status_code >= 400 and "json" in answer.headers.get("content-type", ""):
            assert set(answer.json()) == {"error"}
        elif answer.status_code < 400 and checks:
            case.validate_response(SchemathesisResponse.from_requests(answer, True), checks=checks)

    answered()


def test_no_drawn_request_breaks_the_server(world):
    server, home = world
    before, found = snapshot(home), operations(server)
    assert len(found) >= 10
    for operation, declared in found:
        attack(server, operation, declared, "operator", 8 if declared else 3)
    assert snapshot(home) == before


@pytest.mark.long
def test_no_drawn_request_breaks_the_server_in_a_long_run(world):
    server, _ = world
    for operation, declared in operations(server):
        for role in ("viewer", "operator"):
            attack(server, operation, declared, role, 400)
