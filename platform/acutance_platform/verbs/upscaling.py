"""Enlarge pictures with a model: files and folders in, files out, nothing overwritten unasked."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acutance_platform.recipe import Problem, RecipeErrors
from acutance_platform.verbs.addresses import SHIPPED, load_model
from acutance_platform.verbs.depth import Pixels, Taken, at_depth, refuse_shallow
from acutance_platform.verbs.home import Home, StrPath
from acutance_platform.verbs.maps import PictureMap, find_maps
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.saving import save_bands
from acutance_storage import decode_picture
from acutance_storage.errors import PictureUnreadable

PICTURE_SUFFIXES = {
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".gif",
    ".ppm",
    ".pgm",
}


Bands = Iterable[Pixels]
"""An enlarged picture from top to bottom, each (rows, width, 3)."""


@dataclass(frozen=True)
class Part:
    """How far the enlargement of one picture has come."""

    source: Path
    """The picture."""
    tile: int
    """Tiles that are made."""
    tiles: int
    """Tiles that it takes; more, where a network's means need a further pass over them."""


@dataclass(frozen=True)
class Enlarged:
    """One picture that was enlarged, or the reason why it was not."""

    source: Path
    """The picture as given."""
    target: Path | None
    """The file written; None where the picture was refused."""
    note: str
    """Treatment (grey, alpha, rotation ...) or the reason of the refusal."""


def upscale(
    pictures: StrPath | Sequence[StrPath],
    *,
    output: StrPath | None = None,
    model: str = SHIPPED,
    scale: int | None = None,
    tile: int | None = None,
    self_ensemble: bool = False,
    back_projections: int = 0,
    maps: StrPath | None = None,
    bits: int | None = None,
    overwrite: bool = False,
    home: Home | None = None,
    progress: Callable[[Enlarged], None] | None = None,
    watch: Callable[[Part], None] | None = None,
) -> list[Enlarged]:
    """Enlarge pictures and folders of pictures; one bad picture does not stop the others.

    Args:
        pictures: A file, or a folder whose pictures are all taken, or several of them.
        output: A file for one picture, else a folder; None writes NAME_xN.png beside each.
        model: MODEL, or `shipped`: the small x2 network of this package.
        scale: Needed for `bicubic` only.
        tile: Side of the LR tiles; None chooses tiles for large pictures only.
        self_ensemble: Mean of the picture's eight orientations: eight times the work.
        back_projections: How often what the result lacks of the picture, when it is shrunk as the
            model's training pictures were, is added to it (ZSSR: 10, ESRGAN's entry for PIRM 2018:
            20). By MATLAB's bicubic where that is not known, or random or not linear.
        maps: Segmentation maps for a network that takes them: the map of one picture, or a folder
            with NAME.png (classes) or NAME.npz (probabilities) for each. Of HR size, or of LR size
            and then enlarged, classes by repeating and probabilities bilinearly. A picture without
            a map is background everywhere.
        bits: Per channel of what is written: 8, 16 (PNG, TIFF), or None for those of each file.
        overwrite: Whether existing files may be replaced.
        home: Where sweeps and blobs lie; None takes what the environment says.
        progress: Called after each picture.
        watch: Called after each tile.

    Raises:
        RecipeErrors: If the model, the maps or the targets cannot be used; nothing is written then.
    """
    network = load_model(model, home)
    factor = network.scale(scale)
    how: dict[str, Any] = {"tile": tile, "self_ensemble": self_ensemble}
    how["back_projections"] = back_projections
    network.require_network_for(**how)

    planned = plan_files(pictures, output=output, scale=factor, overwrite=overwrite)
    refuse_shallow([target for _, target in planned], bits)
    sources = [source for source, _ in planned]
    shown = find_maps(Path(maps) if maps is not None else None, sources, network)

    def enlarge(source: Path, taken: Taken) -> tuple[Bands, str]:
        condition, note = _map_of(taken, shown[source], asked=maps is not None)
        notes = [note, *_notes(network, taken, tile, back_projections)]
        tell = (lambda made, tiles: watch(Part(source, made, tiles))) if watch else None
        how.update(scale=scale, condition=condition, watch=tell)
        return network.bands(taken.pixels, **how), "; ".join(filter(None, notes))

    return enlarge_files(planned, enlarge, scale=factor, bits=bits, progress=progress)


def _notes(model: Model, taken: Taken, tile: int | None, back_projections: int) -> Iterator[str]:
    """Yield what is to be said of how a picture is enlarged."""
    if model.differs_in_tiles(taken.pixels, tile):
        yield "in tiles: not quite as in one piece"
    if back_projections:
        yield model.shrinking.note


