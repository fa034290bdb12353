import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from acutance_storage import decoding, shards
from acutance_storage.dataset import open_dataset
from acutance_storage.errors import DatasetError, PictureUnreadable, StoreUnreachable
from acutance_storage.folder import FolderStore
from acutance_storage.garbage import HELD, reachable
from acutance_storage.ingest import add_dataset
from acutance_storage.refs import list_refs
from acutance_storage.rules import Rules, parts
from acutance_storage.verifying import pull_dataset, verify_dataset

Pixels = NDArray[np.uint8]
Photos = Callable[..., Path]


def nearest(picture: NDArray[Any], *, size: tuple[int, int]) -> NDArray[Any]:
    rows = np.arange(size[0]) * picture.shape[0] // size[0]
    columns = np.arange(size[1]) * picture.shape[1] // size[1]
    return picture[rows][:, columns]


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_rules_are_applied_in_their_order() -> None:
    picture = noise(40, 61)
    rules = Rules(
        min_side=40, centre_square=True, resize=20, sub_pictures=(12, 6), resize_with=nearest
    )
    square = picture[:, 10:50]
    small = nearest(square, size=(20, 20))
    found = list(parts(picture, rules))
    assert [part.suffix for part in found] == [
        f"_y{y:04d}x{x:04d}" for y in (0, 6, 8) for x in (0, 6, 8)
    ]
    for part, (y, x) in zip(found, itertools.product((0, 6, 8), repeat=2), strict=True):
        np.testing.assert_array_equal(part.pixels, small[y : y + 12, x : x + 12])
    assert found[0].note == "middle square of 40x61; resized from 40x40; part of 20x20"
    assert list(rules.described()) == [
        "min_side", "centre_square", "resize", "resize_with", "sub_pictures",
    ]  # fmt: skip


