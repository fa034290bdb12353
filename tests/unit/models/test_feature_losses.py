import numpy as np
import pytest
import torch
from PIL import Image
from shared_data import shared

from acutance_models import LOSSES, LossError, RegistryError, build_features
from acutance_models.losses import gram_matrices

ENHANCENET_TEXTURE = {"relu1_1": 3e-7, "relu2_1": 1e-6, "relu3_1": 1e-6}


def build(kind, layers, **arguments):
    return LOSSES.build({"kind": kind, "features": "random", "layers": layers, **arguments})


def test_the_gram_matrix_of_a_known_texture():
    # Channel 0 is a chequerboard of 0 and 1, channel 1 its negative, channel 2 flat 0.5.
    board = torch.arange(8).view(8, 1).add(torch.arange(8)) % 2
    maps = torch.stack([board, 1 - board, torch.full_like(board, 1) / 2])[None].float()
    wanted = torch.tensor([[8.0, 0, 4], [0, 8, 4], [4, 4, 4]])  # 16 places a patch, half of them 1
    made = gram_matrices(maps, 4)
    assert made.shape == (4, 3, 3)
    assert torch.equal(made, wanted.expand(4, 3, 3))
    assert torch.equal(gram_matrices(maps, None), 4 * wanted[None])


def test_gram_matrices_forget_where_within_a_patch_and_not_beyond():
    maps = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    shuffled = maps.clone()
    order = torch.randperm(16)
    shuffled[:, :, :4, 4:] = maps[:, :, :4, 4:].flatten(2)[:, :, order].view(1, 3, 4, 4)
    assert torch.allclose(gram_matrices(maps, 4), gram_matrices(shuffled, 4))
    moved = maps.roll(4, dims=3)
    assert torch.equal(gram_matrices(moved, 4), gram_matrices(maps, 4)[[1, 0, 3, 2]])
    symmetric = gram_matrices(maps, 4)
    assert torch.allclose(symmetric, symmetric.mT)
    assert (torch.linalg.eigvalsh(symmetric) > -1e-9).all()


def test_texture_is_the_mean_over_patches_and_entries():
    sr, hr = torch.zeros(1, 2, 4, 8), torch.zeros(1, 2, 4, 8)
    hr[:, 0, :, :4] = 1  # its Gram matrix is [[16, 0], [0, 0]] in the first patch of two
    maps = {"relu1_1": sr}, {"relu1_1": hr}
    assert float(build("gram", {"relu1_1": 0.5}, patch=4)(*maps)) == 0.5 * 16**2 / (4 * 2)
    summed = build("gram", {"relu1_1": 0.5}, patch=4, reduction="sum")
    assert float(summed(*maps)) == 0.5 * 16**2 / 2
    whole = build("gram", {"relu1_1": 0.5}, patch=None)
    assert float(whole(*maps)) == 0.5 * 16**2 / 4


def test_what_holds_no_whole_patch_has_no_part():
    sr, hr = torch.rand(1, 2, 9, 10), torch.rand(1, 2, 9, 10)
    loss = build("gram", {"relu1_1": 1.0}, patch=4)
    value = loss({"relu1_1": sr}, {"relu1_1": hr})
    assert value == loss({"relu1_1": sr[..., :8, :8]}, {"relu1_1": hr[..., :8, :8]})
    with pytest.raises(LossError, match="3 x 10 places holds no patch of 4 x 4"):
        loss({"relu1_1": sr[:, :, :3]}, {"relu1_1": hr[:, :, :3]})


def test_patches_count_places_or_picture_pixels():
    layers = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0}
    assert build("gram", layers).sides == dict.fromkeys(layers, 16)
    image = build("gram", layers, patch_domain="image")
    assert image.sides == {"relu1_1": 16, "relu2_1": 8, "relu3_1": 4}
    with pytest.raises(RegistryError, match="Use a multiple of 16"):
        build("gram", {"relu5_1": 1.0}, patch=8, patch_domain="image")


