"""What `acutance upscale` keeps of a picture, and how its ways of computing agree."""

from pathlib import Path

import numpy as np
import pytest
import torch
from calling import photograph, refused
from PIL import Image, ImageCms

import acutance as face
from acutance_models import (
    build_generator,
    dump_weights,
    matlab_resize,
    resolve_generator,
    upscale,
)
from acutance_platform.verbs import model as model_file
from acutance_platform.verbs.upscaling import Part

BICUBIC = ("--model", "bicubic", "--scale", 2)


@pytest.fixture
def model(place, weights):
    """The file of a small network."""
    Path("m.safetensors").write_bytes(weights)
    return "m.safetensors"


def read(path):
    with Image.open(path) as picture:
        picture.load()
        return picture


def photographed():
    exif = Image.Exif()
    exif[0x010F], exif[0x8298], exif[0x0112] = "a camera", "somebody", 3
    exif[0x8769] = {0x9003: "2026:11:23 12:00:00", 0xA002: 40, 0xA003: 24, 0x829A: 0.01}
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    return exif


@pytest.mark.parametrize("source", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("target", ["jpg", "png", "tif", "webp"])
def test_exif_data_are_kept_upright_and_of_the_new_size(source, target, place, acutance):
    picture = Image.fromarray(photograph(7, 24, 40))
    picture.save(f"in.{source}", exif=photographed().tobytes())
    assert acutance("upscale", f"in.{source}", "-o", f"out.{target}", *BICUBIC).code == 0
    sr = read(f"out.{target}")
    found = sr.getexif()
    assert (found[0x010F], found[0x8298]) == ("a camera", "somebody")
    assert found.get(0x0112, 1) == 1
    inner = found.get_ifd(0x8769)
    assert inner[0x9003] == "2026:11:23 12:00:00"
    assert (inner[0xA002], inner[0xA003]) == sr.size == (80, 48)
    assert found.get_ifd(0x8825)[1] == "N"


def test_damaged_exif_data_lose_no_picture(place, acutance):
    Image.fromarray(photograph(1, 16, 16)).save("in.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff no")
    assert acutance("upscale", "in.jpg", "-o", "out.png", *BICUBIC).code == 0
    assert not read("out.png").getexif()


def test_a_profile_is_kept_where_it_is_of_the_colours_that_are_written(place, acutance):
    grey = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    colour = bytes(grey)
    grey[16:20] = b"GRAY"
    rgb = photograph(8, 20, 20)
    Image.fromarray(rgb[..., 0]).save("grey.png", icc_profile=bytes(grey))
    Image.fromarray(rgb).quantize(16).save("palette.png", icc_profile=colour)
    Image.fromarray(rgb).convert("CMYK").save("cmyk.tif", icc_profile=b"\0" * 16 + b"CMYK" * 40)
    for name, wanted in (("grey.png", bytes(grey)), ("palette.png", colour), ("cmyk.tif", None)):
        assert acutance("upscale", name, "-o", f"x_{name}.png", *BICUBIC).code == 0
        assert read(f"x_{name}.png").info.get("icc_profile") == wanted


HOW = [
    {},
    {"tile": 40},
    {"self_ensemble": True},
    {"back_projections": 3},
    {"tile": 40, "self_ensemble": True, "back_projections": 2},
]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_arrays_and_files_are_enlarged_to_the_same_bits(how, place, acutance, model):
    lr = np.asarray(Image.open("photos/p0.png"))
    options = []
    for name, value in how.items():
        option = {"back_projections": "--back-project"}.get(name, f"--{name.replace('_', '-')}")
        options += [option] if value is True else [option, value]
    done = acutance("upscale", "photos/p0.png", "-o", "sr.png", "--model", model, *options)
    assert done.code == 0, done.err
    sr = face.load(model).upscale(lr, **how)
    np.testing.assert_array_equal(np.asarray(read("sr.png")), sr)
    whole = face.load(model).upscale(lr, **{**how, "tile": None})
    assert np.abs(whole.astype(int) - sr).max() <= 1  # the last bit of f32, rounded


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_large_pictures_go_in_bands_with_their_transparency(suffix, place, model, monkeypatch):
    picture = np.dstack([photograph(1, 70, 90), photograph(2, 70, 90)[..., :1]])
    Image.fromarray(picture).save("in.png")
    exact = {"lossless": True} if suffix == "webp" else {}
    save = Image.Image.save
    monkeypatch.setattr(Image.Image, "save", lambda *a, **k: save(*a, **{**k, **exact}))
    face.upscale("in.png", output=f"whole.{suffix}", model=model)
    monkeypatch.setattr(model_file, "_WHOLE", 1000)
    monkeypatch.setattr(model_file, "_TILE", 32)
    seen = []
    face.upscale("in.png", output=f"bands.{suffix}", model=model, watch=seen.append)
    assert seen == [Part(Path("in.png"), tile, 9) for tile in range(1, 10)]
    whole, bands = (np.asarray(read(f"{name}.{suffix}")).astype(int) for name in ("whole", "bands"))
    assert whole.shape == (140, 180, 4)
    assert np.abs(whole - bands).max() <= (3 if suffix == "webp" else 1)


def test_bicubic_in_tiles_is_bicubic(place, monkeypatch):
    lr = photograph(3, 150, 130)
    whole = face.load("bicubic").upscale(lr, scale=3)
    monkeypatch.setattr(model_file, "_WHOLE", 1000)
    monkeypatch.setattr(model_file, "_TILE", 32)
    np.testing.assert_array_equal(face.load("bicubic").upscale(lr, scale=3), whole)


@pytest.mark.parametrize("side", [16, 24, 70])
def test_bands_of_a_network_that_looks_at_everything_are_its_tiles(side, place):
    spec = resolve_generator(
        {"kind": "rcan", "groups": 2, "blocks": 2, "channels": 16, "reduction": 4}
    )
    network = build_generator(spec, scale=2, seed=0)
    Path("rcan.safetensors").write_bytes(dump_weights(network, spec, 2))
    lr = photograph(6, 70, 90)
    tensor = torch.from_numpy(lr).permute(2, 0, 1) / 255
    tiled = upscale(network, tensor, tile=side).permute(1, 2, 0).clamp(0, 1).numpy() * 255
    sr = face.load("rcan.safetensors").upscale(lr, tile=side)
    assert np.abs(sr - tiled).max() < 0.51
    whole = face.load("rcan.safetensors").upscale(lr, self_ensemble=True)
    turned = face.load("rcan.safetensors").upscale(lr, self_ensemble=True, tile=side)
    assert np.abs(whole.astype(int) - turned).max() <= 1, "each orientation has means of its own"
    Image.fromarray(lr).save("in.png")
    notes = [
        face.upscale("in.png", output=f"{each}.png", model="rcan.safetensors", tile=each)[0].note
        for each in (side, 90)
    ]
    assert notes == ["in tiles: not quite as in one piece", ""]


def test_back_projection_makes_results_that_shrink_to_their_pictures(place, model):
    lr = photograph(4, 48, 60)
    loaded = face.load(model)

    def missing(number):
        sr = loaded.upscale(lr, back_projections=number)
        small = matlab_resize(sr.astype(np.float64), scale=1 / 2)
        return np.abs(small - lr).mean()

    errors = [missing(number) for number in (0, 1, 10)]
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2]
    assert errors[2] < 0.5


