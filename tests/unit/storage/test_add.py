import itertools
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from acutance_storage import ingest, shards
from acutance_storage.contents import blob_path
from acutance_storage.dataset import ImageDataset, list_datasets, open_dataset
from acutance_storage.errors import BlobCorrupt, DatasetError, StoreFull
from acutance_storage.folder import FolderStore
from acutance_storage.ingest import add_dataset
from acutance_storage.records import SPLITS
from acutance_storage.verifying import verify_dataset

Pixels = NDArray[np.uint8]
Photos = Callable[..., Path]


def splits(dataset: ImageDataset) -> dict[str, str]:
    return {picture.name: picture.split for picture in dataset.pictures}


def test_a_folder_becomes_a_dataset(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels]
) -> None:
    photos("in/deep", b=2)
    folder = photos("in", a=1, c=3, d=4)
    ticks: list[tuple[int, int]] = []
    report = add_dataset(
        store, "demo", folder, licence="CC0", source="me", progress=lambda *tick: ticks.append(tick)
    )
    dataset = open_dataset(store, "demo")
    assert dataset.version == report.dataset.version
    assert [picture.name for picture in dataset.pictures] == [
        "a.png",
        "c.png",
        "d.png",
        "deep/b.png",
    ]
    for i, seed in enumerate((1, 3, 4, 2)):
        assert np.array_equal(dataset.hr(i), scene(seed))
        assert not dataset.hr(i).flags.writeable
    picture = dataset.pictures[0]
    assert (picture.height, picture.width, picture.licence, picture.source) == (48, 64, "CC0", "me")
    assert (dataset.licence, dataset.source, dataset.lr_scale) == ("CC0", "me", None)
    assert (report.added, report.already, report.skipped, report.treated) == (4, 0, (), ())
    assert ticks == [(i, 4) for i in range(5)]
    found = [i for split in SPLITS for i in dataset.indices(split)]
    assert sorted(found) == [0, 1, 2, 3]
    with pytest.raises(DatasetError, match="unknown split 'val'"):
        dataset.indices("val")
    with pytest.raises(DatasetError, match="holds no LR pictures"):
        dataset.lr(0)
    assert list((store.root.parent / "local/spool").iterdir()) == []


def test_the_version_is_the_content(store: FolderStore, photos: Photos, tmp_path: Path) -> None:
    folder = photos("in", a=1, b=2, c=3)
    first = add_dataset(store, "demo", folder).dataset.version
    again = add_dataset(store, "demo", folder)
    assert (again.dataset.version, again.added, again.already) == (first, 0, 3)
    other = FolderStore(root=tmp_path / "other")
    for name in "cab":  # another order of creation, and other times
        photos("again", **{name: ord(name) - 96})
        os.utime(tmp_path / f"again/{name}.png", (1, 1))
    assert add_dataset(other, "demo", tmp_path / "again").dataset.version == first
    renamed = photos("renamed", a=1, b=2, x=3)
    assert add_dataset(store, "demo", renamed, replace=True).dataset.version != first


def test_later_additions_join_and_move_nothing(store: FolderStore, photos: Photos) -> None:
    before = add_dataset(store, "demo", photos("one", **{f"p{i}": i for i in range(8)})).dataset
    report = add_dataset(store, "demo", photos("two", **{f"q{i}": i + 4 for i in range(8)}))
    assert (report.added, report.already, len(report.dataset)) == (4, 4, 12)
    after = splits(report.dataset)
    assert {name: after[name] for name in splits(before)} == splits(before)
    assert verify_dataset(store, "demo") == []
    old = open_dataset(store, f"demo@{before.version[:12]}")
    assert splits(old) == splits(before)
    assert len(add_dataset(store, "demo", photos("three", z=99), replace=True).dataset) == 1


