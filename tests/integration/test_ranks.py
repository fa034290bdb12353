"""A training of several ranks is the training of one process, but for the rounding of sums."""

import json
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest
import ranks_beside
import torch
from ranks_beside import LOOKS, NORMALISED, judged, recipe_of, watched, with_ranks
from tiny_trainings import history

from acutance_models import LossMix
from acutance_platform.recipe import build_recipe, chain
from acutance_platform.training import OutOfMemory, RankLost, learner
from acutance_platform.training import group as groups
from acutance_platform.training import ranks as leading
from acutance_platform.training.feed import Feed
from acutance_platform.training.group import Group
from acutance_platform.training.learner import Learner

CPU = torch.device("cpu")
VGG_OF_BATCHES = {"kind": "vgg", "channels": 4}
SFTGAN = {"kind": "sftgan", "blocks": 1, "channels": 8, "classes": 3}
CLASSES = {
    **judged("standard", {"kind": "sftgan", "channels": 4, "classes": 3}),
    "classes": {"kind": "classification", "of": "adversarial", "weight": 0.1},
}


@pytest.fixture
def double(monkeypatch):
    """Double precision for as long as a test takes, see the plug-in of this name."""
    import double_precision

    for owner, name in ((torch.Tensor, "float"), (learner, "placed"), (LossMix, "to")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    double_precision.register(None)


class Beside:
    """The ranks of one training as threads of this process: nothing else is different."""

    def __init__(self, place, content, folder, ranks):
        recipe = build_recipe(content)
        (self.link,) = chain(recipe)
        training = place.training(content)
        self.pairs, self.folder, self.ranks = training._pairs, folder, ranks
        folder.mkdir()

    def steps(self, number):
        """Return for each rank the losses of its steps, and its tensors after them."""
        found = [None] * self.ranks
        threads = [
            threading.Thread(target=self._take, args=(rank, number, found))
            for rank in range(self.ranks)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return found

    def _take(self, rank, number, found):
        own = Learner(self.link, device=CPU, parent=None, files={})
        feed = Feed(self.pairs, self.link.recipe, device=CPU, rank=rank)
        if self.ranks > 1:
            own.join(Group(self.folder, rank=rank, ranks=self.ranks, device=CPU))
        losses = [float(own.step(feed(own.generator, step, 0), step)) for step in range(number)]
        found[rank] = losses, {**own.tensors(), **measured_initial(own)}


def measured_initial(own):
    return {f"initial/{name}": torch.tensor(value) for name, value in own._mix.initial.items()}


MIXES = {
    "looks": recipe_of(LOOKS),
    "a generator that normalises batches": recipe_of(LOOKS, generator=NORMALISED),
    "one that does not any more": recipe_of(LOOKS, generator=NORMALISED, freeze_batch_norm=True),
    "a discriminator that normalises batches": recipe_of(judged("hinge", VGG_OF_BATCHES)),
    "relativistic": recipe_of(judged("relativistic")),
    "relativistic, normalised": recipe_of(
        judged("relativistic", VGG_OF_BATCHES, normalize="initial")
    ),
    "the discriminator first": recipe_of(
        judged("relativistic", detach_means=False), order="discriminator_first"
    ),
    "a discriminator that rests": recipe_of(judged(), discriminator_rest_above=0.5),
    "of features": recipe_of(
        judged(
            "least_squares",
            {"kind": "srfeat_feature", "channels": 4},
            features=ranks_beside.RANDOM,
            layer="relu2_1",
        )
    ),
    "its discriminator's gradient limited": recipe_of(
        judged(), discriminator_optimizer={"clip_norm": 0.01}
    ),
    "classes": recipe_of(CLASSES, dataset="mapped", generator=SFTGAN),
    "in parts of one crop": recipe_of(judged(), micro=1),
}


@pytest.mark.parametrize("mix", MIXES)
def test_two_ranks_compute_what_one_process_does(mix, place, tmp_path, double):
    ((losses, alone),) = Beside(place, MIXES[mix], tmp_path / "one", 1).steps(3)
    first, second = Beside(place, with_ranks(MIXES[mix]), tmp_path / "two", 2).steps(3)
    assert first[0] == second[0]
    assert first[0] == pytest.approx(losses, rel=1e-9)
    for name, tensor in alone.items():
        assert torch.equal(first[1][name], second[1][name]), name
        # A bias before a normalisation has no gradient but rounding, which Adam takes for one.
        idle = name.startswith("discriminators") and name.endswith(("bias", "running_mean"))
        allowed = 1e-4 if idle else 1e-9
        size = float(tensor.abs().max()) + 1.0
        assert float((first[1][name] - tensor).abs().max()) < allowed * size, name


def test_four_ranks_as_well(place, tmp_path, double):
    mix = recipe_of(judged("relativistic", VGG_OF_BATCHES))
    ((losses, alone),) = Beside(place, mix, tmp_path / "one", 1).steps(2)
    found = Beside(place, with_ranks(mix, 4), tmp_path / "four", 4).steps(2)
    assert [each[0] for each in found] == [found[0][0]] * 4
    assert found[0][0] == pytest.approx(losses, rel=1e-9)
    kernel = "generator/conv_first.weight"
    assert torch.allclose(found[3][1][kernel], alone[kernel], rtol=0, atol=1e-9)


def test_two_processes_are_one_in_double_precision(tmp_path):
    script = [sys.executable, ranks_beside.__file__, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(script, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] == 20
    assert found["loss"] < 1e-9
    assert found["weight"] < 1e-9


def test_two_processes_train_measure_and_report_as_one(place):
    alone, shared = place.training(recipe_of(LOOKS)), place.training(with_ranks(recipe_of(LOOKS)))
    assert alone.key != shared.key
    began = time.monotonic()
    one, two = watched(alone, 15)[0], watched(shared, 15)[0]
    assert two == pytest.approx(one, rel=1e-4)
    (pid,) = shared._ranks.pids
    (follower,) = [p for p in psutil.Process().children() if p.pid == pid]
    ((step, plain),), ((same, metrics),) = (
        history([training.advance()]) for training in (alone, shared)
    )
    assert step == same == 20
    assert metrics == pytest.approx(plain, rel=1e-3)
    used = follower.cpu_times()
    assert shared.rank_seconds == pytest.approx(used.user + used.system, rel=0.2)
    assert shared.reports[-1].cpu_seconds < 3 * (time.monotonic() - began)
    with torch.no_grad():
        shared._stage._learner.parameters[0].add_(1e-3)
    with pytest.raises(RankLost, match="rank 1 came to other weights than rank 0"):
        shared._ranks.agree(shared._stage._learner)
    shared._ranks._tell({"do": "state", "stage": "unheard of", "memory": {}})
    shared._ranks._pipes[0].send_bytes(b"")
    with pytest.raises(RankLost, match="rank 1 failed: KeyError: 'unheard of'"):
        shared.advance()
    assert not psutil.pid_exists(pid)


def test_a_rank_that_hangs_is_not_waited_for_for_ever(place, monkeypatch):
    training = place.training(with_ranks(recipe_of(LOOKS)))
    watched(training, 1)
    (pid,) = training._ranks.pids
    psutil.Process(pid).suspend()
    with monkeypatch.context() as short:
        short.setattr(leading, "PATIENCE", 0.5)
        with pytest.raises(RankLost, match=r"said nothing for 0\.5 seconds"):
            training._ranks.agree(training._stage._learner)
    monkeypatch.setattr(leading, "_SECONDS_TO_TELL", 0.5)
    monkeypatch.setattr(groups, "PATIENCE", 1.0)
    with pytest.raises(RankLost, match=r"the ranks lost each other: .*Timed out"):
        training.advance()
    assert training._ranks.pids == []
    assert not psutil.pid_exists(pid)


def test_a_rank_without_memory_is_as_if_all_had_none(place):
    pixel = {"pixel": {"kind": "failing_l1", "weight": 1.0}}
    training = place.training(with_ranks(recipe_of(pixel, plugins=["failing_rank"])))
    with pytest.raises(OutOfMemory) as caught:
        training.advance()
    assert (caught.value.stage, caught.value.crops) == ("train", 2)
    assert training._ranks.pids == []
