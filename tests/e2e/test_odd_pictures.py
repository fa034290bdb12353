"""Odd inputs of `acutance upscale`: each gives a right result, or one clear refusal."""

import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from calling import photograph
from PIL import Image, ImageCms

from acutance_models import bicubic_upscale

RGB = photograph(1, 24, 30)
GREY = RGB[..., 0]
COARSE = {"atol": 1, "rtol": 0}
DEEPER = {"atol": 5, "rtol": 0}  # 8 bits are rounded and clipped between the passes


def save(array, mode=None, **options):
    """Return what writes an array as a picture to a path."""

    def write(path):
        picture = Image.fromarray(array)
        (picture.convert(mode) if mode else picture).save(path, **options)

    return write


def text(path):
    path.write_text("Dear diary, today I was renamed to .png.")


def truncated(path):
    save(RGB)(path)
    path.write_bytes(path.read_bytes()[:-400])


def flipped(path):
    """A PNG one of whose pixel bytes changed on the way, so that its checksum fails."""
    save(RGB)(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def chunked(kind, depth, *rows):
    """Write a PNG by hand, for kinds that Pillow does not write."""

    def write(path):
        def chunk(name, data):
            body = name + data
            return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

        height, width = rows[0].shape[:2]
        header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
        packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows[0]))
        parts = chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)

    return write


def bomb(path):
    """A file of a few bytes that says it is a picture of a thousand million pixels."""
    chunked(2, 8, np.zeros((1, 1, 3), np.uint8))(path)
    data = path.read_bytes()
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 30_000, 8, 2, 0, 0, 0)
    path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(np.ascontiguousarray(np.rot90(RGB)), exif=exif)(path)


def palette_with_alpha(path):
    picture = Image.fromarray(RGB).quantize(16)
    picture.info["transparency"] = bytes([0] * 8 + [255] * 8)
    picture.save(path, transparency=bytes([0] * 8 + [255] * 8))


def colour_key(path):
    flat = RGB.copy()
    flat[:, :15] = (255, 0, 255)
    save(flat, transparency=(255, 0, 255))(path)


