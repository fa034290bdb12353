"""A plug-in with a loss for whose batches a machine has memory up to a few crops only."""

import os

import torch
from torch import nn


class NarrowL1(nn.Module):
    """Mean difference; the environment's `NARROW_FITS` says how many crops fit (2)."""

    def __init__(self):
        super().__init__()

    def forward(self, sr, hr):
        if len(hr) > int(os.environ.get("NARROW_FITS", "2")):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 TiB.")
        return (sr - hr).abs().mean()


def register(tables):
    tables.losses.add("narrow_l1", NarrowL1)
