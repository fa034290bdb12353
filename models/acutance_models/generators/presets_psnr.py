"""Presets of the systems that were made for PSNR, and of the relatives they are compared with.

Counts are those of the authors' networks. Multiply-adds count convolutions and deconvolutions at
1280x720 HR pixels.
"""

from typing import Any

from acutance_models.generators.preset import Preset

_DBPN_CODE = "Haris et al., CVPR 2018; counts of alterzero/DBPN-Pytorch"
_DBPN_PAPER = "Haris et al., CVPR 2018, the small networks of the ablation"
_CARN = "Ahn et al., ECCV 2018; counts and multiply-adds of the authors' network"
_CARN_ADDS = {2: 222.8, 3: 118.8, 4: 90.9}
_CARN_M_ADDS = {2: 91.2, 3: 46.1, 4: 32.5}
_CARN_M = {"kind": "carn", "groups": 4, "share": True}


def _dbpn_of_the_paper(letter: str, parameters: int, **sizes: int) -> Preset:
    spec: dict[str, Any] = {"kind": "dbpn", "dense": False, "last_kernel": 1, "colour": "y"}
    return Preset(
        name=f"dbpn-paper-{letter}",
        system="DBPN",
        spec={**spec, **sizes},
        scales=(2, 4, 8),
        parameters={4: parameters},
        source=_DBPN_PAPER,
    )


