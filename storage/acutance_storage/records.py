"""What is known about each picture of a dataset."""

from dataclasses import dataclass
from typing import Literal

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
    """One row of a dataset's index: a picture, where its pixels lie, its LR and map if any."""

    picture: Picture
    place: Place
    difference_hash: bytes
    lr: Stored | None
    map: Stored | None = None
