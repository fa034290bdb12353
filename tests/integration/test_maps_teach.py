"""What a small network learns from segmentation maps that it does not learn without them.

Two kinds of pictures. *Gratings*: each class is a grating of two pixels' period, which bicubic
reduction by four removes, on a smooth ground; only the map tells which one was there. *Streets*:
photographs with human labels of sky, buildings and trees. The same sftgan, steps and seeds with
maps, with background everywhere, and with its modulation switched off.
"""

import statistics

import numpy as np
import pytest
from gratings import EXPERIMENT, GRATINGS, draw, write
from PIL import Image
from shared_data import shared

from acutance_platform.recipe import build_recipe
from acutance_platform.training import Training, machine_kind
from acutance_storage import add_dataset, open_store

STEPS, SEEDS = 600, (0, 1, 2)
RATES = {"gratings": 4e-3, "streets": 1e-3}


def write_gratings(folder, count=12, side=128):
    """Write pictures whose regions are gratings, and their label maps; return both folders."""
    pictures, labels = folder / "pictures", folder / "labels"
    pictures.mkdir()
    labels.mkdir()
    for index in range(count):
        picture, classes = draw(index, side)
        picture.save(pictures / f"{index:02}.png")
        classes.save(labels / f"{index:02}.png")
    return pictures, labels


def trained(store, local, dataset, classes, *, condition, seed):
    """Train; return PSNR-Y in dB on the validation pictures, and CPU-seconds."""
    generator = {"kind": "sftgan", "channels": 16, "blocks": 2, "classes": classes}
    recipe = build_recipe(
        {
            "scale": 4,
            "seed": seed,
            "data": {"dataset": dataset, "patch": 32, "batch": 8, "augment": "none"},
            "generator": {
                **generator,
                "condition": condition,
                "image_skip": "bicubic",
                "init_gain": 0.5,
            },
            "optimizer": {"lr": RATES[dataset.partition("-")[0]]},
            "schedule": {"kind": "cosine"},
            "resources": {"cpu": 1, "gpu": 0},
            "stages": {"train": {"steps": STEPS, "loss": {"p": {"kind": "l1", "weight": 1.0}}}},
            "evaluation": {"every": STEPS, "metrics": ["psnr_y"]},
        }
    )
    training = Training(recipe, store=store, local=local, machine=machine_kind(recipe))
    report = training.advance()
    return report.metrics["psnr_y"], report.cpu_seconds


def table(store, local, name, classes):
    """Return PSNR-Y of each variant and seed, and the CPU-seconds of all."""
    variants = {
        "maps": (f"{name}-mapped", True),
        "background": (f"{name}-plain", True),
        "condition off": (f"{name}-plain", False),
    }
    rows, cost = {}, 0.0
    for variant, (dataset, condition) in variants.items():
        made = [
            trained(store, local, dataset, classes, condition=condition, seed=seed)
            for seed in SEEDS
        ]
        scores = [score for score, _ in made]
        rows[variant] = {
            "psnr_y_db": [round(score, 3) for score in scores],
            "mean": round(statistics.mean(scores), 3),
            "spread": round(statistics.stdev(scores), 3),
        }
        cost += sum(seconds for _, seconds in made)
    return rows, round(cost, 1)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["gratings", "streets"])
def test_what_maps_teach_a_small_sftgan(kind, tmp_path, monkeypatch, record_property):
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    store = open_store(str(tmp_path / "store"))
    if kind == "gratings":
        (pictures, labels), classes = write_gratings(tmp_path), len(GRATINGS)
        split = {f"{index:02}": "validation" for index in range(8, 12)}
    else:
        pictures, labels = (shared(f"data/camvid_seg/{each}") for each in ("img", "label"))
        classes, split = 8, {"0016E5_05520": "validation", "0016E5_06870": "validation"}
    split |= {file.stem: "train" for file in pictures.iterdir() if file.stem not in split}
    add_dataset(store, f"{kind}-plain", pictures, split=split)
    add_dataset(store, f"{kind}-mapped", pictures, split=split, maps=labels, classes=classes)
    rows, cost = table(store, tmp_path / "local", kind, classes)
    record_property("network", "sftgan x4, 16 channels, 2 blocks, L1, 600 steps, 8 crops of 32")
    record_property("seeds", SEEDS)
    record_property("table", rows)
    record_property("cpu_seconds", cost)
    if kind == "gratings":
        worst, best = min(rows["maps"]["psnr_y_db"]), max(rows["background"]["psnr_y_db"])
        assert worst > best + 1.0
    else:
        # Measured, not hoped for: labels of a photograph tell little that its LR does not.
        assert abs(rows["maps"]["mean"] - rows["background"]["mean"]) < 0.3


def test_the_pictures_of_the_experiment_are_those_of_the_helper(tmp_path):
    write(tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*.png"))
    assert len(files) == 24
    for file in files:
        with Image.open(tmp_path / file) as made, Image.open(EXPERIMENT / file) as stored:
            assert np.array_equal(np.asarray(made), np.asarray(stored)), file
