"""Segmentation maps: read, matched, refused by name, stored, and part of the version."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image
from shared_data import read_rgb, shared

from acutance_storage.contents import blob_path
from acutance_storage.dataset import ImageDataset, list_datasets, open_dataset
from acutance_storage.errors import DatasetError, PictureUnreadable
from acutance_storage.folder import FolderStore
from acutance_storage.ingest import add_dataset
from acutance_storage.maps import read_map, shares
from acutance_storage.verifying import verify_dataset

Pixels = NDArray[np.uint8]
Photos = Callable[..., Path]
SIZE = (48, 64)
VERSION_BEFORE_MAPS = "d77d55a302d87abbd6dbe3c66dbdd92b3d510b7ad86f5cbebd2ca0b82fcdce3e"


def labels(seed: int, classes: int = 8) -> Pixels:
    drawn = np.random.default_rng(seed).integers(0, classes, SIZE, np.uint8)
    drawn[0, 0] = classes - 1
    return drawn


def probabilities(seed: int, classes: int = 8) -> Pixels:
    return np.random.default_rng(seed).integers(1, 256, (classes, *SIZE), np.uint8)


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A folder with a label map of a.png, probabilities of b.png, and nothing of c.png."""
    folder = tmp_path / "maps"
    folder.mkdir()
    Image.fromarray(labels(1)).save(folder / "a.png")
    np.savez_compressed(folder / "b.npz", prob_u8=probabilities(2))
    return folder


def indices(dataset: ImageDataset) -> dict[str, int]:
    return {picture.name: index for index, picture in enumerate(dataset.pictures)}


def test_maps_are_stored_beside_their_pictures(
    store: FolderStore, photos: Photos, maps: Path, scene: Callable[..., Pixels]
) -> None:
    (maps / "notes.txt").write_text("by hand")
    report = add_dataset(store, "demo", photos("in", a=1, b=2, c=3), maps=maps)
    dataset = open_dataset(store, "demo")
    assert dataset.version == report.dataset.version
    assert report.skipped == (("map notes.txt", "neither .png nor .npz"),)
    assert dataset.classes == 8
    assert [dataset.has_map(i) for i in range(3)] == [True, True, False]
    assert np.array_equal(dataset.map(0), 255 * np.eye(8, dtype=np.uint8)[labels(1)])
    assert np.array_equal(dataset.map(1), probabilities(2).transpose(1, 2, 0))
    assert not dataset.map(1).flags.writeable
    background = dataset.map(2)
    assert background.shape == (*SIZE, 8)
    assert (background[..., 0] == 255).all()
    assert not background[..., 1:].any()
    for index in range(3):
        part = dataset.map(index, slice(3, 9), slice(5, 40))
        assert np.array_equal(part, dataset.map(index)[3:9, 5:40])
        assert np.array_equal(dataset.hr(index), scene(index + 1))
    # Labels are kept as labels: one byte per pixel and not one per class.
    shards = [dataset.parts(i)[1][1].shard for i in (0, 1)]
    stored = sum(blob_path(store, shard).stat().st_size for shard in set(shards))
    assert stored < 48 * 64 * (3 * 3 + 1 + 8) + 8192
    assert verify_dataset(store, "demo") == []
    assert [row.classes for row in list_datasets(store)] == [8]


def test_a_dataset_without_maps_has_the_version_it_always_had(
    store: FolderStore, photos: Photos, maps: Path
) -> None:
    squares = {f"s{i}": np.full((16, 16, 3), 40 * i, np.uint8) for i in range(3)}
    dataset = add_dataset(store, "demo", photos("in", **squares)).dataset
    # Written by this code before there were maps.
    assert dataset.version == VERSION_BEFORE_MAPS
    assert dataset.classes is None
    assert not dataset.has_map(0)
    with pytest.raises(DatasetError, match=r"holds no segmentation maps\. Add them with --maps"):
        dataset.map(0)


def test_maps_are_part_of_the_version(store: FolderStore, photos: Photos, maps: Path) -> None:
    folder = photos("in", a=1, b=2, c=3)
    plain = add_dataset(store, "plain", folder).dataset.version
    one = add_dataset(store, "plain", folder, maps=maps).dataset.version
    again = add_dataset(store, "plain", folder, maps=maps)
    assert (again.dataset.version, again.added) == (one, 0)
    Image.fromarray(labels(9)).save(maps / "a.png")
    other = add_dataset(store, "plain", folder, maps=maps).dataset
    assert len({plain, one, other.version}) == 3
    assert np.array_equal(other.map(0)[..., 7] == 255, labels(9) == 7)
    old = open_dataset(store, f"plain@{one[:12]}")
    assert np.array_equal(old.map(0)[..., 7] == 255, labels(1) == 7)
    assert open_dataset(store, f"plain@{plain[:12]}").classes is None


