import pytest
import torch
from calling import photograph
from generator_checks import smallest
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from acutance_models import (
    GENERATORS,
    Generator,
    PictureError,
    build_generator,
    pooled_means,
    upscale,
)
from acutance_models.tiling import faded


class Halving(Generator):
    """Looks at the picture in squares of four, and knows where they lie."""

    revision = 1
    scale = 2
    size_multiple = 4
    receptive_field = 7

    def forward(self, lr):
        assert not any(side % 4 for side in lr.shape[2:])
        return F.interpolate(F.avg_pool2d(lr, 4), scale_factor=8, mode="nearest")


class Whole(Generator):
    """Adds the mean of everything it sees."""

    revision = 1
    scale = 2
    receptive_field = None

    def forward(self, lr):
        return F.interpolate(lr + lr.mean(), scale_factor=2, mode="nearest")


@pytest.mark.parametrize("kind", GENERATORS.names())
@pytest.mark.parametrize(("height", "width", "tile"), [(23, 31, 8), (17, 5, 6), (40, 40, 39)])
def test_tiled_equals_untiled(kind, height, width, tile):
    more = {"attention": "none"} if kind == "rcan" else {}  # attention looks at the whole picture
    network = build_generator(smallest(kind) | more, scale=2).eval()
    lr = torch.rand(network.channels, height, width)
    whole = upscale(network, lr)
    assert whole.shape == (network.channels, 2 * height, 2 * width)
    torch.testing.assert_close(upscale(network, lr, tile=tile), whole, atol=1e-5, rtol=0)


def test_less_overlap_than_the_network_looks_leaves_seams():
    network = build_generator({"kind": "carn", "channels": 8}, scale=2)
    lr = torch.rand(3, 40, 40)
    reach = network.receptive_field // 2
    difference = upscale(network, lr, tile=10, overlap=0) - upscale(network, lr)
    assert difference.abs().max() > 1e-4
    exact = upscale(network, lr, tile=10, overlap=reach) - upscale(network, lr)
    assert exact.abs().max() < 1e-5


@given(st.integers(1, 14), st.integers(1, 14), st.integers(1, 15))
def test_sizes_that_are_no_multiples_are_padded_and_cropped(height, width, tile):
    lr = torch.linspace(0, 1, 3 * height * width).view(3, height, width)
    padded = F.pad(lr[None], (0, -width % 4, 0, -height % 4), mode="replicate")
    wanted = Halving()(padded)[0, :, : 2 * height, : 2 * width]
    torch.testing.assert_close(upscale(Halving(), lr), wanted)
    torch.testing.assert_close(upscale(Halving(), lr, tile=tile), wanted)


def test_an_unbounded_network_differs_less_with_more_overlap():
    lr = torch.linspace(0, 1, 90).view(1, 90, 1).expand(3, 90, 90)
    whole = upscale(Whole(), lr)
    errors = [
        float((upscale(Whole(), lr, tile=20, overlap=overlap) - whole).abs().mean())
        for overlap in (0, 10, 20)
    ]
    assert errors == sorted(errors, reverse=True)
    default = float((upscale(Whole(), lr, tile=20) - whole).abs().mean())
    assert default < errors[-1]


def attentive(seed=0):
    """A small RCAN, whose channel attention looks at the whole picture."""
    spec = {"kind": "rcan", "groups": 2, "blocks": 2, "channels": 16, "reduction": 4}
    network = build_generator(spec, scale=2, seed=seed)
    assert network.receptive_field is None
    return network


def pictures(number, side):
    return [
        torch.from_numpy(photograph(seed, side, side)).permute(2, 0, 1) / 255
        for seed in range(number)
    ]


