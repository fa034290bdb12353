"""A dataset's next version: the pictures it holds, those of a folder, and their splits."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from acutance_storage.assigning import asked_by_origin, assign
from acutance_storage.errors import DatasetError
from acutance_storage.images_index import Index
from acutance_storage.outcomes import DecodedFile
from acutance_storage.records import Addition, Entry, Picture, Stored


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The next version, and remarks; see `ingest.AddReport` for what each means."""

    index: Index
    added: int
    already: int
    renamed: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    near_duplicates: tuple[tuple[str, str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    unmoved: tuple[tuple[str, str, str], ...]
    leaks: tuple[tuple[str, str], ...]


def merge(
    name: str,
    before: Index | None,
    files: Sequence[DecodedFile],
    *,
    asked: Mapping[str, str],
    scale: int | None,
    classes: int | None,
    licence: str,
    source: str,
    addition: Addition,
) -> Merged:
    """Return the version of dataset `name` that also holds `files`.

    Args:
        name: The dataset's name.
        before: Its version before; None for a new dataset.
        files: What was decoded, by name.
        asked: The split that somebody asked for, by file.
        scale: Scale of the LR pictures in `files`, if they have any.
        classes: Classes of the maps of `files`, and of those before; None keeps what is known.
        licence: Kept with `files`; empty keeps what is known.
        source: Kept with `files`; empty keeps what is known.
        addition: Where `files` come from, for the lineage, if any of them is new.

    Raises:
        DatasetError: If one picture is asked into two splits or has two maps, or some pictures
            would have an LR picture and others none, or one of another scale.
    """
    stored = {entry.picture.sha256: entry for entry in before.entries} if before else {}
    files = _with_one_map(files)
    firsts = {file.sha256: file for file in reversed(files)}
    fresh = [file for sha, file in firsts.items() if sha not in stored]
    names = _names(stored, fresh)
    choice = assign(name, list(stored.values()), fresh, asked_by_origin(files, asked), names)
    entries = [_again(e, firsts.get(sha), licence, source) for sha, e in stored.items()]
    entries += [
        _entry(file, names[file.sha256], choice.splits[file.origin], licence, source)
        for file in fresh
        if file.origin in choice.splits
    ]
    entries.sort(key=lambda entry: entry.picture.name)
    added = len(entries) - len(stored)
    lineage = before.lineage if before else ()
    if added:
        lineage = (*lineage, replace(addition, added=added))
    return Merged(
        index=_index(name, before, entries, lineage, scale, classes),
        added=added,
        already=len(firsts) - len(fresh),
        renamed=_renamed(fresh, names, choice.splits),
        duplicates=tuple(
            (f.name, firsts[f.sha256].name) for f in files if firsts[f.sha256] is not f
        ),
        near_duplicates=choice.near_duplicates,
        left_out=choice.left_out,
        unmoved=choice.unmoved,
        leaks=choice.leaks,
    )


def _renamed(
    fresh: Sequence[DecodedFile], names: Mapping[str, str], splits: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    return tuple(
        (file.name, f"called {names[file.sha256]}: the dataset has another picture of its name")
        for file in fresh
        if file.name != names[file.sha256] and file.origin in splits
    )


def _with_one_map(files: Sequence[DecodedFile]) -> list[DecodedFile]:
    """Give files with the same pixels the same map: they are one picture."""
    maps: dict[str, tuple[Stored, str]] = {}
    problems = []
    for file in files:
        if file.map is None:
            continue
        stored, first = maps.setdefault(file.sha256, (file.map, file.file))
        if stored != file.map:
            problems.append(f"{file.file} has the same pixels as {first} and another map")
    if problems:
        raise DatasetError("the same picture has two maps. Remove one of each pair", problems)
    return [replace(file, map=maps.get(file.sha256, (None,))[0]) for file in files]


def _names(stored: Mapping[str, Entry], fresh: Sequence[DecodedFile]) -> dict[str, str]:
    """Return a name per new picture; one that is taken by other pixels gets its hash added."""
    taken = {entry.picture.name for entry in stored.values()}
    names = {}
    for file in fresh:
        path = PurePosixPath(file.name)
        other = path.with_name(f"{path.stem}~{file.sha256[:8]}{path.suffix}")
        names[file.sha256] = str(other) if file.name in taken else file.name
    return names


def _entry(file: DecodedFile, name: str, split: str, licence: str, source: str) -> Entry:
    picture = Picture(
        name=name,
        sha256=file.sha256,
        height=file.height,
        width=file.width,
        split=split,
        source=source,
        treatment=file.treatment,
        licence=licence,
    )
    return Entry(
        picture=picture,
        place=file.place,
        difference_hash=file.difference_hash,
        lr=file.lr,
        map=file.map,
        cut_from=None if file.origin == file.sha256 else file.origin,
        mean=file.mean,
        deviation=file.deviation,
    )


def _again(entry: Entry, file: DecodedFile | None, licence: str, source: str) -> Entry:
    """Return a stored picture with what adding it once more says anew."""
    if file is None:
        return entry
    picture = replace(
        entry.picture,
        licence=licence or entry.picture.licence,
        source=source or entry.picture.source,
    )
    return replace(
        entry,
        picture=picture,
        lr=file.lr or entry.lr,
        map=file.map or entry.map,
        mean=file.mean,
        deviation=file.deviation,
    )


def _scale(before: Index | None, entries: Sequence[Entry], scale: int | None) -> int | None:
    """Return the scale of the pairs: all pictures have an LR picture of one scale, or none has."""
    known = before.lr_scale if before else None
    if scale is not None and known is not None and scale != known:
        raise DatasetError(
            f"the dataset holds pairs of scale {known}, these are of {scale}. Use another name, "
            "or replace the dataset"
        )
    single = [entry.picture.name for entry in entries if entry.lr is None]
    if single and len(single) < len(entries):
        raise DatasetError(
            f"{len(single)} of {len(entries)} pictures would have no LR picture: a dataset holds "
            "pairs only, or none. Use another name, or replace the dataset",
            single,
        )
    return None if single else scale or known


def _index(
    name: str,
    before: Index | None,
    entries: Sequence[Entry],
    lineage: tuple[Addition, ...],
    scale: int | None,
    classes: int | None,
) -> Index:
    lr_scale = _scale(before, entries, scale)
    classes = classes or (before.classes if before else None)
    return Index(
        name=name,
        version=content_version(entries, lr_scale, classes),
        lr_scale=lr_scale,
        entries=tuple(entries),
        classes=classes,
        lineage=lineage,
    )


def content_version(entries: Sequence[Entry], lr_scale: int | None, classes: int | None) -> str:
    """Return the SHA-256, in hex, of all that a training can see of these pictures.

    That is each one's name, pixels, split, LR pixels and map, the scale and the classes; not when,
    from where or in which order they came, nor how they are stored.
    """
    rows = sorted(
        [e.picture.name, e.picture.sha256, e.picture.split, e.lr.sha256 if e.lr else ""]
        for e in entries
    )
    content = {"content": 1, "lr_scale": lr_scale, "pictures": rows}
    if classes is not None:
        content["classes"] = classes
        content["maps"] = sorted([e.picture.name, e.map.sha256] for e in entries if e.map)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
