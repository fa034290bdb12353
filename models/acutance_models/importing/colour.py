"""The 1x1 convolutions by which published networks subtract and add the mean colour.

Here the mean is a constant. In some authors' trainings the convolutions could move (RCAN, MSRN: the
flag that should freeze them was set on the module, not on its parameters); what they learned then
belongs into the neighbouring convolutions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from acutance_models.errors import ImportRefused

MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K, RGB in [0, 1]."""

_EXACT = 1e-5  # of white: what rounding in float32 may change
_DRIFTED = 0.2  # of white: more is no mean colour that was trained a little


@dataclass(frozen=True)
class MeanShift:
    """Where a checkpoint keeps these convolutions, and between which layers they lie."""

    subtract: str
    """Name of the first one's tensors without `.weight`."""
    add: str
    """Of the last one's."""
    white: int
    """What white is inside: 1 or 255."""
    first: str
    """Our name of the convolution after the first one."""
    last: str
    """Our name of the convolution before the last one."""

    def names(self) -> dict[str, tuple[int, ...]]:
        """Return the names in the file and their shapes."""
        return {
            f"{layer}.{part}": shape
            for layer in (self.subtract, self.add)
            for part, shape in (("weight", (3, 3, 1, 1)), ("bias", (3,)))
        }


def settle(
    shift: MeanShift, found: Mapping[str, torch.Tensor], tensors: dict[str, torch.Tensor]
) -> list[str]:
    """Drop the constants of a checkpoint, or fold what they became into their neighbours.

    Args:
        shift: Where they are.
        found: The file's tensors, by its names.
        tensors: The generator's tensors, by our names; changed in place where something is folded.

    Returns:
        Notes.

    Raises:
        ImportRefused: If they are no mean colour.
    """
    mean = torch.tensor(MEAN)
    weight_in, bias_in = _values(found, shift.subtract, -shift.white * mean)
    weight_out, bias_out = _values(found, shift.add, shift.white * mean)
    # What enters here is white * (x - mean); there it is weight_in * that + moved_in.
    moved_in = bias_in + weight_in @ (shift.white * mean)
    moved_out = bias_out - shift.white * mean
    eye = torch.eye(3)
    distance = max(
        float((weight_in - eye).abs().max()),
        float((weight_out - eye).abs().max()),
        float(moved_in.abs().max()) / shift.white,
        float(moved_out.abs().max()) / shift.white,
    )
    if not distance <= _DRIFTED:  # not a number is refused too
        raise ImportRefused(
            f"{shift.subtract} and {shift.add} should hold DIV2K's mean colour {MEAN} at white = "
            f"{shift.white}, but are {distance:.3g} of white away from it."
        )
    if distance <= _EXACT:
        return [f"{shift.subtract} and {shift.add} are the mean colour, a constant here"]
    first, last = (f"{shift.first}.weight", f"{shift.last}.weight")
    tensors[f"{shift.first}.bias"] = tensors[f"{shift.first}.bias"] + torch.einsum(
        "oikl,i->o", tensors[first], moved_in
    )
    tensors[first] = torch.einsum("ojkl,ji->oikl", tensors[first], weight_in)
    tensors[last] = torch.einsum("oj,jikl->oikl", weight_out, tensors[last])
    tensors[f"{shift.last}.bias"] = weight_out @ tensors[f"{shift.last}.bias"] + moved_out
    return [
        f"{shift.subtract} and {shift.add} were trained, by {distance:.2g} of white; folded into "
        f"{shift.first} and {shift.last} (exact but for the outermost pixel)"
    ]


def _values(
    found: Mapping[str, torch.Tensor], layer: str, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a convolution's matrix and bias; the constants where the file leaves them out."""
    weight = found.get(f"{layer}.weight", torch.eye(3)).reshape(3, 3)
    return weight, found.get(f"{layer}.bias", bias)
