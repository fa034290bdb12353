"""Between two networks of one shape: a weighted mean of their weights.

Wang et al., "ESRGAN", ECCV Workshops 2018, https://arxiv.org/abs/1809.00219, section 3.4. It makes
sense where one of the two was trained on from the other, or both from a third.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, final

import torch

from acutance_models.errors import InterpolationError
from acutance_models.interfaces import Generator

_SHOWN = 8  # names in a message


def interpolate(
    a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor], alpha: float
) -> dict[str, torch.Tensor]:
    """Return (1 - alpha) * a + alpha * b for every tensor, on the device of `a`.

    Args:
        a: Name -> values, as of `state_dict`. Running statistics of normalisations are mixed like
            weights; whole numbers, such as a count of batches, are those of the nearer end (of `a`
            half-way).
        b: The same names with the same shapes and types.
        alpha: From 0 (equal to `a` bit for bit) to 1 (equal to `b`).

    Returns:
        New tensors, in the order of `a`.

    Raises:
        InterpolationError: If `alpha` is out of range, or the two differ in a name, shape or type.
    """
    if not 0 <= alpha <= 1:
        raise InterpolationError(f"alpha lies between 0 and 1, got {alpha=}.")
    problems = [f"only the first has {name}" for name in a if name not in b]
    problems += [f"only the second has {name}" for name in b if name not in a]
    problems += [
        f"{name} is {_told(a[name])} and {_told(b[name])}"
        for name in a
        if name in b and _told(a[name]) != _told(b[name])
    ]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InterpolationError(
            f"These two are not of one network: {'; '.join(problems[:_SHOWN])}{more}."
        )
    return {name: _between(a[name], b[name].to(a[name].device), alpha) for name in a}


def _told(tensor: torch.Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _between(a: torch.Tensor, b: torch.Tensor, alpha: float) -> torch.Tensor:
    """Return one tensor between two; the ends are copied, since 0 * inf and -0 + 0 are not."""
    if alpha in (0, 1) or not a.is_floating_point():
        return (a if alpha <= 0.5 else b).detach().clone()
    return (1 - alpha) * a.detach() + alpha * b.detach()


@final
class PictureMix(Generator):
    """Mixes what two networks make of a picture: the baseline of interpolated weights.

    Args:
        a: A network.
        b: Another one of its scale, planes and map classes.
        alpha: Share of the second one's picture, from 0 to 1.

    Raises:
        InterpolationError: If the pictures of the two cannot be mixed.

    Source:
        Wang et al., "ESRGAN", section 4.4 (image interpolation).
    """

    revision: ClassVar[int] = 1

    def __init__(self, *, a: Generator, b: Generator, alpha: float) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise InterpolationError(f"alpha lies between 0 and 1, got {alpha=}.")
        sizes = [(each.scale, each.channels, each.condition_classes) for each in (a, b)]
        if sizes[0] != sizes[1]:
            raise InterpolationError("These two make pictures of different scales or planes.")
        self.a, self.b, self.alpha = a, b, alpha
        self.scale, self.channels, self.condition_classes = sizes[0]
        self.size_multiple = math.lcm(a.size_multiple, b.size_multiple)
        fields = [each.receptive_field for each in (a, b) if each.receptive_field is not None]
        self.receptive_field = max(fields) if len(fields) == 2 else None

    def forward(self, lr: torch.Tensor, *condition: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean of both pictures; at the ends one network alone runs."""
        if self.alpha in (0, 1):
            nearer: torch.Tensor = (self.b if self.alpha else self.a)(lr, *condition)
            return nearer
        first, second = self.a(lr, *condition), self.b(lr, *condition)
        mixed: torch.Tensor = (1 - self.alpha) * first + self.alpha * second
        return mixed
