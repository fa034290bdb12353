"""Segmentation maps that a user hands over with pictures: found, read, brought to HR size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from acutance_platform.recipe import Problem, RecipeErrors, refuse
from acutance_platform.verbs.depth import Taken
from acutance_platform.verbs.model import Model
from acutance_storage import ImageDataset, read_map, shares
from acutance_storage.errors import PictureUnreadable

_SUFFIXES = (".png", ".npz")


@dataclass(frozen=True)
class PictureMap:
    """The map file of one picture, for a network that takes maps."""

    path: Path
    """NAME.png with classes, or NAME.npz with probabilities."""
    classes: int
    """What the network takes."""
    scale: int
    """HR pixels per LR pixel."""

    def read(self, picture: Taken) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Return the map at HR size, (scale * h, scale * w, classes), any sum over the classes.

        A map of the size of the LR picture is enlarged: classes by repeating pixels, probabilities
        bilinearly (half-pixel centres), to be divided by their sum afterwards.

        Args:
            picture: The LR picture, of h x w pixels.

        Raises:
            PictureUnreadable: If the file is no map, or not of this picture and network.
        """
        if "EXIF orientation" in picture.treatment:
            rule = "its picture is turned by its EXIF orientation; save the picture upright"
            raise PictureUnreadable(rule)
        planes = read_map(self.path)
        if planes.shape[2] == 1 and int(planes.max()) >= self.classes:
            rule = f"class {planes.max()}, where the network knows 0 to {self.classes - 1}"
            raise PictureUnreadable(rule)
        if planes.shape[2] not in (1, self.classes):
            rule = f"{planes.shape[2]} classes, where the network has {self.classes}"
            raise PictureUnreadable(rule)
        small = picture.pixels.shape[:2]
        large = (small[0] * self.scale, small[1] * self.scale)
        if planes.shape[:2] == small:
            if planes.shape[2] > 1:
                return _bilinear(planes, self.scale)
            planes = planes.repeat(self.scale, axis=0).repeat(self.scale, axis=1)
        if planes.shape[:2] != large:
            raise PictureUnreadable(
                f"it is {planes.shape[0]}x{planes.shape[1]}; {large[0]}x{large[1]} is needed, or "
                f"the picture's own {small[0]}x{small[1]}"
            )
        return shares(planes, self.classes)


def find_maps(
    maps: Path | None, pictures: Sequence[Path], model: Model
) -> dict[Path, PictureMap | None]:
    """Return the map of each picture; None = background everywhere.

    Args:
        maps: The map of the one picture, or a folder with NAME.png or NAME.npz for NAME.jpg.
        pictures: Picture files.
        model: The network that is to be shown the maps.

    Raises:
        RecipeErrors: If the network takes no maps, there is nothing at that place, no map fits a
            picture, or several do.
    """
    if maps is None:
        return dict.fromkeys(pictures)
    classes = classes_of(model, maps)
    scale = model.scale(None)
    if maps.is_file() and len(pictures) == 1:
        return {pictures[0]: PictureMap(maps, classes, scale)}
    if maps.is_file():
        rule = f"this is one map, and there are {len(pictures)} pictures"
        raise refuse("--maps", str(maps), rule, "Name a folder of maps.")
    if not maps.is_dir():
        raise refuse("--maps", str(maps), "there is no such file or folder", "Check the path.")
    by_stem: dict[str, list[Path]] = {}
    for file in sorted(maps.iterdir()):
        if file.suffix.lower() in _SUFFIXES and file.is_file():
            by_stem.setdefault(file.stem.lower(), []).append(file)
    fitting = {picture: by_stem.get(picture.stem.lower(), []) for picture in pictures}
    problems = [
        Problem("--maps", PurePosixPath(picture).name, rule, "Leave one map.")
        for picture, files in fitting.items()
        if len(files) > 1
        for rule in [f"several maps fit: {', '.join(file.name for file in files)}"]
    ]
    if problems:
        raise RecipeErrors(problems)
    if not any(fitting.values()):
        rule = "no map in it has the name of a picture"
        raise refuse("--maps", str(maps), rule, "NAME.jpg has NAME.png or NAME.npz.")
    return {
        picture: PictureMap(files[0], classes, scale) if files else None
        for picture, files in fitting.items()
    }


def classes_of(model: Model, maps: Path) -> int:
    """Return the classes of the maps that a model takes.

    Raises:
        RecipeErrors: If it takes none.
    """
    classes = model.classes
    if classes is None:
        rule = f"{model.address} takes no segmentation maps"
        raise refuse("--maps", str(maps), rule, "Leave it out, or name an sftgan.")
    return classes


def check_classes(model: Model, dataset: ImageDataset) -> None:
    """Refuse a dataset whose maps have other classes than the network takes.

    Raises:
        RecipeErrors: In that case.
    """
    if model.classes is None or dataset.classes in (None, model.classes):
        return
    rule = f"the maps of {dataset.name} have {dataset.classes} classes, {model.address} takes"
    raise refuse("DATA", None, f"{rule} {model.classes}", "Name another dataset or model.")


def _bilinear(planes: NDArray[np.uint8], scale: int) -> NDArray[np.float32]:
    tensor = torch.from_numpy(planes).permute(2, 0, 1)[None].to(torch.float32)
    large = F.interpolate(tensor, scale_factor=scale, mode="bilinear", align_corners=False)
    return np.ascontiguousarray(large[0].permute(1, 2, 0).numpy())
