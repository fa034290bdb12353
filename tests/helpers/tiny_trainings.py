"""Trainings of a second: pictures by formula, a network of hundreds of parameters."""

import numpy as np
import torch
import yaml
from formula_picture import formula_picture
from PIL import Image

from acutance_platform.recipe import build_recipe
from acutance_platform.training import Pairs, Training, machine_kind
from acutance_platform.training.data import Batches
from acutance_storage import add_dataset, list_refs, open_dataset, open_store

STEPS = 60
CHAOS_L1 = {"kind": "chaos_l1", "weight": 1.0}
PAUSE = 0.03
"""Seconds that each step of a training that is killed takes at least."""


def write_pictures(folder):
    """Write four training and two validation pictures that are no copies of each other."""
    random = np.random.default_rng(0)
    for index in range(6):
        split = "train" if index < 4 else "validation"
        (folder / split).mkdir(parents=True, exist_ok=True)
        noise = random.integers(0, 256, (8, 9, 3), np.uint8)
        rough = np.asarray(Image.fromarray(noise).resize((72, 64), Image.Resampling.BICUBIC))
        mixed = rough // 4 * 3 + formula_picture(64, 72) // 4
        Image.fromarray(mixed.astype(np.uint8)).save(folder / split / f"{index}.png")
    return folder


def tiny_recipe(dataset="pictures", **changes):
    """Return a recipe that reports at 20, 40 and 60 and saves every 5 steps."""
    return {
        "scale": 2,
        "seed": 5,
        "data": {"dataset": dataset, "patch": 32, "batch": 2},
        "generator": {"kind": "srresnet", "channels": 4, "blocks": 1},
        "optimizer": {"kind": "adam", "lr": 2e-3},
        "resources": {"cpu": 1, "gpu": 0},
        "stages": {"train": {"steps": STEPS, "loss": {"pixel": CHAOS_L1}}},
        "evaluation": {"every": 20},
        "checkpoint": {"every": 5, "keep": 2},
        "plugins": ["chaos_losses"],
        **changes,
    }


def with_loss(recipe, **arguments):
    """Return the recipe with arguments of its loss."""
    loss = {**CHAOS_L1, **arguments}
    return {**recipe, "stages": {"train": {"steps": STEPS, "loss": {"pixel": loss}}}}


def write_yaml(path, content):
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def write_maps(folder, pictures):
    """Write a label map for each picture but the last: dark, middle and bright."""
    folder.mkdir()
    for file in sorted(pictures.rglob("*.png"))[:-1]:
        grey = np.asarray(Image.open(file).convert("L"))
        Image.fromarray(np.digitize(grey, [100, 156]).astype(np.uint8)).save(folder / file.name)
    return folder


class Place:
    """A store with the pictures in it, without and with maps of 3 classes, and a local folder."""

    def __init__(self, folder, pictures, address=None):
        self.local = folder / "local"
        self.store = open_store(address or folder / "store", local=self.local)
        add_dataset(self.store, "pictures", pictures)
        maps = write_maps(folder / "maps", pictures)
        add_dataset(self.store, "mapped", pictures, maps=maps, classes=3)

    def training(self, recipe, **arguments):
        """Open a recipe's training here."""
        complete = build_recipe(recipe)
        kind = machine_kind(complete)
        return Training(complete, store=self.store, local=self.local, machine=kind, **arguments)

    def batch(self, recipe, step, attempt=0):
        """Return the HR batch that a step sees."""
        complete = build_recipe(recipe)
        pairs = Pairs(open_dataset(self.store, complete.data.dataset), complete, local=self.local)
        return Batches(pairs, complete, device=torch.device("cpu"))(step, attempt)[1]


def finish(training):
    """Train to the end; return steps and metrics of all reports, and the hash of the weights."""
    while training.step < STEPS:
        training.advance()
    return history(training.reports), training.reports[-1].weights


def history(reports):
    return [(report.step, report.metrics) for report in reports]


def saved(store):
    """Return the steps of which the store has a state."""
    return [int(name.rsplit("/", 1)[1]) for name in list_refs(store, "stages")]


def told(records):
    return [(r["step"], r["metrics"]) for r in records if r["do"] == "report"]


def stop_after(training, steps):
    """Ask the training to stop after so many of its own steps."""
    step, left = training._stage._train_step, [steps]

    def counted():
        step()
        left[0] -= 1
        if left[0] == 0:
            training.request_stop()

    training._stage._train_step = counted