def _map_of(
    taken: Taken, found: PictureMap | None, *, asked: bool
) -> tuple[NDArray[np.uint8] | NDArray[np.float32] | None, str]:
    """Return a picture's segmentation map, and a remark where maps are given but not for it."""
    if found is None:
        return None, "no map: background everywhere" if asked else ""
    try:
        return found.read(taken), ""
    except PictureUnreadable as error:
        raise PictureUnreadable(f"map {found.path.name}: {error}") from None


def plan_files(
    pictures: StrPath | Sequence[StrPath], *, output: StrPath | None, scale: int, overwrite: bool
) -> list[tuple[Path, Path]]:
    """Return each picture with its target; arguments and errors are those of `upscale`."""
    given = [pictures] if isinstance(pictures, str | os.PathLike) else list(pictures)
    place = Path(output) if output is not None else None
    planned = list(_targets([Path(each) for each in given], place, scale))
    _refuse_clashes(planned, overwrite)
    return planned


def enlarge_files(
    planned: Sequence[tuple[Path, Path]],
    enlarge: Callable[[Path, Taken], tuple[Bands, str]],
    *,
    scale: int,
    bits: int | None,
    progress: Callable[[Enlarged], None] | None,
) -> list[Enlarged]:
    """Enlarge pictures by any function; each target is whole or not there.

    Args:
        planned: What `plan_files` returned.
        enlarge: Takes a file's path and its content; gives the picture's bands and a remark for
            the note, or raises `PictureUnreadable`, which does not stop the others.
        scale: SR pixels per LR pixel.
        bits: Per channel of what is written; None for those of each file.
        progress: Called after each picture.

    Raises:
        RecipeErrors: If a target cannot be written.
    """
    done = []
    for source, target in planned:
        try:
            decoded = decode_picture(source, flatten=False, min_side=1)
            taken = at_depth(decoded, target, bits)
            bands, remark = enlarge(source, taken)
        except PictureUnreadable as error:
            enlarged = Enlarged(source, None, str(error))
        else:
            save_bands(bands, target, source, taken, scale)
            notes = filter(None, (taken.treatment, remark))
            enlarged = Enlarged(source, target, "; ".join(notes))
        done.append(enlarged)
        if progress is not None:
            progress(enlarged)
    return done


def _targets(
    pictures: Iterable[Path], output: Path | None, scale: int
) -> Iterator[tuple[Path, Path]]:
    sources = [source for given in pictures for source in pictures_in(given)]
    problems = [
        Problem(str(given), "", "there is no such file or folder", "Check the path.")
        for given in pictures
        if not given.exists()
    ]
    if not sources and not problems:
        named = ", ".join(map(str, pictures))
        problems = [Problem(named, "", "there are no pictures here", "Name pictures.")]
    single = len(sources) == 1 and output is not None and output.suffix.lower() in PICTURE_SUFFIXES
    if output is not None and output.suffix.lower() in PICTURE_SUFFIXES and len(sources) > 1:
        rule = f"one file cannot take {len(sources)} pictures"
        problems.append(Problem("-o", str(output), rule, "Name a folder."))
    if output is not None and not output.is_dir():
        if output.suffix and output.suffix.lower() not in PICTURE_SUFFIXES:
            rule = f"'{output.suffix}' is no picture format"
            way_out = (
                f"Known: {', '.join(sorted(PICTURE_SUFFIXES))}. A folder with a dot is made first."
            )
            problems.append(Problem("-o", str(output), rule, way_out))
        elif output.exists() and not output.suffix:
            problems.append(Problem("-o", str(output), "this is a file", "Name a folder."))
    if problems:
        raise RecipeErrors(problems)
    for source in sources:
        if single and output is not None:
            yield source, output
        else:
            yield source, (output or source.parent) / f"{source.stem}_x{scale}.png"


def pictures_in(given: Path) -> list[Path]:
    """Return the pictures of a folder, or the one file, by their names; nothing is opened."""
    if not given.is_dir():
        return [given] if given.exists() else []
    return sorted(
        file
        for file in given.iterdir()
        if file.is_file() and file.suffix.lower() in PICTURE_SUFFIXES
    )


def _refuse_clashes(planned: Sequence[tuple[Path, Path]], overwrite: bool) -> None:
    problems, seen = [], set()
    for source, target in planned:
        if target.exists() and not overwrite:
            rule = f"the target of {source} exists already"
            way_out = "Add --overwrite, or choose another -o."
            problems.append(Problem(str(target), "", rule, way_out))
        if target in seen:
            rule = "two pictures would be written to this file"
            problems.append(Problem(str(target), "", rule, "Enlarge them one by one."))
        if target.exists() and target.resolve() == source.resolve():
            rule = "a picture is never replaced by its own enlargement"
            problems.append(Problem(str(target), "", rule, "Choose another -o."))
        seen.add(target)
    if problems:
        raise RecipeErrors(problems)
