import pytest
import torch

from acutance_models import LOSSES, PictureError

PIXEL = ("charbonnier", "l1", "mse")


@pytest.mark.parametrize("kind", PIXEL)
def test_a_loss_is_least_for_equal_pictures_and_pulls_towards_hr(kind):
    loss = LOSSES.build({"kind": kind})
    hr = torch.rand(2, 3, 5, 5)
    sr = (hr + 0.1).requires_grad_()
    value = loss(sr, hr)
    assert value.shape == ()
    assert value > loss(hr, hr)
    value.backward()
    assert (sr.grad > 0).all()


@pytest.mark.parametrize("kind", PIXEL)
def test_losses_are_float32_whatever_comes_in(kind):
    hr = torch.rand(1, 3, 4, 4)
    loss = LOSSES.build({"kind": kind})
    assert loss(hr.bfloat16(), hr).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert loss(hr * 0.9, hr).dtype == torch.float32


def test_losses_are_their_formulas():
    sr, hr = torch.tensor([[[[0.0, 0.4]]]]), torch.tensor([[[[0.3, 0.0]]]])
    assert LOSSES.build({"kind": "l1"})(sr, hr).item() == pytest.approx(0.35)
    assert LOSSES.build({"kind": "mse"})(sr, hr).item() == pytest.approx(0.125)
    charbonnier = LOSSES.build({"kind": "charbonnier", "eps": 0.4})
    assert charbonnier(sr, hr).item() == pytest.approx((0.5 + 0.32**0.5) / 2)


def test_pictures_that_would_broadcast_are_refused():
    with pytest.raises(PictureError, match="one size"):
        LOSSES.build({"kind": "l1"})(torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4))
