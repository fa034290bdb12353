"""Ranks on GPUs of their own, where there are two: nccl, memory of their own, their loss."""

import threading
import time

import psutil
import pytest
import torch
from ranks_beside import LOOKS, judged, recipe_of, watched
from tiny_trainings import Place

from acutance_platform.training import RankLost
from acutance_platform.training.ranks import digest

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs"),
]
MIXES = {"looks": LOOKS, "relativistic": judged("relativistic", {"kind": "vgg", "channels": 4})}


def on_gpus(recipe, number):
    return {**recipe, "resources": {"cpu": number, "gpu": number}}


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_two_gpus_compute_what_one_does(place, mix, precision):
    recipe = {**recipe_of(MIXES[mix]), "precision": precision}
    alone, shared = (place.training(on_gpus(recipe, number)) for number in (1, 2))
    assert alone.key != shared.key
    one, two = watched(alone, 15)[0], watched(shared, 15)[0]
    # Kernels may be others for half a batch, and convolutions round to tf32 or bf16.
    assert two == pytest.approx(one, rel=1e-3 if precision == "f32" else 5e-2)
    shared.close()


def test_both_gpus_work_and_are_paid_for(place):
    free = torch.cuda.mem_get_info(1)[0]
    training = place.training(on_gpus(recipe_of(LOOKS), 2))
    watched(training, 5)
    assert torch.cuda.mem_get_info(1)[0] < free  # rank 1 is not on the first GPU
    began = time.monotonic()
    report = training.advance()
    assert report.gpu_seconds == pytest.approx(2 * (time.monotonic() - began), rel=0.25)
    training.close()


def test_the_loss_of_a_rank_in_the_middle_of_a_step_costs_no_bit(place, tmp_path_factory, pictures):
    recipe = on_gpus(recipe_of(judged()), 2)
    recipe["stages"]["train"]["steps"] = 1_000_000
    recipe |= {"evaluation": {"every": 1_000_000}, "checkpoint": {"every": 20, "keep": 2}}
    training = place.training(recipe)
    watched(training, 1)
    killer = threading.Timer(3.0, psutil.Process(training._ranks.pids[0]).kill)
    killer.start()
    began = time.monotonic()
    with pytest.raises(RankLost, match="rank 1 of 2 was killed by signal 9"):
        training.advance()
    assert time.monotonic() - began < 30
    training.close()
    again = place.training(recipe)
    assert again.step > 0
    calm = Place(tmp_path_factory.mktemp("calm"), pictures).training(recipe)
    for each, steps in ((calm, again.step + 5), (again, 5)):
        watched(each, steps)
    assert digest(again._stage._learner) == digest(calm._stage._learner)
    for each in (again, calm):
        each.close()
