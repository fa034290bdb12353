"""Pictures in tiles: the same in pieces as at once, and never more than there is room for."""

import io
import os
import time

import numpy as np
import pytest
from PIL import Image

from acutance_platform.dashboard.gallery import TILE, Gallery

RANDOM = np.random.default_rng(3)


def picture(height, width):
    return RANDOM.integers(0, 256, (height, width, 3), np.uint8)


def keep(gallery, key, pixels):
    gallery.begin(key, pixels.shape[:2]).put(0, 0, pixels)
    gallery.publish(key)


def pixels_of(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_in_pieces_as_at_once(tmp_path):
    gallery, pixels = Gallery(tmp_path, "s"), picture(701, 1033)
    keep(gallery, "a" * 64, pixels)
    made = gallery.begin("b" * 64, pixels.shape[:2])
    corners = [(y, x) for y in range(0, 701, 99) for x in range(0, 1033, 215)]
    RANDOM.shuffle(corners)
    for y, x in corners:
        made.put(y, x, pixels[y : y + 99, x : x + 215])
    once = gallery.open("a" * 64)
    assert [level.shape[:2] for level in once.levels] == [
        (701, 1033),
        (351, 517),
        (176, 259),
        (88, 130),
    ]
    for one, other in zip(once.levels, made.levels, strict=True):
        assert np.array_equal(one, other)


def test_halves_are_means_and_tiles_are_exact(tmp_path):
    gallery, pixels = Gallery(tmp_path, "s"), picture(600, 300)
    keep(gallery, "a" * 64, pixels)
    found = gallery.open("a" * 64)
    wide = pixels.astype(int)
    means = (wide[::2, ::2] + wide[1::2, ::2] + wide[::2, 1::2] + wide[1::2, 1::2] + 2) // 4
    assert np.array_equal(found.levels[1], means)
    assert np.array_equal(pixels_of(found.tile(0, 1, 1)), pixels[TILE : 2 * TILE, TILE:])
    for place in ((0, 3, 0), (0, 0, 2), (9, 0, 0), (0, -1, 0), (-1, 0, 0)):
        assert found.tile(*place) is None


def test_what_is_not_whole_is_not_there(tmp_path):
    gallery, key = Gallery(tmp_path, "s"), "c" * 64
    assert gallery.open(key) is None
    assert gallery.unfinished(key) is None
    gallery.begin(key, (40, 50)).put(0, 0, picture(20, 50))
    assert not gallery.has(key)
    assert gallery.open(key) is None
    assert not gallery.unfinished(key).levels[0][20:].any()
    assert Gallery(tmp_path, "another server").unfinished(key) is None
    gallery.forget(key)
    assert gallery.unfinished(key) is None


def test_the_one_looked_at_longest_ago_goes_first(tmp_path):
    size = 100 * 100 * 3
    gallery = Gallery(tmp_path, "s", most_bytes=3 * size + 1000)
    for place, letter in enumerate("abc"):
        keep(gallery, letter * 64, picture(100, 100))
        past = time.time() - 1000 + place
        os.utime(tmp_path / (letter * 64) / "size", (past, past))
    gallery.open("a" * 64)  # now b is the oldest
    keep(gallery, "d" * 64, picture(100, 100))
    assert [letter for letter in "abcd" if gallery.has(letter * 64)] == ["a", "c", "d"]
    assert gallery.open("b" * 64) is None


@pytest.mark.parametrize("broken", ["", "[1]", "[40, 50]"])
def test_a_damaged_one_is_not_shown(tmp_path, broken):
    place = tmp_path / ("e" * 64)
    place.mkdir()
    (place / "size").write_text(broken)
    assert Gallery(tmp_path, "s").open("e" * 64) is None
