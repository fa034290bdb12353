"""What tiles cost a network that looks at the whole picture, before and after a short training."""

import numpy as np
import pytest
import torch
from shared_data import read_rgb, shared

from acutance_models import build_generator, resolve_generator
from acutance_models.tiling import upscale

SPEC = {"kind": "rcan", "groups": 5, "blocks": 5, "channels": 32, "reduction": 8}
SIDE, TILE, STEPS, PATCH = 256, 64, 50, 64  # HR pixels, LR pixels, steps, HR pixels


def pictures(folder):
    """Return HR squares in [0, 1] from the middle of every picture that is large enough."""
    found = [read_rgb(path) for path in sorted(shared(folder).rglob("*")) if path.is_file()
             and path.suffix in (".png", ".jpg")]  # fmt: skip
    squares = []
    for picture in found:
        top, left = ((side - SIDE) // 2 for side in picture.shape[:2])
        if min(top, left) >= 0:
            square = picture[top : top + SIDE, left : left + SIDE]
            squares.append(torch.from_numpy(square).permute(2, 0, 1) / 255)
    return squares


def halved(hr):
    return torch.nn.functional.interpolate(hr[None], scale_factor=0.5, mode="area")[0]


def differences(network, squares):
    """Return the PSNR of tiles against one piece, of each picture."""
    found = []
    for hr in squares:
        lr = halved(hr)
        difference = upscale(network, lr, tile=TILE) - upscale(network, lr)
        found.append(round(float(-10 * difference.square().mean().log10()), 1))
    return found


@pytest.mark.long
def test_two_hundred_attentions_without_training_in_tiles(record_property):
    network = build_generator(resolve_generator({"preset": "rcan"}), scale=2, seed=0).eval()
    found = differences(network, pictures("data/Set5/HR")[:2])
    record_property("first_weights_db", found)
    assert len(found) == 2
    assert min(found) >= 50, found


@pytest.mark.long
def test_training_calms_attention_in_tiles(record_property):
    network = build_generator(SPEC, scale=2, seed=0)
    seen, tested = pictures("data/demo_photos"), pictures("data/Set5/HR")
    record_property("first_weights_db", differences(network, tested))
    optimiser, dice = torch.optim.Adam(network.parameters(), 1e-3), np.random.default_rng(0)
    for _ in range(STEPS):
        crops = []
        for _ in range(6):
            hr = seen[dice.integers(len(seen))]
            top, left = 2 * dice.integers(0, (SIDE - PATCH) // 2, 2)
            crops.append(hr[:, top : top + PATCH, left : left + PATCH])
        hr = torch.stack(crops)
        lr = torch.nn.functional.interpolate(hr, scale_factor=0.5, mode="area")
        loss = (network(lr) - hr).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimiser.step()
    trained = differences(network, tested)
    record_property("trained_db", trained)
    assert len(trained) >= 4
    assert min(trained) >= 50, trained
