"""The one training loop: a stage goes in, reports and checkpoints come out."""

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final

import torch

from acutance_models import (
    build_metrics,
    dump_weights,
    read_tensors,
)
from acutance_platform.recipe import Link, rank_count
from acutance_platform.training.costs import network_costs
from acutance_platform.training.data import Pairs
from acutance_platform.training.evaluate import measure
from acutance_platform.training.features import feature_bytes
from acutance_platform.training.feed import Feed
from acutance_platform.training.latency import latency_ms
from acutance_platform.training.learner import Learner
from acutance_platform.training.machine import device_of
from acutance_platform.training.pieces import OutOfMemory, lacks_memory
from acutance_platform.training.ranks import Ranks
from acutance_platform.training.state import Progress, Report, Spent, States
from acutance_platform.training.upkeep import Meter, next_report, set_backends
from acutance_storage import BlobStore, get_blob

ATTEMPTS = 3
"""How often the NaN guard starts again from the last report before it gives up."""


class TrainingDiverged(Exception):
    """The loss was not finite, and restarts from the last report did not help."""


class Interrupted(Exception):
    """The training was asked to stop; its state is saved."""


@final
class StageTraining:
    """One stage of a training on this machine, from its newest saved state to its end.

    Args:
        link: The stage, its recipe and where it starts; `auto` fields resolved.
        key: Of the stage; its states lie under it.
        pairs: The dataset's pictures.
        store: Where states and weights lie.
        parent: SHA-256 of the weights it starts from; None = the seed's first weights.
        files: Name -> SHA-256 of the files that its feature networks and metrics need.
        local: This machine's own folder.
        rungs: Absolute steps, beside `evaluation.every` and the end, to report and publish at.
        owner: Name under which new reports are made; a state's other reports cost nothing here.
        costs: What every report tells beside its measurements; None = those of the network.
        lineage: What the published weights descend from, oldest first: the keys of the chain's
            earlier stages, and before them the lineage of the model that the first began from.
        ranks: Who train with this process; None = it trains alone.

    Raises:
        StorageError: If the parent's weights are missing or damaged.
    """

    def __init__(
        self,
        link: Link,
        *,
        key: str,
        pairs: Pairs,
        store: BlobStore,
        local: Path,
        parent: str | None = None,
        files: Mapping[str, str] | None = None,
        rungs: Sequence[int] = (),
        owner: str = "",
        costs: Mapping[str, float] | None = None,
        lineage: Sequence[str] = (),
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks = ranks
        self._lineage = (*lineage, key)
        self._link, self._recipe, self._parent = link, link.recipe, parent
        self._store, self._owner, self.key = store, owner, key
        self._device = device_of(self._recipe)
        set_backends(self._recipe, self._device)
        self._pairs = pairs
        self._feed = Feed(pairs, self._recipe, device=self._device)
        self._publish_at = {*rungs, link.end}
        self._files = feature_bytes(files or {}, store)
        self._metrics = build_metrics(
            self._recipe.evaluation.metrics, files=self._files, device=self._device
        )
        self._states = States(store, key, local=local, keep=self._recipe.checkpoint.keep)
        self._costs = dict(network_costs(self._recipe) if costs is None else costs)
        self._meter = Meter(self._recipe, lambda: 0.0 if ranks is None else ranks.cpu_seconds)
        self._stop = False
        self._restart()

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self._progress.step

    @property
    def reports(self) -> list[Report]:
        """Every report of this stage so far, those of the loaded state included."""
        return list(self._progress.reports)

    def advance(self) -> Report:
        """Train to the next report point, measure, save, and return the report.

        What a report names is in the store; else a thread brings the state there.

        Raises:
            TrainingDiverged: If the loss stays non-finite after `ATTEMPTS` restarts.
            Interrupted: If `request_stop` was called; the state is saved.
            OutOfMemory: If a step did not fit into memory.
            StorageError: If the store cannot be used; the state is on this machine.
            RankLost: If another rank has ended; the training goes on from its newest state.
        """
        if self.step >= self._link.end:
            raise ValueError(f"the stage has ended at step {self.step}")
        self._meter.read()  # the time since the last report is nobody's
        goal = self._next_report()
        while self.step < goal:
            if self._stop:
                self._save()
                self._states.settle()
                raise Interrupted(f"stopped and saved at step {self.step}")
            self._train_step()
            saving = self.step == goal or self.step % self._recipe.checkpoint.every == 0
            if saving and self._ranks is not None:
                self._ranks.agree(self._learner)
            if saving and not self._learner.sound():
                self._roll_back(math.nan)
            elif saving and self.step < goal:
                self._save()
        weights = self._dumped() if self.step in self._publish_at else None
        report = self._measured(weights)
        self._progress.reports.append(report)
        self._progress.spent = Spent(self._owner)
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
        self._validate()
        return (trained - began) / steps, time.monotonic() - trained

    def _dumped(self) -> bytes:
        """Return the present weights (the averaged ones where `ema` is set) as a file."""
        recipe = self._recipe
        extra = {
            "stage": self.key,
            "step": str(self.step),
            "plugins": ",".join(recipe.plugins),
            "lineage": ",".join(self._lineage),
        }
        spec, tensors = self._learner.generator.spec, self._learner.weights()
        return dump_weights(tensors, spec=spec, scale=recipe.scale, extra=extra)

    def _measured(self, weights: bytes | None) -> Report:
        """Measure, and look whether anything is wrong; the report names the given weights."""
        self._time_network()
        metrics = {**self._costs, **self._learner.averages.take(), **self._validate()}
        spent = self._spent()
        return Report(
            self.step,
            metrics,
            spent.executed,
            spent.cpu_seconds,
            spent.gpu_seconds,
            time.time(),
            hashlib.sha256(weights).hexdigest() if weights is not None else None,
            self._owner,
            self._notes(metrics),
        )

    def _time_network(self) -> None:
        """Measure the latency once, where it is asked for: weights do not change it."""
        if "latency_ms" in self._recipe.evaluation.costs and "latency_ms" not in self._costs:
            with self._learner.measured() as network:
                self._costs["latency_ms"] = latency_ms(network, self._device)

    def _notes(self, metrics: Mapping[str, float]) -> list[str]:
        """Return what has to be said with the report of these metrics."""
        progress = self._progress
        gone_back = [
            f"went back from step {record['step']} to {record['back_to']}, where other crops were "
            f"drawn: the loss or a weight became {record['value']}"
            for record in progress.rollbacks
            if record["back_to"] == progress.reported
        ]
        earlier = [report.metrics for report in progress.reports]
        return [*gone_back, *self._learner.notes([*earlier, metrics])]

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

    def _train_step(self) -> None:
        """One step of optimisation on one batch."""
        progress, data, value = self._progress, self._recipe.data, None
        try:
            value = self._learned()
        except Exception as error:
            if not lacks_memory(error):
                raise
        if value is None:  # raised here, it does not keep the tensors of that step alive
            crops = data.batch // rank_count(self._recipe.resources)
            crops = min(crops, data.micro_batch or crops)
            raise OutOfMemory(self._link.name, crops)
        progress.spent.executed += 1
        if not torch.isfinite(value):
            self._roll_back(float(value))
            return
        progress.step += 1

    def _learned(self) -> torch.Tensor:
        """Let the learner, and those of the other ranks, take the next step."""
        learner, progress = self._learner, self._progress
        if self._ranks is not None:
            return self._ranks.step(learner, self._feed, self._link.name, progress)
        batch = self._feed(learner.generator, progress.step, progress.attempt)
        return learner.step(batch, progress.step - progress.start)

    def _restart(self) -> None:
        """Build everything from the seed, then put the newest saved state over it."""
        parent = read_tensors(get_blob(self._store, self._parent)) if self._parent else None
        self._learner = Learner(self._link, device=self._device, parent=parent, files=self._files)
        start = self._link.start
        self._progress = Progress(step=start, start=start, spent=Spent(self._owner))
        saved = self._states.newest()
        if saved is not None:
            self._progress, tensors = saved
            self._learner.restore(tensors, self._progress.memory)
            if self._progress.spent.owner != self._owner:
                self._progress.spent = Spent(self._owner)

    def _save(self, weights: bytes | None = None) -> None:
        self._spent()
        self._progress.memory = self._learner.memory()
        self._states.save(self._progress, self._learner.tensors(), weights=weights)

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

    def _validate(self) -> dict[str, float]:
        """Measure the network (with averaged weights where `ema` is set) in f32."""
        with self._learner.measured() as network:
            return measure(
                network, self._pairs, self._recipe, metrics=self._metrics, device=self._device
            )
