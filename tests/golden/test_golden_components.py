"""Results may change only together with a component's revision."""

import json

import numpy as np
import pytest
from formula_picture import formula_picture
from golden_components import COMPONENTS, GOLDEN, SCALES, compute
from shared_data import read_rgb

from acutance_models import matlab_resize

_LOOSE = {
    # JPEG decoders may round one level differently on another machine.
    "degradation/jpeg": 0.02,
    # Computed in float32, whatever the machine's order of sums.
    "metric/feature_distance": 1e-4,
    "metric/gram_distance": 1e-4,
    "metric/lpips": 1e-4,
    "metric/niqe": 1e-3,
}
_STORED = json.loads(COMPONENTS.read_text())


@pytest.fixture(scope="module")
def computed():
    return compute()


def test_every_component_has_golden_values(computed):
    assert sorted(computed) == sorted(_STORED)


@pytest.mark.parametrize("name", sorted(_STORED))
def test_results_change_only_with_the_revision(computed, name):
    stored, now = _STORED[name], computed[name]
    assert now["revision"] == stored["revision"], "rewrite the golden values, see the README"
    tolerance = _LOOSE.get(name, 2e-6)
    np.testing.assert_allclose(
        now["values"],
        stored["values"],
        rtol=tolerance,
        atol=tolerance,
        err_msg=f"results of {name} changed: raise its `revision`, see the README",
    )


@pytest.mark.parametrize("scale", SCALES)
def test_matlab_bicubic_gives_the_stored_pictures(scale):
    stored = read_rgb(GOLDEN / f"formula_lr_x{scale}.png")
    np.testing.assert_array_equal(matlab_resize(formula_picture(), scale=1 / scale), stored)
