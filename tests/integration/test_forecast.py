"""The forecast's interval covers what sweeps really take; the rest of its arithmetic."""

import pytest
from small_sweeps import SWEEPS, forecast_and_real
from tiny_trainings import Place, write_pictures

from acutance_platform.search.fold import Sweep
from acutance_platform.search.forecast import halving_steps, remaining
from acutance_platform.search.schedulers import Asha, NoScheduler


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    return Place(folder, write_pictures(folder / "pictures"))


def test_a_sweep_takes_the_hours_that_were_forecast(place):
    row = forecast_and_real("blocks and rates, to the end", place)
    assert row["low"] < row["expected"] < row["high"] < 12 * row["low"]
    # Wide, since other tests run beside: the bar is in the campaign below.
    assert row["low"] / 3 < row["real"] < 3 * row["high"], row


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_forecast_covers_the_real_hours_of_eight_of_ten_sweeps(place, record_property):
    rows = {name: forecast_and_real(name, place) for name in SWEEPS}
    for name, row in rows.items():
        record_property(name, row)
    inside = sum(row["inside"] for row in rows.values())
    record_property("inside", inside)
    record_property("inside_halfway", sum(row["halfway_inside"] for row in rows.values()))
    assert inside >= 8, rows


def test_halving_counts_what_each_rung_lets_pass():
    halving = Asha(first_rung=0.25, reduction=2)
    assert halving_steps(halving, (25, 50, 100), 8, generous=1.0) == 8 * 25 + 4 * 25 + 2 * 50
    assert halving_steps(halving, (25, 50, 100), 8, generous=1.6) == 8 * 25 + 6 * 25 + 5 * 50
    assert halving_steps(halving, (125, 150, 200), 8, generous=1.0, before=100) == 400
    assert halving_steps(NoScheduler(), (100,), 8, generous=1.6) == 800


def _sweep(budget, executed, *, stages=(), ended=None, sampler="random"):
    """Return a sweep of 4 trials of 100 steps, the first two begun, after 36 s."""
    sweep = Sweep()
    space = {"a": {"choice": [1, 2, 3, 4]}}
    search = {"space": space, "objectives": {"psnr_y": "max"}, "budget": budget}
    search |= {"sampler": {"kind": sampler}, "scheduler": {"kind": "none"}}
    sweep.apply({"do": "sweep", "name": "s", "spec": {"search": search}, "time": 0.0})
    sweep.apply({"do": "start", "driver": "d", "host": "h", "time": 0.0})
    for name, done in zip(("t0000", "t0001"), executed, strict=False):
        ask = {"do": "ask", "trial": name, "recipe": {}, "rungs": [100], "time": 1.0}
        sweep.apply(ask | {"stages": [list(stage) for stage in stages]})
        sweep.apply(
            {"do": "report", "trial": name, "step": done, "metrics": {}, "executed": done,
             "cpu_seconds": 1.0, "gpu_seconds": 0.0, "time": 36.0}
        )  # fmt: skip
    if ended:
        sweep.apply({"do": "finish", "state": ended, "reason": "", "time": 36.0})
    return sweep


def test_what_is_left_follows_what_was_spent():
    left = remaining(_sweep({"trials": 4}, (100, 50)))
    assert left["expected"] == pytest.approx(36 / 150 * 250 / 3600)
    assert left["low"] < left["expected"] < left["high"]


def test_what_is_left_forgets_how_long_the_start_took():
    sweep = _sweep({"trials": 4}, (100,))
    later = {"do": "report", "trial": "t0000", "step": 200, "metrics": {}, "executed": 100}
    sweep.apply(later | {"cpu_seconds": 1.0, "gpu_seconds": 0.0, "time": 46.0})
    assert remaining(sweep)["expected"] == pytest.approx(10 / 100 * 200 / 3600)


def test_what_is_left_of_a_grid_is_the_rest_of_its_points():
    of_four = remaining(_sweep({"trials": 4}, (100, 50)))
    assert remaining(_sweep({}, (100, 50), sampler="grid")) == of_four


def test_what_is_left_ends_with_the_budget():
    by_steps = remaining(_sweep({"trials": 4, "steps": 160}, (100, 50)))
    assert by_steps["expected"] == pytest.approx(36 / 150 * 10 / 3600)
    by_hours = remaining(_sweep({"trials": 4, "wall_hours": 0.011}, (100, 50)))
    assert by_hours["high"] == pytest.approx(0.001)


def test_stages_that_trials_share_are_left_once():
    alone = remaining(_sweep({"trials": 4}, (100, 50), stages=[("a", 40), ("b", 100)]))
    # One start of 40 steps for two trials, so two for four; 60 steps more for each of the four.
    assert alone["expected"] == pytest.approx(36 / 150 * (80 + 240 - 150) / 3600)


def test_nothing_is_told_before_the_first_steps_after_the_end_and_without_a_limit():
    assert remaining(_sweep({"trials": 4}, (0, 0))) is None
    assert remaining(_sweep({"trials": 4}, (100, 50), ended="COMPLETE")) is None
    assert remaining(_sweep({"trials": 4}, (100, 50), ended="INTERRUPTED")) is not None
    assert remaining(_sweep({"cpu_hours": 4}, (100, 50))) is None
