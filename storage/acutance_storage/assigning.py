"""Which split the pictures of an addition go to: decided for whole pictures, never for parts.

What was cut from one picture stays together, and a picture has the split that it would have
without any rule, because the whole picture's pixels decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from acutance_storage.errors import DatasetError
from acutance_storage.outcomes import DecodedFile
from acutance_storage.records import Entry
from acutance_storage.splits import Settled, Settlement, Unsettled, leaks, settle


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Splits by origin (the hash of a whole picture), and remarks, see `ingest.AddReport`."""

    splits: dict[str, str]
    near_duplicates: tuple[tuple[str, str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    unmoved: tuple[tuple[str, str, str], ...]
    leaks: tuple[tuple[str, str], ...]


def assign(
    name: str,
    stored: Sequence[Entry],
    fresh: Sequence[DecodedFile],
    wanted: Mapping[str, str],
    names: Mapping[str, str],
) -> Assignment:
    """Return where new pictures belong.

    Args:
        name: The dataset's name.
        stored: What it holds.
        fresh: What it does not hold yet.
        wanted: The split that somebody asked for, by origin.
        names: What pictures are called, by hash of their pixels.
    """
    settled = {
        entry.origin: Settled(
            sha256=entry.origin,
            difference_hash=entry.difference_hash,
            split=entry.picture.split,
        )
        for entry in stored
    }
    new = {file.origin: file for file in fresh if file.origin not in settled}
    assigned = [
        Settled(sha256=sha, difference_hash=file.difference_hash, split=wanted[sha])
        for sha, file in new.items()
        if sha in wanted
    ]
    free = [
        Unsettled(sha256=sha, difference_hash=file.difference_hash)
        for sha, file in new.items()
        if sha not in wanted
    ]
    settlement = settle(name, [*settled.values(), *assigned], free)
    called = {entry.origin: entry.picture.name for entry in reversed(stored)}
    called.update({sha: names.get(sha, file.file) for sha, file in new.items()})
    crossing = leaks(assigned, [*settled.values(), *assigned])
    return Assignment(
        splits={
            **{sha: picture.split for sha, picture in settled.items()},
            **{picture.sha256: picture.split for picture in assigned},
            **settlement.splits,
        },
        near_duplicates=_near(settlement, called),
        left_out=_left_out(settlement, called),
        unmoved=_unmoved(settled, wanted, called),
        leaks=tuple(sorted((called[one], called[other]) for one, other in crossing)),
    )


def asked_by_origin(files: Sequence[DecodedFile], asked: Mapping[str, str]) -> dict[str, str]:
    """Return the asked split by whole picture; files with the same pixels must agree.

    Raises:
        DatasetError: If they do not.
    """
    wanted: dict[str, tuple[str, str]] = {}
    problems = []
    for file in files:
        if file.file not in asked:
            continue
        split, first = wanted.setdefault(file.origin, (asked[file.file], file.file))
        if split != asked[file.file]:
            problems.append(
                f"{file.file} in {asked[file.file]} has the same pixels as {first} in {split}"
            )
    if problems:
        raise DatasetError(
            "the same picture is asked into two splits. Remove one of each pair",
            list(dict.fromkeys(problems)),
        )
    return {sha: split for sha, (split, _) in wanted.items()}


def _near(settlement: Settlement, called: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    found = (
        (called[sha], called[other], settlement.splits[sha])
        for sha, other in settlement.resembles.items()
        if sha in settlement.splits
    )
    return tuple(sorted(found))


def _left_out(settlement: Settlement, called: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = (
        (called[sha], f"resembles pictures in {' and '.join(splits)}")
        for sha, splits in settlement.torn.items()
    )
    return tuple(sorted(found))


def _unmoved(
    settled: Mapping[str, Settled], wanted: Mapping[str, str], called: Mapping[str, str]
) -> tuple[tuple[str, str, str], ...]:
    found = (
        (called[sha], split, settled[sha].split)
        for sha, split in wanted.items()
        if sha in settled and settled[sha].split != split
    )
    return tuple(sorted(found))
