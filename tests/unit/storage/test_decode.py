import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from acutance_storage import decode
from acutance_storage.decode import decode_picture
from acutance_storage.errors import PictureUnreadable

Pixels = NDArray[np.uint8]


def png(samples: NDArray[np.uint16], colour_type: int) -> bytes:
    """Encode 16-bit samples (H, W, C) by the PNG specification; Pillow cannot write these."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    head = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def reason(path: Path) -> str:
    with pytest.raises(PictureUnreadable) as caught:
        decode_picture(path)
    return caught.value.reason


def test_plain_rgb_is_left_alone(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    found = decode_picture(saved(tmp_path / "a.png", Image.fromarray(scene(1))))
    assert np.array_equal(found.pixels, scene(1))
    assert found.treatment == ""
    assert found.alpha is None


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_becomes_three_equal_channels(
    tmp_path: Path, scene: Callable[..., Pixels], mode: str
) -> None:
    image = Image.fromarray(scene(1)).convert(mode)
    found = decode_picture(saved(tmp_path / "a.png", image))
    assert np.array_equal(found.pixels, np.asarray(image.convert("RGB")))
    assert found.treatment == "grey copied to three channels"


def test_a_palette_is_expanded(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    image = Image.fromarray(scene(1)).quantize(16)
    found = decode_picture(saved(tmp_path / "a.png", image))
    assert np.array_equal(found.pixels, np.asarray(image.convert("RGB")))
    assert found.treatment == "palette expanded"


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_rounded_not_cut(tmp_path: Path, colour_type: int, channels: int) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (16, 16, channels), dtype=np.uint16)
    if channels in (2, 4):
        samples[:, :, -1] = 65535
    samples[0, 0, 0], samples[0, 1, 0], samples[0, 2, 0] = 65535, 255, 128
    (tmp_path / "a.png").write_bytes(png(samples, colour_type))
    found = decode_picture(tmp_path / "a.png")
    wanted = np.rint(samples[:, :, : 3 if channels > 2 else 1] * (255 / 65535)).astype(np.uint8)
    assert np.array_equal(found.pixels, np.broadcast_to(wanted, (16, 16, 3)))
    assert "16-bit rounded to 8" in found.treatment


def test_transparent_pictures_are_composited_on_white(
    tmp_path: Path, scene: Callable[..., Pixels]
) -> None:
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[:, :20], alpha[:, 20:40] = 0, 128
    path = saved(tmp_path / "a.png", Image.fromarray(np.dstack([scene(1), alpha])))
    found = decode_picture(path)
    wanted = np.rint(255 + (scene(1) - 255.0) * alpha[:, :, None] / 255)
    assert np.array_equal(found.pixels, wanted)
    assert found.treatment == "alpha composited on white"
    assert found.alpha is not None
    assert np.array_equal(found.alpha, alpha)
    kept = decode_picture(path, flatten=False)
    assert np.array_equal(kept.pixels, scene(1))
    assert kept.alpha is not None


def test_opaque_alpha_is_dropped(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    image = Image.fromarray(scene(1)).convert("RGBA")
    found = decode_picture(saved(tmp_path / "a.png", image))
    assert np.array_equal(found.pixels, scene(1))
    assert found.treatment == "opaque alpha dropped"
    assert found.alpha is None


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "1"])
def test_a_transparent_colour_counts_as_alpha(tmp_path: Path, mode: str) -> None:
    image = Image.new(mode, (16, 16), 0)
    transparent: object = (0, 0, 0) if mode == "RGB" else 0
    found = decode_picture(saved(tmp_path / "a.png", image, transparency=transparent))
    assert found.pixels.min() == 255
    assert "alpha composited on white" in found.treatment


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_applied_once(
    tmp_path: Path, kind: str, orientation: int, scene: Callable[..., Pixels]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a", Image.fromarray(scene(1)), format=kind, exif=exif)
    found = decode_picture(path)
    with Image.open(saved(tmp_path / "b", Image.fromarray(scene(1)), format=kind)) as image:
        plain = np.asarray(image)
    turned = {
        2: plain[:, ::-1],
        3: np.rot90(plain, 2),
        4: plain[::-1],
        5: np.rot90(plain[:, ::-1]),
        6: np.rot90(plain, 3),
        7: np.rot90(plain[:, ::-1], 3),
        8: np.rot90(plain),
    }
    assert np.array_equal(found.pixels, turned[orientation])
    assert found.treatment == f"EXIF orientation {orientation} applied"


def test_cmyk_is_converted(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    image = Image.fromarray(scene(1)).convert("CMYK")
    found = decode_picture(saved(tmp_path / "a.jpg", image, quality=95))
    assert found.treatment == "CMYK converted without a colour profile"
    assert np.abs(found.pixels.astype(int) - scene(1)).mean() < 20


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken(
    tmp_path: Path, kind: str, scene: Callable[..., Pixels]
) -> None:
    first, second = (Image.fromarray(scene(seed)) for seed in (1, 2))
    options = {"lossless": True} if kind == "WEBP" else {}
    path = saved(
        tmp_path / "a", first, format=kind, save_all=True, append_images=[second], **options
    )
    found = decode_picture(path)
    assert "first of 2 frames" in found.treatment
    assert np.abs(found.pixels.astype(int) - scene(1)).mean() < 15


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_a_truncated_file_is_unreadable(
    tmp_path: Path, kind: str, scene: Callable[..., Pixels]
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(scene(1)).save(buffer, kind)
    (tmp_path / "a").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    assert reason(tmp_path / "a").startswith(("damaged: ", "not a picture"))


def test_what_is_no_picture_says_so(tmp_path: Path) -> None:
    for name, data, wanted in [
        ("empty.png", b"", "the file is empty"),
        ("notes.txt", b"these are notes", "not a picture"),
        ("noise.jpg", bytes(range(256)) * 9, "not a picture"),
        ("drawing.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    ]:
        (tmp_path / name).write_bytes(data)
        assert reason(tmp_path / name).startswith(wanted)
    assert reason(tmp_path) == "not a regular file"


def test_tiny_pictures_and_bombs_are_refused(tmp_path: Path) -> None:
    tiny = saved(tmp_path / "tiny.png", Image.new("RGB", (40, 7)))
    assert reason(tiny) == "7x40 is too small: sides from 8 pixels on"
    assert decode_picture(tiny, min_side=1).pixels.shape == (7, 40, 3)
    large = saved(tmp_path / "large.png", Image.new("1", (12_000, 15_000)))
    assert "178,956,970 pixels" in reason(large)


def test_floats_and_wide_integers_are_refused(tmp_path: Path) -> None:
    floats = saved(tmp_path / "f.tiff", Image.new("F", (16, 16), 0.5))
    assert "pixels are floats" in reason(floats)
    wide = saved(tmp_path / "i.tiff", Image.new("I", (16, 16), 1_000_000))
    assert "pixels are 32-bit integers" in reason(wide)


def test_a_file_that_may_not_be_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path / "a.png", Image.new("RGB", (16, 16)))
    monkeypatch.setattr(decode.Image, "open", refuse)
    assert reason(path) == "may not be read (permission denied)"