def test_a_loaded_model_states_its_facts(place, model):
    facts = face.load(model).facts
    assert facts["scale"] == 2
    assert facts["spec"]["kind"] == "srresnet"
    assert facts["weights"] == face.load(model).weights
    assert facts["receptive_field"] > 3
    assert face.load("bicubic").facts["weights"] is None


def test_a_network_of_luma_in_tiles_keeps_its_colours(place):
    spec = resolve_generator({"kind": "vdsr", "channels": 8, "layers": 3})
    data = dump_weights(build_generator(spec, scale=3, seed=0), spec, 3)
    Path("y.safetensors").write_bytes(data)
    lr = photograph(5, 50, 61)
    loaded = face.load("y.safetensors")
    whole, tiled = loaded.upscale(lr).astype(int), loaded.upscale(lr, tile=16)
    assert np.abs(whole - tiled).max() <= 1


def test_options_that_would_do_nothing_are_refused(place, acutance, model):
    refused(acutance("upscale", "photos/p0.png", *BICUBIC, "--back-project", 2), "--back-project")
    done = acutance("upscale", "photos/p0.png", "--zero-shot", "--back-project", 2)
    assert "--back-project would do nothing" in done.err
    assert acutance("upscale", "photos/p0.png", "--model", model, "--back-project", -1).code == 2
