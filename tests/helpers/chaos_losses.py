"""A plug-in with a loss that takes its time, and is not finite for batches that it is told.

`poison` lists what `mark` returns for HR batches, so that a step is chosen by what it sees: the
same step of a resumed training is poisoned as well, and the same step of a further attempt is not.
"""

import hashlib
import math
import time

from torch import nn


def mark(hr):
    return hashlib.sha256(hr.contiguous().numpy().tobytes()).hexdigest()[:16]


class ChaosL1(nn.Module):
    def __init__(self, *, seconds: float = 0.0, poison: list[str] = [], always: bool = False):  # noqa: B006  (a schema's default)
        super().__init__()
        self.seconds, self.poison, self.always = seconds, set(poison), always

    def forward(self, sr, hr):
        time.sleep(self.seconds)
        loss = (sr - hr).abs().mean()
        return loss * math.nan if self.always or mark(hr) in self.poison else loss


def register(tables):
    tables.losses.add("chaos_l1", ChaosL1)