def test_perceptual_is_the_weighted_sum_of_mean_distances():
    sr = {"conv1_1": torch.tensor([[[[1.0, 4.0]]]]), "conv2_1": torch.tensor([[[[3.0]], [[1.0]]]])}
    hr = {"conv1_1": torch.tensor([[[[2.0, 2.0]]]]), "conv2_1": torch.tensor([[[[0.0]], [[0.0]]]])}
    layers = {"conv1_1": 0.5, "conv2_1": 2.0}
    assert float(build("perceptual", layers)(sr, hr)) == 0.5 * 2.5 + 2 * 5
    assert float(build("perceptual", layers, distance="l1")(sr, hr)) == 0.5 * 1.5 + 2 * 2
    assert float(build("perceptual", layers, scale=0.5)(sr, hr)) == (0.5 * 2.5 + 2 * 5) / 4


def test_maps_can_be_brought_to_a_mean_of_one():
    sr, hr = (
        torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]]]),
        torch.tensor([[[[2.0, 2.0]], [[6.0, 2.0]]]]),
    )
    maps = {"relu1_1": sr}, {"relu1_1": hr}
    # Means over the map: 2 and 3; over channels, place by place: (1.5, 2.5) and (4, 2).
    each = (0.5 - 2 / 3) ** 2 + (1.5 - 2 / 3) ** 2 + (1 - 2) ** 2 + (1 - 2 / 3) ** 2
    whole = build("perceptual", {"relu1_1": 1.0}, mean_one="map")
    assert float(whole(*maps)) == pytest.approx(each / 4, rel=1e-5)
    place = (1 / 1.5 - 0.5) ** 2 + (3 / 2.5 - 1) ** 2 + (2 / 1.5 - 1.5) ** 2 + (2 / 2.5 - 1) ** 2
    pixel = build("perceptual", {"relu1_1": 1.0}, mean_one="pixel")
    assert float(pixel(*maps)) == pytest.approx(place / 4, rel=1e-5)
    louder = {"relu1_1": 5 * sr}, {"relu1_1": 0.1 * hr}
    for loss in (whole, pixel, build("gram", {"relu1_1": 1.0}, patch=1, mean_one="map")):
        assert float(loss(*louder)) == pytest.approx(float(loss(*maps)), rel=1e-5)
    assert float(whole({"relu1_1": 0 * sr}, maps[1])) > 0  # a silent map is no division by zero


def test_a_mean_of_one_is_for_maps_after_activation():
    for kind in ("perceptual", "gram"):
        with pytest.raises(RegistryError, match=r"conv5_4 is taken before .* Use relu5_4"):
            build(kind, {"conv5_4": 1.0}, mean_one="map")


def test_feature_losses_pull_towards_hr_in_float32():
    for kind in ("perceptual", "gram"):
        hr = torch.rand(2, 3, 16, 16)
        sr = (hr + 0.1).bfloat16().requires_grad_()
        value = build(kind, {"relu1_1": 1.0})({"relu1_1": sr}, {"relu1_1": hr})
        assert value.dtype == torch.float32
        assert value.shape == ()
        value.backward()
        assert (sr.grad > 0).all()


def as_tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


def centre(picture):
    left, top = (picture.width - 128) // 2, (picture.height - 128) // 2
    return as_tensor(picture.crop((left, top, left + 128, top + 128)))


def test_enhancenets_terms_have_their_published_magnitudes():
    # Bicubic against HR, mean over Set5's centres; LR by PIL's Lanczos of the whole picture.
    published = {"relu1_1": 0.0489, "relu2_1": 0.0911, "relu3_1": 1.6487, "pool2": 0.9185}
    weights = shared("weights/vgg19_normalised_to_conv3_1.pth").read_bytes()
    files = sorted(shared("data/Set5/HR").glob("*.png"))
    network = build_features("vgg19-normalised", layers=published, weights=weights)
    terms = {layer: build("gram", {layer: w}) for layer, w in ENHANCENET_TEXTURE.items()}
    terms["pool2"] = build("perceptual", {"pool2": 0.2})
    found = dict.fromkeys(published, 0.0)
    for file in files:
        with Image.open(file) as opened:
            hr = opened.convert("RGB")
        hr = hr.crop((0, 0, hr.width // 4 * 4, hr.height // 4 * 4))
        lr = hr.resize((hr.width // 4, hr.height // 4), Image.Resampling.LANCZOS)
        sr = lr.resize(hr.size, Image.Resampling.BICUBIC)
        maps = [network(centre(picture), published) for picture in (sr, hr)]
        for layer, term in terms.items():
            found[layer] += float(term(*maps)) / len(files)
    assert found == pytest.approx(published, rel=0.05)
