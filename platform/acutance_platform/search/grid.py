"""All points of a search space, depth first: the first variable changes last."""

from collections.abc import Iterator, Mapping
from typing import Any, final

from acutance_platform.recipe.errors import Problem
from acutance_platform.search.distributions import Choice, Integer, Real
from acutance_platform.search.space import Outcome, Space


def grid_problems(space: Space) -> list[Problem]:
    """Return a problem for each distribution that has no last point."""
    return [
        Problem(
            f"search.space.{variable.path}",
            f"{'log_uniform' if variable.distribution.log else 'uniform'} without step",
            "sampler grid goes through every value",
            "Give it a step, use a choice, or use sampler random.",
        )
        for variable in space
        if isinstance(variable.distribution, Real) and variable.distribution.step is None
    ]


def grid_points(space: Space, base: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield every point once; branches not taken do not multiply the others."""
    digits: list[int] = []
    while True:
        draw = _Odometer(digits)
        yield space.draw(draw, base)
        digits = draw.digits
        while digits and digits[-1] + 1 == draw.sizes[len(digits) - 1]:
            digits.pop()
        if not digits:
            return
        digits[-1] += 1


@final
class _Odometer:
    """Draws the given members, then the first of every variable met after them."""

    def __init__(self, digits: list[int]) -> None:
        self.digits = list(digits)
        self.sizes: list[int] = []

    def _next(self, size: int) -> int:
        position = len(self.sizes)
        self.sizes.append(size)
        if position == len(self.digits):
            self.digits.append(0)
        return self.digits[position]

    def choice(self, name: str, distribution: Choice) -> int:
        return self._next(len(distribution.options))

    def integer(self, name: str, distribution: Integer) -> int:
        size = (distribution.high - distribution.low) // distribution.step + 1
        return distribution.low + self._next(size) * distribution.step

    def real(self, name: str, distribution: Real) -> float:
        if distribution.step is None:
            raise ValueError(f"{name} has no step; see grid_problems")
        size = round((distribution.high - distribution.low) / distribution.step) + 1
        return distribution.low + self._next(size) * distribution.step