def test_another_picture_of_a_known_name_gets_a_name_of_its_own(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels]
) -> None:
    add_dataset(store, "demo", photos("one", a=1))
    report = add_dataset(store, "demo", photos("two", a=2))
    first, second = report.dataset.pictures
    assert (first.name, second.name) == ("a.png", f"a~{second.sha256[:8]}.png")
    assert np.array_equal(report.dataset.hr(1), scene(2))
    assert report.treated[0][1].startswith(f"called {second.name}")


def test_a_licence_can_be_added_later(store: FolderStore, photos: Photos) -> None:
    folder = photos("in", a=1)
    version = add_dataset(store, "demo", folder).dataset.version
    add_dataset(store, "demo", folder, licence="CC0")
    add_dataset(store, "demo", folder, source="me")
    dataset = open_dataset(store, "demo")
    assert (dataset.version, dataset.licence, dataset.source) == (version, "CC0", "me")


def test_one_bad_file_never_hides_the_others(store: FolderStore, photos: Photos) -> None:
    folder = photos("in", good=1, copy=1)
    Image.new("L", (20, 20), 9).save(folder / "grey.png")
    (folder / "broken.png").write_bytes((folder / "good.png").read_bytes()[:200])
    (folder / "empty.jpg").touch()
    (folder / "README.md").write_text("pictures")
    (folder / ".hidden.png").write_bytes((folder / "good.png").read_bytes())
    (folder / "nowhere.png").symlink_to("missing.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.png")
    report = add_dataset(store, "demo", folder)
    assert [picture.name for picture in report.dataset.pictures] == ["copy.png", "grey.png"]
    reasons = dict(report.skipped)
    assert set(reasons) == {
        ".hidden.png", "README.md", "broken.png", "empty.jpg", "loop/", "nowhere.png", "pipe.png",
    }  # fmt: skip
    assert reasons["empty.jpg"] == "the file is empty"
    assert reasons["pipe.png"] == "not a regular file"
    assert report.treated == (("grey.png", "grey copied to three channels"),)
    assert report.duplicates == (("good.png", "copy.png"),)


def test_a_linked_folder_is_followed_and_odd_names_are_kept(
    store: FolderStore, photos: Photos, tmp_path: Path
) -> None:
    photos("elsewhere", a=1)
    folder = photos("in", b=2)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    shutil.copy(folder / "b.png", os.fsencode(folder) + b"/\xff.png")
    report = add_dataset(store, "demo", folder)
    assert [p.name for p in report.dataset.pictures] == ["\\udcff.png", "link/a.png"]


def test_folders_without_pictures_are_one_clear_error(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("hello")
    for folder, wanted in [
        ("missing", "does not exist"),
        ("empty", "holds no file"),
        ("notes", "holds no picture"),
        ("notes/a.txt", "is a file"),
    ]:
        with pytest.raises(DatasetError, match=wanted):
            add_dataset(store, "demo", tmp_path / folder)
    with pytest.raises(DatasetError, match=r"'a b' cannot name a dataset"):
        add_dataset(store, "a b", tmp_path)
    assert list_datasets(store) == []


def test_splits_by_folder_list_or_mapping(store: FolderStore, photos: Photos) -> None:
    photos("in/train", a=1)
    photos("in/test", b=2, c=3)
    folder = photos("in", d=4)
    by_folder = splits(add_dataset(store, "one", folder).dataset)
    assert by_folder == {
        "d.png": "validation", "test/b.png": "test", "test/c.png": "test", "train/a.png": "train",
    }  # fmt: skip
    (folder / "list.txt").write_text("validation test/*\n")
    by_list = splits(add_dataset(store, "two", folder, split=folder / "list.txt").dataset)
    assert by_list["test/b.png"] == by_list["test/c.png"] == "validation"
    by_mapping = add_dataset(store, "one", folder, split={"train/a": "test", "d": "validation"})
    assert splits(by_mapping.dataset) == by_folder
    assert by_mapping.unmoved == (("train/a.png", "test", "train"),)
    moved = add_dataset(store, "one", folder, split={"train/a": "test"}, replace=True)
    assert splits(moved.dataset)["train/a.png"] == "test"
    with pytest.raises(DatasetError, match="fits no picture"):
        add_dataset(store, "one", folder, split={"typo": "test"})


def test_near_duplicates_and_leaks_are_reported(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels]
) -> None:
    bright = np.clip(scene(1).astype(int) + 3, 0, 255).astype(np.uint8)
    first = add_dataset(store, "demo", photos("one", a=1, b=2, c=3), split={"a": "test"})
    second = add_dataset(store, "demo", photos("two", a2=bright))
    assert second.near_duplicates == (("a2.png", "a.png", "test"),)
    assert splits(second.dataset)["a2.png"] == splits(first.dataset)["a.png"] == "test"
    photos("three/train", a=1)
    leaking = add_dataset(store, "leak", photos("three/test", a2=bright).parent)
    assert len(leaking.leaks) == 1
    between = np.clip(scene(1).astype(int) + 1, 0, 255).astype(np.uint8)
    torn = add_dataset(store, "leak", photos("four", m=between))
    assert torn.left_out == (("m.png", "resembles pictures in test and train"),)
    assert "m.png" not in splits(torn.dataset)
    photos("five/train", a=1)
    with pytest.raises(DatasetError, match="asked into two splits"):
        add_dataset(store, "same", photos("five/test", a=1).parent)