def test_a_shorter_side_is_resized_and_proportions_stay() -> None:
    (part,) = parts(noise(30, 45), Rules(resize=20, resize_with=nearest))
    assert part.pixels.shape == (20, 30, 3)
    (whole,) = parts(noise(20, 45), Rules(resize=20, resize_with=nearest))
    assert (whole.pixels.shape, whole.note) == ((20, 45, 3), "")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (Rules(min_side=31), "30x45 is below the rule's min_side 31"),
        (Rules(resize=31, resize_with=nearest), "would have to be enlarged"),
        (Rules(sub_pictures=(31, 10)), "holds no sub-picture of 31"),
    ],
)
def test_a_picture_that_is_too_small_is_left_out(rules: Rules, said: str) -> None:
    with pytest.raises(PictureUnreadable, match=said):
        list(parts(noise(30, 45), rules))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"min_side": 0}, "1 pixel or more"),
        ({"sub_pictures": (10, 11)}, "leaves pixels out"),
        ({"resize": 8}, "say with what"),
        ({"resize": 8, "sub_pictures": (9, 3), "resize_with": nearest}, "leaves no sub-picture"),
    ],
)
def test_rules_that_make_no_sense_are_refused(numbers: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        Rules(**numbers)


def test_parts_of_a_picture_stay_in_its_split_and_rules_are_kept(
    store: FolderStore, photos: Photos
) -> None:
    folder = photos("in", **{f"p{i}": i for i in range(8)})
    whole = {p.name: p.split for p in add_dataset(store, "demo", folder).dataset.pictures}
    rules = Rules(sub_pictures=(32, 16))
    cut = add_dataset(store, "demo", folder, rules=rules, replace=True).dataset
    assert len(cut) == 8 * 2 * 3
    for picture in cut.pictures:
        assert picture.split == whole[picture.name.split("_y")[0] + ".png"]
    (line,) = cut.lineage
    assert (line.address, line.rules, line.added) == (str(folder), {"sub_pictures": [32, 16]}, 48)
    again = add_dataset(store, "demo", folder, rules=rules)
    assert (again.dataset.version, again.added, again.dataset.lineage) == (cut.version, 0, (line,))
    # Parts come to whole pictures of the same photograph, whatever the hash rule says of them.
    both = add_dataset(store, "both", folder, split={"p0": "test", "p1": "train"}).dataset
    both = add_dataset(store, "both", folder, rules=rules).dataset
    assert {p.split for p in both.pictures if p.name.startswith("p0")} == {"test"}
    assert [line.added for line in both.lineage] == [8, 48]
    with pytest.raises(DatasetError, match="without lr and maps"):
        add_dataset(store, "both", folder, rules=rules, lr=folder, scale=2)


def test_one_white_square_in_two_splits_is_kept_once(store: FolderStore, photos: Photos) -> None:
    white = np.full((32, 32, 3), 255, np.uint8)
    photos("in", a=np.concatenate([noise(32, 32, 1), white]), b=noise(32, 32, 3))
    folder = photos("in", c=np.concatenate([noise(32, 32, 2), white]))
    split = {"a": "train", "b": "validation", "c": "test"}
    report = add_dataset(store, "demo", folder, rules=Rules(sub_pictures=(32, 32)), split=split)
    assert len(report.dataset) == 4
    assert report.duplicates == (("c_y0032x0000.png", "a_y0032x0000.png"),)


def test_statistics_are_those_of_all_pixels(store: FolderStore, photos: Photos) -> None:
    pictures = [noise(20, 30, 1), noise(40, 25, 2) // 3]
    folder = photos("in", a=pictures[0], b=pictures[1])
    found = add_dataset(store, "demo", folder).dataset.statistics
    pixels = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(np.float64)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.deviation, pixels.std(axis=0), rtol=1e-5)
    assert (found.pixels, found.smallest, found.largest, found.shards) == (1600, 20, 40, 1)
    assert pull_dataset(store, "demo") > 3 * 1600


class Broken(Exception):
    """The moment of an interruption."""


def test_an_interrupted_addition_goes_on_where_it_was(
    store: FolderStore, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards.ShardSpool.__init__, "__kwdefaults__", {"limit": 20_000})
    folder = photos("in", **{f"p{i}": i for i in range(9)})
    expected = add_dataset(FolderStore(root=store.root / "other"), "demo", folder).dataset

    def stop(done: int, total: int) -> None:
        if done == 7:
            raise Broken

    with pytest.raises(Broken):
        add_dataset(store, "demo", folder, progress=stop)
    assert store.list("refs/datasets/") == []
    held = reachable(store)
    assert len(held) == 2
    read: list[str] = []
    decode = decoding.decode_picture
    monkeypatch.setattr(
        decoding, "decode_picture", lambda path, **o: read.append(path.name) or decode(path, **o)
    )
    # A file that changed meanwhile is read again.
    Image.fromarray(noise(30, 30)).save(folder / "p0.png")
    report = add_dataset(store, "demo", folder)
    assert (read, report.resumed) == (["p0.png", "p7.png", "p8.png"], 6)
    assert verify_dataset(store, "demo") == []
    shas = {p.name: p.sha256 for p in expected.pictures}
    found = {p.name: p.sha256 for p in report.dataset.pictures}
    assert [name for name in shas if shas[name] != found[name]] == ["p0.png"]
    assert held <= set(report.dataset.shards)
    assert list_refs(store, "ingests") == []
    assert [p for p in (store.root.parent / "local/spool").iterdir() if p.is_dir()] == []


def test_what_cannot_be_trusted_is_read_again(
    store: FolderStore, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = photos("in", **{f"p{i}": i for i in range(6)})

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise Broken

    with pytest.raises(Broken):
        add_dataset(store, "demo", folder, progress=stop)
    (spool,) = (store.root.parent / "local/spool").glob("ingest-*[0-9a-f]")
    log, pixels = spool / "log.jsonl", spool / "0"
    log.write_bytes(log.read_bytes()[:-20])  # a line that was torn
    data = bytearray(pixels.read_bytes())
    data[len(data) * 3 // 5] ^= 1  # a page that never reached the disk
    pixels.write_bytes(data)
    report = add_dataset(store, "demo", folder)
    assert 0 < report.resumed < 4
    assert verify_dataset(store, "demo") == []
    assert len(open_dataset(store, "demo")) == 6


def test_stored_shards_of_an_interrupted_addition_wait_a_week(
    store: FolderStore, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards.ShardSpool.__init__, "__kwdefaults__", {"limit": 1})
    folder = photos("in", a=1, b=2, c=3)

    def lost(*_: object) -> None:
        raise StoreUnreachable("gone")

    with monkeypatch.context() as broken:
        broken.setattr("acutance_storage.ingest.put_blob", lost)
        with pytest.raises(StoreUnreachable):
            add_dataset(store, "demo", folder)
    assert len(reachable(store)) == 3
    (key,) = store.list("refs/ingests/")
    old = os.stat(store.root / key).st_mtime - HELD - 60
    os.utime(store.root / key, (old, old))
    assert reachable(store) == set()
    # The garbage collector took one: its picture is read again.
    store.delete(store.list("blobs/")[0])
    report = add_dataset(store, "demo", folder)
    assert report.resumed == 2
    assert verify_dataset(store, "demo") == []
