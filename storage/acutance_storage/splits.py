"""Which split each picture of a dataset belongs to: decided once, by content.

From strongest to weakest:

1. A picture that is stored already stays where it is.
2. A split list, else a first-level sub-folder ``train``, ``validation`` or ``test``, says so.
3. A picture that resembles one whose split is settled joins it; new pictures that resemble each
   other, also through others, are settled together. If that pulls towards two splits, they are
   left out.
4. The hash rule: 80 % train, 10 % validation, 10 % test by SHA-256 of the dataset's name and the
   picture's pixels. Then, as long as splits are empty and others hold more than one picture, the
   new picture that the rule puts nearest to the empty split moves there: train is filled first,
   then validation, then test, so one picture trains, two also validate, three also test.

A **split list** is a text file with one rule per line: a split, blanks or a tab, and a name or
glob. ``#`` begins a comment line. Names are paths below the folder, with or without extension;
``*`` also matches slashes. A name wins over a glob. Pictures that no line names follow the rules.

    validation  chelsea
    validation  coffee.png
    test        night/*
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from acutance_storage.duplicates import near_pairs
from acutance_storage.errors import DatasetError
from acutance_storage.records import SPLITS, Split

_BOUNDS: dict[Split, tuple[float, float]] = {
    "train": (0.0, 0.8),
    "validation": (0.8, 0.9),
    "test": (0.9, 1.0),
}


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A picture whose split is known: hash of its pixels, difference hash, split."""

    sha256: str
    difference_hash: bytes
    split: str


