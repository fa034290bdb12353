"""A training that costs milliseconds, keeps its state as the real one does, and fails on demand.

`recipe["fake"]` says how: `quality` (what the objective tends to), `seconds` per step, `save_every`
(a multiple of which is saved beside report points), `crash` (raises at this step, always),
`kill` (the worker kills itself at this step, the first time), `nan` (objective is NaN from here).
"""

import hashlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import ray

from acutance_platform.sweep.errors import Misplaced


@dataclass(frozen=True)
class Report:
    step: int
    metrics: dict
    executed: int
    cpu_seconds: float
    gpu_seconds: float
    time: float
    weights: str | None = None
    owner: str = ""
    notes: tuple = ()


class FakeTraining:
    def __init__(self, recipe, *, store, local, machine, rungs, owner):
        if os.environ.get("FAKE_KIND") == "other":
            raise Misplaced("this node is of another kind")
        self.fake = recipe["fake"]
        self.every = recipe["evaluation"]["every"]
        self.rungs, self.owner = set(rungs), owner
        self.end = max(rungs)
        key = hashlib.sha256(json.dumps([owner, recipe], sort_keys=True).encode()).hexdigest()
        folder = Path(store) / "fake"
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{key[:16]}.json"
        self.log = folder / "steps.log"
        self.share = recipe["resources"]["gpu"]
        self.where = folder / "where.log"
        self.step, self.reports, self.stop = 0, [], False
        if self.file.exists():
            state = json.loads(self.file.read_text())
            self.step = state["step"]
            self.reports = [Report(**report) for report in state["reports"]]

    def advance(self):
        start = self.step
        last = self.reports[-1].step if self.reports else 0
        stop = min((last // self.every + 1) * self.every, *(r for r in self.rungs if r > last))
        while self.step < stop:
            if self.stop:
                self._save()
                raise RuntimeError("interrupted")
            self._step()
            if self.step % self.fake.get("save_every", 10**9) == 0:
                self._save()
        value = self.fake["quality"] * (1 - 0.5 ** (self.step / 4))
        if self.step >= self.fake.get("nan", 10**9):
            value = float("nan")
        weights = None
        if stop in self.rungs:
            weights = hashlib.sha256(f"{self.file.name}{stop}".encode()).hexdigest()
        executed = self.step - start
        self.reports.append(
            Report(
                self.step, {"psnr_y": value}, executed, 0.5, 0.25, time.time(), weights, self.owner
            )
        )
        self._save()
        return self.reports[-1]

    def request_stop(self):
        self.stop = True

    def close(self):
        pass

    def _step(self):
        time.sleep(self.fake.get("seconds", 0.0))
        self.step += 1
        with self.log.open("a") as log:
            log.write(f"{self.owner} {self.step} {os.getpid()}\n")
        if self.share:
            self._tell_where()
        if self.step == self.fake.get("crash"):
            raise RuntimeError(f"the fake training crashes at step {self.step}")
        if self.step == self.fake.get("kill"):
            mark = self.file.with_suffix(".killed")
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    def _tell_where(self):
        """Note when and on which GPUs this step was computed, as Ray gave them to the process."""
        node = ray.get_runtime_context().get_node_id()
        seen = [node, os.environ["CUDA_VISIBLE_DEVICES"], self.share, self.owner, os.getpid()]
        with self.where.open("a") as log:
            log.write(json.dumps([time.time(), *seen]) + "\n")

    def _save(self):
        state = {"step": self.step, "reports": [asdict(report) for report in self.reports]}
        partial = self.file.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(state))
        partial.replace(self.file)
