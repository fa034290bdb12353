"""A network that enlarges pictures of any size, band by band, in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from acutance_models import Generator, PictureError, bicubic_upscale
from acutance_models.color import require_picture
from acutance_models.pooled_means import settled_means
from acutance_models.tiling import Tile, fade_of, reach, tiles
from acutance_platform.recipe import Problem, RecipeErrors, refuse
from acutance_platform.training import placed, super_resolve
from acutance_platform.verbs.depth import Pixels, bits_of, white
from acutance_platform.verbs.joining import Strip, rounded
from acutance_platform.verbs.shrinking import Chain, Shrinking, shrinking_of

_WHOLE = 640 * 640
"""Pictures with more LR pixels than this are computed in tiles, so that memory stays bounded."""
_TILE = 512
_BICUBIC_REACH = 4
"""LR pixels around a tile that its bicubic enlargement depends on, and one to spare."""
Lr = TypeVar("Lr", bound=Pixels)
"""An LR picture; its enlargement is of the same type."""

Watch = Callable[[int, int], None]
"""Told how many tiles of how many are made."""


class Piece(NamedTuple):
    """A part of an enlarged picture."""

    top: int
    """Its first row, in SR pixels."""
    left: int
    """Its first column."""
    pixels: NDArray[np.uint8]
    """(rows, columns, 3)."""


@dataclass(frozen=True)
class Model:
    """A network, ready to compute, and the hash of the file that it came from."""

    address: str
    """What the user said."""
    weights: str | None
    """SHA-256 of the weights file; None for bicubic."""
    generator: Generator | None
    """None for bicubic, which has no network."""
    chain: Callable[[], Chain | None] = field(default=lambda: None, compare=False)
    """Finds the degradation with which it was trained; None where nobody knows."""

    @cached_property
    def shrinking(self) -> Shrinking:
        """What back-projection makes results small by: the model's own degradation, or bicubic."""
        return shrinking_of(self.chain(), self.scale(None))

    @property
    def classes(self) -> int | None:
        """Classes of the segmentation map that the network takes; None where it takes none."""
        return self.generator.condition_classes if self.generator is not None else None

    @property
    def facts(self) -> dict[str, Any]:
        """What the model is: address, weights, scale, spec, planes and LR pixels that it sees."""
        network = self.generator
        return {
            "model": self.address,
            "weights": self.weights,
            "scale": network.scale if network is not None else None,
            "spec": network.spec if network is not None else None,
            "colour": "y" if network is not None and network.channels == 1 else "rgb",
            "receptive_field": network.receptive_field if network is not None else _BICUBIC_REACH,
            "classes": self.classes,
        }

    def upscale(
        self,
        lr: Lr,
        *,
        scale: int | None = None,
        tile: int | None = None,
        self_ensemble: bool = False,
        back_projections: int = 0,
        condition: NDArray[np.uint8] | NDArray[np.float32] | None = None,
    ) -> Lr:
        """Enlarge a picture; bit for bit what `acutance upscale` writes.

        Args:
            lr: (h, w, 3), of 8 or 16 bits: 0 to 255 in uint8, or 0 to 65535 in uint16.
            scale: Needed for bicubic only.
            tile: Side of the LR tiles; None chooses tiles for large pictures only.
            self_ensemble: Mean of the picture's eight orientations.
            back_projections: How often what the result lacks of `lr`, when it is shrunk as in the
                model's training (`shrinking`), is added to it.
            condition: Segmentation map for a network that takes one, (h * scale, w * scale,
                classes), shares of any sum over the classes; None = background everywhere.

        Returns:
            (h * scale, w * scale, 3), rounded to the bits of `lr`.

        Raises:
            RecipeErrors: If the scale is missing, or not the network's.
            PictureError: If `lr` or `condition` is no such array, or the network takes no map.
        """
        made = self.bands(
            lr, scale=scale, tile=tile, self_ensemble=self_ensemble,
            back_projections=back_projections, condition=condition,
        )  # fmt: skip
        return cast("Lr", np.concatenate(list(made)))

    def bands(
        self,
        lr: Lr,
        *,
        scale: int | None = None,
        tile: int | None = None,
        self_ensemble: bool = False,
        back_projections: int = 0,
        condition: NDArray[np.uint8] | NDArray[np.float32] | None = None,
        watch: Watch | None = None,
    ) -> Iterator[Lr]:
        """Give the enlarged picture from top to bottom, a row of tiles at a time.

        Arguments and errors are those of `upscale`; `watch` is called after each tile, also of the
        passes for means (`pooled_means`). Each band is (rows, w * scale, 3), of the bits of `lr`.
        """
        factor = self.scale(scale)
        rows, fade = self._grid(lr, factor, tile, condition, back_projections)
        strip = Strip(lr.shape[0], lr.shape[1], factor, fade, bits_of(lr))
        places = [each for row in rows for each in row]
        done, total = 0, len(places)

        def enlarged(each: Tile, projections: int) -> NDArray[Any]:
            nonlocal done, total
            shown = None if condition is None else condition[each.enlarged(factor).seen]
            sr = self._enlarged(lr[each.seen], factor, self_ensemble, shown, projections)
            done += 1
            total += len(places) if done > total else 0  # a further pass
            if watch is not None:
                watch(done, total)
            return sr

        areas = [(each.seen, each.made) for each in places]
        means = settled_means(self.generator, areas, lambda i: enlarged(places[i], 0))
        for row in rows:
            for each in row:
                with means.used():
                    strip.add(each, enlarged(each, back_projections))
            yield cast("Lr", strip.finished(row[0]))

    def pieces(
        self,
        lr: NDArray[np.uint8],
        *,
        scale: int | None = None,
        condition: NDArray[np.uint8] | NDArray[np.float32] | None = None,
        nearest: Callable[[], tuple[int, int]] = lambda: (0, 0),
    ) -> Iterator[Piece]:
        """Give the parts of the enlarged picture as they are made; together they are `upscale`'s.

        Arguments and errors are those of `upscale`. `nearest` is asked before each part for the SR
        row and column that are wanted first; where tiles are blended, all comes from top to bottom.
        """
        factor = self.scale(scale)
        rows, fade = self._grid(lr, factor, None, condition, 0)
        if fade:
            top = 0
            for band in self.bands(lr, scale=scale, condition=condition):
                yield Piece(top, 0, band)
                top += band.shape[0]
            return
        waiting = [each for row in rows for each in row]
        while waiting:
            row, column = (place / factor for place in nearest())
            each = min(waiting, key=lambda tile: _distance(tile, row, column))
            waiting.remove(each)
            shown = None if condition is None else condition[each.enlarged(factor).seen]
            sr = self._enlarged(lr[each.seen], factor, False, shown, 0)
            made: NDArray[np.uint8] = rounded(sr[each.inside(factor)])
            yield Piece(each.top * factor, each.left * factor, made)

    def _grid(
        self,
        lr: Pixels,
        factor: int,
        tile: int | None,
        condition: NDArray[np.uint8] | NDArray[np.float32] | None,
        back_projections: int,
    ) -> tuple[list[list[Tile]], int]:
        """Return the tiles of a picture, row by row, and over how many LR pixels they blend."""
        require_picture(lr)
        height, width = lr.shape[:2]
        sides = (height * factor, width * factor)
        if condition is not None and condition.shape[:2] != sides:
            raise PictureError(
                f"The segmentation map of this picture has {sides[0]}x{sides[1]} pixels, got "
                f"{condition.shape[0]}x{condition.shape[1]}."
            )
        if tile is None and height * width > _WHOLE:
            tile = _TILE
        around = self._overlap()
        if back_projections and self.generator is not None:
            around += self.shrinking.reach * back_projections
        multiple, fade = 1, 0
        if self.generator is not None:
            multiple = self.generator.size_multiple
            fade = fade_of(self.generator, tile or max(height, width), around)
        return list(tiles(height, width, tile=tile, overlap=around, multiple=multiple)), fade

    def differs_in_tiles(self, lr: Pixels, tile: int | None) -> bool:
        """Return whether this picture is made in tiles by a network that looks at all of it."""
        if self.generator is None or self.generator.receptive_field is not None:
            return False
        height, width = lr.shape[:2]
        return bool(height * width > _WHOLE if tile is None else max(height, width) > tile)

    def _overlap(self) -> int:
        """Return the LR pixels that are seen around a tile."""
        if self.generator is None:
            return _BICUBIC_REACH
        # Colour beside a network of luma is enlarged bicubically.
        return max(reach(self.generator), _BICUBIC_REACH if self.generator.channels == 1 else 0)

    def _enlarged(
        self,
        lr: Pixels,
        factor: int,
        ensemble: bool,
        condition: NDArray[np.uint8] | NDArray[np.float32] | None,
        back_projections: int,
    ) -> NDArray[Any]:
        """Return one tile: bicubic of 8 bits in 8 bits, else floating point around [0, 1]."""
        if self.generator is None:
            return bicubic_upscale(lr if bits_of(lr) == 8 else lr / white(lr), factor)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        sr = super_resolve(
            placed(self.generator, device), lr, device=device, ensemble=ensemble,
            condition=condition,
        )  # fmt: skip
        if not np.isfinite(sr).all():
            rule = "the network's output for a picture is not finite"
            raise refuse("MODEL", self.address, rule, "Its weights are damaged, or diverged.")
        if not back_projections:
            return sr
        return self.shrinking.project(sr, lr, scale=factor, iterations=back_projections)

    def require_network_for(
        self, *, tile: int | None, self_ensemble: bool, back_projections: int = 0
    ) -> None:
        """Refuse what only a network can do: tiles, turned pictures, results to be corrected.

        Raises:
            RecipeErrors: If this is bicubic and one of them is asked for.
        """
        asked = {
            "--tile": tile,
            "--self-ensemble": self_ensemble or None,
            "--back-project": back_projections or None,
        }
        rule = "bicubic has no network that this would change"
        problems = [
            Problem(option, str(value), rule, "Leave it out.")
            for option, value in asked.items()
            if value is not None and self.generator is None
        ]
        if problems:
            raise RecipeErrors(problems)

    def scale(self, asked: int | None) -> int:
        """Return the model's scale; bicubic has whichever is asked for."""
        own = self.generator.scale if self.generator is not None else None
        if own is None and asked is None:
            raise refuse("MODEL", self.address, "bicubic has no scale of its own", "Add --scale N.")
        if own is not None and asked not in (None, own):
            raise refuse("--scale", asked, f"{self.address} enlarges by {own}", "Leave it out.")
        return own or asked or 0


def _distance(tile: Tile, row: float, column: float) -> float:
    """Return how far a place lies from the middle of a tile; squared LR pixels."""
    down, right = (tile.top + tile.bottom) / 2 - row, (tile.left + tile.right) / 2 - column
    return down * down + right * right
