"""Named variants of the generators, with the numbers their sources state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A spec with a name, so that a recipe can say `{preset: carn-m}`."""

    name: str
    system: str
    """The paper it belongs to."""
    spec: Mapping[str, Any]
    """What differs from the constructor's defaults, and the kind."""
    scales: tuple[int, ...]
    """Scales the source states it for; others may be buildable."""
    parameters: Mapping[int, int] = field(default_factory=dict)
    """Scale -> trainable parameters as published or counted in the authors' network."""
    source: str = ""
    """Where the numbers come from."""


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
    Preset(
        name="carn",
        system="CARN",
        spec={"kind": "carn"},
        scales=(2, 3, 4),
        parameters={2: 964_163, 3: 1_148_803, 4: 1_111_875},
        source="Ahn et al., ECCV 2018; single-scale heads of the authors' network",
    ),
    Preset(
        name="carn-m",
        system="CARN",
        spec={"kind": "carn", "groups": 4, "share": True},
        scales=(2, 3, 4),
        parameters={2: 257_027, 3: 303_427, 4: 294_147},
        source="Ahn et al., ECCV 2018; single-scale heads of the authors' network",
    ),
    Preset(
        name="sftgan",
        system="SFTGAN",
        spec={"kind": "sftgan"},
        scales=(4,),
        parameters={4: 1_833_763},
        source="Wang et al., CVPR 2018; https://github.com/xinntao/SFTGAN, SFT_Net",
    ),
    Preset(
        name="sftgan-paper",
        system="SFTGAN",
        spec={"kind": "sftgan", "variant": "sft_net_torch"},
        scales=(4,),
        parameters={4: 1_612_195},
        source="Wang et al., CVPR 2018; https://github.com/xinntao/SFTGAN, SFT_Net_torch",
    ),
    Preset(
        name="srfeat-64",
        system="SRFeat",
        spec={"kind": "srfeat", "channels": 64},
        scales=(4,),
        parameters={4: 1_557_955},
        source="Park et al., ECCV 2018; https://github.com/HyeongseokSon1/SRFeat",
    ),
    Preset(
        name="srfeat-128",
        system="SRFeat",
        spec={"kind": "srfeat"},
        scales=(4,),
        parameters={4: 6_187_907},
        source="Park et al., ECCV 2018; https://github.com/HyeongseokSon1/SRFeat",
    ),
    Preset(
        name="esrgan-16",
        system="ESRGAN",
        spec={"kind": "esrgan", "blocks": 16},
        scales=(4,),
        parameters={4: 11_662_019},
        source="Wang et al., ECCV Workshops 2018; the small network of its ablation",
    ),
    Preset(
        name="esrgan-23",
        system="ESRGAN",
        spec={"kind": "esrgan"},
        scales=(4,),
        parameters={4: 16_697_987},
        source="Wang et al., ECCV Workshops 2018; https://github.com/xinntao/ESRGAN",
    ),
    Preset(
        name="srgan",
        system="SRGAN",
        spec={"kind": "srgan"},
        scales=(4,),
        source="Ledig et al., CVPR 2017, as published; no count is stated",
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
