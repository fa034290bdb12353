"""What runs on a worker: one leg of one trial, as Ray Tune sees it.

A leg opens the trial's training, which finds its own newest state, and reports until it is told
to stop. Reports that the state holds already come first, all at once: a rung that was reached by
a worker whose driver died is told again and not passed over; the driver drops what it knows.
"""

import importlib
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, final

import ray
from ray import tune

from acutance_platform.sweep.errors import Misplaced, NodeDraining
from acutance_platform.sweep.places import Bell, come, node_folder
from acutance_platform.sweep.placing import NODE_CHARACTERS
from acutance_platform.sweep.process_meter import ProcessMeter

_SECONDS_BETWEEN_LOOKS = 0.5


class Training(Protocol):
    """The part of a training that a leg drives."""

    @property
    def step(self) -> int:
        """Optimiser steps done."""

    @property
    def reports(self) -> Sequence[Any]:
        """Every report so far, those of the loaded state included."""

    def advance(self) -> Any:
        """Train to the next report point and return its report, a dataclass `Report`."""

    def request_stop(self) -> None:
        """Make `advance`, now or later, save its state and raise."""

    def close(self) -> None:
        """Wait until the store has the newest state, if it takes it."""


def open_training(
    recipe: dict[str, Any],
    *,
    store: str,
    local: Path,
    machine: Any,
    rungs: tuple[int, ...],
    owner: str,
) -> Training:
    """Open the training of a recipe on this worker.

    Args:
        recipe: Plain data, complete.
        store: Address of the blob store.
        local: This machine's cache folder.
        machine: The machine kind.
        rungs: Absolute steps at which weights are published, the end last.
        owner: SWEEP/TRIAL; a state's reports of other owners cost this trial nothing.
    """
    # Importing torch takes seconds, which a worker that is thrown away unused should not pay.
    from acutance_platform.recipe import build_recipe
    from acutance_platform.training import machine_kind
    from acutance_platform.training import open_training as open_recipe
    from acutance_storage import open_store

    complete = build_recipe(recipe)
    kind = machine.for_recipe(complete)
    if complete.resources.share == "same" and kind != (here := machine_kind(complete)):
        raise Misplaced(
            f"this node is of another kind ({here}) than the sweep began on ({kind}), and would "
            "train other bits under the same key"
        )
    return open_recipe(
        complete,
        store=open_store(store, local=local),
        local=local,
        machine=kind,
        rungs=rungs,
        owner=owner,
    )


