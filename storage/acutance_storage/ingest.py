"""``acutance data add``: a folder of pictures becomes a version of a dataset.

Every file is decoded once. The new version holds the pictures of the version before it (unless it
replaces that) and those of the folder. Nothing is visible until everything is stored: blobs
first, then the version's ref, then the name. Killed at any moment, the earlier version stands.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from acutance_storage.blobs import BlobStore
from acutance_storage.contents import put_blob
from acutance_storage.dataset import ImageDataset, check_name, read_index
from acutance_storage.decoding import DecodedFolder, Decoder, Progress
from acutance_storage.errors import DatasetError
from acutance_storage.gather import gather
from acutance_storage.images_index import Index, dump_index
from acutance_storage.maps import MAX_CLASSES, MapFolder
from acutance_storage.merge import Merged, merge
from acutance_storage.pairs import LrNames
from acutance_storage.records import Addition, Entry, Place
from acutance_storage.refs import get_ref, set_ref
from acutance_storage.rules import Rules
from acutance_storage.shards import ShardSpool
from acutance_storage.sources import FolderSource, Source
from acutance_storage.splits import asked_splits, split_rules


@dataclass(frozen=True, kw_only=True)
class AddReport:
    """What `add_dataset` did. Files are named by their paths below the folder.

    Args:
        dataset: The new version, opened.
        added: Pictures that were not there before.
        already: Pictures that were.
        treated: File and treatment, for each that was not plain RGB.
        skipped: File and reason, for each that is not in the dataset.
        duplicates: File and the picture with exactly the same pixels, which stands for both.
        near_duplicates: Picture, the picture it resembles, and the split it took for that.
        left_out: Picture and reason: it resembles pictures of two splits.
        unmoved: Picture, the split that was asked for, and the one where it stays because it was
            stored there before.
        leaks: Pictures that resemble each other, in different splits because a list or sub-folder
            said so.
        resumed: Files that an interrupted addition had read already.
    """

    dataset: ImageDataset
    added: int
    already: int
    treated: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    near_duplicates: tuple[tuple[str, str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    unmoved: tuple[tuple[str, str, str], ...]
    leaks: tuple[tuple[str, str], ...]
    resumed: int


def add_dataset(
    store: BlobStore,
    name: str,
    folder: Path | str,
    *,
    rules: Rules | None = None,
    licence: str = "",
    source: str = "",
    split: Path | str | Mapping[str, str] | None = None,
    lr: Path | None = None,
    scale: int | None = None,
    maps: Path | None = None,
    classes: int | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> AddReport:
    """Add every picture below `folder` to the dataset `name`, and return what was done.

    Interrupted and called again, it goes on where it was. The same folder again gives the same
    version; a later one adds to the version before it, where a picture keeps the split it has. Each
    file that cannot be used is skipped with a reason.

    Args:
        store: Where the dataset lies.
        name: Letters, digits, ``_ - .``; made if it does not exist.
        folder: Searched recursively; or ``s3://BUCKET/PREFIX``, fetched a few files at a time.
        rules: What is cut from each picture; None keeps them whole. Not with `lr` and `maps`.
        licence: Kept with each of these pictures.
        source: Kept with each of these pictures.
        split: A split list (see `splits`), as a file or as a mapping from name or glob to split.
        lr: A folder with the LR picture of each HR picture (see `pairs`).
        scale: HR pixels per LR pixel; with `lr` only.
        maps: A folder with segmentation maps (see `maps`); pictures without one are background.
        classes: Classes of the maps, 2 to 256; None: as those before, else as found, else 8.
        replace: Forget the version before: its pictures and its splits.
        progress: Called with files done and files in all, first and after each file.

    Raises:
        DatasetError: If what is given is not as it must be.
        StoreFull: If it does not fit; the dataset is as it was.
    """
    check_name(name)
    rules = _alone(rules or Rules(), lr, maps)
    place = _source(folder)
    asked = asked_splits([file.name for file in place.files], split_rules(split))
    lr_names = _lr_names(lr, scale)
    newest = get_ref(store, "datasets", name)
    before = None if replace or newest is None else read_index(store, name)
    map_folder = _map_folder(maps, classes, before)
    key = _key(store, name, place, rules, before, lr, scale, maps, classes)
    with ShardSpool(store, key=key) as spool:
        decoder = _decoder(spool, before, lr_names, map_folder, rules)
        decoded = _checked(decoder.run(place, progress), place, map_folder)
        merged = merge(
            name, before, decoded.files, asked=asked, scale=scale,
            classes=map_folder.classes if map_folder else None, licence=licence, source=source,
            addition=_addition(place, rules),
        )  # fmt: skip
        index = _publish(store, spool, merged.index, newest)
    return _report(ImageDataset(store=store, index=index), decoded, merged)


def _source(folder: Path | str) -> Source:
    if isinstance(folder, str) and folder.startswith("s3://"):
        # boto3 takes a while to import, which a folder need not pay.
        from acutance_storage.s3_source import S3Source

        return S3Source(folder)
    return FolderSource(Path(folder))


def _tool() -> str:
    """Return what a lineage calls this program."""
    try:
        return f"acutance {metadata.version('acutance')}"
    except metadata.PackageNotFoundError:
        return "acutance"  # run from its sources


def _addition(source: Source, rules: Rules) -> Addition:
    return Addition(address=source.address, rules=rules.described(), tool=_tool(), added=0)


def _alone(rules: Rules, lr: Path | None, maps: Path | None) -> Rules:
    if rules and (lr is not None or maps is not None):
        raise DatasetError(f"{rules.described()}: rules cut whole pictures, without lr and maps")
    return rules


def _key(
    store: BlobStore, name: str, source: Source, rules: Rules, before: Index | None, *more: object
) -> str:
    """Return the name of an addition: equal for the same pictures to the same version."""
    version = before.version if before else None
    said = [_tool(), store.address, name, source.address, rules.described(), version]
    return hashlib.sha256(json.dumps([*said, *map(str, more)]).encode()).hexdigest()[:16]


def _decoder(
    spool: ShardSpool,
    before: Index | None,
    lr_names: LrNames | None,
    maps: MapFolder | None,
    rules: Rules,
) -> Decoder:
    stored = before.entries if before else ()
    return Decoder(spool=spool, stored=stored, lr_names=lr_names, maps=maps, rules=rules)


def _lr_names(lr: Path | None, scale: int | None) -> LrNames | None:
    if lr is None and scale is None:
        return None
    if lr is None or scale is None or scale < 2:
        raise DatasetError(
            f"lr={None if lr is None else str(lr)!r}, {scale=}: pairs need both a folder of LR "
            "pictures and a scale from 2 on"
        )
    return LrNames(gather(Path(lr)).files, scale)


def _map_folder(maps: Path | None, classes: int | None, before: Index | None) -> MapFolder | None:
    if maps is None and classes is None:
        return None
    known = before.classes if before else None
    if maps is None or (classes is not None and not 2 <= classes <= MAX_CLASSES):
        raise DatasetError(
            f"maps={None if maps is None else str(maps)!r}, {classes=}: segmentation maps need a "
            f"folder, and have 2 to {MAX_CLASSES} classes"
        )
    if classes is not None and known is not None and classes != known:
        raise DatasetError(
            f"the dataset has maps of {known} classes, these are of {classes}. Use another name, "
            "or replace the dataset"
        )
    return MapFolder(gather(Path(maps)).files, classes or known)


def _checked(decoded: DecodedFolder, source: Source, maps: MapFolder | None) -> DecodedFolder:
    """Raise for pairs and maps that do not fit, and for a source without a usable picture."""
    decoded.skipped.extend(source.skipped)
    folder = source.address
    wrong = maps.problems if maps else []
    if decoded.problems:
        raise DatasetError(
            f"{folder}: {len(decoded.problems)} pictures do not pair up, so nothing was added. "
            "Each HR picture needs exactly one LR picture of the same scene",
            [*decoded.problems, *wrong],
        )
    if wrong:
        raise DatasetError(
            f"{folder}: {len(wrong)} segmentation maps do not fit, so nothing was added. Each map "
            "needs a picture of its name and size, and known classes",
            wrong,
        )
    if not decoded.files:
        raise DatasetError(
            f"{folder} holds no picture that can be used",
            [f"{file}: {reason}" for file, reason in sorted(decoded.skipped)],
        )
    return decoded


def _publish(
    store: BlobStore, spool: ShardSpool, index: Index, newest: dict[str, Any] | None
) -> Index:
    """Store shards, index and refs, in this order, and return the index with its real places."""
    blobs = spool.publish()
    placed = tuple(_placed_all(entry, blobs) for entry in index.entries)
    index = dataclasses.replace(index, entries=placed)
    sha = put_blob(store, dump_index(index))
    set_ref(store, "datasets", f"{index.name}@{index.version}", {"index": sha})
    if get_ref(store, "datasets", index.name) != newest:
        raise DatasetError(
            f"dataset {index.name!r} was changed by somebody else meanwhile. Add the folder again"
        )
    set_ref(store, "datasets", index.name, {"version": index.version})
    return index


def _placed_all(entry: Entry, blobs: Mapping[str, str]) -> Entry:
    """Return `entry` with blobs in place of the provisional shards that it names."""
    place, lr, beside = _placed(entry.place, blobs), entry.lr, entry.map
    if lr is not None:
        lr = dataclasses.replace(lr, place=_placed(lr.place, blobs))
    if beside is not None:
        beside = dataclasses.replace(beside, place=_placed(beside.place, blobs))
    return dataclasses.replace(entry, place=place, lr=lr, map=beside)


def _placed(place: Place, blobs: Mapping[str, str]) -> Place:
    return dataclasses.replace(place, shard=blobs.get(place.shard, place.shard))


def _report(dataset: ImageDataset, decoded: DecodedFolder, merged: Merged) -> AddReport:
    return AddReport(
        dataset=dataset,
        added=merged.added,
        already=merged.already,
        treated=tuple(sorted([*decoded.treated, *merged.renamed])),
        skipped=tuple(sorted(decoded.skipped)),
        duplicates=merged.duplicates,
        near_duplicates=merged.near_duplicates,
        left_out=merged.left_out,
        unmoved=merged.unmoved,
        leaks=merged.leaks,
        resumed=decoded.resumed,
    )