def test_later_additions_keep_maps_and_may_have_none(
    store: FolderStore, photos: Photos, maps: Path
) -> None:
    first = add_dataset(store, "demo", photos("one", a=1, b=2, c=3), maps=maps).dataset
    later = add_dataset(store, "demo", photos("two", a=1, d=7)).dataset
    place = indices(later)
    assert later.classes == 8
    assert [later.has_map(place[f"{name}.png"]) for name in "abcd"] == [True, True, False, False]
    assert np.array_equal(later.map(place["a.png"]), first.map(0))
    (maps / "b.npz").unlink()
    (maps / "a.png").rename(maps / "c.png")
    last = add_dataset(store, "demo", photos("one"), maps=maps).dataset
    assert all(last.has_map(indices(last)[f"{name}.png"]) for name in "abc")
    with pytest.raises(DatasetError, match="maps of 8 classes, these are of 5"):
        add_dataset(store, "demo", photos("one"), maps=maps, classes=5)


def test_maps_are_found_in_the_same_sub_folder_first(
    store: FolderStore, photos: Photos, tmp_path: Path
) -> None:
    for folder, seed in (("one", 1), ("two", 2)):
        photos(f"in/{folder}", x=seed)
        (tmp_path / "maps" / folder).mkdir(parents=True)
        Image.fromarray(labels(seed)).save(tmp_path / "maps" / folder / "X.PNG")
    dataset = add_dataset(store, "demo", tmp_path / "in", maps=tmp_path / "maps").dataset
    for index, seed in enumerate((1, 2)):
        assert np.array_equal(dataset.map(index).argmax(axis=2), labels(seed))
    photos("in/three", x=3)
    with pytest.raises(DatasetError, match=r"three/x.png: several maps fit: one/X.PNG, two/X.PNG"):
        add_dataset(store, "demo", tmp_path / "in", maps=tmp_path / "maps")


def test_everything_wrong_with_maps_is_said_at_once(
    store: FolderStore, photos: Photos, maps: Path
) -> None:
    names = "abcdefgh"
    folder = photos("in", **{name: seed for seed, name in enumerate(names, start=1)})
    np.savez(maps / "a.npz", prob_u8=probabilities(1))  # a second map of a
    Image.fromarray(labels(3)[:, :60]).save(maps / "c.png")
    Image.fromarray(labels(4) + 5).save(maps / "d.png")
    (maps / "e.png").write_bytes((maps / "a.png").read_bytes()[:100])
    np.savez(maps / "f.npz", prob_u8=probabilities(6, classes=5))
    np.savez(maps / "g.npz", other=probabilities(6))
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(maps / "h.png")
    Image.fromarray(labels(1)).save(maps / "nobody.png")
    with pytest.raises(DatasetError) as refused:
        add_dataset(store, "demo", folder, maps=maps)
    said = "\n".join(refused.value.problems)
    for wanted in (
        "a.png: several maps fit: a.npz, a.png",
        "c.png, map c.png: the map is 48x60, the picture 48x64",
        "d.png, map d.png: class 12, where 0 to 7 are known",
        "e.png, map e.png: damaged",
        "f.png, map f.npz: 5 classes, where 8 are wanted",
        "g.png, map g.npz: neither prob_u8 nor prob is in it, but other",
        "h.png, map h.png: a label picture has 8 bits, grey or palette, not mode RGB",
        "map nobody.png: no picture of that name",
    ):
        assert wanted in said
    assert len(refused.value.problems) == 8
    assert list_datasets(store) == []


def test_pairs_and_maps_that_do_not_fit_are_said_together(
    store: FolderStore, photos: Photos, maps: Path
) -> None:
    folder = photos("in", a=1)
    with pytest.raises(DatasetError) as refused:
        add_dataset(store, "demo", folder, lr=photos("lr", x=2), scale=2, maps=maps)
    said = "\n".join(refused.value.problems)
    assert "a.png: no LR picture" in said
    assert "map b.npz: no picture of that name" in said


def test_a_picture_that_exif_turns_has_no_map(
    store: FolderStore, tmp_path: Path, maps: Path, scene: Callable[..., Pixels]
) -> None:
    (maps / "b.npz").unlink()
    (tmp_path / "in").mkdir()
    turned = Image.Exif()
    turned[0x0112] = 2  # mirrored: the size alone would not tell
    Image.fromarray(scene(1)).save(tmp_path / "in/a.jpg", exif=turned)
    with pytest.raises(DatasetError, match=r"turned by its EXIF orientation.*save the picture"):
        add_dataset(store, "demo", tmp_path / "in", maps=maps)


