"""Losses: what a training brings down, one file per family."""

from torch import nn

from acutance_models.losses.pixel import L1, MSE, Charbonnier
from acutance_models.registry import Registry

__all__ = ["L1", "LOSSES", "MSE", "Charbonnier"]

LOSSES: Registry[nn.Module] = Registry("loss", charbonnier=Charbonnier, l1=L1, mse=MSE)
