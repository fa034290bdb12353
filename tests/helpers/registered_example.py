"""A store with a dataset and a registered model: two versions and a refusal; made in seconds."""

from contextlib import contextmanager

import pytest
from calling import photographs
from promotions import changed

from acutance_platform.search.requests import acting_as
from acutance_platform.verbs import promotion
from acutance_platform.verbs.datasets import add_pictures
from acutance_platform.verbs.home import Home
from acutance_storage import open_store, put_blob

NOISE = {"bad": 0.1, "good": 0.0, "equal": 1e-4}


def measured(gain):
    """What a clean process tells of ten pictures on which a model gains `gain` dB, more or less."""
    pictures = [
        {
            "name": f"p{index}.png",
            "challenger": {"psnr_y": 30.0 + gain + 0.01 * index, "ssim_y": 0.9 + gain / 100},
            "champion": {"psnr_y": 30.0, "ssim_y": 0.9},
            "bicubic": {"psnr_y": 29.0, "ssim_y": 0.85},
        }
        for index in range(10)
    ]
    protocol = {"name": "rcan", "border": 2, "degradation": [{"kind": "matlab_bicubic"}]}
    one = {"data": "photos@0123456789abcdef/test", "scale": 2, "protocol": protocol}
    sets = [{**one, "pictures": pictures, "left_out": ["seen.png"]}]
    return {"sets": sets, "known": False, "machine": "a machine"}


@contextmanager
def not_measuring(gain=0.5, progress=None):
    """Let promotions think that a model gains `gain` dB, and MLflow be elsewhere."""

    def remeasure(job, home, told):
        for done in range(2):
            told("measure", done, 2)
            if progress is not None:
                progress(done)
        return measured(gain)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promotion, "remeasure", remeasure)
        patch.setattr(promotion, "show_in_mlflow", lambda home, name: [])
        yield


def make_registry(folder):
    """Return a home with the dataset `photos`, and `sr`: version 1, version 2, a refusal.

    Also `blobs`: name -> SHA-256 of weights that can be promoted.
    """
    home = Home(open_store(folder / "store"), folder / "local")
    photographs(folder / "photos", number=6, height=48, width=56)
    add_pictures("photos", folder / "photos", licence="CC0", source="drawn", home=home)
    blobs = {name: put_blob(home.store, changed(noise)) for name, noise in NOISE.items()}
    with acting_as("Ada"):
        for name, gain in (("bad", 0.5), ("good", 0.2), ("equal", -0.3)):
            with not_measuring(gain):
                promotion.promote(f"blob:{blobs[name]}", name="sr", data="photos", home=home)
    return home, blobs
