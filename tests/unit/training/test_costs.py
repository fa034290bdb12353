"""What a recipe costs, before it is trained: exact where it is counted, close where it is timed."""

import sys

import pytest
import torch
from memory_of_steps import (
    ADVERSARIAL,
    CASES,
    GAN,
    PIXEL,
    SLIGHT,
    allocated,
    in_a_process_of_its_own,
    recipe_of,
    take_steps,
)
from tiny_trainings import tiny_recipe
from torch.utils._python_dispatch import TorchDispatchMode

from acutance_models import PRESETS, build_generator
from acutance_platform.recipe import build_recipe
from acutance_platform.training import machine_kind, stage_keys, structural_costs
from acutance_platform.training.costs import memory_of_trial, peak_memory

PRESET_SCALES = [(name, scale) for name, preset in PRESETS.items() for scale in preset.parameters]


class Multiplications(TorchDispatchMode):
    """Counts the multiply-adds of every convolution that really runs, whoever calls it."""

    macs = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default and made.shape[-2:].numel() > 1:
            given, weight, transposed = args[0], args[1], args[6]
            places = given if transposed else made
            self.macs += weight.numel() * places.shape[-2:].numel()
        return made


def _recipe(**changes):
    return build_recipe(
        tiny_recipe(**{"data": {"dataset": "p", "patch": 48, "batch": 2}} | changes)
    )


@pytest.mark.parametrize(("name", "scale"), PRESET_SCALES)
def test_parameters_and_multiply_adds_are_exact_for_every_preset(name, scale):
    costs = structural_costs(_recipe(scale=scale, generator={"preset": name}))
    with torch.device("meta"):
        network = build_generator({"preset": name}, scale=scale, seed=None)
    state = dict(network.named_parameters())
    assert (
        costs["parameters"]
        == sum(p.numel() for p in state.values())
        == (PRESETS[name].parameters[scale])
    )
    rows, columns = (network.size_multiple * side for side in (20, 28))
    with Multiplications() as run, torch.no_grad():
        network.eval()(torch.empty(1, network.channels, rows, columns, device="meta"))
    assert costs["macs_per_pixel"] == run.macs / (rows * columns * scale**2)


def test_the_costs_of_a_chain_are_those_of_what_it_ends_with():
    pixel = {"pixel": {"kind": "l1", "weight": 1.0}}
    grown = _recipe(
        stages={
            "small": {"steps": 1, "loss": pixel},
            "large": {"after": "small", "steps": 1, "loss": pixel, "generator": {"blocks": 3}},
        }
    )
    alone = _recipe(generator={"kind": "srresnet", "channels": 4, "blocks": 3})
    assert structural_costs(grown) == structural_costs(alone)


SMALL = {"generator": {"kind": "srresnet", "channels": 8, "blocks": 2}, "patch": 64, "batch": 2}
LATE = {**GAN, "adversarial": {**ADVERSARIAL, "from_step": 5}}
STEPS = {
    "a pixel loss": SMALL,
    "averaged weights": {**SMALL, "ema": 0.9},
    "a clipped gradient": {**SMALL, "optimizer": {"clip_norm": 1.0}},
    "one channel, several outputs": {
        **SMALL,
        "generator": {"kind": "memnet", "channels": 4, "blocks": 2, "recursions": 1},
    },
    "a normalised term": {
        **SMALL,
        "loss": {"pixel": {"kind": "mse", "weight": 1.0, "normalize": "initial"}},
    },
}


WORKED = {
    "bf16": {**SMALL, "precision": "bf16"},
    "several networks": {**SMALL, "loss": GAN, "batch": 8},
}


@pytest.mark.parametrize("name", STEPS)
def test_the_bytes_of_a_step_are_those_that_torch_allocates(name):
    recipe = recipe_of(**STEPS[name])
    assert peak_memory(recipe) == pytest.approx(allocated(recipe), rel=0.01)


@pytest.mark.parametrize("name", WORKED)
def test_what_kernels_take_to_reorder_weights_or_to_convert_is_small_beside_it(name):
    recipe = recipe_of(**WORKED[name])
    assert 0.9 < peak_memory(recipe) / allocated(recipe) <= 1


