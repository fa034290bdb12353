"""PNG files that are written row by row are what every reader reads."""

import io

import numpy as np
import pytest
from calling import photograph
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from acutance_storage import PngWriter

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def written(picture, pieces, **beside):
    file = io.BytesIO()
    height, width, channels = picture.shape
    writer = PngWriter(file, height=height, width=width, channels=channels, **beside)
    for rows in np.split(picture, pieces):
        writer.write(rows)
    writer.finish()
    return file


@given(st.integers(1, 150), st.integers(1, 40), st.sampled_from(sorted(MODES)), st.data())
def test_pixels_come_back_whatever_the_bands(height, width, channels, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    picture = rng.integers(0, 256, (height, width, channels), np.uint8)
    picture[height // 2 :] //= 16  # flat and busy rows choose other filters
    cuts = sorted(data.draw(st.lists(st.integers(0, height), max_size=4)))
    with Image.open(written(picture, cuts)) as opened:
        assert opened.mode == MODES[channels]
        np.testing.assert_array_equal(np.asarray(opened).reshape(picture.shape), picture)


def test_a_photograph_takes_no_more_room_than_pillows():
    picture = photograph(1, 300, 400)
    theirs = io.BytesIO()
    Image.fromarray(picture).save(theirs, "png")
    assert len(written(picture, [64, 200]).getvalue()) < 1.02 * len(theirs.getvalue())


def test_profile_and_exif_lie_beside_the_pixels():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    with Image.open(written(photograph(2, 9, 9), [], icc=profile, exif=data)) as opened:
        assert opened.info["icc_profile"] == profile
        assert opened.getexif()[0x010F] == "a camera"


def test_sides_that_png_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="sides of 1 to"):
        PngWriter(io.BytesIO(), height=0, width=3, channels=3)
