"""The pass over a folder's files: decode, hash, pair, spool; one bad file never hides others."""

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
from acutance_storage.pairs import LrNames, crop_to_lr
from acutance_storage.records import Entry, Place, Stored
from acutance_storage.shards import ShardSpool

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class DecodedFile:
    """A file of the folder that holds a usable picture.

    Args:
        file: Path below the folder.
        sha256: Hash of its pixels.
        height: HR pixels.
        width: HR pixels.
        treatment: What was done to get there.
        place: Where its pixels lie; provisional for new ones.
        difference_hash: See `duplicates`.
        lr: Its LR picture, if pairs are added.
        map: Its segmentation map, if it has one.
    """

    file: str
    sha256: str
    height: int
    width: int
    treatment: str
    place: Place
    difference_hash: bytes
    lr: Stored | None
    map: Stored | None


@dataclass(frozen=True, kw_only=True)
class DecodedFolder:
    """What a pass found: usable files in order, and every remark about the others."""

    files: list[DecodedFile] = field(default_factory=list)
    treated: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@final
class Decoder:
    """Decodes the files of one folder into a spool.

    Args:
        spool: Where pixels go that are not stored yet.
        stored: The pictures that the dataset holds; their pixels are not stored again.
        lr_names: Finds the LR file of a name; None where no pairs are added.
        maps: Finds and reads the map of a name; None where none are added.
    """

    def __init__(
        self,
        *,
        spool: ShardSpool,
        stored: Sequence[Entry],
        lr_names: LrNames | None = None,
        maps: MapFolder | None = None,
    ) -> None:
        self._spool = spool
        self._lr_names = lr_names
        self._map_folder = maps
        # Pixel hash to where these pixels lie: an exact duplicate is stored once.
        self._hr = {entry.picture.sha256: entry.place for entry in stored}
        self._lr = {entry.lr.sha256: entry.lr.place for entry in stored if entry.lr}
        self._maps = {entry.map.sha256: entry.map.place for entry in stored if entry.map}
        self._result = DecodedFolder()

    def run(
        self, files: Sequence[tuple[str, Path]], progress: Progress | None = None
    ) -> DecodedFolder:
        """Decode `files`, names and paths, and return what was found."""
        report = progress or (lambda done, total: None)
        report(0, len(files))
        for done, (name, path) in enumerate(files, start=1):
            self._take(name, path)
            report(done, len(files))
        self._refuse_single_lr()
        if self._map_folder is not None:
            self._map_folder.finish()
            self._result.skipped.extend(self._map_folder.skipped)
        return self._result

    def _take(self, name: str, path: Path) -> None:
        # Names are looked up first, so that the LR of an unreadable HR is not called single.
        lr_path, missing = self._lr_names.find(name) if self._lr_names else (None, "")
        map_path = self._map_folder.find(name) if self._map_folder else None
        try:
            picture = decode_picture(path)
        except PictureUnreadable as error:
            self._result.skipped.append((name, error.reason))
            return
        planes = self._planes(name, map_path, picture)
        pixels, treatment, lr = picture.pixels, picture.treatment, None
        if missing:
            self._result.problems.append(missing)
            return
        if lr_path is not None and self._lr_names is not None:
            cropped, lr = self._pair(name, pixels, lr_path, self._lr_names.scale)
            if cropped is None:
                return
            if cropped.shape != pixels.shape:
                note = f"cropped to {cropped.shape[0]}x{cropped.shape[1]} for its LR picture"
                treatment = "; ".join(filter(None, [treatment, note]))
            pixels = np.ascontiguousarray(cropped)
        if treatment:
            self._result.treated.append((name, treatment))
        beside = None
        if planes is not None:
            planes = np.ascontiguousarray(planes[: pixels.shape[0], : pixels.shape[1]])
            beside = self._beside(self._maps, planes)
        self._keep(name, pixels, treatment, lr, beside)

    def _planes(self, name: str, path: Path | None, picture: Decoded) -> NDArray[np.uint8] | None:
        if path is None or self._map_folder is None:
            return None
        return self._map_folder.read(name, path, picture)

    def _keep(
        self,
        name: str,
        pixels: NDArray[np.uint8],
        treatment: str,
        lr: Stored | None,
        beside: Stored | None,
    ) -> None:
        sha = pixel_hash(pixels)
        self._result.files.append(
            DecodedFile(
                file=name,
                sha256=sha,
                height=pixels.shape[0],
                width=pixels.shape[1],
                treatment=treatment,
                place=self._spooled(self._hr, sha, pixels),
                difference_hash=difference_hash(pixels),
                lr=lr,
                map=beside,
            )
        )

    def _pair(
        self, name: str, hr: NDArray[np.uint8], path: Path, scale: int
    ) -> tuple[NDArray[np.uint8] | None, Stored | None]:
        """Return the cropped HR picture and its stored LR, or remark on what is wrong."""
        try:
            picture = decode_picture(path, min_side=1)
        except PictureUnreadable as error:
            self._result.skipped.append((name, f"its LR picture {path.name}: {error.reason}"))
            return None, None
        cropped, problem = crop_to_lr(hr, picture.pixels, scale)
        if cropped is None:
            self._result.problems.append(f"{name}, {path.name}: {problem}")
            return None, None
        if picture.treatment:
            self._result.treated.append((f"{name}, LR {path.name}", picture.treatment))
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
