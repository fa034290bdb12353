"""How the pictures were made small that back-projection corrects a result by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acutance_models import Degradation, back_project, matlab_resize
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.registered import is_registered, registered_document

Chain = Sequence[Mapping[str, Any]]
"""Specs of a degradation's steps."""

_BICUBIC: Final = ({"kind": "matlab_bicubic"}, {"kind": "matlab_bicubic_float"})
_UP = 3  # LR pixels that bicubic looks at on the way up, and one of rounding
_SIDE = 64  # LR pixels of the picture by which a degradation's reach is found
_NOTHING = 1e-6


@dataclass(frozen=True)
class Shrinking:
    """What makes an SR picture small again."""

    down: Callable[[NDArray[Any]], NDArray[Any]]
    """(H, W, 3) of floating point -> (H / scale, W / scale, 3)."""
    reach: int
    """LR pixels by which one back-projection looks further."""
    note: str
    """What is to be said of it; empty for MATLAB's bicubic where nothing else is known."""

    def project(
        self, sr: NDArray[Any], lr: NDArray[Any], *, scale: int, iterations: int
    ) -> NDArray[Any]:
        """Return an SR picture that shrinks to its LR picture more nearly.

        Args:
            sr: (H, W, 3), floating point around [0, 1]; it is clipped first.
            lr: (H / scale, W / scale, 3), of 8 or 16 bits, or floating point around [0, 1].
            scale: SR pixels per LR pixel.
            iterations: How often.
        """
        levels = np.float32(np.iinfo(lr.dtype).max if lr.dtype.kind == "u" else 1)
        return back_project(
            np.clip(sr, 0.0, 1.0),
            lr.astype(np.float32) / levels,
            down=self.down,
            up=lambda picture: matlab_resize(picture, scale=float(scale)),
            iterations=iterations,
        )


def shrinking_of(chain: Chain | None, scale: int) -> Shrinking:
    """Return a degradation as back-projection needs it: linear, rounded nowhere.

    Args:
        chain: By which the model's pictures were made small; None where nobody knows.
        scale: SR pixels per LR pixel.
    """

    def bicubic(picture: NDArray[Any]) -> NDArray[Any]:
        return matlab_resize(picture, scale=1 / scale)

    if chain is None or (len(chain) == 1 and dict(chain[0]) in _BICUBIC):
        return Shrinking(bicubic, _reach(bicubic, scale), "")
    named = ", ".join(str(step["kind"]) for step in chain)
    own = Degradation(chain, scale).linear()
    if own is None:
        note = f"back-projected by bicubic: the model's {named} is random, or not linear"
        return Shrinking(bicubic, _reach(bicubic, scale), note)
    return Shrinking(own, _reach(own, scale), f"back-projected by the model's {named}")


def chain_of(address: str, weights: str, home: Home | None) -> Chain | None:
    """Return the degradation with which a model was trained; None where nobody here knows it.

    Args:
        address: MODEL, as the user said it.
        weights: Its SHA-256.
        home: Where sweeps and models lie; None takes what the environment says.

    Raises:
        RecipeErrors: If its recipe cannot be built any more.
        StorageError: If a journal or document cannot be read.
    """
    home = home or open_home()
    if is_registered(address, home.store):
        lineage = registered_document(address, home.store)["lineage"]
        data = lineage["recipe"]["data"] if lineage is not None else None
    else:
        # Here: lineages are of sweeps, whose recipes may start from a MODEL, which brings us here.
        from acutance_platform.verbs.lineage import find_recipe

        recipe = find_recipe(weights, home)
        data = recipe.data.model_dump(mode="json") if recipe is not None else None
    if data is None or data.get("lr_from") == "stored":
        return None
    chain: Chain = data["degradation"]
    return chain


def _reach(down: Callable[[NDArray[Any]], NDArray[Any]], scale: int) -> int:
    """Return how far a white LR pixel is seen, in LR pixels, with the way back up."""
    hr = np.zeros((_SIDE * scale, _SIDE * scale, 3), np.float32)
    middle = slice(_SIDE // 2 * scale, (_SIDE // 2 + 1) * scale)
    hr[middle, middle] = 1.0
    seen = np.argwhere(np.abs(down(hr)[:, :, 0]) > _NOTHING)
    return int(np.abs(seen - _SIDE // 2).max()) + _UP