def test_a_dataset_can_be_read_from_many_processes(
    store: FolderStore, photos: Photos, scene: Callable[..., Pixels]
) -> None:
    dataset = add_dataset(store, "demo", photos("in", a=1, b=2)).dataset
    dataset.hr(0)
    assert np.array_equal(pickle.loads(pickle.dumps(dataset)).hr(1), scene(2))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(dataset.hr, [0, 1])
    assert np.array_equal(found[1], scene(2))


def test_datasets_are_listed_and_unknown_ones_named(store: FolderStore, photos: Photos) -> None:
    with pytest.raises(DatasetError, match="there is none yet"):
        open_dataset(store, "demo")
    one = add_dataset(store, "one", photos("in", a=1, b=2), licence="CC0").dataset
    add_dataset(store, "two", photos("in"))
    summary = list_datasets(store)[0]
    assert (summary.name, summary.version, summary.pictures) == ("one", one.version, 2)
    assert summary.splits == {"train": 1, "validation": 1, "test": 0}
    with pytest.raises(DatasetError, match=r"no dataset 'three'.*known: one, two"):
        open_dataset(store, "three")
    for version in ("", "abc", one.version[:11], "f" * 64):
        with pytest.raises(DatasetError, match="no version"):
            open_dataset(store, f"one@{version}")


def test_damage_is_found_and_named(store: FolderStore, photos: Photos) -> None:
    dataset = add_dataset(store, "demo", photos("in", a=1, b=2)).dataset
    assert verify_dataset(store, "demo") == []
    shard = blob_path(store, dataset._index.entries[1].place.shard)
    whole = shard.read_bytes()
    at = whole.index(np.ascontiguousarray(dataset.hr(1)).tobytes()) + 5
    shard.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    damage = verify_dataset(store, "demo")
    assert [line.split(":")[0][:20] for line in damage] == ["shard", "HR picture b.png (sh"]
    shard.write_bytes(whole[:500])
    with pytest.raises(BlobCorrupt):
        open_dataset(store, "demo").hr(0)
    shard.unlink()
    assert len(verify_dataset(store, "demo")) == 3
    add_dataset(store, "demo", photos("in"), replace=True)
    assert verify_dataset(store, "demo") == []
    for index in (store.root / "blobs").rglob("*"):
        if index.is_file():
            index.write_bytes(b"")
    assert verify_dataset(store, "demo")[0].startswith("index: ")
    assert "damaged" in list_datasets(store)[0].problem


