"""What every test shares: the evidence that `long` tests leave, and object stores."""

import datetime
import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from acutance_models import (
    DEGRADATIONS,
    DISCRIMINATORS,
    FEATURES,
    GENERATORS,
    LOSSES,
    METRICS,
)
from acutance_platform.recipe import plugins
from acutance_platform.tracking import describe_environment

EVIDENCE = Path(__file__).parents[1] / "docs" / "evidence"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Write `docs/evidence/NAME.json` for each `long` test that ran.

    A test adds what it measured with pytest's own fixture: `record_property("gain_db", 1.6)`.
    """
    report = yield
    if report.when == "call" and not report.skipped and item.get_closest_marker("long"):
        described = describe_environment(EVIDENCE.parent)
        content = {
            "test": item.nodeid,
            "outcome": report.outcome,
            "seconds": round(report.duration, 1),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "measured": dict(item.user_properties),
            "machine": described["machine"],
            "packages": described["packages"],
            "python": described["python"],
        }
        name = re.sub(r"[^a-z0-9]+", "-", item.name.removeprefix("test_").lower()).strip("-")
        EVIDENCE.mkdir(parents=True, exist_ok=True)
        (EVIDENCE / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    return report


@pytest.fixture(autouse=True)
def _tables_as_shipped():
    """Forget the rows that a test's plug-in added, so that no later test sees them."""
    kept = [
        (rows, dict(rows))
        for table in (GENERATORS, DISCRIMINATORS, FEATURES, LOSSES, DEGRADATIONS, METRICS)
        for rows in (table._table, table._schemas)
    ]
    known = dict(plugins._registered)
    yield
    for rows, shipped in [*kept, (plugins._registered, known)]:
        rows.clear()
        rows.update(shipped)


@pytest.fixture(scope="session")
def _services(tmp_path_factory):
    """The object stores that were asked for so far; each is started once."""
    # Not at the top: Swift and moto are for a few tests, and moto takes a second to import.
    import object_stores

    started = {}
    with ExitStack() as running:

        def start(name):
            if name not in started:
                starting = {
                    "moto": object_stores.moto,
                    "swift": lambda: object_stores.swift(tmp_path_factory.mktemp("swift")),
                }
                started[name] = running.enter_context(starting[name]())
            return started[name]

        yield start


@pytest.fixture
def service(request, _services, monkeypatch):
    """An object store that this test's environment points at: Swift, or what `param` names."""
    found = _services(getattr(request, "param", "swift"))
    for name, value in found.variables.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return found
