"""Sixteen bits of a channel come out of files, and into them, as they are."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from acutance_storage import PngWriter, TiffWriter, decode_picture
from acutance_storage.errors import PictureUnreadable

WRITERS = {"png": (PngWriter, {"bits": 16}), "tif": (TiffWriter, {})}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sixteen")


def noise(height, width, channels):
    return np.random.default_rng(0).integers(0, 65536, (height, width, channels), np.uint16)


def written(kind, picture, pieces=(), **beside):
    file = io.BytesIO()
    height, width, channels = picture.shape
    build, more = WRITERS[kind]
    writer = build(file, height=height, width=width, channels=channels, **more, **beside)
    for rows in np.split(picture, pieces):
        writer.write(rows)
    writer.finish()
    return file.getvalue()


def wanted(picture):
    return picture if picture.shape[2] > 2 else picture[:, :, [0, 0, 0, 1][: picture.shape[2] + 2]]


KINDS = [("png", 1), ("png", 2), ("png", 3), ("png", 4), ("tif", 1), ("tif", 3), ("tif", 4)]


@given(st.sampled_from(KINDS), st.integers(1, 150), st.integers(1, 20), st.data())
def test_pixels_come_back_whatever_the_bands(folder, kind, height, width, data):
    kind, channels = kind
    picture = noise(height, width, channels)
    picture[height // 2 :] //= 256  # flat and busy rows choose other filters
    cuts = sorted(data.draw(st.lists(st.integers(0, height), max_size=3)))
    path = folder / f"sixteen.{kind}"
    path.write_bytes(written(kind, picture, cuts))
    found = decode_picture(path, flatten=False, min_side=1)
    np.testing.assert_array_equal(found.deep, wanted(picture))
    assert found.grey == (channels < 3)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_profile_and_exif_lie_beside_the_pixels(kind, order):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F], exif[0x8769] = "a camera", {0x9003: "2026:11:23 12:00:00"}
    beside = {"icc": profile, "exif": exif.tobytes().removeprefix(b"Exif\0\0")}
    with Image.open(io.BytesIO(written(kind, noise(70, 9, 3), [5], **beside))) as opened:
        assert opened.size == (9, 70)
        assert opened.info["icc_profile"] == profile
        found = opened.getexif()
        assert found[0x010F] == "a camera"
        assert found.get_ifd(0x8769)[0x9003] == "2026:11:23 12:00:00"


def test_a_picture_beyond_4_gib_is_no_tiff():
    with pytest.raises(ValueError, match="4 GiB at most"):
        TiffWriter(io.BytesIO(), height=30_000, width=30_000, channels=3)


def other_tiff(picture, **changed):
    """Return a TIFF with some entries of its directory overwritten."""
    data = bytearray(written("tif", picture))
    (place,) = struct.unpack_from("<I", data, 4)
    (number,) = struct.unpack_from("<H", data, place)
    for each in range(number):
        at = place + 2 + 12 * each
        (tag,) = struct.unpack_from("<H", data, at)
        if f"t{tag}" in changed:
            struct.pack_into("<I", data, at + 8, changed[f"t{tag}"])
    return bytes(data)


def test_colours_multiplied_by_their_alpha_are_divided_in_sixteen_bits(tmp_path):
    picture = noise(9, 9, 4)
    picture[0, 0, 3], picture[0, 1, 3] = 0, 65535
    picture[:, :, :3] = picture[:, :, :3] * (picture[:, :, 3:] / 65535)
    (tmp_path / "a.tif").write_bytes(other_tiff(picture, t338=1))
    found = decode_picture(tmp_path / "a.tif", flatten=False).deep
    np.testing.assert_array_equal(found[:, :, 3], picture[:, :, 3])
    opaque = picture[:, :, 3] > 32768
    exact = np.rint(picture[opaque][:, :3] * 65535.0 / picture[opaque][:, 3:])
    assert np.abs(found[opaque][:, :3] - exact).max() <= 1
    assert not found[0, 0].any()


def test_channels_one_after_the_other_are_refused_where_pillow_would_mix_them(tmp_path):
    (tmp_path / "a.tif").write_bytes(other_tiff(noise(9, 9, 3), t284=2))
    with pytest.raises(PictureUnreadable, match="save them interleaved"):
        decode_picture(tmp_path / "a.tif")


def test_a_transparent_colour_of_sixteen_bits_is_alpha(tmp_path):
    picture = noise(9, 9, 1)
    picture[:4] = 777
    plain = Image.fromarray(picture[:, :, 0])
    plain.save(tmp_path / "a.png", transparency=777)
    found = decode_picture(tmp_path / "a.png", flatten=False)
    np.testing.assert_array_equal(found.deep[:, :, 3], np.where(picture[:, :, 0] == 777, 0, 65535))


def test_bits_that_pillow_drops_are_said_to_be_dropped(tmp_path):
    head = b"P6 9 9 65535\n"
    (tmp_path / "a.ppm").write_bytes(head + noise(9, 9, 3).astype(">u2").tobytes())
    found = decode_picture(tmp_path / "a.ppm")
    assert (found.treatment, found.deep) == ("cut to 8 bits", None)