PSNR_PRESETS = (
    Preset(
        name="memnet-m6r6",
        system="MemNet",
        spec={"kind": "memnet"},
        scales=(2, 3, 4),
        parameters=dict.fromkeys((2, 3, 4), 695_497),
        # The CARN paper prints 2,662.4.
        multiply_adds=dict.fromkeys((2, 3, 4), 2662.3),
        source="Tai et al., ICCV 2017; counts of the authors' M6R6 (677K of convolution weights)",
    ),
    Preset(
        name="memnet-m10r10",
        system="MemNet",
        spec={"kind": "memnet", "blocks": 10, "recursions": 10},
        scales=(2, 3, 4),
        parameters=dict.fromkeys((2, 3, 4), 1_422_029),
        source="Tai et al., ICCV 2017",
    ),
    Preset(
        name="dbpn",
        system="DBPN",
        spec={"kind": "dbpn"},
        scales=(2, 4, 8),
        parameters={2: 5_953_526, 4: 10_426_358, 8: 23_205_878},
        multiply_adds={2: 1435.9, 4: 681.6},
        source=_DBPN_CODE,
    ),
    Preset(
        name="dbpnll",
        system="DBPN",
        spec={"kind": "dbpn", "blocks": 10},
        scales=(2, 4, 8),
        parameters={2: 8_811_086, 4: 15_348_302, 8: 34_026_062},
        source=_DBPN_CODE,
    ),
    Preset(
        name="dbpns",
        system="DBPN",
        spec={"kind": "dbpn", "blocks": 2, "dense": False},
        scales=(2, 4, 8),
        parameters={2: 1_354_766, 4: 2_386_958, 8: 5_336_078},
        source=_DBPN_CODE,
    ),
    _dbpn_of_the_paper("ss", 188_644, blocks=2, first_channels=64, channels=18),
    _dbpn_of_the_paper("s", 595_596, blocks=2, first_channels=128, channels=32),
    _dbpn_of_the_paper("m", 1_382_488, blocks=4, first_channels=128, channels=32),
    _dbpn_of_the_paper("l", 2_169_380, blocks=6, first_channels=128, channels=32),
    Preset(
        name="idn",
        system="IDN",
        spec={"kind": "idn"},
        scales=(2, 3, 4),
        parameters=dict.fromkeys((2, 3, 4), 552_769),
        multiply_adds={2: 127.0, 3: 56.4, 4: 31.7},
        source="Hui et al., CVPR 2018; README of Zheng222/IDN-Caffe",
    ),
    Preset(
        name="rdn-d16c8",
        system="RDN",
        spec={"kind": "rdn"},
        scales=(2, 3, 4),
        parameters={2: 22_123_395, 3: 22_308_035, 4: 22_271_107},
        multiply_adds={2: 5096.2, 3: 2284.7, 4: 1309.2},
        source="Zhang et al., CVPR 2018; counts of yulunzhang/RDN",
    ),
    Preset(
        name="rdn-d20c6",
        system="RDN",
        spec={"kind": "rdn", "blocks": 20, "layers": 6, "growth": 32},
        scales=(2, 3, 4),
        parameters={2: 5_616_515, 3: 5_801_155, 4: 5_764_227},
        source="Zhang et al., CVPR 2018, the network of the ablation",
    ),
    Preset(
        name="rcan",
        system="RCAN",
        spec={"kind": "rcan"},
        scales=(2, 3, 4, 8),
        parameters={2: 15_444_643, 3: 15_629_283, 4: 15_592_355, 8: 15_740_067},
        multiply_adds={2: 3526.8, 3: 1587.2, 4: 916.9},
        source="Zhang et al., ECCV 2018; counts of yulunzhang/RCAN without the mean shifts' 24",
    ),
    Preset(
        name="msrn",
        system="MSRN",
        spec={"kind": "msrn"},
        scales=(2, 3, 4, 8),
        parameters={2: 5_930_307, 3: 6_114_947, 4: 6_078_019, 8: 6_225_731},
        multiply_adds={2: 1366.6, 3: 627.1, 4: 376.8},
        source="Li et al., ECCV 2018; the present network of MIVRC/MSRN-PyTorch",
    ),
    Preset(
        name="msrn-paper",
        system="MSRN",
        spec={"kind": "msrn", "tail": "paper", "colour": "y", "values": 1},
        scales=(2, 3, 4, 8),
        parameters={2: 5_891_073, 3: 6_075_713, 4: 6_334_209, 8: 8_106_753},
        source="Li et al., ECCV 2018; the old network of MIVRC/MSRN-PyTorch",
    ),
    Preset(
        name="carn",
        system="CARN",
        spec={"kind": "carn"},
        scales=(2, 3, 4),
        parameters={2: 964_163, 3: 1_148_803, 4: 1_111_875},
        multiply_adds=_CARN_ADDS,
        source=f"{_CARN}, one head of three",
    ),
    Preset(
        name="carn-m",
        system="CARN",
        spec=_CARN_M,
        scales=(2, 3, 4),
        parameters={2: 257_027, 3: 303_427, 4: 294_147},
        multiply_adds=_CARN_M_ADDS,
        source=f"{_CARN}, one head of three",
    ),
    Preset(
        name="carn-multi",
        system="CARN",
        spec={"kind": "carn", "heads": [2, 3, 4]},
        scales=(2, 3, 4),
        parameters=dict.fromkeys((2, 3, 4), 1_591_939),
        multiply_adds=_CARN_ADDS,
        source=_CARN,
    ),
    Preset(
        name="carn-m-multi",
        system="CARN",
        spec={**_CARN_M, "heads": [2, 3, 4]},
        scales=(2, 3, 4),
        parameters=dict.fromkeys((2, 3, 4), 414_787),
        multiply_adds=_CARN_M_ADDS,
        source=_CARN,
    ),
    Preset(
        name="zssr",
        system="ZSSR",
        spec={"kind": "zssr"},
        scales=(2, 3, 4),
        parameters=dict.fromkeys((2, 3, 4), 224_640),
        source="Shocher et al., CVPR 2018; count of assafshocher/ZSSR",
    ),
    Preset(
        name="edsr-baseline",
        system="EDSR",
        spec={"kind": "edsr"},
        scales=(2, 3, 4),
        parameters={2: 1_369_859, 3: 1_554_499, 4: 1_517_571},
        source="Lim et al., CVPRW 2017; counts of sanghyun-son/EDSR-PyTorch",
    ),
    Preset(
        name="vdsr",
        system="VDSR",
        spec={"kind": "vdsr"},
        scales=(2, 3, 4),
        parameters=dict.fromkeys((2, 3, 4), 664_704),
        source="Kim et al., CVPR 2016, without biases",
    ),
    Preset(
        name="srdensenet",
        system="SRDenseNet",
        spec={"kind": "srdensenet"},
        scales=(4,),
        parameters={4: 2_003_456},
        source="Tong et al., ICCV 2017; count of twtygqyy/pytorch-SRDenseNet (tables: 2,015K)",
    ),
    Preset(
        name="lapsrn",
        system="LapSRN",
        spec={"kind": "lapsrn"},
        scales=(2, 4, 8),
        parameters={4: 814_242},
        source="Lai et al., CVPR 2017; init_LapSRN_model.m, of it 812,768 weights (tables: 813K)",
    ),
)
