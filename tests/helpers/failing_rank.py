"""A plug-in with a loss that fails in the ranks that follow, not in the one that leads.

`FAILING_RANK` says how: `memory`, `error`, or nothing.
"""

import os
import sys

import torch
from torch import nn


class FailingL1(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, sr, hr):
        if "follower" in sys.argv[0]:
            if os.environ.get("FAILING_RANK") == "memory":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 TiB.")
            if os.environ.get("FAILING_RANK") == "error":
                raise ValueError("no idea")
        return (sr - hr).abs().mean()


def register(tables):
    tables.losses.add("failing_l1", FailingL1)
