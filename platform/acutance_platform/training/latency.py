"""How long a network takes for a picture, on the machine that trains it."""

import statistics
import time
from typing import Final

import torch

from acutance_models import Generator, upscale

SIDE: Final = 240
"""Side of the SR picture in pixels: a multiple of every scale."""
_REPEATS = 5


def latency_ms(network: Generator, device: torch.device) -> float:
    """Return the milliseconds that a network takes to upscale a picture to 240 x 240, in f32.

    The median of five, after one that is not counted. Other work on the machine lengthens it.

    Args:
        network: In evaluation mode, on `device`.
        device: Where to compute.
    """
    side = SIDE // network.scale
    lr = torch.full((network.channels, side, side), 0.5, device=device)
    taken = []
    with torch.inference_mode():
        for _ in range(_REPEATS + 1):
            began = time.perf_counter()
            upscale(network, lr)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken[1:])
