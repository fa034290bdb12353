"""Losses: what a training brings down, one file per family, and their mix."""

from acutance_models.losses.adversarial import Adversarial, Classification
from acutance_models.losses.checking import (
    BATCH_NORMS,
    batch_couplings,
    check_terms,
    normalises_batches,
)
from acutance_models.losses.gram import Gram, gram_matrices
from acutance_models.losses.interface import FeatureLoss, PictureLoss, VerdictLoss
from acutance_models.losses.mix import LossMix
from acutance_models.losses.perceptual import Perceptual
from acutance_models.losses.pixel import L1, MSE, Charbonnier
from acutance_models.losses.table import LOSSES
from acutance_models.losses.terms import TERM_HEADS, TermHead, resolve_term
from acutance_models.losses.views import Critique, Views
from acutance_models.losses.watch import Health, discriminator_health, discriminator_rests

__all__ = [
    "BATCH_NORMS",
    "L1",
    "LOSSES",
    "MSE",
    "TERM_HEADS",
    "Adversarial",
    "Charbonnier",
    "Classification",
    "Critique",
    "FeatureLoss",
    "Gram",
    "Health",
    "LossMix",
    "Perceptual",
    "PictureLoss",
    "TermHead",
    "VerdictLoss",
    "Views",
    "batch_couplings",
    "check_terms",
    "discriminator_health",
    "discriminator_rests",
    "gram_matrices",
    "normalises_batches",
    "resolve_term",
]
