"""A picture larger than memory would like, enlarged by the command line in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from calling import photograph
from PIL import Image

import acutance as face
from acutance_models import build_generator, dump_weights, resolve_generator

HEIGHT, WIDTH = 9_000, 12_000


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_huge_picture_stays_under_three_gigabytes(place, record_property):
    spec = resolve_generator({"preset": "carn-m"})
    network = build_generator(spec, scale=2, seed=0)
    Path("m.safetensors").write_bytes(dump_weights(network, spec, 2))
    lr = np.tile(photograph(1, 600, 750), (HEIGHT // 600, WIDTH // 750, 1))
    Image.fromarray(lr).save("huge.png", compress_level=1)
    command = [sys.executable, "-m", "acutance", "upscale", "huge.png", "-o", "sr.png"]
    process = subprocess.Popen([*command, "--model", "m.safetensors"])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    peak = used.ru_maxrss / 2**20  # Linux counts in KiB
    record_property("peak_gib", round(peak, 3))
    record_property("cpu_seconds", round(used.ru_utime + used.ru_stime))
    record_property("file_bytes", Path("sr.png").stat().st_size)
    assert peak * 2**30 < 3e9
    _compare_a_corner(lr)


def _compare_a_corner(lr):
    """Hold the written pixels around a place where four tiles meet against a crop's."""
    most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open("sr.png") as opened:
            assert opened.size == (2 * WIDTH, 2 * HEIGHT)
            found = np.asarray(opened.crop((15_260, 13_212, 15_460, 13_412)))
    finally:
        Image.MAX_IMAGE_PIXELS = most
    crop = face.load("m.safetensors").upscale(lr[6_556:6_756, 7_580:7_780])
    difference = np.abs(found.astype(int) - crop[100:300, 100:300])
    assert difference.max() <= 1  # other sizes round differently in the last bit
