"""A given kernel and plain subsampling: how blind super-resolution says that LR was made."""

from typing import Annotated, ClassVar, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from acutance_models.degradations.step import Picture, Step, as_float
from acutance_models.errors import DegradationError
from acutance_models.zero_shot.sons import Shrink


@final
class KernelSubsample(Step):
    """A blur by a given kernel, of whose result every scale-th pixel is kept; rounds nowhere.

    What a recipe's `zero_shot.kernel` presumes of its LR pictures: the picture is correlated with
    the kernel, whose centre of mass is first moved over the middle of the HR pixels that an LR
    pixel stands for, so that SR and HR lie on each other.

    Args:
        kernel: Rows of weights, equally long, of any positive sum.

    Source:
        Shocher et al., CVPR 2018 (ZSSR), imresize.py of the authors' code
    """

    revision: ClassVar[int] = 1
    resizes: ClassVar[bool] = True

    def __init__(
        self,
        *,
        scale: int,
        kernel: Annotated[list[Annotated[list[float], Field(min_length=1)]], Field(min_length=1)],
    ) -> None:
        if len({len(row) for row in kernel}) != 1:
            sides = sorted({len(row) for row in kernel})
            raise DegradationError(
                f"kernel_subsample: a kernel has equally long rows, got rows of {sides}. Pad it "
                "with zeros."
            )
        try:
            self._shrink = Shrink((float(scale), float(scale)), np.array(kernel, dtype=np.float64))
        except DegradationError as error:
            raise DegradationError(f"kernel_subsample: {error} Give another kernel.") from None

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the smaller picture, float32."""
        made: NDArray[np.float32] = self._shrink(as_float(picture))
        return made
