"""Maps follow their crops to the network, in training and in measuring, and only where wanted."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from acutance_models import ProtocolError, build_generator, build_metrics, stream
from acutance_platform.recipe import RecipeErrors, build_recipe
from acutance_platform.training import Pairs, Training, machine_kind, measure, super_resolve
from acutance_platform.training.conditions import condition_tensor
from acutance_platform.training.data import Batches, dataset_problems
from acutance_platform.training.symmetry import dihedral
from acutance_storage import add_dataset, open_dataset, open_store

SCALE, PATCH, COUNT, CLASSES = 2, 16, 5, 4
SFTGAN = {"kind": "sftgan", "channels": 4, "blocks": 1, "classes": CLASSES, "init_gain": 1.0}


def scene(index):
    """A picture whose class can be read off it: red is 50 per class, green and blue are places."""
    height, width = 41 + 2 * index, 57 + 4 * index
    y, x = np.mgrid[:height, :width]
    classes = np.random.default_rng(index).integers(0, CLASSES, (height, width)).astype(np.uint8)
    return np.stack([50 * classes, x, y + 100], axis=2).astype(np.uint8), classes


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Pictures of labels, of probabilities (4.png) and of no map (3.png)."""
    root = tmp_path_factory.mktemp("place")
    (root / "hr").mkdir()
    (root / "maps").mkdir()
    for index in range(COUNT):
        picture, classes = scene(index)
        Image.fromarray(picture).save(root / "hr" / f"{index}.png")
        if index == 4:
            sure = np.where(classes == np.arange(CLASSES)[:, None, None], 90, 1).astype(np.uint8)
            np.savez(root / "maps/4.npz", prob_u8=sure)
        elif index != 3:
            Image.fromarray(classes).save(root / "maps" / f"{index}.png")
    store = open_store(str(root / "store"))
    split = {"0.png": "validation", "*": "train"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACUTANCE_LOCAL", str(root / "local"))
        add_dataset(store, "plain", root / "hr", split=split)
        add_dataset(store, "mapped", root / "hr", split=split, maps=root / "maps", classes=CLASSES)
    return store


def recipe(dataset="mapped", *, generator=SFTGAN, steps=4, **data):
    return build_recipe(
        {
            "scale": SCALE,
            "data": {"dataset": dataset, "patch": PATCH, "batch": 8, **data},
            "generator": generator,
            "optimizer": {"lr": 3e-3},
            "resources": {"cpu": 1, "gpu": 0},
            "stages": {"train": {"steps": steps, "loss": {"p": {"kind": "l1", "weight": 1.0}}}},
            "evaluation": {"every": 2, "metrics": ["psnr_y"]},
            "checkpoint": {"every": 1},
        }
    )


@pytest.fixture
def batches(store, tmp_path):
    def make(**data):
        said = recipe(**data)
        pairs = Pairs(open_dataset(store, said.data.dataset), said, local=tmp_path)
        return Batches(pairs, said, device=torch.device("cpu"))

    return make


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    step=st.integers(0, 10_000),
    attempt=st.integers(0, 3),
    augment=st.sampled_from(["dihedral", "flip", "none"]),
    lr_from=st.sampled_from(["picture", "crop"]),
)
def test_a_map_lies_on_its_crop_to_the_pixel(batches, step, attempt, augment, lr_from):
    made = batches(augment=augment, lr_from=lr_from)
    hr, condition = made.pixels(step, attempt)[1], made.condition(step, attempt)
    assert condition.shape == (8, CLASSES, PATCH, PATCH)
    torch.testing.assert_close(condition.sum(dim=1), torch.ones(8, PATCH, PATCH))
    for crop, shown in zip(hr, condition, strict=True):
        likely, classes = shown.argmax(dim=0).numpy(), crop[..., 0] // 50
        background = (likely == 0).all()  # 3.png has no map
        assert background or np.array_equal(likely, classes)
        assert bool((shown.max(dim=0).values > 0.95).all())


