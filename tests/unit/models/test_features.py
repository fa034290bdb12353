import numpy as np
import pytest
import safetensors.torch
import torch
from feature_files import as_file, feature_file, feature_tensors
from shared_data import read_rgb, shared
from torch import nn
from torch.nn import functional as F

from acutance_models import (
    FEATURES,
    FeatureError,
    ImportRefused,
    RegistryError,
    build_features,
    check_features,
    feature_layers,
    resolve_features,
    weights_name,
)
from acutance_models.features import VGG19, feature_shapes
from acutance_models.features.layout import VGG19_BLOCKS, layer_names, stride_of

TINY = {"kind": "random", "channels": 2}
PUBLISHED = {
    "vgg19-normalised": "weights/vgg19_normalised_to_conv3_1.pth",
    "vgg19-distilled": "weights/vgg19_distilled_16x_to_conv5_1.pth",
}


def published(kind, layers):
    return build_features(kind, layers=layers, weights=shared(PUBLISHED[kind]).read_bytes())


def set5(side=128):
    """The centres of the pictures, (B, 3, side, side)."""
    crops = []
    for file in sorted(shared("data/Set5/HR").glob("*.png")):
        picture = torch.from_numpy(read_rgb(file)).permute(2, 0, 1).float() / 255
        top, left = ((length - side) // 2 for length in picture.shape[1:])
        crops.append(picture[:, top : top + side, left : left + side])
    return torch.stack(crops)


def test_a_layers_place_is_its_number_in_torchvision():
    # https://docs.pytorch.org/vision: features of vgg19; ESRGAN's feature_layer 34 is one of them.
    numbers = {"conv1_1": 0, "conv1_2": 2, "pool1": 4, "conv2_1": 5, "pool2": 9, "conv3_4": 16}
    numbers |= {"pool3": 18, "conv4_4": 25, "conv5_1": 28, "conv5_4": 34, "relu5_4": 35}
    names = layer_names(VGG19_BLOCKS)
    assert {name: names.index(name) for name in numbers} == numbers
    assert names.index("pool5") == len(names) - 1 == 36
    assert FEATURES["vgg16"].has.index("conv5_3") == 28


def test_conv_is_before_the_activation_and_relu_after_it():
    layers = ["conv1_2", "relu1_2", "pool1", "conv2_1"]
    network = build_features(TINY, layers=layers)
    maps = network(torch.rand(1, 3, 9, 8), layers)
    assert list(maps) == layers
    assert (maps["conv1_2"] < 0).any()
    assert torch.equal(maps["relu1_2"], maps["conv1_2"].relu())
    assert torch.equal(maps["pool1"], F.max_pool2d(maps["relu1_2"], 2))
    assert torch.equal(maps["conv2_1"], network.chain["conv2_1"](maps["pool1"]))


def test_a_network_equals_the_layers_written_out():
    layers = ["conv2_1"]
    weights = feature_tensors("vgg19", layers)
    pictures = torch.rand(1, 3, 8, 10)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    x = (pictures - mean) / deviation
    for place in (0, 2):
        kernel, bias = weights[f"features.{place}.weight"], weights[f"features.{place}.bias"]
        x = F.conv2d(x, kernel, bias, padding=1).relu()
    x = F.conv2d(F.max_pool2d(x, 2), weights["features.5.weight"], weights["features.5.bias"], 1, 1)
    network = build_features("vgg19", layers=layers, weights=as_file(weights))
    assert torch.allclose(network(pictures, layers)["conv2_1"], x, atol=1e-5)


def test_nothing_behind_the_deepest_layer_is_built_or_computed():
    network = build_features(TINY, layers=["conv1_1", "relu3_1"])
    assert list(network.chain)[-1] == "relu3_1"
    ran = []
    for name, step in network.chain.items():
        step.register_forward_hook(lambda *_, name=name: ran.append(name))
    network(torch.rand(1, 3, 8, 8), ["relu1_1"])
    assert ran == ["prepare", "conv1_1", "relu1_1"]
    with pytest.raises(FeatureError, match="built without conv4_1"):
        network(torch.rand(1, 3, 8, 8), ["conv4_1"])


def test_a_frozen_network_passes_the_gradient_on_and_keeps_none():
    network = build_features(TINY, layers=["pool2"])
    assert not network.training
    pictures = torch.rand(1, 3, 8, 8, requires_grad=True)
    network(pictures, ["pool2"])["pool2"].sum().backward()
    assert pictures.grad.abs().sum() > 0
    assert all(each.grad is None and not each.requires_grad for each in network.parameters())


@pytest.mark.parametrize("dialect", range(4))
def test_files_are_read_in_every_dialect(dialect):
    layers = ["conv2_1"]
    file = feature_tensors("vgg16", layers, dialect)
    whole = file | {"classifier.0.weight": torch.zeros(2, 2), "classifier.0.bias": torch.zeros(2)}
    network = build_features("vgg16", layers=layers, weights=as_file({"state_dict": whole}))
    again = build_features("vgg16", layers=layers, weights=safetensors.torch.save(whole))
    same = build_features("vgg16", layers=layers, weights=feature_file("vgg16", layers))
    for name, tensor in same.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)
        assert torch.equal(again.state_dict()[name], tensor)


