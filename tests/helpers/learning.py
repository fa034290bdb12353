"""Short trainings of the small recipes in `experiments/base/`, and what they gain over bicubic."""

import time
from pathlib import Path
from typing import Any

import yaml

from acutance_platform.recipe import Recipe
from acutance_platform.training import Training, machine_kind
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.files import read_recipe
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset

BASE = Path(__file__).parents[2] / "experiments" / "base"
SYSTEMS = {
    "enhancenet": 4,
    "memnet": 2,
    "dbpn": 2,
    "idn": 2,
    "rdn": 2,
    "rcan": 2,
    "msrn": 2,
    "carn": 2,
    "sftgan": 4,
    "srfeat": 4,
    "esrgan": 4,
}
"""System -> scale that it is trained for here. ZSSR learns from each picture alone."""
REFERENCES = {2: "srresnet-x2", 4: "srresnet-x4"}
"""Scale -> the recipe that the systems are compared with."""
RECIPES = (*SYSTEMS, *REFERENCES.values())
"""Each is `experiments/base/NAME-small.yaml`."""
_NEVER = 10**9


def add_pictures(home: Home, folder: Path) -> None:
    """Store the pictures as dataset `learning`: one is measured, all others are learned from.

    One measured picture is the least that a training takes: its seconds count as training here.
    """
    files = [file for file in folder.rglob("*") if file.suffix in (".png", ".jpg")]
    names = sorted(str(file.relative_to(folder)) for file in files)
    said = {name: "validation" if name == names[0] else "train" for name in names}
    assert not add_dataset(home.store, "learning", folder, split=said).skipped


def small_recipe(name: str, home: Home, *settings: str) -> Recipe:
    """Return a small recipe on dataset `learning` that measures at its end alone, on the CPU."""
    quiet = (
        "data.dataset=learning",
        "resources.gpu=0",
        f"evaluation.every={_NEVER}",
        f"checkpoint.every={_NEVER}",
    )
    return read_recipe(BASE / f"{name}-small.yaml", [*quiet, *settings], home).recipe


def steps_within(seconds: float, name: str, home: Home, *settings: str) -> int:
    """Return how many steps of a small recipe hold in so many CPU seconds."""
    training, spent = _opened(small_recipe(name, home, *settings), home), []
    for steps in (3, 5, 45):  # the first warms up; the measuring of the others cancels out
        began = time.process_time()
        training.rehearse(steps)
        spent.append(time.process_time() - began)
    return max(1, int(seconds * 40 / max(spent[2] - spent[1], 0.01)))


def learn(name: str, home: Home, steps: int, *settings: str) -> dict[str, Any]:
    """Train a small recipe for so many steps; return what is to be stated of it."""
    recipe = small_recipe(name, home, *settings, f"stages.train.steps={steps}")
    training = _opened(recipe, home)
    began = time.process_time()
    report = training.advance()
    stated = yaml.safe_load((BASE / f"{name}-small.yaml").read_text())["generator"]
    return {
        "system": recipe.generator["kind"],
        "scale": recipe.scale,
        "shape": {key: value for key, value in stated.items() if key != "kind"},
        "seed": recipe.seed,
        "precision": recipe.precision,
        "parameters": int(report.metrics["parameters"]),
        "steps": steps,
        "cpu_seconds": round(time.process_time() - began, 1),
        "validation_psnr_y": report.metrics["psnr_y"],
        "weights": report.weights,
    }


def gain(weights: str, scale: int, home: Home, set5: Path) -> dict[str, float]:
    """Return PSNR-Y on Set5 from its distributed LR pictures, bicubic's, and the difference."""
    network, bicubic = (
        evaluate(
            model, set5 / "HR", scale=scale, lr=set5 / f"LRx{scale}", metrics=["psnr_y"], home=home
        ).mean["psnr_y"]
        for model in (f"blob:{weights}", "bicubic")
    )
    return {"psnr_y": network, "bicubic": bicubic, "gain": network - bicubic}


def _opened(recipe: Recipe, home: Home) -> Training:
    return Training(recipe, store=home.store, local=home.local, machine=machine_kind(recipe))
