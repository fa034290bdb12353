"""Every row of the table of generators trains and is measured, whatever it sees and gives."""

import math

import numpy as np
import pytest
import torch
from golden_components import _SMALL_GENERATORS
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_models import (
    GENERATORS,
    build_generator,
    luma_planes,
    rgb_to_y,
    rgb_to_ycbcr,
    ycbcr_to_rgb,
)
from acutance_platform.training import super_resolve


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    return Place(folder / "place", write_pictures(folder / "pictures"))


@pytest.mark.parametrize("kind", GENERATORS.names())
def test_every_kind_trains_and_is_measured(place, kind):
    scale, arguments = _SMALL_GENERATORS[kind][0]
    recipe = tiny_recipe(
        scale=scale,
        generator={"kind": kind, **arguments},
        data={**tiny_recipe()["data"], "patch": 12 * scale},
        stages={"train": {"steps": 2, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
        evaluation={"every": 2},
    )
    training = place.training(recipe)
    parameters = training._stage._learner.parameters
    before = [p.detach().clone() for p in parameters]
    report = training.advance()
    assert all(math.isfinite(value) for value in report.metrics.values())
    moved = [
        not torch.equal(a, b)
        for a, b in zip(before, training._stage._learner.parameters, strict=True)
    ]
    assert any(moved)


def test_a_network_with_several_outputs_learns_from_their_mean(place):
    generator = {"kind": "memnet", "channels": 4, "blocks": 2, "recursions": 1}
    recipe = tiny_recipe(
        generator=generator,
        stages={"train": {"steps": 1, "loss": {"pixel": {"kind": "mse", "weight": 1.0}}}},
        precision="f32",
        evaluation={"every": 1},
    )
    training = place.training(recipe)
    network = training._stage._learner.generator
    lr, hr, _ = training._stage._feed(network, 0, 0)
    outputs = network.outputs(lr)
    assert len(outputs) == 3  # two memory blocks and their ensemble
    wanted = torch.stack([(sr - hr).square().mean() for sr in outputs]).mean()
    training = place.training(recipe)
    assert training.advance().metrics["loss/pixel"] == pytest.approx(wanted.item(), rel=1e-4)


def test_luma_is_one_definition_for_arrays_and_tensors():
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3)).astype(np.uint8)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].double() / 255
    planes = luma_planes(tensor)[0, 0].numpy() * 255
    np.testing.assert_allclose(planes, rgb_to_y(picture), atol=1e-9)
    np.testing.assert_allclose(rgb_to_ycbcr(picture)[:, :, 0], rgb_to_y(picture), atol=1e-9)
    np.testing.assert_allclose(ycbcr_to_rgb(rgb_to_ycbcr(picture)), picture, atol=1e-9)


def test_grey_stays_grey_through_a_network_that_sees_luma_alone():
    spec = {"kind": "vdsr", "channels": 4, "layers": 3}
    network = build_generator(spec, scale=2, seed=1)
    grey = np.repeat(np.random.default_rng(1).integers(0, 256, (8, 9, 1)), 3, axis=2)
    sr = super_resolve(network.eval(), grey.astype(np.uint8), device=torch.device("cpu"))
    assert sr.shape == (16, 18, 3)
    np.testing.assert_allclose(sr[:, :, 0], sr[:, :, 1], atol=1e-4)
    np.testing.assert_allclose(sr[:, :, 0], sr[:, :, 2], atol=1e-4)