def animated(path):
    frames = [Image.fromarray(photograph(seed, 24, 30)) for seed in (1, 2)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def cmyk_with_profile(path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    save(RGB, "CMYK", icc_profile=profile)(path)


def with_alpha(alpha):
    return save(np.dstack([RGB, np.broadcast_to(alpha, RGB.shape[:2]).astype(np.uint8)]))


@dataclass
class Odd:
    """An input, and what becomes of it."""

    name: str
    write: object
    size: tuple = (30, 24)
    mode: str = "RGB"
    like: object = None
    """Pixels that the result is the bicubic enlargement of; None = sizes and mode are compared."""
    refused: str = ""
    checks: dict = field(default_factory=lambda: COARSE)


DEEP = (GREY.astype(np.uint16) * 257).astype(">u2")
ODD = [
    Odd("one-pixel.png", save(RGB[:1, :1]), (1, 1), like=RGB[:1, :1]),
    Odd("one-row.png", save(RGB[:1]), (30, 1), like=RGB[:1]),
    Odd("one-column.png", save(RGB[:, :1]), (1, 24), like=RGB[:, :1]),
    Odd("two-by-three.png", save(RGB[:2, :3]), (3, 2), like=RGB[:2, :3]),
    Odd("grey.png", save(GREY), mode="L", like=GREY),
    Odd("black-and-white.png", save(GREY, "1"), mode="L"),
    Odd("grey-alpha.png", save(np.dstack([GREY, GREY])), mode="LA", like=np.dstack([GREY, GREY])),
    Odd("grey-16.png", save(GREY.astype(np.uint16) * 257), mode="I;16", like=GREY, checks=DEEPER),
    Odd("grey-16.tif", save(GREY.astype(np.uint16) * 257), mode="I;16", like=GREY, checks=DEEPER),
    Odd(
        "rgb-16.png",
        chunked(2, 16, np.dstack([DEEP] * 3)),
        like=np.dstack([GREY] * 3),
        checks=DEEPER,
    ),
    Odd("alpha-16.png", chunked(4, 16, np.dstack([DEEP] * 2)), mode="RGBA"),  # Pillow's way
    Odd("alpha.png", with_alpha(GREY), mode="RGBA", like=np.dstack([RGB, GREY])),
    Odd("opaque-alpha.png", with_alpha(255), like=RGB),
    Odd("clear-alpha.png", with_alpha(0), mode="RGBA"),
    Odd("palette.png", save(RGB, "P")),
    Odd("palette-alpha.png", palette_with_alpha, mode="RGBA"),
    Odd("colour-key.png", colour_key, mode="RGBA"),
    Odd("cmyk.jpg", save(RGB, "CMYK", quality=100)),
    Odd("cmyk-profile.tif", cmyk_with_profile),
    Odd("ycbcr.jpg", save(RGB, quality=100, subsampling=0), like=RGB, checks={"atol": 12}),
    Odd("lab.tif", save(RGB, "LAB")),
    Odd("turned.jpg", turned),
    Odd("turned.png", turned, like=RGB),
    Odd("animated.gif", animated),
    Odd("lossless.webp", save(RGB, lossless=True), like=RGB),
    Odd("bitmap.bmp", save(RGB), like=RGB),
    Odd("plain.ppm", save(RGB), like=RGB),
    Odd("LOUD.PNG", save(RGB), like=RGB),
    Odd("jpeg-named.png", save(RGB, format="JPEG")),
    Odd("floats.tif", save(GREY.astype(np.float32)), refused="pixels are floats"),
    Odd("wide.tif", save(GREY.astype(np.int32) * 70_000), refused="32-bit integers"),
    Odd("truncated.png", truncated, refused="damaged"),
    Odd("flipped.png", flipped, refused="damaged"),
    Odd("empty.png", lambda path: path.touch(), refused="the file is empty"),
    Odd("text.png", text, refused="not a picture"),
    Odd("bomb.png", bomb, refused="pixels: cut it into pieces"),
    Odd("pipe.png", os.mkfifo, refused="not a regular file"),
    Odd("folder.png", Path.mkdir, refused="there are no pictures here"),
    Odd("missing.png", lambda path: None, refused="there is no such file"),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
@pytest.mark.parametrize("model", ["bicubic", "shipped"])
def test_each_gives_a_right_result_or_a_clear_refusal(odd, model, place, acutance):
    path = Path(odd.name)
    odd.write(path)
    scale = ("--scale", 2) if model == "bicubic" else ()
    done = acutance("upscale", odd.name, "-o", "out/sr.png", "--model", model, *scale)
    assert "Traceback" not in done.err
    if odd.refused:
        assert done.code in (1, 2)
        assert odd.name in done.err
        assert odd.refused in done.err
        assert not Path("out").exists() or os.listdir("out") == []
        return
    assert done.code == 0, done.err
    with Image.open("out/sr.png") as opened:
        sr = np.asarray(opened)
        assert opened.mode == odd.mode
        assert opened.size == (2 * odd.size[0], 2 * odd.size[1])
        assert "icc_profile" not in opened.info, "none was there, or one of other colours"
        assert opened.getexif().get(0x0112, 1) == 1
    if odd.like is not None and model == "bicubic":
        planes = odd.like[:, :, None] if odd.like.ndim == 2 else odd.like
        copies = [np.dstack([plane] * 3) for plane in np.moveaxis(planes, 2, 0)]
        wanted = np.dstack([bicubic_upscale(each, 2)[..., 0] for each in copies]).squeeze()
        found = sr.squeeze() * (255 / 65535 if odd.mode == "I;16" else 1)
        np.testing.assert_allclose(found, wanted, **odd.checks)


def test_a_folder_of_all_of_them_enlarges_what_can_be(place, acutance):
    folder = Path("odd")
    folder.mkdir()
    for odd in ODD:
        odd.write(folder / odd.name)
    for name in ("turned.jpg", "grey-16.tif"):  # their targets' names are taken
        (folder / name).unlink()
    done = acutance("upscale", folder, "-o", "out", "--model", "bicubic", "--scale", 2)
    assert done.code == 1
    right = {
        f"{Path(odd.name).stem}_x2.png"
        for odd in ODD
        if not odd.refused and odd.name not in ("turned.jpg", "grey-16.tif")
    }
    assert set(os.listdir("out")) == right
