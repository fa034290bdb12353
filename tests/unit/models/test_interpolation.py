import pytest
import torch

from acutance_models import InterpolationError, build_generator, interpolate

SPEC = {"kind": "srgan", "channels": 4, "blocks": 1}  # has batch normalisation


def state(seed):
    network = build_generator(SPEC, scale=4, seed=seed)
    for _ in range(seed):
        network(torch.rand(2, 3, 6, 6))  # moves running statistics and counts batches
    return network.state_dict()


def test_every_tensor_is_the_weighted_mean():
    a, b = state(1), state(3)
    mixed = interpolate(a, b, 0.25)
    assert list(mixed) == list(a)
    for name, tensor in mixed.items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, 0.75 * a[name] + 0.25 * b[name])
            assert tensor.dtype == a[name].dtype
    network = build_generator(SPEC, scale=4, seed=None)
    network.load_state_dict(mixed)
    assert torch.isfinite(network.eval()(torch.rand(1, 3, 6, 6))).all()


def test_the_ends_are_the_networks_bit_for_bit():
    a, b = state(1), state(2)
    a["odd"] = torch.tensor([-0.0, float("inf"), 1e-45])
    b["odd"] = torch.tensor([float("nan"), 1.0, -0.0])
    for alpha, end in ((0.0, a), (1, b)):
        made = interpolate(a, b, alpha)
        for name, tensor in end.items():
            assert made[name].numpy().tobytes() == tensor.numpy().tobytes()
            assert made[name].data_ptr() != tensor.data_ptr()


def test_counters_are_those_of_the_nearer_end():
    a, b = {"n": torch.tensor(10)}, {"n": torch.tensor(21)}
    made = [interpolate(a, b, alpha)["n"] for alpha in (0.2, 0.5, 0.6)]
    assert [int(each) for each in made] == [10, 10, 21]
    assert made[0].dtype == torch.int64


def test_networks_that_differ_are_refused_by_name():
    a = {
        "same": torch.zeros(2),
        "shape": torch.zeros(2),
        "type": torch.zeros(1),
        "a": torch.ones(1),
    }
    b = {"same": torch.zeros(2), "shape": torch.zeros(3), "b": torch.ones(1)}
    b["type"] = torch.zeros(1, dtype=torch.int64)
    with pytest.raises(InterpolationError) as caught:
        interpolate(a, b, 0.5)
    for words in (
        "only the first has a",
        "only the second has b",
        "shape is (2,) float32 and (3,) float32",
        "type is (1,) float32 and (1,) int64",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_lies_between_the_ends(alpha):
    with pytest.raises(InterpolationError, match="between 0 and 1"):
        interpolate({}, {}, alpha)
