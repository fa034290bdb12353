"""The ranks of a training, as the first of them leads the others.

Rank 0 is the process that the training was opened in. It alone saves, measures and decides; the
others are processes of its own (`follower`), told over a pipe what to do next, and end when the
pipe does. Between steps they wait on the pipe, so that no measurement is too long for them.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, final

import safetensors.torch
from torch import Tensor

from acutance_platform.recipe import Recipe, rank_count
from acutance_platform.training.feed import Feed
from acutance_platform.training.group import PATIENCE, Group, RankLost
from acutance_platform.training.learner import Learner
from acutance_platform.training.machine import device_of
from acutance_platform.training.pieces import OutOfMemory
from acutance_platform.training.state import Progress
from acutance_storage import BlobStore

_LOOK_EVERY: Final = 0.2
_SECONDS_TO_TELL: Final = 5.0
"""That a rank which fails has to say why."""


class _Failed(RankLost):
    """What a rank that failed has said about it."""


@final
class Ranks:
    """All ranks but the first, which start at the first step.

    Args:
        recipe: Complete, with `auto` fields resolved.
        store: Where dataset and files lie.
        local: This machine's own folder.
        files: Name -> SHA-256 of the files that its feature networks need.
    """

    def __init__(
        self, recipe: Recipe, *, store: BlobStore, local: Path, files: Mapping[str, str]
    ) -> None:
        self._count, self._device = rank_count(recipe.resources), device_of(recipe)
        self._opening = {
            "recipe": recipe.model_dump_json(),
            "store": store.address,
            "local": str(local.absolute()),
            "files": dict(files),
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        self._pipes: list[Connection] = []
        self._group: Group | None = None
        self._known: Learner | None = None
        self._lost: tuple[int, int] | None = None
        self._folder = Path()
        self._ended_seconds = 0.0
        self._seconds: list[float] = []

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the other ranks, as of the last `agree`."""
        return self._ended_seconds + sum(self._seconds)

    @property
    def pids(self) -> list[int]:
        """Processes of the other ranks that were started."""
        return [process.pid for process in self._processes]

    def step(self, learner: Learner, feed: Feed, stage: str, progress: Progress) -> Tensor:
        """Take one step with all ranks; return what `Learner.step` does.

        Args:
            learner: Of this process. One that the others do not know hands them its state.
            feed: Of rank 0.
            stage: Which of the recipe's.
            progress: Where the training is.

        Raises:
            RankLost: If another rank has ended or does not answer; nothing was learned.
            OutOfMemory: If another rank has not enough memory.
        """
        at = {"step": progress.step, "attempt": progress.attempt, "start": progress.start}
        try:
            if self._group is None:
                self._start()
            if learner is not self._known:
                self._hand_over(learner, stage)
            self._tell({"do": "step", **at})
            batch = feed(learner.generator, progress.step, progress.attempt)
            value = learner.step(batch, progress.step - progress.start)
            if self._lost is not None:
                raise RankLost("what follows from the sums of this step is void")
            return value
        except (RankLost, OSError, EOFError) as error:
            raise self._explained(error, stage) from error

    def agree(self, learner: Learner) -> None:
        """Make sure that every rank is in the state of this one, before it is saved.

        Raises:
            RankLost: If a rank has ended, or is in another state.
        """
        if learner is not self._known:
            return
        try:
            self._tell({"do": "agree"})
            mine = digest(learner)
            for number, pipe in enumerate(self._pipes):
                answer = self._heard(pipe)
                self._seconds[number] = answer["cpu_seconds"]
                if answer["digest"] != mine:
                    raise RankLost(
                        f"rank {number + 1} came to other weights than rank 0, which equal sums "
                        "cannot do: its memory or its device is faulty, or a component looks at "
                        "something beside its arguments. Nothing of it is saved."
                    )
        except (OSError, EOFError) as error:
            raise self._explained(error, "") from error

    def close(self) -> None:
        """End the other ranks; a later `step` starts them anew."""
        self._ended_seconds, self._seconds = self.cpu_seconds, []
        processes, self._processes = self._processes, []
        if self._group is not None:
            self._group.abort()
        for pipe in self._pipes:
            pipe.close()
        for process in processes:
            process.kill()  # it has nothing to put in order
            process.wait()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)
        self._pipes, self._group, self._known, self._lost = [], None, None, None

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="acutance-ranks-"))
        for rank in range(1, self._count):
            self._launch(rank)
        threading.Thread(
            target=self._watch, args=(self._processes,), name="ranks", daemon=True
        ).start()
        for pipe in self._pipes:
            self._heard(pipe)  # it is about to join
        self._group = Group(self._folder, rank=0, ranks=self._count, device=self._device)

    def _launch(self, rank: int) -> None:
        ours, theirs = Pipe()
        number = theirs.fileno()
        code = [sys.executable, "-m", "acutance_platform.training.follower", str(number)]
        self._processes.append(
            subprocess.Popen(
                code,
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # of rank 0 it may be one JSON document
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C is for rank 0, which decides what to do
            )
        )
        theirs.close()
        self._pipes.append(ours)
        self._seconds.append(0.0)
        opening = {**self._opening, "rank": rank, "ranks": self._count}
        ours.send_bytes(json.dumps({**opening, "folder": str(self._folder)}).encode())

    def _hand_over(self, learner: Learner, stage: str) -> None:
        """Put every rank into the state of a learner."""
        assert self._group is not None
        self._tell({"do": "state", "stage": stage, "memory": learner.memory()})
        tensors = {name: t.detach().cpu().contiguous() for name, t in learner.tensors().items()}
        state = safetensors.torch.save(tensors)
        for pipe in self._pipes:
            pipe.send_bytes(state)
        learner.join(self._group)
        self._known = learner

    def _tell(self, message: dict[str, Any]) -> None:
        for pipe in self._pipes:
            pipe.send_bytes(json.dumps(message).encode())

    def _heard(self, pipe: Connection) -> dict[str, Any]:
        if not pipe.poll(PATIENCE):
            raise RankLost(f"a rank said nothing for {PATIENCE:g} seconds")
        answer: dict[str, Any] = json.loads(pipe.recv_bytes())
        if "failed" in answer:
            raise _Failed(answer["failed"])
        return answer

    def _watch(self, processes: list[subprocess.Popen[bytes]]) -> None:
        """End all ranks when one has ended: whoever waits for it would wait for long."""
        while processes is self._processes:
            codes = [(process.poll(), rank) for rank, process in enumerate(processes, start=1)]
            ended = [(code, rank) for code, rank in codes if code is not None]
            if ended and processes is self._processes:
                # A signal comes first: ranks that lost another one end as well.
                self._lost = min(ended)
                for process in processes:
                    process.kill()
                if self._group is not None:
                    self._group.abort()
                return
            time.sleep(_LOOK_EVERY)

    def _explained(self, error: Exception, stage: str) -> Exception:
        """Return what really happened where something came of the loss of a rank; end the rest."""
        said: list[dict[str, Any]] = [{"failed": str(error)}] if isinstance(error, _Failed) else []
        until = time.monotonic() + _SECONDS_TO_TELL
        while not said and time.monotonic() < until:
            ended = self._lost is not None
            said = list(filter(None, map(self._last_words, self._pipes)))
            if ended:
                break
            time.sleep(_LOOK_EVERY / 4)
        lost = self._lost
        self.close()
        for words in said:
            if words.get("crops") is not None:
                return OutOfMemory(stage, words["crops"])
        if said:
            return RankLost(said[0]["failed"])
        if lost is None:
            return RankLost(str(error))
        code, rank = lost
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return RankLost(f"rank {rank} of {self._count} {how}; the others were ended")

    @staticmethod
    def _last_words(pipe: Connection) -> dict[str, Any] | None:
        """Return what a rank that failed has said about it; None if there is nothing."""
        with suppress(OSError, EOFError):
            while pipe.poll(0):
                answer: dict[str, Any] = json.loads(pipe.recv_bytes())
                if "failed" in answer:
                    return answer
        return None


def digest(learner: Learner) -> str:
    """Return the SHA-256 of all that a learner learned: names and values of its tensors.

    Averages are left out: they are of what was not reported yet, and rank 0 alone reports.
    """
    tensors, found = learner.tensors(), hashlib.sha256()
    for name in sorted(name for name in tensors if not name.startswith("averages/")):
        found.update(name.encode())
        found.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
