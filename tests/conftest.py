"""What every test shares: the evidence that `long` tests leave."""

import datetime
import json
import re
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
