from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from acutance_models import Degradation, stream
from acutance_platform.recipe import build_recipe
from acutance_platform.training import data
from acutance_platform.training.data import Batches, Pairs, dataset_problems
from acutance_platform.training.resident import has_room
from acutance_platform.training.symmetry import dihedral
from acutance_storage import add_dataset, open_store

SCALE, PATCH, COUNT = 2, 16, 5


def coordinates(index):
    """A picture whose pixels say where they are: red = x, green = y, blue = which picture."""
    y, x = np.mgrid[: 40 + 2 * index, : 56 + 4 * index]
    return np.stack([x, y, np.full_like(x, 40 * index)], axis=2).astype(np.uint8)


@pytest.fixture
def folders(tmp_path):
    hr, lr = tmp_path / "hr", tmp_path / "lr"
    hr.mkdir()
    lr.mkdir()
    for index in range(COUNT):
        picture = coordinates(index)
        Image.fromarray(picture).save(hr / f"{index}.png")
        Image.fromarray(picture[::SCALE, ::SCALE]).save(lr / f"{index}.png")
    return hr, lr


@pytest.fixture
def opened(tmp_path, folders, monkeypatch):
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    store = open_store(str(tmp_path / "store"))
    hr, lr = folders
    split = {"0.png": "validation", "*": "train"}
    dataset = add_dataset(store, "places", hr, split=split, lr=lr, scale=SCALE).dataset

    def batches(*, seed=0, device="cpu", **given):
        given = {"dataset": "places", "patch": PATCH, "batch": 8, **given}
        recipe = build_recipe(
            {
                "scale": SCALE,
                "seed": seed,
                "data": given,
                "generator": {"kind": "srresnet", "channels": 4, "blocks": 1},
                "stages": {"train": {"steps": 9, "loss": {"p": {"kind": "l1", "weight": 1.0}}}},
            }
        )
        pairs = Pairs(dataset, recipe, local=tmp_path / "local")
        return Batches(pairs, recipe, device=torch.device(device)), pairs, recipe

    return batches


def test_a_batch_depends_on_seed_step_and_attempt_alone(opened):
    one, other = opened()[0], opened()[0]
    for step in (7, 0, 7, 3):  # in any order, asked once or twice, from any object
        for ours, theirs in zip(one(step), other(step), strict=True):
            assert torch.equal(ours, theirs)
        other(step + 1)
    third = one(3)[1]
    for different in (one(4)[1], one(3, attempt=1)[1], opened(seed=1)[0](3)[1]):
        assert not torch.equal(third, different)


def test_tensors_are_the_pixels_divided_by_255_channels_last(opened):
    batches = opened()[0]
    for tensor, pixels in zip(batches(2), batches.pixels(2), strict=True):
        expected = pixels.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous(memory_format=torch.channels_last)
        assert np.array_equal(tensor.numpy(), expected)


