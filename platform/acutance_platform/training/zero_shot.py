"""Zero-shot training: a network for each evaluation picture, all of them in lockstep."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acutance_models import Generator, build_metrics, dump_weights, score
from acutance_models.weights import PICTURES
from acutance_models.zero_shot import Jump, jumps
from acutance_platform.recipe import Recipe, RecipeErrors, load_plugins
from acutance_platform.training.averages import Averages
from acutance_platform.training.costs import network_costs
from acutance_platform.training.data import Pairs, dataset_problems
from acutance_platform.training.evaluate import mean_scores
from acutance_platform.training.features import feature_bytes, feature_files, feature_problems
from acutance_platform.training.keys import stage_keys
from acutance_platform.training.loop import Interrupted, TrainingDiverged
from acutance_platform.training.machine import MachineKind, device_of
from acutance_platform.training.picture import PictureTraining
from acutance_platform.training.state import Progress, Report, Spent, States
from acutance_platform.training.upkeep import Meter, next_report, set_backends
from acutance_storage import BlobStore, open_dataset


@final
class ZeroShotTraining:
    """One training of a recipe with a `zero_shot` section, from its newest saved state to its end.

    Step n of the training is step n of every picture's network, so that a report at step n is the
    mean over pictures whose networks have made n steps, or fewer where their learning rate has
    ended. What a picture learns depends on its LR pixels and the seed, not on the other pictures.

    Args and errors are those of `Training`.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        store: BlobStore,
        local: Path,
        machine: MachineKind,
        rungs: Sequence[int] = (),
        owner: str = "",
    ) -> None:
        load_plugins(recipe.plugins)
        self._recipe, self._owner = recipe, owner
        device = device_of(recipe)
        set_backends(recipe, device)
        dataset = open_dataset(store, recipe.data.dataset)
        problems = [*dataset_problems(dataset, recipe), *feature_problems(recipe, store)]
        if problems:
            raise RecipeErrors(problems)
        self._pairs = Pairs(dataset, recipe, local=local)
        self._indices = dataset.indices(recipe.evaluation.split)
        self._publish_at = {*rungs, recipe.steps}
        files = feature_files(recipe, store)
        self._metrics = build_metrics(
            recipe.evaluation.metrics, files=feature_bytes(files, store), device=device
        )
        self.keys = stage_keys(
            recipe,
            dataset_version=dataset.version,
            machine=machine,
            rungs=tuple(rungs),
            files=files,
        )
        (self.key,) = self.keys
        self._states = States(store, self.key, local=local, keep=recipe.checkpoint.keep)
        self._states.adopt()
        self._costs = network_costs(recipe)
        self._meter = Meter(recipe)
        self._stop = False
        jump = _only_jump(recipe)
        self._pictures = [PictureTraining(self._lr(i), recipe, jump) for i in self._indices]
        self._scores: dict[int, dict[str, float]] = {}
        """Of pictures whose training has ended: they stay as they are."""
        (stage,) = recipe.stages.values()
        self._losses = [f"loss/{name}" for name in stage.loss]
        self._averages = Averages(self._losses, device)
        self._progress = Progress(spent=Spent(owner))
        self._restore()

    @property
    def step(self) -> int:
        """Steps of each network that has not ended before."""
        return self._progress.step

    @property
    def reports(self) -> list[Report]:
        """Every report so far, those of the loaded state included."""
        return list(self._progress.reports)

    def advance(self) -> Report:
        """Train to the next report point, measure, save, and return the report.

        Raises:
            TrainingDiverged: If a loss or a weight is not finite.
            Interrupted: If `request_stop` was called; the state is saved.
        """
        recipe, progress = self._recipe, self._progress
        if self.step >= recipe.steps:
            raise ValueError(f"the training has ended at step {self.step}")
        self._meter.read()  # the time since the last report is nobody's
        goal = next_report(progress.reported, recipe.evaluation.every, self._publish_at)
        while self.step < goal:
            if self._stop:
                self._save()
                self._states.settle()
                raise Interrupted(f"stopped and saved at step {self.step}")
            self._train_step()
            if self.step % recipe.checkpoint.every == 0 and self.step < goal:
                self._save()
        self._refuse_nonsense()
        weights = self._dumped() if self.step in self._publish_at else None
        sha = hashlib.sha256(weights).hexdigest() if weights is not None else None
        metrics = {**self._costs, **self._mean_losses(), **self._measured()}
        spent = self._spent()
        costs = spent.executed, spent.cpu_seconds, spent.gpu_seconds
        report = Report(self.step, metrics, *costs, time.time(), sha, self._owner)
        progress.reports.append(report)
        progress.spent = Spent(self._owner)
        self._save(weights)
        if weights is not None:
            self._states.settle()
        return report

    def request_stop(self) -> None:
        """Ask the running `advance` to save and stop; safe in a signal handler."""
        self._stop = True

    def close(self) -> None:
        """Wait until the store has the newest state; one that it does not take stays here."""
        self._states.close()

    def rehearse(self, steps: int = 3) -> tuple[float, float]:
        """Return the wall seconds of one step and of one measurement; nothing is saved.

        For forecasts: the object has trained a little afterwards and is to be thrown away.
        """
        self._train_step()  # the first step pays for warming up
        began = time.monotonic()
        for _ in range(steps):
            self._train_step()
        trained = time.monotonic()
        self._measured()
        return (trained - began) / steps, time.monotonic() - trained

    def _dumped(self) -> bytes:
        """Return the present weights as a file.

        One picture's network is an ordinary weights file; several stand in one file, see
        `acutance_models.load_generators`.
        """
        recipe = self._recipe
        extra = {"stage": self.key, "step": str(self.step), "plugins": ",".join(recipe.plugins)}
        networks = [picture.network for picture in self._pictures]
        tensors = networks[0].state_dict()
        if len(networks) > 1:
            names = [self._pairs.dataset.pictures[index].name for index in self._indices]
            extra[PICTURES] = json.dumps(names)
            tensors = {
                f"{place}/{name}": tensor
                for place, network in enumerate(networks)
                for name, tensor in network.state_dict().items()
            }
        return dump_weights(tensors, spec=networks[0].spec, scale=recipe.scale, extra=extra)

    def _train_step(self) -> None:
        """One step of every network that still learns."""
        learning = [picture for picture in self._pictures if not picture.ended]
        for picture in learning:
            self._averages.add(picture.train_step())
        self._progress.spent.executed += bool(learning)
        self._progress.step += 1

    def _refuse_nonsense(self) -> None:
        """Other draws would not help for long: a learning rate far too high is all that does it."""
        lost = [
            self._pairs.dataset.pictures[index].name
            for index, picture in zip(self._indices, self._pictures, strict=True)
            if not picture.sound()
        ]
        if lost or not torch.isfinite(self._averages.tensors()["sums"]).all():
            whose = f"weights of {', '.join(lost)}" if lost else "losses"
            raise TrainingDiverged(
                f"the {whose} are not finite at step {self.step}. Lower optimizer.lr, or set "
                "optimizer.clip_norm."
            )

    def _measured(self) -> dict[str, float]:
        """Return each metric's mean over the pictures, with all that follows the network."""
        recipe, scores = self._recipe, []
        for index, picture in zip(self._indices, self._pictures, strict=True):
            found = self._scores.get(index) or score(
                picture.result(),
                self._pairs.hr(index),
                protocol=recipe.evaluation.protocol,
                scale=recipe.scale,
                metrics=self._metrics,
                grey=self._pairs.dataset.pictures[index].grey,
                lr=self._pairs.lr(index),
                shares=self._pairs.map(index),
            )
            if picture.ended:
                self._scores[index] = found
            scores.append(found)
        return mean_scores(scores, self._metrics)

    def _mean_losses(self) -> dict[str, float]:
        """Return each term's mean since the last report; 0 where every network has ended."""
        return dict.fromkeys(self._losses, 0.0) | self._averages.take()

    def _save(self, weights: bytes | None = None) -> None:
        self._spent()
        tensors = {f"averages/{name}": tensor for name, tensor in self._averages.tensors().items()}
        for place, picture in enumerate(self._pictures):
            tensors |= {f"{place}/{name}": tensor for name, tensor in picture.state().items()}
        self._states.save(self._progress, tensors, weights=weights)

    def _restore(self) -> None:
        """Put the newest saved state over the fresh one."""
        saved = self._states.newest()
        if saved is None:
            return
        self._progress, tensors = saved
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            place, _, rest = name.partition("/")
            parts.setdefault(place, {})[rest] = tensor
        self._averages.restore(parts["averages"])
        for number, picture in enumerate(self._pictures):
            picture.restore(parts[str(number)])
        if self._progress.spent.owner != self._owner:
            self._progress.spent = Spent(self._owner)

    def _spent(self) -> Spent:
        """Return the costs since the last report, brought up to now."""
        spent, (cpu, gpu) = self._progress.spent, self._meter.read()
        spent.cpu_seconds += cpu
        spent.gpu_seconds += gpu
        return spent

    def _lr(self, index: int) -> NDArray[np.uint8]:
        return np.array(self._pairs.lr(index))


def picture_result(recipe: Recipe, lr: NDArray[np.uint8], network: Generator) -> NDArray[np.uint8]:
    """Return a picture enlarged by the network that was trained on it, with all that follows.

    Args:
        recipe: With a `zero_shot` section.
        lr: (h, w, 3).
        network: Its own.

    Returns:
        (scale * h, scale * w, 3), rounded to 8 bits.
    """
    picture = PictureTraining(lr, recipe, _only_jump(recipe))
    picture.network.load_state_dict(network.state_dict())
    rounded: NDArray[np.uint8] = np.floor(picture.result() * 255.0 + 0.5).astype(np.uint8)
    return rounded


def _only_jump(recipe: Recipe) -> Jump:
    assert recipe.zero_shot is not None
    number = recipe.zero_shot.back_projections
    return jumps(recipe.scale, gradual=False, back_projections=number)[0]
