"""IDN measured as its authors' test script does it, step by step, beside `evaluate`'s own way."""

import numpy as np
import pytest
import torch
from calling import photograph
from PIL import Image

from acutance_models import build_generator, dump_weights, matlab_resize
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.home import Home
from acutance_storage import open_store


def eight_bits(values):
    return np.clip(np.floor(values + 0.5), 0, 255)


def by_the_script(network, picture):
    """Return PSNR as test_IDN.m computes it from what its layer `upsample` gives."""
    scale = network.scale
    red, green, blue = (picture[..., each].astype(float) for each in range(3))
    luma = eight_bits(16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255)
    height, width = (side - side % scale for side in luma.shape)
    truth = luma[:height, :width] / 255
    small = matlab_resize(truth, scale=1 / scale)
    bicubic = matlab_resize(small, scale=scale)
    raw = []
    hook = network.upsample.register_forward_hook(lambda *given: raw.append(given[2]))
    with torch.no_grad():
        network(torch.from_numpy(small[None, None]).float())
    hook.remove()
    result = raw[0][0, 0].double().numpy()
    rows, columns = small.shape
    assert result.shape == ((rows - 1) * scale + 1, (columns - 1) * scale + 1)
    enlarged = result + bicubic[scale - 1 :, scale - 1 :]
    sr = eight_bits(255 * enlarged)[1:-scale, 1:-scale]
    hr = eight_bits(255 * truth)[scale:-scale, scale:-scale]
    return 10 * np.log10(255**2 / np.mean((sr - hr) ** 2))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_evaluate_measures_idn_as_its_authors_do(scale, tmp_path):
    picture = photograph(scale, 75, 94)
    folder = tmp_path / "one"
    folder.mkdir()
    Image.fromarray(picture).save(folder / "p.png")
    spec = {"kind": "idn", "channels": 8, "blocks": 1, "step": 2, "groups": 1}
    network = build_generator(spec, scale=scale, seed=5).eval()
    weights = tmp_path / "idn.safetensors"
    weights.write_bytes(dump_weights(network, network.spec, scale))
    home = Home(open_store(tmp_path / "store"), tmp_path / "local")
    found = evaluate(weights, folder, protocol="y8", metrics=["psnr_y"], home=home)
    # The network's own bicubic is in float32: a value on the edge may round to the other level.
    assert found.mean["psnr_y"] == pytest.approx(by_the_script(network, picture), abs=2e-3)
