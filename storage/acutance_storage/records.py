"""What is known about each picture of a dataset."""

from dataclasses import dataclass
from typing import Any, Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


GREY = "grey copied to three channels"
"""Treatment of a file with one channel."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of a dataset.

    Args:
        name: Path below the folder it was added from, with slashes and extension.
        sha256: Hash of the decoded pixels and their shape, in hex.
        height: HR pixels.
        width: HR pixels.
        split: ``train``, ``validation`` or ``test``.
        source: Where it comes from, as said when it was added.
        treatment: What was done to the file to get RGB; empty for nothing.
        licence: Its licence, as said when it was added.
    """

    name: str
    sha256: str
    height: int
    width: int
    split: str
    source: str
    treatment: str
    licence: str

    @property
    def grey(self) -> bool:
        """Whether the file held one channel."""
        return GREY in self.treatment


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where pixels lie: a blob of pictures, and the row in it."""

    shard: str
    row: int


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What lies beside a picture (LR of a pair, segmentation map): its hash, and where it is."""

    sha256: str
    place: Place


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of a dataset's index.

    Args:
        picture: What is known about it.
        place: Where its pixels lie.
        difference_hash: Of the whole picture that it is or was cut from, see `duplicates`.
        lr: Its LR picture; None without pairs.
        map: Its segmentation map, if it has one.
        cut_from: Hash of the whole picture's pixels, where a rule cut or resized it.
        mean: Of red, green and blue, 0 to 255; nothing in datasets from before that was kept.
        deviation: Standard deviation of each, likewise.
    """

    picture: Picture
    place: Place
    difference_hash: bytes
    lr: Stored | None
    map: Stored | None = None
    cut_from: str | None = None
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @property
    def origin(self) -> str:
        """The hash of the whole picture: all that was cut from one is in one split."""
        return self.cut_from or self.picture.sha256

    def places(self) -> list[Place]:
        """Return where all that belongs to it lies."""
        return [self.place, *(stored.place for stored in (self.lr, self.map) if stored)]


@dataclass(frozen=True, kw_only=True)
class Addition:
    """One line of a dataset's lineage: pictures that came together.

    Args:
        address: The folder or prefix they came from.
        rules: What was cut from them, see `rules`; empty for whole pictures.
        tool: The program that did it, with its version.
        added: How many pictures were new.
    """

    address: str
    rules: dict[str, Any]
    tool: str
    added: int
