import generator_checks as checks
import pytest
import torch

from acutance_models import PRESETS, build_generator, macs_per_pixel

CASES = {
    "memnet": {
        "": (2, 3, 4),
        "share=False": (2,),
        "gate=False": (2,),
        "long_term=False": (2,),
        "supervision='last'": (3,),
        "colour='rgb'": (2,),
    },
    "dbpn": {
        "": (2, 3, 4, 8),
        "blocks=3": (2,),
        "feedback=False": (2, 4),
        "dense=False, blocks=3": (2,),
        "last_kernel=1, colour='y'": (4,),
    },
    "idn": {
        "": (2, 3, 4),
        "kernel=17": (2, 4),
        "distill=0.0": (2,),
        "compress=False, blocks=2": (2,),
        "colour='rgb'": (3,),
    },
    "rdn": {
        "": (2, 3, 4),
        "local_fusion=False": (2,),
        "local_residual=False, values=1": (2,),
        "global_fusion=False, mean='none'": (2,),
    },
    "rcan": {
        "": (2, 3, 4, 8),
        "attention='none'": (2, 3, 8),
        "long_skip=False": (2,),
        "short_skip=False, values=1": (2,),
    },
    "msrn": {
        "": (2, 3, 4, 8),
        "kernels=[3]": (2,),
        "kernels=[5], global_fusion=False": (2,),
        "exchange=False": (2,),
        "tail='paper', colour='y', values=1": (2, 4),
    },
    "carn": {"heads=[2, 3, 4]": (2, 3, 4), "heads=[2, 8], share=True, groups=2": (8,)},
    "edsr": {"": (2, 3, 4)},
    "zssr": {"": (2, 3, 5), "colour='y'": (4,)},
    "vdsr": {"": (2, 3), "colour='rgb'": (4,)},
    "srdensenet": {"": (2, 4, 8), "blocks=2, colour='rgb'": (2,)},
    "lapsrn": {"": (2, 4, 8), "colour='rgb'": (2,)},
}
_ROWS = [
    (kind, arguments, scale)
    for kind, cases in CASES.items()
    for arguments, scales in cases.items()
    for scale in scales
]
each_case = pytest.mark.parametrize(("kind", "arguments", "scale"), _ROWS)
each_first = pytest.mark.parametrize(
    ("kind", "arguments", "scale"),
    [
        (kind, arguments, scales[0])
        for kind, cases in CASES.items()
        for arguments, scales in cases.items()
    ],
)


def _build(kind, arguments, scale):
    spec = checks.smallest(kind) | eval(f"dict({arguments})")
    return build_generator(spec, scale=scale)


@each_case
def test_output_has_the_scaled_size(kind, arguments, scale):
    checks.check_sizes(_build(kind, arguments, scale))


@each_case
def test_gradient_reaches_every_parameter(kind, arguments, scale):
    network = _build(kind, arguments, scale)
    idle = [f"heads.up{each}" for each in (2, 3, 4, 8) if each != scale]
    checks.check_gradient_reaches_every_parameter(network, but=idle)


@each_case
def test_receptive_field_is_exact(kind, arguments, scale):
    network = _build(kind, arguments, scale)
    if kind == "rcan" and "attention" not in arguments:
        assert network.receptive_field is None  # the attention's mean is the whole picture's
    else:
        checks.check_receptive_field(network)


@each_first
def test_under_autocast_the_tail_stays_float32(kind, arguments, scale):
    checks.check_float32_tail(_build(kind, arguments, scale))


@each_first
def test_a_document_rebuilds_the_network(kind, arguments, scale):
    checks.check_round_trip(_build(kind, arguments, scale))


@pytest.mark.parametrize("kind", CASES)
def test_thirty_steps_lower_the_loss(kind):
    checks.check_thirty_steps_lower_the_loss(_build(kind, "", 2))


@pytest.mark.parametrize(
    ("name", "scale", "giga"),
    [(name, *row) for name, preset in PRESETS.items() for row in preset.multiply_adds.items()],
)
def test_multiply_adds_are_the_published_ones(name, scale, giga):
    with torch.device("meta"):
        network = build_generator({"preset": name}, scale=scale, seed=None)
    assert round(macs_per_pixel(network) * 1280 * 720 / 1e9, 1) == giga
