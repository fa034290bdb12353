"""A rank that follows rank 0: `python -m acutance_platform.training.follower DESCRIPTOR`.

It reads from the pipe what to do, answers on it, and ends with it, whatever ended rank 0. It never
writes to the store.
"""

import json
import os
import select
import shutil
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, final

import safetensors.torch
import torch

from acutance_platform.recipe import build_recipe, chain
from acutance_platform.training.data import Pairs
from acutance_platform.training.features import feature_bytes
from acutance_platform.training.feed import Feed
from acutance_platform.training.group import Group, RankLost
from acutance_platform.training.learner import Learner
from acutance_platform.training.machine import device_of
from acutance_platform.training.pieces import lacks_memory
from acutance_platform.training.ranks import digest
from acutance_platform.training.upkeep import set_backends
from acutance_storage import open_dataset, open_store


def main() -> None:
    """Follow until the pipe is closed."""
    pipe = Connection(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # rank 0 saves, and then closes the pipe
    opening = json.loads(pipe.recv_bytes())
    threading.Thread(target=_end_with, args=(pipe, opening["folder"]), daemon=True).start()
    follower = None
    try:
        follower = _Follower(opening, pipe)
        while True:
            follower.do(json.loads(pipe.recv_bytes()))
    except EOFError:
        return
    except RankLost:
        sys.exit(1)  # rank 0 knows who was lost
    except Exception as error:
        crops = follower.crops if follower is not None and lacks_memory(error) else None
        failed = f"rank {opening['rank']} failed: {type(error).__name__}: {error}"
        pipe.send_bytes(json.dumps({"failed": failed, "crops": crops}).encode())
        if crops is None:
            raise  # where it failed is of use to whoever reads the process's log
        sys.exit(1)


@final
class _Follower:
    """Does what rank 0 tells it."""

    def __init__(self, opening: dict[str, Any], pipe: Connection) -> None:
        self._pipe, self._rank = pipe, opening["rank"]
        recipe = build_recipe(json.loads(opening["recipe"]))
        self._links = {link.name: link for link in chain(recipe)}
        self._device = device_of(recipe)
        if self._device.type == "cuda":
            torch.cuda.set_device(self._rank)
        set_backends(recipe, self._device)
        local = Path(opening["local"])
        store = open_store(opening["store"], local=local)
        self._pairs = Pairs(open_dataset(store, recipe.data.dataset), recipe, local=local)
        self._files = feature_bytes(opening["files"], store)
        self.crops: int | None = None
        """That it computes together, once it knows its stage."""
        self._answer({"ready": True})
        self._group = Group(
            Path(opening["folder"]),
            rank=self._rank,
            ranks=opening["ranks"],
            device=self._device,
        )

    def do(self, told: dict[str, Any]) -> None:
        if told["do"] == "state":
            self._take_over(told, self._pipe.recv_bytes())
        elif told["do"] == "step":
            batch = self._feed(self._learner.generator, told["step"], told["attempt"])
            self.crops = min(len(batch.hr), self._micro or len(batch.hr))
            self._learner.step(batch, told["step"] - told["start"])
        else:
            found = digest(self._learner)
            self._answer({"digest": found, "cpu_seconds": time.process_time()})

    def _take_over(self, told: dict[str, Any], state: bytes) -> None:
        """Become what rank 0 is."""
        link = self._links[told["stage"]]
        self._micro = link.recipe.data.micro_batch
        self._feed = Feed(self._pairs, link.recipe, device=self._device, rank=self._rank)
        self._learner = Learner(link, device=self._device, parent=None, files=self._files)
        self._learner.restore(safetensors.torch.load(state), told["memory"])
        self._learner.join(self._group)

    def _answer(self, content: dict[str, Any]) -> None:
        self._pipe.send_bytes(json.dumps(content).encode())


def _end_with(pipe: Connection, folder: str) -> None:
    """End this process when rank 0 lets go of the pipe, even in the middle of a step."""
    looking = select.poll()
    looking.register(pipe.fileno(), select.POLLRDHUP | select.POLLHUP)
    looking.poll()
    shutil.rmtree(folder, ignore_errors=True)  # a rank 0 that was killed could not
    os._exit(0)


if __name__ == "__main__":
    main()
