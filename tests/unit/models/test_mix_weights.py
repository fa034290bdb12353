import pytest
import torch

from acutance_models import LossError, LossMix

PIXEL = {"kind": "l1", "weight": 1.0}
TEXTURE = {
    "kind": "gram",
    "weight": 2.0,
    "features": {"kind": "random", "channels": 2},
    "layers": {"relu1_1": 1e-3},
}
ADVERSARIAL = {
    "kind": "adversarial",
    "weight": 5e-3,
    "discriminator": {"kind": "vgg", "channels": 2},
}


def mix_of(**terms):
    return LossMix(terms, patch=32, seed=3)


def test_weights_rise_begin_and_end():
    mix = mix_of(
        pixel={**PIXEL, "until_step": 6},
        late={"kind": "mse", "weight": 2.0, "from_step": 3, "ramp": 4},
    )
    assert mix.weights(0) == mix.weights(2) == {"pixel": 1.0}
    assert [mix.weights(step)["late"] for step in range(3, 9)] == [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]
    assert [set(mix.weights(step)) for step in (5, 6)] == [{"pixel", "late"}, {"late"}]


def test_a_normalised_term_is_divided_by_its_value_on_bicubic():
    terms = {
        "pixel": {**PIXEL, "normalize": "initial"},
        "texture": {**TEXTURE, "normalize": "initial", "from_step": 2},
        "critic": {**ADVERSARIAL, "form": "relativistic", "normalize": "initial"},
        "plain": {"kind": "mse", "weight": 1.0},
    }
    mix = mix_of(**terms)
    assert mix.uncalibrated == ["pixel", "texture", "critic"]
    with pytest.raises(LossError, match="initial values of pixel, texture, critic"):
        mix.weights(0)
    bicubic, hr = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    before = {
        name: each.clone() for name, each in mix.discriminators["critic"].state_dict().items()
    }
    initial = mix.calibrate(bicubic, hr)
    after = mix.discriminators["critic"].state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert initial.keys() == {"pixel", "texture", "critic"}
    assert initial["pixel"] == pytest.approx(float((bicubic - hr).abs().mean()))
    losses = mix.generator_losses(mix.look([bicubic], hr, step=2))
    weighted = {name: weight * float(losses[name]) for name, weight in mix.weights(2).items()}
    wanted = {"pixel": 1.0, "texture": 2.0, "critic": 5e-3, "plain": float(losses["plain"])}
    assert weighted == pytest.approx(wanted, rel=1e-5)

    restored = mix_of(**terms)
    restored.initial = dict(initial)
    assert restored.weights(2) == mix.weights(2)
    assert restored.calibrate(hr, bicubic) == initial  # known values stay


def test_a_value_that_is_no_divisor_is_refused_by_name():
    mix = mix_of(pixel={**PIXEL, "normalize": "initial"})
    flat = torch.full((1, 3, 32, 32), 0.5)
    with pytest.raises(LossError, match="The term pixel is 0"):
        mix.calibrate(flat, flat)
    assert mix.uncalibrated == ["pixel"]
