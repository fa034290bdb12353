"""Named variants of the generators, with the numbers their sources state."""

from acutance_models.generators.preset import Preset
from acutance_models.generators.presets_gan import GAN_PRESETS
from acutance_models.generators.presets_psnr import PSNR_PRESETS

_MSRRESNET = {
    "kind": "srresnet",
    "trunk_skip": False,
    "first_activation": True,
    "activation": "leaky_relu",
    "image_skip": "bilinear",
    "init": "kaiming",
    "init_gain": 0.1,
}

_ALL = (
    Preset(
        name="srresnet",
        system="SRGAN",
        spec={"kind": "srresnet"},
        scales=(2, 3, 4),
        parameters={4: 1_554_499},
        source="Ledig et al., CVPR 2017, without batch normalisation",
    ),
    Preset(
        name="msrresnet",
        system="BasicSR",
        spec=_MSRRESNET,
        scales=(2, 3, 4),
        parameters={2: 1_369_859, 3: 1_554_499, 4: 1_517_571},
        source="https://github.com/XPixelGroup/BasicSR, MSRResNet",
    ),
    Preset(
        name="enhancenet",
        system="EnhanceNet",
        spec={"kind": "enhancenet"},
        scales=(4,),
        parameters={4: 852_867},
        source="Sajjadi et al., ICCV 2017; count of the released checkpoint",
    ),
    *GAN_PRESETS,
    *PSNR_PRESETS,
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
"""Name -> preset."""
