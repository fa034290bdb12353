"""A store with photographs and a finished sweep whose trials have real weights: seconds, no Ray."""

import numpy as np
import yaml
from calling import RECIPE
from PIL import Image
from promotions import CHANGES, changed
from sweep_example import example_picture

from acutance_platform.recipe import build_recipe
from acutance_platform.search import sweep_journal
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset, open_store, put_blob

TRIALS = {"t0000": "good", "t0001": "bad"}
"""Trial -> which of `CHANGES` its weights are: t0000 is clearly better."""
SWEEP = "nights"


def write_photographs(folder, sizes=((240, 320), (300, 411))):
    """Write a training picture and one for validation of each size; the second grainy."""
    random = np.random.default_rng(7)
    for split, shown in (("train", sizes[:1]), ("validation", sizes)):
        (folder / split).mkdir(parents=True)
        for number, (height, width) in enumerate(shown):
            seed = number if split == "validation" else 9
            picture = example_picture(seed=seed, height=height, width=width).astype(np.int16)
            grain = random.integers(-12, 13, (*picture.shape[:2], 1)) * number
            pixels = np.clip(picture + grain, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / split / f"{'ab'[number]}.png")
    return folder


def home_with_models(folder, sizes=((240, 320), (300, 411)), **changes):
    """Return a home whose sweep has the trials of `TRIALS`; `changes` are of their recipe."""
    home = Home(open_store(folder / "store"), folder / "local")
    added = add_dataset(home.store, "photos", write_photographs(folder / "photos", sizes))
    recipe = yaml.safe_load(RECIPE) | changes
    recipe["data"]["dataset"] = f"photos@{added.dataset.version}"
    spec = build_recipe(recipe).model_dump(mode="json")
    records = [
        {"do": "sweep", "name": SWEEP, "spec": spec, "time": 1.7e9},
        {"do": "start", "driver": "d0", "host": "h", "time": 1.7e9},
    ]
    for place, (trial, quality) in enumerate(TRIALS.items()):
        weights = put_blob(home.store, changed(CHANGES[quality]))
        metrics = {"psnr_y": 30.0 - place}
        records += [
            {"do": "ask", "trial": trial, "recipe": {}, "rungs": [4], "time": 1.7e9},
            {"do": "report", "trial": trial, "step": 4, "metrics": metrics, "executed": 4,
             "cpu_seconds": 1.0, "gpu_seconds": 0.0, "time": 1.7e9 + 5},
            {"do": "result", "trial": trial, "step": 4, "weights": weights, "time": 1.7e9 + 6},
            {"do": "end", "trial": trial, "state": "COMPLETE", "step": 4, "time": 1.7e9 + 7},
        ]  # fmt: skip
    records.append({"do": "finish", "state": "COMPLETE", "reason": "", "time": 1.7e9 + 8})
    sweep_journal(home.store, SWEEP).append(*records)
    return home
