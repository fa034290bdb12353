"""`acutance upscale` on every kind of picture that people have."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from calling import photograph
from PIL import Image, ImageCms

from acutance_models import bicubic_upscale
from acutance_storage import PngWriter

BICUBIC = ("--model", "bicubic", "--scale", 2)


@pytest.fixture
def model(place, weights):
    """Return the options that choose a small network."""
    Path("m.safetensors").write_bytes(weights)
    return ("--model", "m.safetensors")


def read(path):
    with Image.open(path) as picture:
        picture.load()
        return picture


def test_the_shipped_network_needs_no_options(place, acutance):
    Image.fromarray(photograph(1, 40, 60)).save("my.jpg", quality=95)
    done = acutance("upscale", "my.jpg")
    assert done.code == 0, done.err
    assert done.out == "my.jpg -> my_x2.png\n"
    assert read("my_x2.png").size == (120, 80)
    assert not (place / "store").exists(), "a shipped network needs no store"


def test_files_and_folders_go_where_they_are_told(place, acutance):
    assert acutance("upscale", "photos/p0.png", "-o", "one.png", *BICUBIC).code == 0
    assert read("one.png").size == (240, 192)
    assert acutance("upscale", "photos/p0.png", "-o", "new/folder", *BICUBIC).code == 0
    assert os.listdir("new/folder") == ["p0_x2.png"]
    (place / "photos" / "notes.txt").write_text("not a picture")
    assert acutance("upscale", "photos", "one.png", "-o", "all", *BICUBIC).code == 0
    assert sorted(os.listdir("all")) == ["one_x2.png", *(f"p{n}_x2.png" for n in range(5))]
    assert acutance("upscale", "photos/p1.png", *BICUBIC).out.endswith("photos/p1_x2.png\n")


def test_a_bad_picture_does_not_stop_the_others(place, acutance):
    (place / "photos" / "p2.png").write_bytes(b"")
    done = acutance("upscale", "photos", "-o", "out", *BICUBIC)
    assert done.code == 1
    assert "p2.png: the file is empty" in done.err
    assert "1 picture(s) could not be read" in done.err
    assert sorted(os.listdir("out")) == [f"p{n}_x2.png" for n in (0, 1, 3, 4)]


def test_existing_files_stay_unless_told_otherwise(place, acutance):
    Path("out.png").write_text("mine")
    assert acutance("upscale", "photos/p0.png", "-o", "out.png", *BICUBIC).code == 2
    assert Path("out.png").read_text() == "mine"
    done = acutance("upscale", "photos/p0.png", "-o", "out.png", "--overwrite", *BICUBIC)
    assert done.code == 0
    assert read("out.png").size == (240, 192)


def test_grey_stays_grey(place, acutance):
    grey = photograph(3)[..., 0]
    Image.fromarray(grey).save("grey.png")
    assert acutance("upscale", "grey.png", *BICUBIC).code == 0
    sr = read("grey_x2.png")
    assert sr.mode == "L"
    rgb = np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_allclose(np.asarray(sr), bicubic_upscale(rgb, 2)[..., 0], atol=1)


def test_sixteen_bits_are_rounded_not_cut(place, acutance):
    deep = photograph(4)[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save("deep.png")
    done = acutance("upscale", "deep.png", "--depth", 8, *BICUBIC)
    assert "16-bit rounded to 8" in done.out
    rgb = np.repeat((deep // 257).astype(np.uint8)[..., None], 3, axis=2)
    np.testing.assert_allclose(
        np.asarray(read("deep_x2.png")), bicubic_upscale(rgb, 2)[..., 0], atol=1
    )


def test_a_palette_keeps_colours_and_transparency(place, acutance):
    picture = Image.fromarray(photograph(5)).convert("RGBA")
    alpha = np.full((96, 120), 255, np.uint8)
    alpha[:, :60] = 0
    picture.putalpha(Image.fromarray(alpha))
    picture.quantize(64).save("palette.png")
    assert read("palette.png").mode == "P"
    assert acutance("upscale", "palette.png", *BICUBIC).code == 0
    sr = read("palette_x2.png")
    assert sr.mode == "RGBA"
    found = np.asarray(sr)
    assert (found[:, :110, 3] == 0).all()
    assert (found[:, 130:, 3] == 255).all()
    colours = np.asarray(read("palette.png").convert("RGB")).astype(float)
    assert abs(found[:, 130:, :3].astype(float).mean() - colours[:, 65:].mean()) < 3


def test_alpha_becomes_white_nowhere_and_jpeg_takes_the_colours(place, acutance):
    picture = Image.fromarray(photograph(5)).convert("RGBA")
    picture.putalpha(128)
    picture.save("clear.png")
    assert acutance("upscale", "clear.png", "-o", "clear.jpg", *BICUBIC).code == 0
    sr = read("clear.jpg")
    assert sr.format == "JPEG"
    assert sr.mode == "RGB"
    assert abs(np.asarray(sr).mean() - photograph(5).mean()) < 2


def test_cmyk_becomes_rgb(place, acutance):
    Image.fromarray(photograph(6)).convert("CMYK").save("print.jpg")
    assert acutance("upscale", "print.jpg", *BICUBIC).code == 0
    sr = read("print_x2.png")
    assert sr.mode == "RGB"
    assert abs(np.asarray(sr).mean() - photograph(6).mean()) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_turned_photograph_comes_out_upright_once(orientation, suffix, place, acutance):
    upright = Image.fromarray(photograph(7, 24, 40))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    finest = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {}
    stored.save(f"turned.{suffix}", exif=exif, **finest)
    assert acutance("upscale", f"turned.{suffix}", *BICUBIC).code == 0
    sr = read("turned_x2.png")
    assert sr.getexif().get(0x0112, 1) == 1, "a viewer would turn it once more"
    wanted = bicubic_upscale(np.asarray(upright), 2).astype(float)
    assert sr.size == (80, 48)
    assert abs(np.asarray(sr) - wanted).mean() < (2 if suffix == "jpg" else 0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 23), (23, 1), (2, 3)])
def test_the_smallest_pictures(size, place, acutance, model):
    Image.new("RGB", size, (10, 20, 30)).save("small.png")
    assert acutance("upscale", "small.png", *model).code == 0
    assert read("small_x2.png").size == (2 * size[0], 2 * size[1])
    assert acutance("upscale", "small.png", "-o", "b.png", *BICUBIC).code == 0
    assert read("b.png").getpixel((0, 0)) == (10, 20, 30)


def test_a_colour_profile_is_kept(place, acutance):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(photograph(8)).save("profile.png", icc_profile=profile)
    for target in ("out.png", "out.jpg"):
        assert acutance("upscale", "profile.png", "-o", target, *BICUBIC).code == 0
        assert read(target).info["icc_profile"] == profile


def test_tiles_leave_no_seam(place, acutance, model):
    Image.fromarray(photograph(9, 150, 170)).save("big.png")
    assert acutance("upscale", "big.png", "-o", "whole.png", *model).code == 0
    assert acutance("upscale", "big.png", "-o", "tiles.png", "--tile", 48, *model).code == 0
    whole, tiles = np.asarray(read("whole.png")), np.asarray(read("tiles.png"))
    # Convolutions of other sizes round differently in the last bit; a seam would be far more.
    assert np.abs(whole.astype(int) - tiles).max() <= 1


def test_an_interrupted_write_leaves_no_half_file(place, acutance, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(PngWriter, "finish", interrupted)
    done = acutance("upscale", "photos/p0.png", "-o", "out/x.png", *BICUBIC)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert os.listdir("out") == []


def test_ctrl_c_ends_a_long_enlargement_cleanly(place, weights):
    Image.fromarray(photograph(1, 1500, 2000)).save("huge.png")
    Path("m.safetensors").write_bytes(weights)
    command = [sys.executable, "-m", "acutance", "upscale", "photos/p0.png", "huge.png"]
    process = subprocess.Popen(
        [*command, "-o", "out", "--model", "m.safetensors"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # A shell starts what runs in the background, such as these tests, with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 60
        while not Path("out/p0_x2.png").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)  # the second picture takes seconds
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert os.listdir("out") == ["p0_x2.png"]
    with Image.open(io.BytesIO(Path("out/p0_x2.png").read_bytes())) as whole:
        whole.load()
