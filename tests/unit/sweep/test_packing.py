"""A forecast counts as many trials at once as the driver would let run."""

from types import SimpleNamespace

import pytest
import torch

from acutance_platform.recipe import build_recipe
from acutance_platform.sweep.admission import Admission
from acutance_platform.sweep.gpus import Gpu
from acutance_platform.sweep.placing import Node, Share
from acutance_platform.sweep.shares import packer
from acutance_platform.verbs import packing

GIB = 2**30


@pytest.fixture
def machine(monkeypatch):
    """Make this a machine of so many CPUs and GPUs of 16 GiB each."""

    def make(cpus, gpus, context=GIB // 2):
        monkeypatch.setattr(packing, "_cpus", lambda: cpus)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (0, 16 * GIB))
        monkeypatch.setattr(packing, "machine_kind", lambda recipe: None)
        known = SimpleNamespace(context=context) if context else None
        monkeypatch.setattr(packing, "known_speed", lambda machine, local: known)

    return make


def recipe(seed=0, **resources):
    return build_recipe(
        {
            "scale": 2,
            "seed": seed,
            "data": {"dataset": "none", "patch": 32, "batch": 2},
            "generator": {"kind": "srresnet", "channels": 4, "blocks": 1},
            "stages": {"train": {"steps": 1, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
            "resources": {"cpu": 1, **resources},
        }
    )


def slots(base, gib=(), **options):
    """Return the trials at once, of draws whose tensors take so many GiB."""
    draws = [recipe(seed) for seed in range(len(gib))]
    memory = lambda drawn: gib[drawn["seed"]] * GIB  # noqa: E731
    return packing.slots_here(base, draws, memory, local=None, **options)


@pytest.mark.parametrize(
    ("cpus", "gpus", "asked", "expected"),
    [
        (8, 0, {"gpu": 0}, 8),
        (8, 0, {"gpu": 0, "cpu": 3}, 2),
        (1, 0, {"gpu": 0, "cpu": 2}, 1),
        (8, 2, {"gpu": 1, "pack": False}, 2),
        (8, 2, {"gpu": 0.4}, 4),
        (8, 4, {"gpu": 2, "cpu": 2}, 2),
        (8, 4, {"gpu": 1, "max_gpus": 3}, 3),
        (3, 4, {"gpu": 1}, 3),
    ],
)
def test_trials_of_one_size_are_counted_gpu_by_gpu_and_within_the_sweeps_limits(
    machine, cpus, gpus, asked, expected
):
    machine(cpus, gpus)
    assert slots(recipe(**asked), [0.5]) == expected


PACKED = {"gpu": 1, "pack": True}


def test_packed_trials_are_counted_by_their_memory_and_the_measured_context(machine):
    machine(32, 1)
    assert slots(recipe(**PACKED), [0.5] * 3) == 8  # (0.5 * 1.25 + 0.5 + 0.25) of 1.5 GiB
    assert slots(recipe(**PACKED), [4.0]) == 2
    assert slots(recipe(**PACKED), [11.0]) == 1
    machine(32, 1, context=GIB)
    assert slots(recipe(**PACKED), [0.5] * 3) == 4, "1.875 GiB are a quarter's"
    machine(6, 1)
    assert slots(recipe(**PACKED), [0.5] * 3) == 6, "there are no more CPUs"
    machine(32, 2)
    assert slots(recipe(**PACKED, max_gpus=1), [0.5] * 3) == 8, "as the sweep may hold"


def test_draws_of_several_sizes_fill_what_they_fill_together(machine):
    machine(32, 2)
    mixed = slots(recipe(**PACKED), [0.5, 4.0, 11.0])
    assert mixed == 3, "from the first: 1/8, 1/2 and 1 on two; then 1/8 more; on the average three"


def test_where_nobody_measured_every_trial_is_taken_to_have_a_whole_gpu(machine):
    machine(32, 2, context=0)
    assert slots(recipe(**PACKED), [0.5]) == 2


def test_the_forecast_agrees_with_what_the_driver_admits(machine):
    machine(32, 3)
    gib = [0.5, 0.7, 4.0]
    share = packer(lambda drawn: gib[drawn["seed"]] * GIB, Gpu(16 * GIB, GIB / 2))
    same = [recipe(1)] * 3
    node = Node("a", 32.0, 3)
    driver, active = Admission(Share(1, 1), nodes=lambda: [node], packed=True), []
    size = share(same[0].model_dump(mode="json"))
    while driver.open(active, size):
        active.append(f"t{len(active)}")
        driver.begin(active[-1], size)
    memory = lambda drawn: gib[drawn["seed"]] * GIB  # noqa: E731
    assert packing.slots_here(recipe(**PACKED), same, memory, local=None) == len(active) == 12
