"""Models that are better, worse and equal, a place to promote them in, and its MLflow."""

import torch

from acutance_models import dump_weights
from acutance_platform.verbs.addresses import load_model

CHANGES = {"good": 0.0, "bad": 0.1, "equal": 1e-4}
"""Name of a weights file -> noise on the shipped network's weights."""


def changed(noise, seed=0):
    """Return the shipped x2 network with noise on its weights, as a file's bytes."""
    generator = load_model("shipped").generator
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.add_(torch.randn(weight.shape, generator=random) * noise * weight.std())
    return dump_weights(generator, generator.spec, generator.scale)


def write_models(folder):
    """Write NAME.safetensors for all of `CHANGES`."""
    for name, noise in CHANGES.items():
        (folder / f"{name}.safetensors").write_bytes(changed(noise))
