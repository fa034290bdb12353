"""A plug-in with a loss that takes its time, and is not finite for batches that it is told.

`poison` lists what `mark` returns for HR batches, so that a step is chosen by what it sees: the
same step of a resumed training is poisoned as well, and the same step of a further attempt is not.
How long a step takes and where it is noted comes from the environment: neither is of the recipe.
"""

import hashlib
import math
import os
import time

from torch import nn


def mark(hr):
    return hashlib.sha256(hr.contiguous().numpy().tobytes()).hexdigest()[:16]


class ChaosL1(nn.Module):
    def __init__(self, *, poison: list[str] | None = None, always: bool = False):
        super().__init__()
        self.poison, self.always = set(poison or []), always
        self.pause, self.log = (
            float(os.environ.get("CHAOS_PAUSE", "0")),
            os.environ.get("CHAOS_LOG"),
        )

    def forward(self, sr, hr):
        time.sleep(self.pause)
        if self.log:
            with open(self.log, "a") as log:
                log.write(f"{os.getpid()}\n")
        loss = (sr - hr).abs().mean()
        return loss * math.nan if self.always or mark(hr) in self.poison else loss


def register(tables):
    tables.losses.add("chaos_l1", ChaosL1)
