"""Figures of MemNet, DBPN, IDN, RDN, RCAN, MSRN, CARN and ZSSR.

Rows are PSNR/SSIM on Y for Set5, Set14, B100, Urban100.
"""

from acutance_models.published.figure import SETS, Figure, read_table

_RCAN_TABLE = "results table of yulunzhang/RCAN"
_CARN_TABLE = "assets/table.png of nmhkahn/CARN-pytorch"

PSNR_FAMILY: tuple[Figure, ...] = (
    *read_table(
        {
            2: "37.78/.9597 33.28/.9142 32.08/.8978 31.31/.9195",
            3: "34.09/.9248 30.00/.8350 28.96/.8001 27.56/.8376",
            4: "31.74/.8893 28.26/.7723 27.40/.7281 25.50/.7630",
            8: "26.16/.7414 24.38/.6199 24.58/.5842 21.89/.5825",
        },
        system="MemNet",
        variant="MemNet",
        presets=["memnet-m6r6"],
        protocol="y8",
        source="result tables of CARN, RDN and RCAN",
    ),
    *read_table(
        {
            2: "38.09/.9600 33.85/.9190 32.27/.9000 32.55/.9324",
            4: "32.47/.8980 28.82/.7860 27.72/.7400 26.38/.7946",
            8: "27.21/.7840 25.13/.6480 24.88/.6010 22.73/.6312",
        },
        system="DBPN",
        variant="D-DBPN",
        presets=["dbpn"],
        protocol="rcan",
        source=f"{_RCAN_TABLE}, measured again by RCAN's authors",
    ),
    *read_table(
        {2: "33.02/-", 4: "27.08/-", 8: "23.25/-"},
        system="DBPN",
        variant="D-DBPN",
        presets=["dbpn"],
        protocol="rcan",
        source="the DBPN paper, which prints more on Urban100 than others measure",
        sets=("Urban100",),
        recalled=True,
    ),
    *read_table(
        {
            2: "37.83/.9600 33.30/.9148 32.08/.8985 31.27/.9196",
            3: "34.11/.9253 29.99/.8354 28.95/.8013 27.42/.8359",
            4: "31.82/.8903 28.25/.7730 27.41/.7297 25.41/.7632",
        },
        system="IDN",
        variant="IDN",
        presets=["idn"],
        protocol="y8",
        source="README of Zheng222/IDN-Caffe",
    ),
    *read_table(
        {4: "31.99/.8928"},
        system="IDN",
        variant="IDN-tensorflow",
        protocol="rcan",
        source="README of Zheng222/IDN-tensorflow: another network, RGB, sub-pixel",
        sets=("Set5",),
    ),
    *read_table(
        {
            2: "38.24/.9614 34.01/.9212 32.34/.9017 32.89/.9353",
            3: "34.71/.9296 30.57/.8468 29.26/.8093 28.80/.8653",
            4: "32.47/.8990 28.81/.7871 27.72/.7419 26.61/.8028",
        },
        system="RDN",
        variant="RDN",
        presets=["rdn-d16c8"],
        protocol="rcan",
        source="results table of yulunzhang/RDN",
    ),
    *read_table(
        {
            2: "38.30/.9616 34.10/.9218 32.40/.9022 33.09/.9368",
            3: "34.78/.9300 30.67/.8482 29.33/.8105 29.00/.8683",
            4: "32.61/.9003 28.92/.7893 27.80/.7434 26.82/.8069",
        },
        system="RDN",
        variant="RDN+",
        presets=["rdn-d16c8"],
        protocol="rcan",
        source="results table of yulunzhang/RDN",
        self_ensemble=True,
    ),
    *read_table(
        {
            2: "38.27/.9614 34.12/.9216 32.41/.9027 33.34/.9384",
            3: "34.74/.9299 30.65/.8482 29.32/.8111 29.09/.8702",
            4: "32.63/.9002 28.87/.7889 27.77/.7436 26.82/.8087",
            8: "27.31/.7878 25.23/.6511 24.98/.6058 23.00/.6452",
        },
        system="RCAN",
        variant="RCAN",
        presets=["rcan"],
        protocol="rcan",
        source=_RCAN_TABLE,
    ),
    *read_table(
        {
            2: "38.33/.9617 34.23/.9225 32.46/.9031 33.54/.9399",
            3: "34.85/.9305 30.76/.8494 29.39/.8122 29.31/.8736",
            4: "32.73/.9013 28.98/.7910 27.85/.7455 27.10/.8142",
            8: "27.47/.7913 25.40/.6553 25.05/.6077 23.22/.6524",
        },
        system="RCAN",
        variant="RCAN+",
        presets=["rcan"],
        protocol="rcan",
        source=_RCAN_TABLE,
        self_ensemble=True,
    ),
    *read_table(
        {2: "39.44/-", 3: "34.44/-", 4: "31.22/-", 8: "25.24/-"},
        system="RCAN",
        variant="RCAN",
        presets=["rcan"],
        protocol="rcan",
        source=_RCAN_TABLE,
        sets=("Manga109",),
    ),
    *read_table(
        {
            2: "38.08/.9605 33.74/.9170 32.23/.9013 32.22/.9326",
            3: "34.38/.9262 30.34/.8395 29.08/.8041 28.08/.8554",
            4: "32.07/.8903 28.60/.7751 27.52/.7273 26.04/.7896",
            8: "26.59/.7254 24.88/.5961 24.70/.5410 22.37/.5977",
        },
        system="MSRN",
        variant="MSRN of the paper",
        presets=["msrn-paper"],
        protocol="rcan",
        source="README of MIVRC/MSRN-PyTorch",
    ),
    *read_table(
        {
            2: "38.07/.9608 33.68/.9184 32.22/.9002 32.32/.9304",
            3: "34.48/.9276 30.40/.8436 29.13/.8061 28.31/.8560",
            4: "32.25/.8958 28.63/.7833 27.61/.7377 26.22/.7905",
            8: "26.95/.7728 24.87/.6380 24.77/.5954 22.35/.6124",
        },
        system="MSRN",
        variant="MSRN",
        presets=["msrn"],
        protocol="rcan",
        source="README of MIVRC/MSRN-PyTorch",
    ),
    *read_table(
        {4: "32.41/.8975 28.76/.7859 27.68/.7394 26.39/.7946"},
        system="MSRN",
        variant="MSRN+",
        presets=["msrn"],
        protocol="rcan",
        source="README of MIVRC/MSRN-PyTorch",
        self_ensemble=True,
    ),
    *read_table(
        {
            2: "37.76/.9590 33.52/.9166 32.09/.8978 31.92/.9256",
            3: "34.29/.9255 30.29/.8407 29.06/.8034 28.06/.8493",
            4: "32.13/.8937 28.60/.7806 27.58/.7349 26.07/.7837",
        },
        system="CARN",
        variant="CARN",
        presets=["carn-multi", "carn"],
        protocol="carn",
        source=_CARN_TABLE,
    ),
    *read_table(
        {
            2: "37.53/.9583 33.26/.9141 31.92/.8960 31.23/.9193",
            3: "33.99/.9236 30.08/.8367 28.91/.8000 27.55/.8385",
            4: "31.92/.8903 28.42/.7762 27.44/.7304 25.62/.7694",
        },
        system="CARN",
        variant="CARN-M",
        presets=["carn-m-multi", "carn-m"],
        protocol="carn",
        source=_CARN_TABLE,
    ),
    *read_table(
        {
            2: "37.37/.9570 33.00/.9108 31.65/.8920",
            3: "33.42/.9188 29.80/.8304 28.67/.7945",
            4: "31.13/.8796 28.01/.7651 27.12/.7211",
        },
        system="ZSSR",
        variant="ZSSR, gradual",
        presets=["zssr"],
        protocol="rcan",
        source="the ZSSR paper",
        sets=SETS[:3],
        recalled=True,
    ),
)
