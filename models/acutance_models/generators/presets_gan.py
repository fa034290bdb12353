"""Presets of the GAN family, see `presets`."""

from acutance_models.generators.preset import Preset

GAN_PRESETS = (
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