def test_every_kind_of_map_is_seen(batches):
    seen = set()
    for step in range(6):
        for shown in batches().condition(step):
            certain = bool((shown.max(dim=0).values == 1).all())
            seen.add((certain, bool(shown[0].min() == 1)))
    assert seen == {(True, True), (True, False), (False, False)}


def test_flip_mirrors_half_of_the_crops_and_turns_none(batches):
    plain, flipped = batches(augment="none"), batches(augment="flip")
    mirrored = 0
    for step in range(8):
        for before, after in zip(plain.pixels(step)[1], flipped.pixels(step)[1], strict=True):
            same = np.array_equal(before, after)
            assert same or np.array_equal(after, before[:, ::-1])
            mirrored += not same
    assert 20 < mirrored < 44  # of 64


def test_the_draws_of_dihedral_are_those_of_before(batches):
    plain, turned = batches(augment="none"), batches(augment="dihedral")
    turns = stream(0, "flip", 3, 0).integers(0, 8, 8)
    for k, turn in enumerate(turns):
        expected = dihedral(plain.pixels(3)[1][k], int(turn))
        assert np.array_equal(turned.pixels(3)[1][k], expected)


def test_a_dataset_without_maps_is_background(batches, store, tmp_path):
    assert batches(dataset="plain").condition(0) is None
    network = build_generator(SFTGAN, scale=SCALE).eval()
    said = recipe("plain")
    pairs = Pairs(open_dataset(store, "plain"), said, local=tmp_path)
    assert pairs.map(0) is None
    lr = pairs.lr(0)
    background = np.zeros((lr.shape[0] * SCALE, lr.shape[1] * SCALE, CLASSES), np.uint8)
    background[..., 0] = 7
    cpu = torch.device("cpu")
    assert np.array_equal(
        super_resolve(network, lr, device=cpu),
        super_resolve(network, lr, device=cpu, condition=background),
    )


def measured(network, pairs, said):
    metrics = build_metrics(said.evaluation.metrics)
    return measure(network, pairs, said, metrics=metrics, device=torch.device("cpu"))


