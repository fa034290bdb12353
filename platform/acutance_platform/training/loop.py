"""The one training loop: a recipe goes in, reports and checkpoints come out."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import final

import torch
from torch import Tensor, nn

from acutance_models import (
    LOSSES,
    Generator,
    build_generator,
    dump_weights,
    luma_planes,
)
from acutance_platform.recipe import Recipe, RecipeErrors, load_plugins
from acutance_platform.training.conditions import sr_outputs
from acutance_platform.training.data import Batches, Pairs, dataset_problems
from acutance_platform.training.evaluate import measure
from acutance_platform.training.keys import stage_key
from acutance_platform.training.machine import MachineKind, device_of, placed
from acutance_platform.training.optim import (
    MovingAverage,
    build_optimizer,
    learning_rate_factor,
    optimizer_tensors,
    restore_optimizer,
)
from acutance_platform.training.state import Progress, Report, Spent, States
from acutance_platform.training.upkeep import Meter, next_report, set_backends, structure
from acutance_storage import BlobStore, open_dataset, put_blob

ATTEMPTS = 3
"""How often the NaN guard starts again from the last report before it gives up."""


class TrainingDiverged(Exception):
    """The loss was not finite, and restarts from the last report did not help."""


class Interrupted(Exception):
    """The training was asked to stop; its state is saved."""


@final
class Training:
    """One training on this machine, from its newest saved state to its end.

    Args:
        recipe: With `auto` fields resolved.
        store: Where dataset, states and weights lie.
        local: This machine's cache folder.
        machine: The machine kind that the stage key names.
        rungs: Steps, beside `evaluation.every` and the end, at which to report and publish.
        owner: Name under which new reports are made; a state's other reports cost nothing here.

    Raises:
        RecipeErrors: If the dataset cannot serve the recipe.
        StorageError: If the dataset is missing or damaged.
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
        self._recipe, self._store, self._owner = recipe, store, owner
        self._device = device_of(recipe)
        set_backends(recipe, self._device)
        dataset = open_dataset(store, recipe.data.dataset)
        problems = dataset_problems(dataset, recipe)
        if problems:
            raise RecipeErrors(problems)
        self._pairs = Pairs(dataset, recipe, local=local)
        self._batches = Batches(self._pairs, recipe, device=self._device)
        self._publish_at = {*rungs, recipe.steps}
        self._terms = {
            name: (LOSSES.build({k: v for k, v in term.items() if k != "weight"}), term["weight"])
            for name, term in recipe.stage.loss.items()
        }
        self.key = stage_key(
            recipe, dataset_version=dataset.version, machine=machine, rungs=tuple(rungs)
        )
        self._states = States(store, self.key, keep=recipe.checkpoint.keep)
        self._costs = structure(recipe)
        self._meter = Meter(recipe)
        self._stop = False
        self._restart()

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self._progress.step

    @property
    def reports(self) -> list[Report]:
        """Every report so far, those of the loaded state included."""
        return list(self._progress.reports)

    def advance(self) -> Report:
        """Train to the next report point, measure, save, and return the report.

        Raises:
            TrainingDiverged: If the loss stays non-finite after `ATTEMPTS` restarts.
            Interrupted: If `request_stop` was called; the state is saved.
        """
        if self.step >= self._recipe.steps:
            raise ValueError(f"the training has ended at step {self.step}")
        self._meter.read()  # the time since the last report is nobody's
        goal = self._next_report()
        while self.step < goal:
            if self._stop:
                self._save()
                raise Interrupted(f"stopped and saved at step {self.step}")
            self._train_step()
            saving = self.step == goal or self.step % self._recipe.checkpoint.every == 0
            if saving and not self._sound():
                self._roll_back(math.nan)
            elif saving and self.step < goal:
                self._save()
        metrics = {**self._costs, **self._mean_losses(), **self._validate()}
        weights = self.publish() if self.step in self._publish_at else None
        spent = self._spent()
        self._progress.reports.append(
            Report(
                self.step,
                metrics,
                spent.executed,
                spent.cpu_seconds,
                spent.gpu_seconds,
                time.time(),
                weights,
                self._owner,
            )
        )
        self._progress.spent = Spent(self._owner)
        self._save()
        return self._progress.reports[-1]

    def request_stop(self) -> None:
        """Ask the running `advance` to save and stop; safe in a signal handler."""
        self._stop = True

    def rehearse(self, steps: int = 3) -> tuple[float, float]:
        """Return the wall seconds of one step and of one measurement; nothing is saved.

        For forecasts: the object has trained a little afterwards and is to be thrown away.
        """
        self._train_step()  # the first step pays for warming up
        began = time.monotonic()
        for _ in range(steps):
            self._train_step()
        trained = time.monotonic()
        self._validate()
        return (trained - began) / steps, time.monotonic() - trained

    def publish(self) -> str:
        """Store the present weights (the averaged ones where `ema` is set); return their SHA."""
        network = self._generator
        tensors = dict(network.state_dict())
        if self._average is not None:
            tensors.update(self._average.tensors)
        recipe = self._recipe
        extra = {"stage": self.key, "step": str(self.step), "plugins": ",".join(recipe.plugins)}
        data = dump_weights(tensors, spec=network.spec, scale=recipe.scale, extra=extra)
        return put_blob(self._store, data)

    def _train_step(self) -> None:
        """One step of optimisation on one batch."""
        recipe, progress = self._recipe, self._progress
        lr, hr = self._batches(progress.step, progress.attempt)
        factor = learning_rate_factor(recipe.schedule, progress.step, recipe.stage.steps)
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.optimizer.lr * factor
        bf16 = recipe.precision == "bf16"
        if self._generator.channels == 1:
            lr, hr = luma_planes(lr), luma_planes(hr)
        takes_map = self._generator.condition_classes is not None
        condition = self._batches.condition(progress.step, progress.attempt) if takes_map else None
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bf16):
            outputs = sr_outputs(self._generator, lr, condition)
        losses = {
            # A network with several outputs (MemNet's multi-supervision) learns from their mean.
            name: torch.stack([term(sr.float(), hr) for sr in outputs]).mean()
            for name, (term, _) in self._terms.items()
        }
        total = torch.stack([w * losses[name] for name, (_, w) in self._terms.items()]).sum()
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
        progress.spent.executed += 1
        if recipe.optimizer.clip_norm is not None:
            norm = nn.utils.clip_grad_norm_(self._parameters, recipe.optimizer.clip_norm)
            total = total + 0.0 * norm.to(total.device)  # a norm that is not finite shows below
        if not torch.isfinite(total):
            self._roll_back(float(total.detach()))
            return
        self._optimizer.step()
        if self._average is not None:
            self._average.update()
        progress.step += 1
        progress.terms += 1
        self._sums += torch.stack([loss.detach() for loss in losses.values()]).double()

    def _sound(self) -> bool:
        """Return whether every weight is finite: a finite loss may have had another gradient."""
        finite = [torch.isfinite(parameter).all() for parameter in self._parameters]
        return bool(torch.stack(finite).all())

    def _roll_back(self, value: float) -> None:
        """Go back to the last report's state and draw other crops from there on.

        Not to the newest state: where that lies depends on `checkpoint` and on interruptions,
        neither of which may change a result.
        """
        at, attempt = self.step, self._progress.attempt + 1
        earlier, spent = self._progress.rollbacks, self._spent()
        if attempt > ATTEMPTS:
            raise TrainingDiverged(
                f"the loss became {value} at step {at}, after {ATTEMPTS} restarts from the last "
                f"report's state. Lower optimizer.lr, or set optimizer.clip_norm."
            )
        # Else whoever resumes would start from what has just been given up.
        self._states.forget_after(self._progress.reported)
        self._restart()
        record = {"step": at, "back_to": self.step, "attempt": attempt, "value": str(value)}
        self._progress.rollbacks = [*earlier, record]
        self._progress.attempt, self._progress.spent = attempt, spent

    def _restart(self) -> None:
        """Build everything from the seed, then put the newest saved state over it."""
        recipe, device = self._recipe, self._device
        generator = build_generator(recipe.generator, scale=recipe.scale, seed=recipe.seed)
        self._generator: Generator = placed(generator, device)
        named = [(n, p) for n, p in self._generator.named_parameters() if p.requires_grad]
        self._names, self._parameters = [n for n, _ in named], [p for _, p in named]
        self._optimizer = build_optimizer(recipe.optimizer, self._parameters)
        self._average = MovingAverage(self._generator, recipe.ema) if recipe.ema else None
        self._sums = torch.zeros(len(self._terms), dtype=torch.float64, device=device)
        self._progress = Progress(spent=Spent(self._owner))
        saved = self._states.newest()
        if saved is not None:
            self._progress, tensors = saved
            self._restore(tensors)
            if self._progress.spent.owner != self._owner:
                self._progress.spent = Spent(self._owner)

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            room, _, rest = name.partition("/")
            parts.setdefault(room, {})[rest] = tensor
        self._generator.load_state_dict(parts["generator"])
        restore_optimizer(self._optimizer, self._names, parts.get("optimizer", {}))
        if self._average is not None:
            self._average.restore(parts["ema"])
        self._sums.copy_(parts["losses"]["sums"])

    def _save(self) -> None:
        self._spent()
        rooms = {
            "generator": self._generator.state_dict(),
            "optimizer": optimizer_tensors(self._optimizer, self._names),
            "ema": self._average.tensors if self._average is not None else {},
            "losses": {"sums": self._sums},
        }
        tensors = {f"{room}/{name}": t for room, part in rooms.items() for name, t in part.items()}
        self._states.save(self._progress, tensors)

    def _next_report(self) -> int:
        """Return the first report point after the last report."""
        every = self._recipe.evaluation.every
        return next_report(self._progress.reported, every, self._publish_at)

    def _spent(self) -> Spent:
        """Return the costs since the last report, brought up to now."""
        spent, (cpu, gpu) = self._progress.spent, self._meter.read()
        spent.cpu_seconds += cpu
        spent.gpu_seconds += gpu
        return spent

    def _mean_losses(self) -> dict[str, float]:
        count = max(self._progress.terms, 1)
        means = (self._sums / count).tolist()
        self._sums.zero_()
        self._progress.terms = 0
        return {f"loss/{name}": mean for name, mean in zip(self._terms, means, strict=True)}

    def _validate(self) -> dict[str, float]:
        """Measure the network (with averaged weights where `ema` is set) in f32."""
        network, average = self._generator, self._average
        live: dict[str, Tensor] = {}
        if average is not None:
            live = {name: p.detach().clone() for name, p in network.named_parameters()}
            network.load_state_dict(average.tensors, strict=False)
        network.eval()
        scores = measure(network, self._pairs, self._recipe, device=self._device)
        network.train()
        if live:
            network.load_state_dict(live, strict=False)
        return scores
