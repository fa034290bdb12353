from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from acutance_storage.dataset import open_dataset
from acutance_storage.errors import DatasetError
from acutance_storage.folder import FolderStore
from acutance_storage.ingest import add_dataset
from acutance_storage.pairs import LrNames, crop_to_lr
from acutance_storage.verifying import verify_dataset

Pixels = NDArray[np.uint8]
Photos = Callable[..., Path]


def smaller(hr: Pixels, scale: int) -> Pixels:
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    cropped = Image.fromarray(hr[: height * scale, : width * scale])
    return np.asarray(cropped.resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pairs_are_stored_and_read(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels], scale: int
) -> None:
    hr = {"a": scene(1, 97, 65), "b": scene(2, 96, 72)}
    lr = {f"{name}x{scale}": smaller(pixels, scale) for name, pixels in hr.items()}
    report = add_dataset(store, "pairs", photos("hr", **hr), lr=photos("lr", **lr), scale=scale)
    dataset = open_dataset(store, "pairs")
    assert dataset.lr_scale == scale
    for i, name in enumerate("ab"):
        small = lr[f"{name}x{scale}"]
        assert np.array_equal(dataset.lr(i), small)
        height, width = small.shape[0] * scale, small.shape[1] * scale
        assert np.array_equal(dataset.hr(i), hr[name][:height, :width])
    assert (
        "a.png",
        f"cropped to {97 // scale * scale}x{65 // scale * scale} for its LR picture",
    ) in (report.treated)
    assert verify_dataset(store, "pairs") == []
    again = add_dataset(store, "pairs", photos("hr"), lr=photos("lr"), scale=scale)
    assert again.dataset.version == dataset.version
    plain = add_dataset(store, "plain", photos("cut", a=dataset.hr(0), b=dataset.hr(1))).dataset
    assert plain.version != dataset.version


@pytest.mark.parametrize(
    ("hr", "lr"),
    [
        ("a.png", "a.jpg"),
        ("a.png", "ax2.png"),
        ("a.png", "a_x2.png"),
        ("a.png", "a-X2.png"),
        ("a.png", "x2_a.png"),
        ("a.png", "x2a.png"),
        ("A_HR.png", "a_LR2.png"),
        ("a_HR.png", "a_LRx2.png"),
        ("a_HR.png", "a_LR.png"),
        ("deep/a.png", "deep/ax2.png"),
        ("deep/a.png", "ax2.png"),
    ],
)
def test_the_rule_for_names(hr: str, lr: str) -> None:
    names = LrNames([(lr, Path(lr)), ("other.png", Path("other.png"))], 2)
    assert names.find(hr) == (Path(lr), "")
    assert names.left() == [("other.png", Path("other.png"))]


def test_names_of_another_scale_or_of_two_files_do_not_fit() -> None:
    names = LrNames(
        [(n, Path(n)) for n in ("ax3.png", "b.png", "bx2.png", "d/c.png", "e/c.png")], 2
    )
    assert names.find("a.png") == (None, names.find("a.png")[1])
    assert "no LR picture" in names.find("a.png")[1]
    assert "several LR pictures fit: b.png, bx2.png" in names.find("b.png")[1]
    assert "several" in names.find("c.png")[1]
    assert names.find("e/c.png") == (Path("e/c.png"), "")


def test_every_mismatch_is_listed_and_nothing_is_added(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels]
) -> None:
    hr = {name: scene(seed, 96, 96) for seed, name in enumerate("abcde")}
    lr = {name: smaller(pixels, 2) for name, pixels in hr.items()}
    lr["a"] = lr["a"][:-1]
    lr["b"] = np.roll(lr["b"], 1, axis=1)
    lr["c"] = smaller(scene(77, 96, 96), 2)
    lr["single"] = lr.pop("d")
    (photos("lr") / "LICENCE.txt").write_text("free")
    with pytest.raises(DatasetError) as caught:
        add_dataset(store, "pairs", photos("hr", **hr), lr=photos("lr", **lr), scale=2)
    found = sorted(caught.value.problems)
    assert [line[:9] for line in found] == [
        "LR single",
        "a.png, a.",
        "b.png, b.",
        "c.png, c.",
        "d.png: no",
    ]
    assert "at scale 2 it must be 48x48" in found[1]
    assert "moved by about 0 pixels down and 1 right" in found[2]
    assert "different pictures" in found[3]
    assert "5 pictures do not pair up" in str(caught.value)
    assert store.list("") == []


def test_an_unreadable_half_skips_its_pair_only(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels]
) -> None:
    hr = {name: scene(seed, 96, 96) for seed, name in enumerate("abc")}
    hr_folder = photos("hr", **hr)
    lr_folder = photos("lr", **{name: smaller(pixels, 2) for name, pixels in hr.items()})
    (lr_folder / "a.png").write_bytes(b"")
    (hr_folder / "b.png").write_bytes(b"")
    (hr_folder / "notes.txt").write_text("hello")
    report = add_dataset(store, "pairs", hr_folder, lr=lr_folder, scale=2)
    assert [picture.name for picture in report.dataset.pictures] == ["c.png"]
    assert dict(report.skipped)["a.png"] == "its LR picture a.png: the file is empty"
    assert dict(report.skipped)["b.png"] == "the file is empty"


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (-1, 0), (0, -1), (1, 1)])
def test_alignment_is_measured(scene: Callable[..., Pixels], shift: tuple[int, int]) -> None:
    hr = scene(5, 96, 96)
    lr = np.roll(smaller(hr, 2), shift, axis=(0, 1))
    cropped, problem = crop_to_lr(hr, lr, 2)
    if shift == (0, 0):
        assert cropped is not None
        assert problem == ""
    else:
        assert cropped is None
        assert f"{shift[0]} pixels down and {shift[1]} right" in problem


def test_flat_and_tiny_pairs_pass_because_nothing_can_be_aligned() -> None:
    flat = np.full((64, 64, 3), 9, np.uint8)
    assert crop_to_lr(flat, flat[::2, ::2], 2)[1] == ""
    tiny = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert crop_to_lr(tiny, tiny[::8, ::8], 8)[1] == ""


def test_pairs_and_single_pictures_do_not_mix(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels]
) -> None:
    hr = scene(1, 96, 96)
    add_dataset(store, "d", photos("hr", a=hr), lr=photos("lr", a=smaller(hr, 2)), scale=2)
    with pytest.raises(DatasetError, match="1 of 2 pictures would have no LR"):
        add_dataset(store, "d", photos("more", b=2))
    with pytest.raises(DatasetError, match="pairs of scale 2, these are of 4"):
        add_dataset(store, "d", photos("hr"), lr=photos("lr4", a=smaller(hr, 4)), scale=4)
    assert add_dataset(store, "d", photos("more"), replace=True).dataset.lr_scale is None
    for lr, scale in ((photos("lr"), None), (None, 2), (photos("lr"), 1)):
        with pytest.raises(DatasetError, match="both a folder of LR pictures and a scale"):
            add_dataset(store, "d", photos("hr"), lr=lr, scale=scale)
