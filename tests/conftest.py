"""What every test shares: the evidence that `long` tests leave, and object stores."""

import datetime
import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

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


_on_gpus = {}
"""What the `gpu` tests of this session came to, by test."""


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none, and say so."""
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="this machine has no CUDA device"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Write `docs/evidence/NAME.json` for each `long` test that ran, and note each on a GPU.

    A test adds what it measured with pytest's own fixture: `record_property("gain_db", 1.6)`.
    """
    report = yield
    if report.when == "call" and not report.skipped:
        ran = {
            "outcome": report.outcome,
            "seconds": round(report.duration, 1),
            "measured": dict(item.user_properties),
        }
        if item.get_closest_marker("long"):
            _write(item.name.removeprefix("test_"), {"test": item.nodeid, **ran})
        if item.get_closest_marker("gpu"):
            _on_gpus[item.nodeid] = ran
    return report


def pytest_sessionfinish():
    """Write `docs/evidence/CARD.json` of the `gpu` tests that ran."""
    if _on_gpus:
        _write(torch.cuda.get_device_name(), {"tests": _on_gpus})


def _write(name, content):
    described = describe_environment(EVIDENCE.parent)
    content |= {"date": datetime.datetime.now(datetime.UTC).date().isoformat()}
    content |= {key: described[key] for key in ("machine", "packages", "python")}
    file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    (EVIDENCE / f"{file}.json").write_text(json.dumps(content, indent=2) + "\n")


def _tables_restored():
    """Forget the rows that plug-ins added meanwhile, so that nothing later sees them."""
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


# Fixtures of a module register plug-ins before its first test begins.
_module_tables = pytest.fixture(autouse=True, scope="module")(_tables_restored)
_test_tables = pytest.fixture(autouse=True)(_tables_restored)


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
