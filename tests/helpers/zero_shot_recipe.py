"""Zero-shot trainings of a second."""

from tiny_trainings import tiny_recipe


def zero_shot_recipe(**changes):
    """Return a recipe that reports at 10, 20 and 24, saves every 5 steps, and lowers its rate."""
    recipe = {
        **tiny_recipe(),
        "data": {"dataset": "pictures"},
        "generator": {"kind": "zssr", "channels": 4, "layers": 3},
        "stages": {"train": {"steps": 24, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
        "zero_shot": {
            "crop": 16,
            "noise": 0.01,
            "back_projections": 1,
            "test_every": 1,
            "check_every": 3,
            "window": 5,
            "patience": 4,
        },
        "evaluation": {"every": 10},
        "plugins": [],
    }
    return {**recipe, **changes}
