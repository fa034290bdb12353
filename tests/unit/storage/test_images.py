import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from acutance_storage import images
from acutance_storage.errors import BlobCorrupt, KeyMissing, SchemaUnknown
from acutance_storage.images import open_pictures, write_pictures
from acutance_storage.images_index import load_index

Pixels = NDArray[np.uint8]
sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@settings(max_examples=25, deadline=None)
@given(shapes=st.lists(sizes, max_size=5), seed=st.integers(0, 99))
def test_pictures_come_back_as_they_were(
    shapes: list[tuple[int, int]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    pictures = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in shapes]
    path = tmp_path_factory.mktemp("pictures") / "file"
    write_pictures(path, pictures)
    found = open_pictures(path)
    assert len(found) == len(pictures)
    assert all(np.array_equal(a, b) for a, b in zip(found, pictures, strict=True))


def test_a_picture_is_a_read_only_view_of_the_file(
    tmp_path: Path, scene: Callable[..., Pixels]
) -> None:
    write_pictures(tmp_path / "file", [scene(1), scene(2)])
    picture = open_pictures(tmp_path / "file")[1]
    with pytest.raises(ValueError, match="read-only"):
        picture[0, 0, 0] = 1
    # A change of the file shows through: nothing was copied.
    before = int(picture[0, 0, 0])
    data = bytearray((tmp_path / "file").read_bytes())
    at = data.index(scene(2).tobytes())
    with (tmp_path / "file").open("r+b") as file:
        file.seek(at)
        file.write(bytes([before ^ 255]))
    assert int(picture[0, 0, 0]) == before ^ 255


def test_positions_and_slices_work_as_in_a_list(
    tmp_path: Path, scene: Callable[..., Pixels]
) -> None:
    write_pictures(tmp_path / "file", [scene(i) for i in range(3)])
    pictures = open_pictures(tmp_path / "file")
    assert np.array_equal(pictures[-1], scene(2))
    assert [p.shape for p in pictures[1:]] == [(48, 64, 3)] * 2
    with pytest.raises(IndexError, match="picture 3 of 3"):
        pictures[3]
    again = pickle.loads(pickle.dumps(pictures))
    assert np.array_equal(again[0], scene(0))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, wrong: Pixels) -> None:
    with pytest.raises(ValueError, match=r"\(H, W, 3\) in uint8 is needed"):
        write_pictures(tmp_path / "file", [wrong])


def test_damaged_missing_and_newer_files_are_named(
    tmp_path: Path, scene: Callable[..., Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    with pytest.raises(KeyMissing, match="file"):
        open_pictures(path)
    write_pictures(path, [scene(1)])
    whole = path.read_bytes()
    for bad in (b"", b"no pictures", whole[: len(whole) // 2], whole[:-3]):
        path.write_bytes(bad)
        with pytest.raises(BlobCorrupt, match="not a whole file of pictures"):
            open_pictures(path)
    monkeypatch.setattr(
        images, "_COLUMNS", images._COLUMNS.with_metadata({"acutance.pictures": "2"})
    )
    write_pictures(path, [scene(1)])
    with pytest.raises(SchemaUnknown, match="Upgrade acutance"):
        open_pictures(path)


def test_what_is_no_index_is_refused() -> None:
    with pytest.raises(BlobCorrupt, match="not the index of a dataset"):
        load_index(b"no parquet")
