"""A plug-in with a loss that has no memory in the ranks that follow, only in the one that leads."""

import sys

import torch
from torch import nn


class FailingL1(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, sr, hr):
        if "follower" in sys.argv[0]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 TiB.")
        return (sr - hr).abs().mean()


def register(tables):
    tables.losses.add("failing_l1", FailingL1)