def test_attention_in_tiles_stays_above_50_db_and_shows_no_seam():
    """The difference of an unbounded field: docs/how-to/use-a-model.md states it."""
    network, tile = attentive(), 96
    near = torch.zeros(4 * tile, dtype=torch.bool)
    near[2 * tile - 4 : 2 * tile + 4] = True
    seam = near[:, None] | near[None]
    along, elsewhere = [], []
    steps_along, steps_elsewhere = [], []
    for lr in pictures(6, 2 * tile):
        difference = upscale(network, lr, tile=tile) - upscale(network, lr)
        squares = difference.square()
        assert -10 * squares.mean().log10() >= 50
        along.append(squares[:, seam].mean())
        elsewhere.append(squares[:, ~seam].mean())
        steps = difference.diff(dim=2).abs().mean(dim=(0, 1))  # a line shows as a step
        steps_along.append(steps[2 * tile - 1])
        steps_elsewhere.append(steps.mean())
    assert sum(along) <= sum(elsewhere)
    assert sum(steps_along) <= sum(steps_elsewhere)


def test_means_of_all_tiles_take_the_place_of_each_tiles_own(monkeypatch):
    network = attentive().eval()
    whole = [upscale(network, lr) for lr in pictures(3, 90)]

    def worst():
        tiled = [upscale(network, lr, tile=40) for lr in pictures(3, 90)]
        squares = [(a - b).square().mean() for a, b in zip(tiled, whole, strict=True)]
        return float(min(-10 * square.log10() for square in squares))

    means = worst()
    monkeypatch.setattr(pooled_means, "_PASSES", 0)
    assert means > max(80, worst() + 20)
    assert not any(module._forward_hooks for module in network.modules())


@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 4), st.integers(0, 40))
def test_shares_of_blended_tiles_are_one_together(length, side, scale, overlap):
    fade = min(overlap, side // 2)
    total = torch.zeros(length * scale)
    for start in range(0, length, side):
        reached, share = faded(start, min(start + side, length), length, fade, scale)
        assert (share >= 0).all()
        total[reached.start * scale : reached.stop * scale] += share
    torch.testing.assert_close(total, torch.ones(length * scale))


def test_no_graph_is_kept_and_the_mode_is_left_alone():
    network = build_generator({"kind": "srresnet", "channels": 4, "blocks": 1}, scale=2)
    assert not upscale(network, torch.rand(3, 4, 4)).requires_grad
    assert network.training


@pytest.mark.parametrize(
    ("shape", "asked", "words"),
    [
        ((1, 3, 4, 4), {}, "one picture"),
        ((1, 4, 4), {}, "one picture"),
        ((3, 0, 4), {}, "one picture"),
        ((3, 4, 4), {"tile": 0}, "at least 1 pixel"),
        ((3, 4, 4), {"tile": 2, "overlap": -1}, "0 or more"),
    ],
)
def test_what_cannot_be_tiled_is_refused(shape, asked, words):
    with pytest.raises(PictureError, match=words):
        upscale(Whole(), torch.zeros(shape), **asked)


def test_a_segmentation_map_is_cut_with_the_tiles():
    spec = {"kind": "sftgan", "channels": 4, "blocks": 1, "classes": 3, "init_gain": 1.0}
    network = build_generator(spec, scale=2)
    drawn = torch.Generator().manual_seed(0)
    lr = torch.rand(3, 17, 23, generator=drawn)
    condition = torch.rand(3, 34, 46, generator=drawn)
    whole = upscale(network, lr, condition=condition)
    unmapped = upscale(network, lr)
    assert (whole - unmapped).abs().max() > 1e-2
    tiled = upscale(network, lr, tile=6, condition=condition)
    # Other tile sizes sum in another order; a map cut elsewhere is as far off as no map.
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)
    with pytest.raises(PictureError, match=r"shape \(3, 34, 46\).*got \(3, 17, 23\)"):
        upscale(network, lr, condition=lr)
    with pytest.raises(PictureError, match="takes no segmentation map"):
        upscale(build_generator({"kind": "srgan"}, scale=2), lr, condition=condition)
