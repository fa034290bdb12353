"""Full-size presets take a training step in modest memory (Linux: it is read from /proc)."""

import sys

import pytest
from one_step import in_a_process_of_its_own

from acutance_models import PRESETS

MOST = 6 * 10**9  # bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")


def _mb(taken):
    return round(taken["peak_bytes"] / 1e6)


@pytest.mark.long
def test_a_full_size_step_takes_less_than_6_gb(record_property):
    """Every preset at x4: forward, L1, backward, Adam on a 24x24 LR patch, batch 1, float32."""
    steps = {
        name: in_a_process_of_its_own(name, 4)
        for name, preset in PRESETS.items()
        if 4 in preset.scales
    }
    for name, taken in steps.items():
        record_property(name, {"peak_mb": _mb(taken), "seconds": taken["seconds"]})
    assert {"rcan", "rdn-d16c8", "esrgan-23", "dbpn"} <= set(steps)
    assert {name: _mb(taken) for name, taken in steps.items() if taken["peak_bytes"] >= MOST} == {}


def test_a_step_of_a_slim_and_of_a_dense_network_is_measured():
    slim, dense = (in_a_process_of_its_own(name, 4) for name in ("carn-m", "rdn-d20c6"))
    for taken in (slim, dense):
        assert taken["peak_bytes_before"] < taken["peak_bytes"] < MOST
    # A gradient and two moments of each of 5.8 million numbers.
    assert dense["peak_bytes"] - dense["peak_bytes_before"] > 3 * 4 * 5_764_227