@final
class Leg(tune.Trainable):
    """One leg; `reset_config` makes the same worker process run the next one.

    Config: `trial`, `owner`, `training` (`module:attribute`), `recipe` (JSON text, which Tune
    leaves alone), `rungs`, `store`, `local`, `machine`, `cpu`, `gpu` (share of one, or how many),
    `context` (bytes of a GPU that a process takes beside its tensors), `bell` (see `_listen`),
    `bell_key` (its likeness in the store).
    """

    _training: Training | None
    _fault: Exception | None

    def setup(self, config: dict[str, Any]) -> None:
        """Note what to do; everything costly waits for the first `step`."""
        self._meter = ProcessMeter()
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Drop the last leg with all it held, and take the next one."""
        self._meter.begin()
        self._release()
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Return the next reports as plain data, and as `spent` what the process used meanwhile.

        A leg that fails tells that first and raises when it is called again: Tune hands on nothing
        of a step that raises.
        """
        if self._fault is not None:
            raise self._fault
        try:
            result = self._next_reports()
        except Exception as error:
            self._fault, result = error, {"reports": [], "failing": True}
            if self._bell.draining:
                self._fault = NodeDraining("its node is being taken away, its state is saved")
        # Asked where there is no Ray, as in a test of this class, the context would start one.
        node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""
        others = getattr(self._training, "rank_seconds", 0.0)  # a training of a test has no ranks
        share = self._config["gpu"]
        told = {
            "spent": self._meter.read(share, others),
            "node": node[:NODE_CHARACTERS],
            "gpus": _own_gpus(share),
        }
        return {**result, **told}

    def _begin(self, config: dict[str, Any]) -> None:
        self._config = config
        self._training = None
        self._fault = None
        self._mark: Path | None = None
        self._folder = node_folder(config["local"])
        self._bell = Bell(Path(config["bell"]), self._folder, config["store"], config["bell_key"])

    def _next_reports(self) -> dict[str, Any]:
        if self._training is None:
            self._mark = come(self._folder)
            self._training = self._open()
            self._listen(self._training)
            stored = list(self._training.reports)
            if stored:
                return {"reports": [self._plain(report) for report in stored]}
        if self._training.step >= self._config["rungs"][-1]:
            raise RuntimeError(
                f"trial {self._config['trial']} is at its end, step {self._training.step}, and was "
                "told to go on: its journal and its state do not belong together"
            )
        try:
            fresh = self._plain(self._training.advance())
            return {"reports": [fresh | {"cpu_seconds": 0.0, "gpu_seconds": 0.0}]}  # see `spent`
        except Exception as error:
            # `OutOfMemory`, whose module imports torch; a training of a test need not.
            stage, crops = getattr(error, "stage", None), getattr(error, "crops", None)
            if crops is None:
                raise
            return {"reports": [], "too_large": [stage, crops]}  # Tune would flatten a map

    def cleanup(self) -> None:
        """Let go of the training when the worker ends."""
        self._release()

    def _listen(self, training: Training) -> None:
        """Ask the training to save and stop when the bell rings.

        The driver cannot speak to a worker in the middle of a step, and what was computed since
        the last checkpoint may be worth minutes.
        """
        bell = self._bell

        def wait() -> None:
            while self._training is training:
                if bell.rings():
                    training.request_stop()
                    return
                time.sleep(_SECONDS_BETWEEN_LOOKS)

        threading.Thread(target=wait, name="bell", daemon=True).start()

    def _open(self) -> Training:
        config = self._config
        _cap_memory(config["gpu"], config["context"])
        module, _, attribute = config["training"].partition(":")
        factory = getattr(importlib.import_module(module), attribute)
        training: Training = factory(
            json.loads(config["recipe"]),
            store=config["store"],
            local=self._folder,
            machine=config["machine"],
            rungs=tuple(config["rungs"]),
            owner=config["owner"],
        )
        return training

    def _plain(self, report: Any) -> dict[str, Any]:
        """Return a report as plain data; what another trial computed costs this one nothing."""
        plain: dict[str, Any] = {
            "step": report.step,
            "metrics": dict(report.metrics),
            "executed": report.executed,
            "cpu_seconds": report.cpu_seconds,
            "gpu_seconds": report.gpu_seconds,
            "time": report.time,
            "weights": report.weights,
            "notes": list(report.notes),
        }
        if getattr(report, "owner", self._config["owner"]) != self._config["owner"]:
            plain |= {"executed": 0, "cpu_seconds": 0.0, "gpu_seconds": 0.0}
        return plain

    def _release(self) -> None:
        training, self._training = self._training, None
        if training is not None:
            training.close()
        if self._mark is not None:
            self._mark.unlink(missing_ok=True)
        # Only where torch was loaded; a leg that never ran has nothing on a GPU.
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()


def _own_gpus(share: float) -> list[int]:
    """Return the numbers of the GPUs that Ray gave this worker."""
    given = ray.get_gpu_ids() if share > 0 else []
    return [int(number) for number in given if str(number).isdecimal()]


def _cap_memory(share: float, context: float) -> None:
    """Keep a worker with a part of a GPU to that part of its memory; whole ones it may use up.

    The part has the process's CUDA context in it, which torch does not count.
    Set anew for each leg; without a cap one greedy trial ends its neighbours.
    """
    if share > 0:
        import torch

        if torch.cuda.is_available():
            beside = context / torch.cuda.mem_get_info()[1] if share < 1 else 0.0
            torch.cuda.set_per_process_memory_fraction(max(min(share, 1.0) - beside, share / 4))