def test_large_datasets_are_cut_into_shards(
    store: FolderStore,
    photos: Photos,
    scene: Callable[..., Pixels],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shards.ShardSpool.__init__, "__kwdefaults__", {"limit": 15_000})
    dataset = add_dataset(store, "demo", photos("in", **{f"p{i}": i for i in range(5)})).dataset
    assert len({entry.place.shard for entry in dataset._index.entries}) == 3
    assert all(np.array_equal(dataset.hr(i), scene(i)) for i in range(5))


@pytest.mark.parametrize("step", range(3))
def test_no_space_at_any_step_keeps_the_earlier_version(
    store: FolderStore, photos: Photos, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    before = add_dataset(store, "demo", photos("one", a=1)).dataset
    steps = itertools.count()

    def failing(publish: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: object, **options: object) -> Any:
            if next(steps) == step:
                raise StoreFull("no space left")
            return publish(*args, **options)

        return write

    monkeypatch.setattr(FolderStore, "_publish", failing(FolderStore._publish))
    with pytest.raises(StoreFull):
        add_dataset(store, "demo", photos("two", b=2))
    monkeypatch.undo()
    assert open_dataset(store, "demo").version == before.version
    assert verify_dataset(store, "demo") == []


def test_a_change_by_somebody_else_meanwhile_is_not_overwritten(
    store: FolderStore, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dataset(store, "demo", photos("one", a=1))
    photos("two", b=2)
    photos("three", c=3)

    def meanwhile(done: int, total: int) -> None:
        if done == total:
            add_dataset(store, "demo", store.root.parent / "three")

    with pytest.raises(DatasetError, match="changed by somebody else"):
        add_dataset(store, "demo", store.root.parent / "two", progress=meanwhile)
    assert set(splits(open_dataset(store, "demo"))) == {"a.png", "c.png"}
    assert ingest.get_ref(store, "datasets", "demo") is not None


@pytest.mark.parametrize("moment", ["decoding", "publishing", "before the name moves"])
def test_kill_minus_nine_keeps_the_earlier_version(
    store: FolderStore, photos: Photos, moment: str
) -> None:
    before = add_dataset(store, "demo", photos("one", a=1, b=2)).dataset
    folder = photos("two", c=3, d=4)
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from acutance_storage import contents, ingest
        from acutance_storage.folder import FolderStore
        root, folder, moment = sys.argv[1:]

        def stop(*_):
            print("there", flush=True)
            time.sleep(60)

        progress = None
        if moment == "decoding":
            progress = lambda done, total: done == 1 and stop()
        elif moment == "publishing":
            FolderStore.write_file = stop
        else:
            move = ingest.set_ref
            ingest.set_ref = lambda s, k, name, v: move(s, k, name, v) if "@" in name else stop()
        ingest.add_dataset(FolderStore(root=Path(root)), "demo", Path(folder), progress=progress)
        """
    )
    command = [sys.executable, "-c", program, str(store.root), str(folder), moment]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "there\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    found = open_dataset(store, "demo")
    assert (found.version, len(found)) == (before.version, 2)
    assert verify_dataset(store, "demo") == []
    assert len(add_dataset(store, "demo", folder).dataset) == 4


def test_what_a_killed_ingest_left_is_removed_after_a_week(
    store: FolderStore, photos: Photos
) -> None:
    spool = store.root.parent / "local/spool"
    for name in ("ingest-dead", "ingest-lately", "ingest-alive"):
        (spool / name).mkdir(parents=True)
        (spool / name / "0").touch()
        if name != "ingest-lately":
            for path in (spool / name / "0", spool / name):
                os.utime(path, (1e9, 1e9))
    with FileLock(spool / "ingest-alive.lock"):
        add_dataset(store, "demo", photos("in", a=1))
        left = {path.name for path in spool.iterdir() if path.is_dir()}
        assert left == {"ingest-alive", "ingest-lately"}