def test_a_map_is_cropped_with_the_picture_of_a_pair(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels], tmp_path: Path
) -> None:
    hr = scene(1, 47, 63)
    small = hr[:46, :62].reshape(23, 2, 31, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    maps = tmp_path / "maps"
    maps.mkdir()
    Image.fromarray(labels(1)[:47, :63]).save(maps / "a.png")
    dataset = add_dataset(
        store, "demo", photos("hr", a=hr), lr=photos("lr", a=small), scale=2, maps=maps
    ).dataset
    assert dataset.hr(0).shape[:2] == dataset.map(0).shape[:2] == (46, 62)
    assert np.array_equal(dataset.map(0).argmax(axis=2), labels(1)[:46, :62])


def test_copies_of_a_picture_have_one_map(store: FolderStore, photos: Photos, maps: Path) -> None:
    folder = photos("in", a=2, b=2, z=2)
    with pytest.raises(DatasetError, match=r"b.png has the same pixels as a.png and another map"):
        add_dataset(store, "demo", folder, maps=maps)
    (maps / "a.png").unlink()
    dataset = add_dataset(store, "demo", folder, maps=maps).dataset
    assert [p.name for p in dataset.pictures] == ["a.png"]
    assert np.array_equal(dataset.map(0), probabilities(2).transpose(1, 2, 0))


def test_a_damaged_map_is_named(store: FolderStore, photos: Photos, maps: Path) -> None:
    dataset = add_dataset(store, "demo", photos("in", a=1, b=2), maps=maps).dataset
    path = blob_path(store, dataset.parts(1)[1][1].shard)
    content = bytearray(path.read_bytes())
    at = content.index(probabilities(2).transpose(1, 2, 0).tobytes()[:64])
    content[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    damage = "\n".join(verify_dataset(store, "demo"))
    assert "map of b.png" in damage
    assert "map of a.png" not in damage


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"prob_u8": np.zeros((3, 4, 4), np.uint8)}, "16 pixels have no class"),
        ({"prob_u8": np.ones((3, 4, 4), np.float32)}, r"\(classes, H, W\) in uint8 is needed"),
        ({"prob_u8": np.ones((4, 4), np.uint8)}, r"has the shape \(4, 4\)"),
        ({"prob_u8": np.ones((1, 4, 4), np.uint8)}, "has 1 classes; 2 to 256"),
        ({"prob": np.full((3, 4, 4), np.nan)}, "negative or non-finite"),
        ({"prob_u8": np.array([[[{}]]], object)}, "damaged: Object arrays cannot be loaded"),
    ],
)
def test_what_is_no_map_is_refused(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "a.npz", allow_pickle=True, **wrong)
    with pytest.raises(PictureUnreadable, match=said):
        read_map(tmp_path / "a.npz")


def test_another_file_called_npz_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 4, 4)))
    for content in ((tmp_path / "a.npy").read_bytes(), b"", b"PK\x03\x04 and no more", b"text"):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(PictureUnreadable, match="damaged"):
            read_map(tmp_path / "a.npz")


def test_palette_numbers_are_the_classes(tmp_path: Path) -> None:
    picture = Image.fromarray(labels(1), mode="P")
    picture.putpalette([value for i in range(256) for value in (255 - i, i // 2, 7)])
    picture.save(tmp_path / "a.png")
    assert np.array_equal(read_map(tmp_path / "a.png")[:, :, 0], labels(1))


@given(arrays.arrays(np.uint8, (5, 4, 3), elements=st.integers(0, 255)))
def test_floats_are_kept_to_half_a_grey_level(
    tmp_path_factory: pytest.TempPathFactory, drawn: Pixels
) -> None:
    exact = (drawn + 1.0) / (drawn + 1.0).sum(axis=0)
    path = tmp_path_factory.mktemp("floats") / "a.npz"
    np.savez(path, prob=(7 * exact).astype(np.float32))
    kept = read_map(path).astype(np.float64) / 255
    assert np.abs(kept - exact.transpose(1, 2, 0)).max() <= 0.5 / 255 + 1e-6


@given(arrays.arrays(np.uint8, (3, 4, 1), elements=st.integers(0, 5)))
def test_labels_become_certainty(drawn: Pixels) -> None:
    made = shares(drawn, 6)
    assert made.shape == (3, 4, 6)
    assert (made.sum(axis=2, dtype=int) == 255).all()
    assert np.array_equal(made.argmax(axis=2), drawn[..., 0])


@pytest.mark.parametrize("kind", ["label", "prob"])
def test_shared_segmentations_lie_on_their_pictures(store: FolderStore, kind: str) -> None:
    for name in ("camvid_seg", "ost_seg"):
        root = shared(f"data/{name}")
        dataset = add_dataset(store, name, root / "img", maps=root / kind).dataset
        assert dataset.classes == 8
        assert verify_dataset(store, name) == []
        for index, picture in enumerate(dataset.pictures):
            stem = Path(picture.name).stem
            truth = np.asarray(Image.open(root / f"label/{stem}.png"))
            likely = dataset.map(index).argmax(axis=2)
            assert np.array_equal(dataset.hr(index), read_rgb(root / "img" / picture.name))
            # Probabilities are smoothed labels: they differ at borders only.
            assert (likely == truth).mean() > (0.999 if kind == "label" else 0.95)
