"""The table of losses."""

from torch import nn

from acutance_models.losses.adversarial import Adversarial, Classification
from acutance_models.losses.gram import Gram
from acutance_models.losses.perceptual import Perceptual
from acutance_models.losses.pixel import L1, MSE, Charbonnier
from acutance_models.registry import Registry

LOSSES: Registry[nn.Module] = Registry(
    "loss",
    adversarial=Adversarial,
    charbonnier=Charbonnier,
    classification=Classification,
    gram=Gram,
    l1=L1,
    mse=MSE,
    perceptual=Perceptual,
)
