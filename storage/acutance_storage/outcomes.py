"""What became of one file of a source, as a value that can be written down and read again."""

from dataclasses import asdict, dataclass, field
from typing import Any

from acutance_storage.records import Place, Stored


@dataclass(frozen=True, kw_only=True)
class DecodedFile:
    """A picture that a dataset can keep: a file of the source, or a part of one.

    Args:
        file: Path of the file below the source.
        name: What the picture is called: the path, and for a part where it was cut.
        sha256: Hash of its pixels.
        height: HR pixels.
        width: HR pixels.
        treatment: What was done to get there.
        place: Where its pixels lie; provisional for new ones.
        origin: Hash of the whole picture's pixels, before any rule.
        difference_hash: Of the whole picture, see `duplicates`.
        mean: Of red, green and blue, 0 to 255.
        deviation: Standard deviation of each, likewise.
        lr: Its LR picture, if pairs are added.
        map: Its segmentation map, if it has one.
    """

    file: str
    name: str
    sha256: str
    height: int
    width: int
    treatment: str
    place: Place
    origin: str
    difference_hash: bytes
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    lr: Stored | None
    map: Stored | None

    def places(self) -> list[tuple[Place, str]]:
        """Return where all of its pixels lie, with their hashes."""
        beside = [(stored.place, stored.sha256) for stored in (self.lr, self.map) if stored]
        return [(self.place, self.sha256), *beside]


@dataclass(kw_only=True)
class Outcome:
    """Everything that reading one file gave.

    Args:
        pictures: What can be kept of it.
        treated: Names and treatments that are told.
        skipped: Names and reasons.
        problems: What must be mended before anything is added.
        map: Where its map stands, how many numbers it has per pixel, and its highest value.
    """

    pictures: list[DecodedFile] = field(default_factory=list)
    treated: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    map: tuple[str, int, int] | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        data = asdict(self)
        for picture in data["pictures"]:
            picture["difference_hash"] = picture["difference_hash"].hex()
        return data


def outcome_of(data: dict[str, Any]) -> Outcome:
    """Return the outcome that `Outcome.as_data` gave as `data`.

    Raises:
        KeyError, TypeError, ValueError: If it is something else.
    """
    return Outcome(
        pictures=[_picture(each) for each in data["pictures"]],
        treated=[(name, what) for name, what in data["treated"]],
        skipped=[(name, why) for name, why in data["skipped"]],
        problems=list(data["problems"]),
        map=tuple(data["map"]) if data["map"] else None,
    )


def _picture(data: dict[str, Any]) -> DecodedFile:
    return DecodedFile(
        **{
            **data,
            "place": Place(**data["place"]),
            "difference_hash": bytes.fromhex(data["difference_hash"]),
            "mean": tuple(data["mean"]),
            "deviation": tuple(data["deviation"]),
            "lr": _stored(data["lr"]),
            "map": _stored(data["map"]),
        }
    )


def _stored(data: dict[str, Any] | None) -> Stored | None:
    return Stored(sha256=data["sha256"], place=Place(**data["place"])) if data else None
