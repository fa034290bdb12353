"""Self-ensemble and back-projection."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from acutance_models import matlab_resize, stream
from acutance_models.back_projection import back_project
from acutance_models.ensemble import ORIENTATIONS, self_ensemble, turn, turn_back
from acutance_models.errors import PictureError
from acutance_models.resize import bicubic_enlarge


def _picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    values = stream(seed, "picture").random((1, 3, height, width))
    return torch.from_numpy(values)


def test_the_orientations_are_eight_and_each_is_undone() -> None:
    picture = _picture(3, 3)
    seen = {turn(picture, each).numpy().tobytes() for each in ORIENTATIONS}
    assert len(seen) == 8
    for each in ORIENTATIONS:
        oblong = _picture(3, 5)
        assert torch.equal(turn_back(turn(oblong, each), each), oblong)


@given(
    st.integers(2, 9), st.integers(2, 9), st.integers(0, 99), st.sampled_from(["mean", "median"])
)
def test_an_equivariant_function_is_its_own_ensemble(
    height: int, width: int, seed: int, how: str
) -> None:
    lr = _picture(height, width, seed)
    enlarge = partial(bicubic_enlarge, scale=2)
    found = self_ensemble(enlarge, lr, how=how)  # type: ignore[arg-type]
    torch.testing.assert_close(found, enlarge(lr))


def test_mean_and_median_are_those_of_numpy() -> None:
    lr = _picture(4, 4)
    slope = torch.linspace(0, 1, 4, dtype=torch.float64)  # not the same in any orientation

    def function(picture: torch.Tensor) -> torch.Tensor:
        return picture**2 * slope

    outputs = [turn_back(function(turn(lr, each)), each).numpy() for each in ORIENTATIONS]
    for how, expected in (("mean", np.mean(outputs, 0)), ("median", np.median(outputs, 0))):
        found = self_ensemble(function, lr, how=how)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_even_orientations_never_swap_the_sides() -> None:
    shapes = []

    def function(picture: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(picture.shape[-2:]))
        return picture

    self_ensemble(function, _picture(3, 5), orientations=(0, 2, 4, 6))
    assert set(shapes) == {(3, 5)}
    with pytest.raises(PictureError, match="0 to 7"):
        self_ensemble(function, _picture(3, 5), orientations=(8,))


def test_back_projection_leaves_a_consistent_picture_and_mends_another() -> None:
    sr = stream(0, "sr").random((24, 20, 3))
    down, up = partial(matlab_resize, scale=0.5), partial(matlab_resize, scale=2)
    lr = down(sr)
    np.testing.assert_allclose(back_project(sr, lr, down=down, up=up, iterations=3), sr, atol=1e-12)
    rough = np.clip(up(lr), 0, 1)
    errors = [
        np.abs(down(back_project(rough, lr, down=down, up=up, iterations=n)) - lr).mean()
        for n in (0, 2, 10)
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_back_projection_refuses_other_sizes() -> None:
    sr, lr = np.zeros((8, 8)), np.zeros((4, 4))
    half, double = partial(matlab_resize, scale=0.5), partial(matlab_resize, scale=2)
    with pytest.raises(PictureError, match="`down`"):
        back_project(sr, lr, down=np.asarray, up=double, iterations=1)
    with pytest.raises(PictureError, match="`up`"):
        back_project(sr, lr, down=half, up=np.asarray, iterations=1)