def test_the_dialects_are_the_names_of_published_files():
    assert [rule("chain.conv5_3.weight") for rule in FEATURES["vgg16"].dialects()] == [
        "features.28.weight",  # torchvision
        "28.weight",
        "conv5_3.weight",
        "conv53.weight",  # ESRGAN's network for materials
    ]


def test_every_tensor_of_a_file_is_accounted_for():
    file = feature_tensors("vgg19", ["conv2_1"])
    file["features.5.weight"] = file["features.5.weight"][:, :3].clone()
    file["features.0.bias"][1] = torch.nan
    file["features.1.weight"] = torch.zeros(3)
    del file["features.2.weight"]
    with pytest.raises(ImportRefused) as caught:
        build_features("vgg19", layers=["conv1_2"], weights=as_file(file))
    assert sorted(caught.value.problems) == [
        "misshapen features.5.weight: (128, 3, 3, 3), not (128, 64, 3, 3)",
        "missing features.2.weight",
        "not finite: features.0.bias",
        "surplus features.1.weight",
    ]
    assert "no vgg19" in str(caught.value)


def test_another_networks_file_is_refused():
    weights = feature_file("vgg16", ["conv4_1"])
    with pytest.raises(ImportRefused, match=r"surplus features\.17"):
        build_features("vgg19", layers=["conv1_1"], weights=weights)
    with pytest.raises(ImportRefused, match="web page"):
        build_features("vgg19", layers=["conv1_1"], weights=b"<html>")
    with pytest.raises(FeatureError, match="needs the file vgg19"):
        build_features("vgg19", layers=["conv1_1"])


def test_a_source_says_which_file_it_needs():
    assert weights_name("random") is None
    assert weights_name("vgg19-distilled") == "vgg19-distilled"
    assert weights_name({"kind": "vgg16", "file": "minc.pth"}) == "minc.pth"


def test_pictures_are_prepared_as_the_weights_were_trained():
    pictures = torch.tensor([1.5, 0.25, -0.5]).view(1, 3, 1, 1)
    caffe = VGG19(preprocessing="caffe", last="conv1_1").chain["prepare"](pictures)
    wanted = [-0.5 * 255 - 103.939, 0.25 * 255 - 116.779, 1.5 * 255 - 123.68]
    assert caffe.flatten().tolist() == pytest.approx(wanted, rel=1e-5)
    clipped = VGG19(preprocessing="caffe", clip=True, last="conv1_1").chain["prepare"](pictures)
    wanted = [-103.939, 0.25 * 255 - 116.779, 255 - 123.68]
    assert clipped.flatten().tolist() == pytest.approx(wanted, rel=1e-5)
    plain = VGG19(preprocessing="none", last="conv1_1").chain["prepare"](pictures)
    assert torch.equal(plain, pictures)


def test_an_odd_sides_last_row_is_dropped_or_kept():
    # SRFeat: 296 pixels come to 19 places at conv5_4, where torchvision's rule gives 18.
    for pooling, side in (("floor", 18), ("ceil", 19)):
        spec = {"kind": "vgg19", "pooling": pooling}
        assert feature_shapes(spec, layers=["conv5_4"], side=296) == {"conv5_4": (512, side)}


@pytest.mark.parametrize(
    ("spec", "layers"),
    [
        (TINY, ["conv1_2", "pool2"]),
        ({**TINY, "pooling": "ceil"}, ["conv1_2", "pool2"]),
        ({"kind": "vgg19-distilled"}, ["relu1_1", "relu2_1"]),
        ({"kind": "vgg19-normalised"}, ["conv1_2", "pool2"]),
    ],
)
def test_shapes_are_those_of_the_maps(spec, layers):
    file = None if spec["kind"] == "random" else feature_file(spec["kind"], layers)
    maps = build_features(spec, layers=layers, weights=file)(torch.rand(1, 3, 21, 21), layers)
    shapes = {layer: (made.shape[1], made.shape[2]) for layer, made in maps.items()}
    assert feature_shapes(spec, layers=layers, side=21) == shapes


