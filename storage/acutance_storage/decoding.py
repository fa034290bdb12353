"""The pass over a source's files: decode, cut, hash, pair, spool; one bad file hides no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from acutance_storage.dataset import pixel_hash
from acutance_storage.decode import Decoded, decode_picture
from acutance_storage.duplicates import difference_hash
from acutance_storage.errors import PictureUnreadable
from acutance_storage.maps import MapFolder
from acutance_storage.outcomes import DecodedFile, Outcome
from acutance_storage.pairs import LrNames, crop_to_lr
from acutance_storage.records import Entry, Place, Stored
from acutance_storage.rules import Part, Rules, parts
from acutance_storage.shards import ShardSpool
from acutance_storage.sources import Fetched, Identity, Source, SourceFile, identity_of
from acutance_storage.statistics import channel_statistics

Progress = Callable[[int, int], None]


@dataclass(kw_only=True)
class DecodedFolder:
    """What a pass found: usable pictures in order, and every remark about the others."""

    files: list[DecodedFile] = field(default_factory=list)
    treated: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    resumed: int = 0
    """Files that an interrupted pass had read already."""


@dataclass(frozen=True)
class _Beside:
    """The files that belong to one file of the source, and what they are."""

    lr: Path | None
    missing: str
    map: Path | None
    identity: Identity


@final
class Decoder:
    """Decodes the files of one source into a spool.

    Args:
        spool: Where pixels go that are not stored yet.
        stored: The pictures that the dataset holds; their pixels are not stored again.
        lr_names: Finds the LR file of a name; None where no pairs are added.
        maps: Finds and reads the map of a name; None where none are added.
        rules: What is cut from each picture.
    """

    def __init__(
        self,
        *,
        spool: ShardSpool,
        stored: Sequence[Entry],
        lr_names: LrNames | None = None,
        maps: MapFolder | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._spool = spool
        self._lr_names = lr_names
        self._map_folder = maps
        self._rules = rules or Rules()
        # Pixel hash to where these pixels lie: an exact duplicate is stored once.
        self._hr = {entry.picture.sha256: entry.place for entry in stored}
        self._lr = {entry.lr.sha256: entry.lr.place for entry in stored if entry.lr}
        self._maps = {entry.map.sha256: entry.map.place for entry in stored if entry.map}
        self._result = DecodedFolder()

    def run(self, source: Source, progress: Progress | None = None) -> DecodedFolder:
        """Decode the files of a source, and return what was found."""
        report = progress or (lambda done, total: None)
        files = [(file, self._beside_of(file)) for file in source.files]
        known = [self._spool.known(file.name, beside.identity) for file, beside in files]
        new = (file for (file, _), outcome in zip(files, known, strict=True) if outcome is None)
        fetched = source.fetch(new, self._spool.scratch)
        self._result.resumed = sum(outcome is not None for outcome in known)
        report(0, len(files))
        for done, ((file, beside), outcome) in enumerate(zip(files, known, strict=True), start=1):
            if outcome is None:
                outcome = self._read(file, beside, next(fetched))
            else:
                self._take_over(outcome)
            self._result.files += outcome.pictures
            self._result.treated += outcome.treated
            self._result.skipped += outcome.skipped
            self._result.problems += outcome.problems
            report(done, len(files))
        self._refuse_single_lr()
        if self._map_folder is not None:
            self._map_folder.finish()
            self._result.skipped.extend(self._map_folder.skipped)
        return self._result

    def _beside_of(self, file: SourceFile) -> _Beside:
        # Names are looked up first, so that the LR of an unreadable HR is not called single.
        lr, missing = self._lr_names.find(file.name) if self._lr_names else (None, "")
        map_path = self._map_folder.find(file.name) if self._map_folder else None
        identity = [*file.identity, *identity_of(lr), *identity_of(map_path)]
        return _Beside(lr, missing, map_path, identity)

    def _take_over(self, outcome: Outcome) -> None:
        """Use what an interrupted pass noted."""
        if self._map_folder is not None and outcome.map is not None:
            self._map_folder.note(*outcome.map)
        for picture in outcome.pictures:
            self._hr.setdefault(picture.sha256, picture.place)
            for places, beside in ((self._lr, picture.lr), (self._maps, picture.map)):
                if beside is not None:
                    places.setdefault(beside.sha256, beside.place)

    def _read(self, file: SourceFile, beside: _Beside, fetched: Fetched) -> Outcome:
        complaints = len(self._map_folder.problems) if self._map_folder else 0
        try:
            if fetched.problem:
                raise PictureUnreadable(fetched.problem)
            outcome = self._decoded(file.name, decode_picture(fetched.path), beside)
        except PictureUnreadable as error:
            outcome = Outcome(skipped=[(file.name, error.reason)])
        # What has to be mended is looked at again.
        if not outcome.problems and complaints == len(
            self._map_folder.problems if self._map_folder else ()
        ):
            self._spool.note(file.name, beside.identity, outcome)
        return outcome

    def _decoded(self, name: str, picture: Decoded, beside: _Beside) -> Outcome:
        planes, noted = self._planes(name, beside.map, picture)
        outcome = Outcome(map=noted)
        pixels, treatment, lr = picture.pixels, picture.treatment, None
        if beside.missing:
            outcome.problems.append(beside.missing)
            return outcome
        if beside.lr is not None and self._lr_names is not None:
            cropped, lr = self._pair(name, pixels, beside.lr, self._lr_names.scale, outcome)
            if cropped is None:
                return outcome
            if cropped.shape != pixels.shape:
                note = f"cropped to {cropped.shape[0]}x{cropped.shape[1]} for its LR picture"
                treatment = "; ".join(filter(None, [treatment, note]))
            pixels = np.ascontiguousarray(cropped)
        kept = list(parts(pixels, self._rules))
        if treatment:
            outcome.treated.append((name, treatment))
        map_ = None
        if planes is not None:
            planes = np.ascontiguousarray(planes[: pixels.shape[0], : pixels.shape[1]])
            map_ = self._beside(self._maps, planes)
        self._keep(outcome, name, pixels, kept, treatment, lr, map_)
        return outcome

    def _planes(
        self, name: str, path: Path | None, picture: Decoded
    ) -> tuple[NDArray[np.uint8] | None, tuple[str, int, int] | None]:
        if path is None or self._map_folder is None:
            return None, None
        planes = self._map_folder.read(name, path, picture)
        return planes, self._map_folder.noted

    def _keep(
        self,
        outcome: Outcome,
        name: str,
        whole: NDArray[np.uint8],
        kept: Sequence[Part],
        treatment: str,
        lr: Stored | None,
        beside: Stored | None,
    ) -> None:
        origin, alike = pixel_hash(whole), difference_hash(whole)
        for part in kept:
            sha = pixel_hash(part.pixels) if part.note else origin
            mean, deviation = channel_statistics(part.pixels)
            outcome.pictures.append(
                DecodedFile(
                    file=name,
                    name=_part_name(name, part.suffix),
                    sha256=sha,
                    height=part.pixels.shape[0],
                    width=part.pixels.shape[1],
                    treatment="; ".join(filter(None, [treatment, part.note])),
                    place=self._spooled(self._hr, sha, part.pixels),
                    origin=origin,
                    difference_hash=alike,
                    mean=mean,
                    deviation=deviation,
                    lr=lr,
                    map=beside,
                )
            )

    def _pair(
        self, name: str, hr: NDArray[np.uint8], path: Path, scale: int, outcome: Outcome
    ) -> tuple[NDArray[np.uint8] | None, Stored | None]:
        """Return the cropped HR picture and its stored LR, or remark on what is wrong."""
        try:
            picture = decode_picture(path, min_side=1)
        except PictureUnreadable as error:
            outcome.skipped.append((name, f"its LR picture {path.name}: {error.reason}"))
            return None, None
        cropped, problem = crop_to_lr(hr, picture.pixels, scale)
        if cropped is None:
            outcome.problems.append(f"{name}, {path.name}: {problem}")
            return None, None
        if picture.treatment:
            outcome.treated.append((f"{name}, LR {path.name}", picture.treatment))
        return cropped, self._beside(self._lr, picture.pixels)

    def _beside(self, places: dict[str, Place], pixels: NDArray[np.uint8]) -> Stored:
        sha = pixel_hash(pixels)
        return Stored(sha256=sha, place=self._spooled(places, sha, pixels))

    def _spooled(self, places: dict[str, Place], sha: str, pixels: NDArray[np.uint8]) -> Place:
        if sha not in places:
            places[sha] = self._spool.add(pixels)
        return places[sha]

    def _refuse_single_lr(self) -> None:
        """Remark on LR pictures without HR; other files of that folder are merely skipped."""
        for name, path in self._lr_names.left() if self._lr_names else []:
            try:
                decode_picture(path, min_side=1)
            except PictureUnreadable as error:
                self._result.skipped.append((f"LR {name}", error.reason))
            else:
                self._result.problems.append(f"LR {name}: no HR picture of that name")


def _part_name(name: str, suffix: str) -> str:
    folder, slash, file = name.rpartition("/")
    stem, dot, kind = file.rpartition(".")
    return f"{folder}{slash}{stem}{suffix}{dot}{kind}" if stem else name + suffix
