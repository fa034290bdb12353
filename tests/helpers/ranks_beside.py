"""Trainings of two ranks beside trainings of one, step by step.

`ranks_beside.py FOLDER` compares them in double precision, in a process of its own because that is
for good, and prints the largest relative difference of a loss and the largest of a weight.
"""

import json
import sys
from pathlib import Path

from tiny_trainings import Place, tiny_recipe, write_pictures

RANDOM = {"kind": "random", "channels": 4}
VGG = {"kind": "vgg", "channels": 4, "norm": "none"}
LOOKS = {
    "pixel": {"kind": "charbonnier", "weight": 1.0},
    "squares": {"kind": "mse", "weight": 0.5, "normalize": "initial"},
    "perceptual": {
        "kind": "perceptual",
        "weight": 1.0,
        "features": RANDOM,
        "layers": {"conv2_2": 1.0},
        "normalize": "initial",
    },
    "texture": {
        "kind": "gram",
        "weight": 1.0,
        "features": RANDOM,
        "layers": {"relu1_1": 1.0},
        "patch": 16,
    },
}
NORMALISED = {"kind": "srfeat", "channels": 4, "blocks": 1}
"""A generator with batch normalisations."""


def judged(form="standard", discriminator=VGG, **more):
    """Return all kinds of terms beside an adversarial one."""
    term = {"kind": "adversarial", "weight": 0.1, "form": form, "discriminator": discriminator}
    return {**LOOKS, "adversarial": {**term, **more}}


def recipe_of(loss, *, dataset="pictures", generator=None, micro=None, plugins=(), **stage):
    """Return a recipe of a batch of 4, with an average and a limit on the gradient."""
    tiny = tiny_recipe(
        dataset,
        stages={"train": {"steps": 60, "loss": loss, **stage}},
        plugins=list(plugins),
        ema=0.9,
        optimizer={"kind": "adam", "lr": 2e-3, "clip_norm": 0.1},
    )
    data = {**tiny["data"], "batch": 4, "micro_batch": micro}
    return {**tiny, "data": data, "generator": generator or tiny["generator"]}


def with_ranks(recipe, ranks=2):
    return {**recipe, "resources": {"cpu": ranks, "gpu": 0, "ranks": ranks}}


def watched(training, steps):
    """Take steps; return the loss of each and the tensors after them."""
    stage, losses = training._stage, []
    for _ in range(steps):
        learned = stage._learned

        def noted(learned=learned):
            losses.append(learned())
            return losses[-1]

        stage._learned = noted
        stage._train_step()
        stage._learned = learned
    return [float(loss) for loss in losses], stage._learner.tensors()


def main():
    folder = Path(sys.argv[1])
    place = Place(folder, write_pictures(folder / "pictures"))
    mix, plugins = judged("relativistic", detach_means=False), ["double_precision"]
    recipe = recipe_of(mix, generator=NORMALISED, plugins=plugins)
    found = []
    for content in (recipe, with_ranks(recipe)):
        training = place.training(content)
        found.append(watched(training, 20))
        training.close()
    (losses, alone), (others, shared) = found
    weights = [name for name in alone if name.split("/")[0] in ("generator", "ema")]
    assert {str(alone[name].dtype) for name in weights} >= {"torch.float64"}
    critics = [name for name in alone if "/weights/" in name]
    apart = [float((alone[name] - shared[name]).abs().max()) for name in [*weights, *critics]]
    off = [abs(a - b) / abs(a) for a, b in zip(losses, others, strict=True)]
    print(json.dumps({"steps": len(off), "loss": max(off), "weight": max(apart)}))


if __name__ == "__main__":
    main()