@dataclass(frozen=True, kw_only=True)
class Unsettled:
    """A new picture that nobody assigned: hash of its pixels, difference hash."""

    sha256: str
    difference_hash: bytes


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What `settle` decided, by hash of pixels.

    Args:
        splits: The split of each new picture that has one.
        torn: The splits that a left-out picture resembles.
        resembles: For each new picture, the smallest hash among those it resembles.
    """

    splits: dict[str, str]
    torn: dict[str, tuple[str, ...]]
    resembles: dict[str, str]


def split_rules(said: Path | str | Mapping[str, str] | None) -> dict[str, str]:
    """Return a split list as name or glob to split.

    Args:
        said: A file, or the mapping itself, or None for no rules.

    Raises:
        DatasetError: If the file cannot be read or lines make no sense; lists all of them.
    """
    if said is None:
        return {}
    if isinstance(said, Mapping):
        lines = [(f"{pattern!r}", split, pattern) for pattern, split in said.items()]
        place = "split"
    else:
        place = str(said)
        lines = list(_lines(Path(said)))
    rules: dict[str, str] = {}
    problems = []
    for where, split, pattern in lines:
        if split not in SPLITS:
            problems.append(f"{where}: unknown split {split!r}; known: {', '.join(SPLITS)}")
        elif not pattern:
            problems.append(f"{where}: {split} of what? A name or glob is missing")
        elif rules.setdefault(pattern, split) != split:
            problems.append(f"{where}: {pattern!r} was put into {rules[pattern]} before")
    if problems:
        raise DatasetError(f"{place} is no split list. Lines are: split, blank, name", problems)
    return rules


def _lines(path: Path) -> Iterable[tuple[str, str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"the split list {path} cannot be read ({error}). Give a text file in UTF-8"
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            split, _, pattern = line.strip().replace("\t", " ", 1).partition(" ")
            yield f"line {number}", split, pattern.strip()


def asked_splits(names: Sequence[str], rules: Mapping[str, str]) -> dict[str, str]:
    """Return the split that somebody asked for, for each name that somebody spoke of.

    Args:
        names: Paths below the folder.
        rules: What `split_rules` returned; they win over sub-folders.

    Raises:
        DatasetError: If a rule fits no name, or two rules put one name into different splits.
    """
    asked: dict[str, str] = {}
    used: set[str] = set()
    problems = []
    for name in names:
        hits = _matches(name, rules)
        used.update(hits)
        wanted = sorted({rules[pattern] for pattern in hits})
        if len(wanted) > 1:
            problems.append(f"{name}: put into {' and '.join(wanted)} by {', '.join(hits)}")
        elif wanted:
            asked[name] = wanted[0]
        elif "/" in name and name.split("/")[0].lower() in SPLITS:
            asked[name] = name.split("/")[0].lower()
    problems += [f"{pattern!r} fits no picture" for pattern in rules if pattern not in used]
    if problems:
        raise DatasetError("the split list does not fit the folder", problems)
    return asked


def _matches(name: str, rules: Mapping[str, str]) -> list[str]:
    bare = str(PurePosixPath(name).with_suffix(""))
    exact = [said for said in (name, bare) if said in rules]
    return exact or [p for p in rules if fnmatchcase(name, p) or fnmatchcase(bare, p)]


def hash_fraction(dataset: str, sha256: str) -> float:
    """Return the number in [0, 1) that the hash rule gives to a picture of a dataset."""
    digest = hashlib.sha256(f"{dataset}\0{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def hash_split(dataset: str, sha256: str) -> Split:
    """Return the split that the hash rule alone gives to a picture of a dataset."""
    fraction = hash_fraction(dataset, sha256)
    return next(split for split, (_, end) in _BOUNDS.items() if fraction < end)


def settle(dataset: str, settled: Sequence[Settled], new: Sequence[Unsettled]) -> Settlement:
    """Decide the split of new pictures by rules 3 and 4 above.

    The result depends on the content alone, not on the order of the arguments.

    Args:
        dataset: The dataset's name, which salts the hash rule.
        settled: Pictures that are stored, or that somebody assigned.
        new: The others, each pixel hash once.
    """
    new = sorted(new, key=lambda picture: picture.sha256)
    groups, pulls, resembles = _resemblance(settled, new)
    splits: dict[str, str] = {}
    torn: dict[str, tuple[str, ...]] = {}
    free: list[list[str]] = []
    for group in groups:
        towards = sorted(set().union(*(pulls[sha] for sha in group)))
        if len(towards) > 1:
            torn.update(dict.fromkeys(group, tuple(towards)))
        elif towards:
            splits.update(dict.fromkeys(group, towards[0]))
        else:
            free.append(group)
    counts = dict.fromkeys(map(str, SPLITS), 0)
    for taken in [*(picture.split for picture in settled), *splits.values()]:
        counts[taken] += 1
    splits.update(_by_hash(dataset, counts, free))
    return Settlement(splits=splits, torn=torn, resembles=resembles)


def leaks(assigned: Sequence[Settled], settled: Sequence[Settled]) -> list[tuple[str, str]]:
    """Return pairs of hashes that resemble each other and are in different splits.

    Args:
        assigned: Pictures that somebody put where they are.
        settled: All pictures whose split is known, `assigned` included.
    """
    found = near_pairs(
        [picture.difference_hash for picture in assigned],
        [picture.difference_hash for picture in settled],
    )
    crossing = [
        (assigned[i].sha256, settled[j].sha256)
        for i, j in found
        if assigned[i].split != settled[j].split
    ]
    return sorted({(min(pair), max(pair)) for pair in crossing})


def _resemblance(
    settled: Sequence[Settled], new: Sequence[Unsettled]
) -> tuple[list[list[str]], dict[str, set[str]], dict[str, str]]:
    """Return groups of new pictures, the splits each is pulled to, and what each resembles."""
    hashes = [picture.difference_hash for picture in new]
    group_of = {picture.sha256: [picture.sha256] for picture in new}
    pulls: dict[str, set[str]] = {picture.sha256: set() for picture in new}
    like: dict[str, set[str]] = {picture.sha256: set() for picture in new}
    for i, j in near_pairs(hashes, [picture.difference_hash for picture in settled]):
        pulls[new[i].sha256].add(settled[j].split)
        like[new[i].sha256].add(settled[j].sha256)
    for i, j in near_pairs(hashes, hashes):
        if i == j:
            continue
        like[new[i].sha256].add(new[j].sha256)
        one, other = group_of[new[i].sha256], group_of[new[j].sha256]
        if one is not other:
            one += other
            group_of.update(dict.fromkeys(other, one))
    groups = sorted({id(group): sorted(group) for group in group_of.values()}.values())
    return groups, pulls, {sha: min(others) for sha, others in like.items() if others}


def _by_hash(dataset: str, counts: dict[str, int], groups: list[list[str]]) -> dict[str, str]:
    """Assign groups that resemble nothing settled; a group's smallest hash speaks for it."""
    where: dict[int, str] = {}
    for i, group in enumerate(groups):
        where[i] = hash_split(dataset, group[0])
        counts[where[i]] += len(group)
    for empty in SPLITS:
        if counts[empty]:
            continue
        low, high = _BOUNDS[empty]
        # Filling a split must not empty one that comes before it.
        movable = [
            (
                max(
                    low - hash_fraction(dataset, group[0]), hash_fraction(dataset, group[0]) - high
                ),
                i,
            )
            for i, group in enumerate(groups)
            if counts[where[i]] > len(group) or SPLITS.index(where[i]) > SPLITS.index(empty)
        ]
        if movable:
            _, i = min(movable)
            counts[where[i]] -= len(groups[i])
            where[i] = empty
            counts[empty] += len(groups[i])
    return {sha: where[i] for i, group in enumerate(groups) for sha in group}
