"""Files that metrics read, with the published layouts and made-up numbers."""

import io

import numpy as np
import torch
from feature_files import as_file, feature_file

LPIPS_CHANNELS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512, "relu5_3": 512}


def niqe_file(**replaced):
    """Return parameters of NIQE: a mean and a covariance by formula, a Gaussian window."""
    line = np.exp(-np.square(np.arange(-3, 4) / (7 / 6)) / 2)
    wave = np.sin(np.arange(36))
    parts = {
        "mu_pris_param": np.linspace(0.1, 2.0, 36)[None],
        "cov_pris_param": np.diag(np.linspace(0.05, 0.5, 36)) + np.outer(wave, wave) / 50,
        "gaussian_window": np.outer(line, line) / line.sum() ** 2,
    }
    buffer = io.BytesIO()
    np.savez(buffer, **{**parts, **replaced})
    return buffer.getvalue()


def lpips_heads():
    """Return the tensors of the heads, none negative."""
    return {
        f"lin{place}.model.1.weight": torch.linspace(0, 1, channels).view(1, -1, 1, 1)
        for place, channels in enumerate(LPIPS_CHANNELS.values())
    }


def lpips_files():
    """Return heads and a drawn backbone."""
    return {"lpips-vgg": as_file(lpips_heads()), "vgg16": feature_file("vgg16", ["relu5_3"])}