@pytest.mark.parametrize(
    ("kind", "layer", "side"),
    [("random", "pool3", 7), ("vgg19-normalised", "relu3_1", 7), ("vgg19-distilled", "relu2_1", 3)],
)
def test_pictures_that_are_too_small_are_refused_by_layer(kind, layer, side):
    file = None if kind == "random" else feature_file(kind, [layer])
    network = build_features(kind, layers=[layer], weights=file)
    with pytest.raises(FeatureError, match=f"a side of {side} are too small for the layer"):
        network(torch.rand(1, 3, side, 2 * side), [layer])
    with pytest.raises(FeatureError, match=f"a side of {side} are too small for the layer"):
        feature_shapes(kind, layers=[layer], side=side)
    assert feature_shapes(kind, layers=[layer], side=side + 1)[layer][1] >= 1
    assert network(torch.rand(1, 3, side + 1, side + 1), [layer])[layer].numel()


def test_a_missing_layer_is_an_error_or_a_declared_substitution():
    (problem,) = check_features("vgg19-distilled", layers=["pool5"])
    assert "no layer 'pool5'; it has: relu1_1" in problem.rule
    assert "substitute: {pool5: relu5_1}" in problem.way_out
    with pytest.raises(RegistryError, match="no layer 'conv5_4'"):
        build_features("vgg19-normalised", layers=["conv5_4"], weights=b"")
    spec = {"kind": "vgg19-distilled", "substitute": {"pool2": "relu2_1"}}
    file = feature_file("vgg19-distilled", ["relu2_1"])
    network = build_features(spec, layers=["pool2", "relu1_1"], weights=file)
    maps = network(torch.rand(1, 3, 8, 8), ["pool2", "relu2_1"])
    assert torch.equal(maps["pool2"], maps["relu2_1"])
    assert network.spec["substitute"] == {"pool2": "relu2_1"}
    assert feature_layers(spec)[-1] == "pool2"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("vgg", "Did you mean 'vgg"),
        ({"kind": "vgg19", "substitute": {"conv5_4": "relu5_1"}}, "has the layer conv5_4 itself"),
        ({"kind": "vgg19-distilled", "substitute": {"pool5": "pool4"}}, "no layer 'pool4'"),
        ({"kind": "vgg19-distilled", "pooling": "ceil"}, "has no argument 'pooling'"),
        (3, "is written {kind: NAME"),
    ],
)
def test_specs_that_do_not_fit_are_refused(spec, words):
    with pytest.raises(RegistryError, match=words):
        resolve_features(spec)
    assert words in "\n".join(map(str, check_features(spec, layers=["relu1_1"])))


def test_a_layers_stride_is_in_its_name():
    strides = {"conv1_1": 1, "relu1_2": 1, "pool1": 2, "conv2_1": 2, "pool5": 32, "relu5_4": 16}
    assert {layer: stride_of(layer) for layer in strides} == strides
    with pytest.raises(FeatureError, match="no name of a VGG layer"):
        stride_of("fc6")


def test_random_features_are_the_same_bits_for_the_same_seed():
    state = torch.get_rng_state()
    first = build_features(TINY, layers=["conv2_1"])
    deeper = build_features(TINY, layers=["conv4_1"])
    other = build_features({**TINY, "seed": 1}, layers=["conv2_1"])
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, deeper.state_dict()[name])
    kernels = [each.chain["conv2_1"].weight for each in (first, other)]
    assert not torch.equal(*kernels)
    assert not any(step.bias.any() for step in first.chain.values() if isinstance(step, nn.Conv2d))


@pytest.mark.parametrize("seed", [0, 1])
def test_random_features_neither_vanish_nor_explode(seed):
    layers = [f"conv{place}" for place in ("1_2", "2_2", "3_4", "4_4", "5_4")]
    network = build_features({"kind": "random", "seed": seed}, layers=layers)
    maps = network(set5()[:2], layers)
    # Measured over the five pictures with seeds 0, 1, 2: 1.7 to 2.3.
    assert all(1.5 < float(each.std()) < 2.4 for each in maps.values())


def test_the_normalised_network_has_activations_of_mean_one():
    layers = ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]
    maps = published("vgg19-normalised", layers)(set5(), layers)
    assert 0.9 < np.mean([float(each.mean()) for each in maps.values()]) < 1.2


def test_the_distilled_network_imitates_the_normalised_one():
    layers = ["relu1_1", "relu2_1", "relu3_1"]
    pictures = set5()
    true = published("vgg19-normalised", layers)(pictures, layers)
    made = published("vgg19-distilled", layers)(pictures, layers)
    least = {"relu1_1": 0.95, "relu2_1": 0.85, "relu3_1": 0.75}
    for layer in layers:
        both = torch.stack([true[layer].flatten(), made[layer].flatten()])
        assert float(torch.corrcoef(both)[0, 1]) > least[layer]


def test_the_distilled_network_is_read_whole():
    network = published("vgg19-distilled", ["relu5_1"])
    assert network(torch.rand(1, 3, 32, 32), ["relu5_1"])["relu5_1"].shape == (1, 512, 2, 2)