def test_stored_lr_crops_lie_on_their_hr_crops_under_every_symmetry(opened):
    batches = opened(lr_from="stored")[0]
    looks = set()
    for step in range(12):
        for lr, hr in zip(*batches.pixels(step), strict=True):
            # The LR pixel was the block's first one: smallest x and smallest y.
            blocks = hr.reshape(PATCH // SCALE, SCALE, PATCH // SCALE, SCALE, 3)
            assert np.array_equal(lr, blocks.min(axis=(1, 3)))
            looks.add((hr[0, 0, 0] == hr[-1, 0, 0], *(hr[0, 0, :2] < hr[-1, -1, :2])))
    assert len(looks) == 8


def test_made_lr_crops_are_cut_from_the_whole_lr_picture(opened):
    batches, pairs, _ = opened(lr_from="picture", augment="none")
    for lr, hr in zip(*batches.pixels(0), strict=True):
        x, y, blue = (int(value) for value in hr[0, 0])
        index = [pairs.hr(i)[0, 0, 2] for i in range(COUNT)].index(blue)
        small = pairs.lr(index)[y // 2 : y // 2 + PATCH // 2, x // 2 : x // 2 + PATCH // 2]
        assert np.array_equal(lr, small)


def test_lr_from_crop_degrades_the_crop_and_then_turns_both(opened):
    plain, turned = (opened(lr_from="crop", augment=a)[0].pixels(1) for a in ("none", "dihedral"))
    degradation = Degradation([{"kind": "matlab_bicubic"}], scale=SCALE)
    turns = stream(0, "flip", 1, 0).integers(0, 8, 8)
    for k, turn in enumerate(turns):
        assert np.array_equal(plain[0][k], degradation(plain[1][k], stream(0, "unused")))
        for before, after in zip(plain, turned, strict=True):
            assert np.array_equal(after[k], dihedral(before[k], int(turn)))


@pytest.mark.parametrize("turn", range(8))
def test_a_symmetry_is_that_many_quarter_turns_and_then_a_mirror(turn):
    picture = coordinates(1)
    expected = np.rot90(picture, turn % 4)
    expected = np.fliplr(expected) if turn >= 4 else expected
    assert np.array_equal(dihedral(picture, turn), expected)


def test_every_epoch_shows_every_training_picture_once(opened):
    batches = opened(batch=3)[0]  # does not divide the four training pictures
    seen = [int(crop[0, 0, 2]) for step in range(8) for crop in batches.pixels(step)[1]]
    epochs = [seen[start : start + 4] for start in range(0, 24, 4)]
    assert all(sorted(epoch) == [40, 80, 120, 160] for epoch in epochs)
    assert Counter(map(tuple, epochs)).most_common(1)[0][1] < 6  # not always in one order


def test_crops_reach_both_ends_of_a_picture(opened):
    batches = opened(augment="none", patch=32, batch=16)[0]
    crops = np.concatenate([batches.pixels(step)[1] for step in range(20)])
    assert {int(crop[0, 0, 1]) for crop in crops if crop[0, 0, 2] == 40} == {0, 2, 4, 6, 8, 10}


def test_pictures_smaller_than_a_crop_are_refused_by_name(opened):
    _, pairs, recipe = opened(patch=48)
    (problem,) = dataset_problems(pairs.dataset, recipe)
    assert problem.place == "data.patch"
    assert "1.png, 2.png, 3.png" in problem.rule
    assert "0.png" not in problem.rule  # measured whole, so it may be small
    assert "4.png" not in problem.rule  # 48 pixels high: one crop fits


def test_stored_lr_pictures_of_another_scale_are_refused(opened):
    _, pairs, recipe = opened(lr_from="stored")
    other = recipe.model_copy(update={"scale": 4})
    (problem,) = dataset_problems(pairs.dataset, other)
    assert problem.place == "data.lr_from"
    assert "has of scale 2" in problem.rule


def same_batches(plain, resident):
    for step in range(12):  # every symmetry, and more than an epoch
        for ours, theirs in zip(resident(step), plain(step), strict=True):
            assert ours.is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(ours.cpu(), theirs)


@pytest.mark.parametrize("lr_from", ["stored", "picture"])
@pytest.mark.parametrize("augment", ["none", "flip", "dihedral"])
def test_pictures_kept_on_the_device_give_the_same_batches(opened, lr_from, augment, monkeypatch):
    plain = opened(lr_from=lr_from, augment=augment)[0]
    asked = []
    monkeypatch.setattr(data, "has_room", lambda *room: not asked.append(room))
    resident = opened(lr_from=lr_from, augment=augment)[0]
    assert len(asked) == 1
    monkeypatch.setattr(resident, "pixels", None)  # cut on the device, or not at all
    same_batches(plain, resident)


def test_degraded_crops_are_never_cut_on_the_device(opened, monkeypatch):
    """Their LR half is made on the CPU, from the HR crop."""
    monkeypatch.setattr(data, "has_room", lambda *room: True)
    crops = opened(lr_from="crop")[0]
    assert np.array_equal(crops(0)[1].permute(0, 2, 3, 1).mul(255).round(), crops.pixels(0)[1])


def test_a_cpu_keeps_its_pictures_mapped():
    assert not has_room(torch.device("cpu"), 0)


@pytest.mark.gpu
def test_a_gpu_with_room_keeps_the_pictures_and_gives_the_same_batches(opened, monkeypatch):
    assert has_room(torch.device("cuda"), 1 << 20)
    assert not has_room(torch.device("cuda"), torch.cuda.mem_get_info()[1])
    resident = opened(device="cuda")[0]
    monkeypatch.setattr(resident, "pixels", None)
    same_batches(opened()[0], resident)
