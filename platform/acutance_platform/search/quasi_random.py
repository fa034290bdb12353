"""Points that fill the space more evenly than independent draws do."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

from acutance_models.rng import stream
from acutance_platform.search.drawing import UnitDraw
from acutance_platform.search.random_sampler import Random, new_point
from acutance_platform.search.space import Space
from acutance_platform.search.told import Proposal, Told, seed_of


@final
class QuasiRandom:
    """A scrambled Sobol sequence with one dimension per variable of the space.

    Args:
        seed: Scrambles the sequence; the recipe's seed where null.
        space: What is drawn from.
        base: The recipe around the space.

    Source:
        Sobol, 1967; Joe, Kuo, 2008 (direction numbers); Owen, 1998 (scrambling), as torch has
        them. A variable of a branch that is not taken leaves its dimension unused, so that every
        other one stays evenly spread. A point whose recipe was drawn before, or that is forbidden,
        is replaced by that of the same place in another scrambling. Optuna's own sampler of this
        sort keeps its place in a storage, which a sweep here does not have.
    """

    learns: ClassVar[bool] = False

    def __init__(self, *, seed: int | None = None, space: Space, base: Mapping[str, Any]) -> None:
        self._seed = seed_of(seed, base)
        self._space, self._base = space, base
        self._random = Random(seed=seed, space=space, base=base)

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return a point of seed and ordinal; of the history, only what was drawn counts."""
        return new_point(
            lambda attempt: self._asked(ordinal, attempt),
            ordinal,
            history,
            space=self._space,
            base=self._base,
            random=self._random,
        )

    def _asked(self, ordinal: int, attempt: int) -> Proposal:
        import torch  # takes a second, which who looks at sweeps need not wait

        names = [variable.name for variable in self._space]
        seed = int(stream(self._seed, "sampler/sobol", attempt).integers(2**62))
        engine = torch.quasirandom.SobolEngine(  # type: ignore[no-untyped-call]
            len(names), scramble=True, seed=seed
        )
        if ordinal:
            engine.fast_forward(ordinal)  # type: ignore[no-untyped-call]
        point = engine.draw(1, dtype=torch.float64)[0].tolist()
        draw = UnitDraw(dict(zip(names, point, strict=True)))
        return Proposal(self._space.draw(draw, self._base))
