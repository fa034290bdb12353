"""The pass over a folder's files: decode, hash, pair, spool; one bad file never hides others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from acutance_storage.dataset import pixel_hash
from acutance_storage.decode import decode_picture
from acutance_storage.duplicates import difference_hash
from acutance_storage.errors import PictureUnreadable
from acutance_storage.pairs import LrNames, crop_to_lr
from acutance_storage.records import Entry, Place, StoredLr
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
    """

    file: str
    sha256: str
    height: int
    width: int
    treatment: str
    place: Place
    difference_hash: bytes
    lr: StoredLr | None


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
    """

    def __init__(
        self, *, spool: ShardSpool, stored: Sequence[Entry], lr_names: LrNames | None
    ) -> None:
        self._spool = spool
        self._lr_names = lr_names
        # Pixel hash to where these pixels lie: an exact duplicate is stored once.
        self._hr = {entry.picture.sha256: entry.place for entry in stored}
        self._lr = {entry.lr.sha256: entry.lr.place for entry in stored if entry.lr}
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
        return self._result

    def _take(self, name: str, path: Path) -> None:
        # The LR name is looked up first, so that the LR of an unreadable HR is not called single.
        lr_path, missing = self._lr_names.find(name) if self._lr_names else (None, "")
        try:
            picture = decode_picture(path)
        except PictureUnreadable as error:
            self._result.skipped.append((name, error.reason))
            return
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
        self._keep(name, pixels, treatment, lr)

    def _keep(
        self, name: str, pixels: NDArray[np.uint8], treatment: str, lr: StoredLr | None
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
            )
        )

    def _pair(
        self, name: str, hr: NDArray[np.uint8], path: Path, scale: int
    ) -> tuple[NDArray[np.uint8] | None, StoredLr | None]:
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
        sha = pixel_hash(picture.pixels)
        return cropped, StoredLr(sha256=sha, place=self._spooled(self._lr, sha, picture.pixels))

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
