"""What keeping the maps of real pictures saves: in a training's step, and in an evaluation.

    python tests/benchmarks/feature_targets.py

Prints CPU seconds on one thread, the least and the most of several repetitions.
"""

import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from acutance_models import LossMix, build_generator, build_metrics, resolve_generator

PHOTOS = Path(__file__).parents[2] / "experiments" / "quickstart" / "photos" / "validation"
BATCH = 8


def timed(work, repeats=4):
    work()
    found = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return f"{min(found):.3f} to {max(found):.3f} s"


def in_a_step(channels, layer, patch):
    term = {"kind": "perceptual", "weight": 1.0, "layers": {layer: 1.0}}
    features = {"kind": "random", "channels": channels}
    mix = LossMix({"perceptual": {**term, "features": features}}, patch=patch)
    ((key, network),) = mix.features.items()
    spec = resolve_generator({"kind": "srresnet", "channels": 16, "blocks": 2})
    generator = build_generator(spec, scale=4, seed=0)
    torch.manual_seed(0)
    lr = torch.rand(BATCH, 3, patch // 4, patch // 4)
    hr = torch.rand(BATCH, 3, patch, patch)

    def real(pictures):
        with torch.no_grad():
            return network(pictures, [layer])[layer]

    def step(kept=None):
        views = mix.look(generator.outputs(lr), hr, step=0)
        if kept is not None:
            views.maps[key] = network(views.sr, [layer]), {layer: kept}
        mix.total(mix.generator_losses(views), step=0).backward()

    def one_by_one():
        return torch.cat([real(crop[None]) for crop in hr])

    kept = real(hr)
    print(f"random, {channels} channels, {layer}, {BATCH} crops of {patch}:")
    print(f"  step {timed(step)}, maps of HR kept {timed(lambda: step(kept))}")
    print(f"  HR as a batch {timed(lambda: real(hr))}, one by one {timed(one_by_one)}")
    print(f"  the same bits: {kept.equal(one_by_one())}")


def in_an_evaluation(name):
    (metric,) = build_metrics([name]).values()
    pictures = [np.array(Image.open(path).convert("RGB")) for path in sorted(PHOTOS.iterdir())]

    def evaluate():
        for picture in pictures:
            metric(picture[::-1], picture)

    kept = timed(evaluate)
    metric._made._kept, metric._made._room = {}, 0
    print(f"{name}, {len(pictures)} pictures: {timed(evaluate)}, maps of HR kept {kept}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for channels, layer, patch in ((8, "conv2_2", 48), (8, "conv5_4", 64), (64, "conv5_4", 64)):
        in_a_step(channels, layer, patch)
    for name in ("feature_distance", "gram_distance"):
        in_an_evaluation(name)