def test_measuring_uses_the_maps_cropped_as_the_pictures(store, tmp_path):
    said = recipe()
    dataset = open_dataset(store, "mapped")
    pairs = Pairs(dataset, said, local=tmp_path)
    assert np.array_equal(pairs.map(0).argmax(axis=2), pairs.hr(0)[..., 0] // 50)
    assert pairs.map(0).shape[:2] == (40, 56)
    network = build_generator(SFTGAN, scale=SCALE).eval()
    without = Pairs(open_dataset(store, "plain"), said, local=tmp_path)
    with_maps, without_maps = (measured(network, each, said) for each in (pairs, without))
    assert with_maps != without_maps
    for network in (build_generator({"kind": "srresnet", "channels": 4}, scale=2).eval(), None):
        one, other = (measured(network, each, said) for each in (pairs, without))
        assert one == other


def test_probabilities_are_shares_of_their_sum():
    shares = np.array([[[200, 50]], [[1, 3]]], np.uint8)
    tensor = condition_tensor(shares, torch.device("cpu"))
    torch.testing.assert_close(tensor[:, :, 0], torch.tensor([[0.8, 0.25], [0.2, 0.75]]))


def train(store, folder, said):
    """Train to the end, from whatever is saved; return weights and history."""
    training = Training(said, store=store, local=folder, machine=machine_kind(said))
    while training.step < said.steps:
        training.advance()
    return training.reports[-1].weights, [(r.step, r.metrics) for r in training.reports]


def test_the_network_learns_from_the_maps(store, tmp_path):
    def history(said):
        return train(store, tmp_path, said)[1]

    assert history(recipe()) != history(recipe("plain"))
    plain = {"kind": "srresnet", "channels": 4, "blocks": 1}
    one, other = (history(recipe(each, generator=plain)) for each in ("mapped", "plain"))
    assert one == other


def test_another_number_of_classes_is_refused_before_anything_runs(store):
    said = recipe(generator={**SFTGAN, "classes": 8})
    (problem,) = dataset_problems(open_dataset(store, "mapped"), said)
    assert problem.place == "generator"
    assert "has 8 classes, those of mapped 4" in problem.rule
    assert dataset_problems(open_dataset(store, "plain"), said) == []
    off = recipe(generator={**SFTGAN, "classes": 8, "condition": False})
    assert dataset_problems(open_dataset(store, "mapped"), off) == []
    with pytest.raises(RecipeErrors, match="8 classes"):
        Training(said, store=store, local=None, machine=machine_kind(said))


ADVERSARIAL = {
    "kind": "adversarial",
    "weight": 0.1,
    "discriminator": {"kind": "sftgan", "channels": 4, "classes": CLASSES},
}
NAMED = {"kind": "classification", "weight": 0.1, "of": "critic"}


def in_stages(dataset, **later):
    """A recipe whose second stage takes maps and names their classes."""
    pixels = {"p": {"kind": "l1", "weight": 1.0}}
    second = {"generator": {"condition": True}, "loss": {"critic": ADVERSARIAL, "named": NAMED}}
    said = recipe(dataset, generator={**SFTGAN, "condition": False}).model_dump(mode="json")
    said["stages"] = {
        "first": {"steps": 1, "loss": pixels},
        "second": {"after": "first", "steps": 2, **second, **later},
    }
    return build_recipe(said)


def test_a_stage_that_names_classes_learns_from_maps(store, tmp_path):
    said = in_stages("mapped")
    assert dataset_problems(open_dataset(store, "mapped"), said) == []
    training = Training(said, store=store, local=tmp_path, machine=machine_kind(said))
    while training.step < said.steps:
        report = training.advance()
    assert report.metrics["loss/named"] > 0


def test_classes_that_only_a_later_stage_needs_are_asked_for_before_anything_runs(store):
    (problem,) = dataset_problems(open_dataset(store, "plain"), in_stages("plain"))
    assert problem.place == "stages.second.loss.named"
    assert "plain has none" in problem.rule
    more = in_stages("mapped", generator={"condition": True, "classes": 7})
    (problem,) = dataset_problems(open_dataset(store, "mapped"), more)
    assert problem.place == "stages.second.generator"
    assert "has 7 classes, those of mapped 4" in problem.rule
    critic = {**ADVERSARIAL, "discriminator": {"kind": "sftgan", "channels": 4, "classes": 3}}
    fewer = in_stages("mapped", loss={"critic": critic, "named": NAMED})
    (problem,) = dataset_problems(open_dataset(store, "mapped"), fewer)
    assert problem.place == "stages.second.loss.critic.discriminator.classes"
    assert "names 3 classes" in problem.rule


def by_class(label):
    return {"kind": "psnr_y_class", "label": label, "name": f"class{label}"}


def test_a_class_is_measured_on_the_pictures_that_show_it(store, tmp_path):
    said = recipe()
    said = said.model_copy(
        update={"evaluation": said.evaluation.model_copy(update={"split": "all"})}
    )
    pairs = Pairs(open_dataset(store, "mapped"), said, local=tmp_path)
    metrics = build_metrics(["psnr_y", by_class(0), by_class(2)])
    found = measure(None, pairs, said, metrics=metrics, device=torch.device("cpu"))
    assert len(set(found.values())) == 3  # 3.png, without a map, is of class 0 alone
    nowhere = build_metrics([by_class(9)])
    with pytest.raises(ProtocolError, match="No picture shows class 9"):
        measure(None, pairs, said, metrics=nowhere, device=torch.device("cpu"))


def test_a_class_without_a_map_of_it_is_told_before_anything_runs(store):
    for name, classes in (("plain", "no segmentation maps"), ("mapped", "maps of 4 classes")):
        said = recipe(name)
        asked = said.evaluation.model_copy(update={"metrics": ["psnr_y", by_class(4)]})
        wrong = said.model_copy(update={"evaluation": asked})
        (problem,) = dataset_problems(open_dataset(store, name), wrong)
        assert problem.place == "evaluation.metrics.1.label"
        assert problem.rule == f"this metric looks at class 4, and {name} has {classes}"