def test_the_heaviest_stage_and_its_heaviest_step_count():
    alone = peak_memory(recipe_of(**SMALL, loss=GAN))
    assert peak_memory(recipe_of(**SMALL)) < alone
    assert peak_memory(recipe_of(**SMALL, loss=LATE)) == alone
    chained = _recipe(
        scale=4,
        generator=SMALL["generator"],
        data={"dataset": "p", "patch": 64, "batch": 2},
        stages={
            "gan": {"steps": 9, "loss": GAN},
            "after": {"after": "gan", "steps": 9, "loss": PIXEL},
        },
    )
    assert peak_memory(chained) == alone


def test_memory_is_predicted_where_it_is_asked_for_and_follows_batch_and_patch():
    asked = {"every": 9, "costs": ["peak_memory"]}
    small, large = (recipe_of(**{**SMALL, "batch": n}, evaluation=asked) for n in (2, 4))
    few, many = (structural_costs(recipe)["peak_memory"] for recipe in (small, large))
    assert 1.5 < many / few < 2.0
    assert "peak_memory" not in structural_costs(recipe_of(**SMALL))


def test_a_prediction_takes_neither_files_nor_the_memory_that_it_predicts():
    # 12 GiB of activations, and VGG-19's own weights, whose file is nowhere.
    perceptual = {**GAN["perceptual"], "features": "vgg19"}
    recipe = recipe_of(
        generator={"kind": "srresnet"}, loss={"perceptual": perceptual}, patch=256, batch=64
    )
    assert peak_memory(recipe) > 12 * 2**30


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_a_processs_memory_grows_by_what_was_predicted():
    for case, bytes_of in in_a_process_of_its_own(*SLIGHT).items():
        assert bytes_of["predicted"] == pytest.approx(bytes_of["resident"], rel=0.15), case


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_memory_is_predicted_within_15_percent(record_property):
    for case in CASES:
        (bytes_of,) = in_a_process_of_its_own(case).values()
        counted = allocated(recipe_of(**CASES[case]))
        record_property(
            case,
            {
                "predicted_mb": round(bytes_of["predicted"] / 1e6, 1),
                "resident_mb": round(bytes_of["resident"] / 1e6, 1),
                "allocated_mb": round(counted / 1e6, 1),
                "predicted_over_resident": round(bytes_of["predicted"] / bytes_of["resident"], 3),
            },
        )
        assert bytes_of["predicted"] == pytest.approx(bytes_of["resident"], rel=0.15), case
        assert bytes_of["predicted"] == pytest.approx(counted, rel=0.01), case


@pytest.mark.gpu
@pytest.mark.parametrize("name", [*STEPS, *WORKED])
def test_the_bytes_of_a_step_are_about_those_that_a_gpu_gives_out(name):
    recipe = recipe_of(**{**STEPS, **WORKED}[name] | {"batch": 8, "patch": 128})
    take_steps(recipe, device="cuda")  # the first time, kernels take workspaces of their own
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    take_steps(recipe, device="cuda")
    given = torch.cuda.max_memory_allocated() - before
    # Blocks of 512 bytes, and a convolution's workspace where its algorithm wants one.
    assert 0.85 * given < peak_memory(recipe) < 1.05 * given


def test_a_trials_memory_has_whole_pictures_and_what_looks_at_them():
    recipe = recipe_of(generator={"kind": "srresnet", "channels": 16, "blocks": 1})
    step = peak_memory(recipe)
    assert memory_of_trial(recipe, 48, 48) == step, "a picture like a crop takes less than a step"
    large = memory_of_trial(recipe, 1024, 2048)
    assert large > step + 1024 * 2048 * 16 * 4, "one layer of 16 channels in f32 is at its peak"
    assert memory_of_trial(recipe, 2048, 1024) == pytest.approx(large, rel=0.01)
    entry = {"kind": "feature_distance", "features": {"kind": "random"}}
    seen = recipe.model_copy(
        update={"evaluation": recipe.evaluation.model_copy(update={"metrics": [entry]})}
    )
    assert memory_of_trial(seen, 1024, 2048) > large


@pytest.mark.parametrize(
    "resources", [{"priority": 7}, {"pack": True, "gpu": 1}, {"max_gpus": 2, "gpu": 1}]
)
def test_what_sweeps_share_is_in_no_key(resources):
    plain = _recipe(resources={"cpu": 1, "gpu": resources.get("gpu", 0)})
    kind = machine_kind(_recipe(resources={"cpu": 1, "gpu": 0}))
    keys = [
        stage_keys(recipe, dataset_version="1", machine=kind)
        for recipe in (plain, _recipe(resources={"cpu": 1, "gpu": 0} | resources))
    ]
    assert keys[0] == keys[1]
