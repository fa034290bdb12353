"""`acutance upscale` of pictures of 16 bits: the network's own figures, not by way of 8 bits."""

from pathlib import Path

import numpy as np
import pytest
import torch
from calling import photograph, refused
from PIL import Image

import acutance as face
from acutance_models import bicubic_upscale, load_generator
from acutance_platform.training import super_resolve
from acutance_storage import PngWriter, TiffWriter, decode_picture


@pytest.fixture
def model(place, weights):
    Path("m.safetensors").write_bytes(weights)
    return "m.safetensors"


def deep_photograph(channels, height=24, width=30):
    """Return a photograph with sixteen bits of its own, alpha last."""
    rng = np.random.default_rng(0)
    rgb = photograph(1, height, width).astype(np.uint16) << np.uint16(8)
    rgb += rng.integers(0, 256, rgb.shape, np.uint16)
    alpha = rng.integers(0, 65536, (height, width, 1), np.uint16)
    colour = rgb if channels > 2 else rgb[..., :1]
    return np.concatenate([colour, alpha], axis=2) if channels in (2, 4) else colour


def save(picture, path):
    height, width, channels = picture.shape
    with open(path, "wb") as file:
        if path.endswith("png"):
            writer = PngWriter(file, height=height, width=width, channels=channels, bits=16)
        else:
            writer = TiffWriter(file, height=height, width=width, channels=channels)
        writer.write(picture)
        writer.finish()


def read(path):
    return decode_picture(Path(path), flatten=False)


@pytest.mark.parametrize(
    ("source", "target", "channels"),
    [
        ("in.png", "out.png", 1), ("in.png", "out.png", 2), ("in.png", "out.png", 3),
        ("in.png", "out.png", 4), ("in.tif", "out.tif", 1), ("in.tif", "out.tif", 3),
        ("in.tif", "out.tif", 4), ("in.png", "out.tif", 2), ("in.tif", "out.png", 4),
    ],
)  # fmt: skip
def test_sixteen_bits_are_the_networks_own(source, target, channels, acutance, model):
    picture = deep_photograph(channels)
    save(picture, source)
    done = acutance("upscale", source, "-o", target, "--model", model)
    assert done.code == 0, done.err
    assert "8" not in done.out.removeprefix(f"{source} -> {target}")
    found = read(target)
    colour = picture[..., :3] if channels > 2 else picture[..., [0, 0, 0]]
    network = load_generator(Path(model).read_bytes()).eval()
    sr = super_resolve(network, colour.astype(np.float32) / 65535, device=torch.device("cpu"))
    if channels < 3:
        sr = (sr.clip(0, 1) @ np.array([0.299, 0.587, 0.114]))[..., None].repeat(3, axis=2)
    wanted = sr.clip(0, 1) * 65535
    # 8 bits anywhere on the way would be off by up to 128; grey is rounded in colour and once more.
    assert np.abs(found.deep[..., :3] - wanted).max() <= (1.6 if channels < 3 else 0.51)
    if channels in (2, 4):
        alpha = bicubic_upscale(picture[..., -1].astype(np.float64), 2).clip(0, 65535)
        assert np.abs(found.deep[..., 3] - alpha).max() <= 0.51
    assert found.grey == (channels == 1 or (channels == 2 and target == "out.png"))


@pytest.mark.parametrize(
    "how", [{}, {"tile": 20}, {"self_ensemble": True}, {"back_projections": 2}]
)
def test_arrays_of_sixteen_bits_are_enlarged_to_the_bits_of_files(how, model):
    picture = deep_photograph(3, 48, 50)
    save(picture, "in.tif")
    face.upscale("in.tif", output="out.tif", model=model, **how)
    sr = face.load(model).upscale(picture, **how)
    assert sr.dtype == np.uint16
    np.testing.assert_array_equal(read("out.tif").deep, sr)
    shallow = face.load(model).upscale((picture >> 8).astype(np.uint8), **how)
    assert np.abs(sr / 65535 - shallow / 255).max() < 0.05


def test_bicubic_keeps_sixteen_bits(acutance, place):
    picture = deep_photograph(3)
    save(picture, "in.png")
    bicubic = ("--model", "bicubic", "--scale", 2)
    assert acutance("upscale", "in.png", "-o", "out.png", *bicubic).code == 0
    wanted = bicubic_upscale(picture / 65535, 2).clip(0, 1) * 65535
    assert np.abs(read("out.png").deep - wanted).max() <= 0.51


def test_depth_can_be_asked_for(acutance, model):
    save(deep_photograph(3), "deep.png")
    Image.fromarray(photograph(1, 24, 30)).save("shallow.png")
    more = ("--model", model, "--depth")
    done = acutance("upscale", "deep.png", "-o", "a.png", *more, 8)
    assert "16-bit rounded to 8" in done.out
    assert read("a.png").deep is None
    assert acutance("upscale", "shallow.png", "-o", "b.png", *more, 16).code == 0
    assert acutance("upscale", "shallow.png", "-o", "c.png", "--model", model).code == 0
    finer, plain = read("b.png").deep / 65535, read("c.png").pixels / 255
    assert 0.3 / 255 < np.abs(finer - plain).max() <= 0.51 / 255
    done = acutance("upscale", "deep.png", "-o", "d.jpg", *more, 16)
    refused(done, "--depth")
    assert not Path("d.jpg").exists()
    done = acutance("upscale", "deep.png", "-o", "d.jpg", "--model", model)
    assert "16-bit rounded to 8" in done.out


def test_zero_shot_keeps_sixteen_bits(acutance, place):
    save(deep_photograph(3, 16, 18), "in.png")
    more = ("--zero-shot", "--steps", 2, "--preset", "real")
    done = acutance("upscale", "in.png", "-o", "out.png", *more)
    assert done.code == 0, done.err
    found = read("out.png").deep
    assert found.shape == (32, 36, 3)
    assert len(np.unique(found)) > 600, "more values than 8 bits have"
