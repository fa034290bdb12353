"""Degradations: how LR pictures are made from HR pictures, as chains of named steps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from acutance_models.color import require_picture, round_to_uint8
from acutance_models.degradations.blurring import BlurAnisotropic, BlurIsotropic, BlurKernel
from acutance_models.degradations.linear import Shrink, linear_chain
from acutance_models.degradations.noise import Jpeg, NoiseGaussian, NoisePoisson
from acutance_models.degradations.resizing import (
    Box,
    MatlabBicubic,
    MatlabBicubicFloat,
    PilBicubic,
    PilLanczos,
    TorchBicubic,
)
from acutance_models.degradations.step import Step
from acutance_models.degradations.subsampling import KernelSubsample
from acutance_models.errors import DegradationError, Problem, RegistryError
from acutance_models.registry import Registry

__all__ = ["DEGRADATIONS", "Degradation", "check_degradation"]

DEGRADATIONS: Registry[Step] = Registry(
    "degradation step",
    ("scale",),
    blur_anisotropic=BlurAnisotropic,
    blur_isotropic=BlurIsotropic,
    blur_kernel=BlurKernel,
    box=Box,
    jpeg=Jpeg,
    kernel_subsample=KernelSubsample,
    matlab_bicubic=MatlabBicubic,
    matlab_bicubic_float=MatlabBicubicFloat,
    noise_gaussian=NoiseGaussian,
    noise_poisson=NoisePoisson,
    pil_bicubic=PilBicubic,
    pil_lanczos=PilLanczos,
    torch_bicubic=TorchBicubic,
)


@final
class Degradation:
    """A chain of steps from an HR picture to its LR picture.

    Args:
        chain: Specs of the steps, in order; exactly one of them resizes.
        scale: HR pixels per LR pixel.

    Raises:
        RegistryError: With everything wrong with the chain; paths begin with the step's number.

    Example:
        >>> chain = [{"kind": "blur_isotropic", "sigma": [0.2, 2.0]}, {"kind": "matlab_bicubic"}]
        >>> lr = Degradation(chain, scale=4)(hr, stream(seed, "degradation", picture))
    """

    def __init__(self, chain: Sequence[Mapping[str, Any]], scale: int) -> None:
        self.scale = scale
        self._steps, problems = _build(chain, scale)
        if problems:
            raise RegistryError(problems)
        self.spec: list[dict[str, Any]] = [DEGRADATIONS.resolve(step) for step in chain]
        """The complete specs of the steps."""
        self.random = any(step.random for step in self._steps)
        """Whether two calls may differ: a step adds noise or draws from a range."""

    @property
    def revisions(self) -> list[int]:
        """The revision of each step, in order."""
        return [step.revision for step in self._steps]

    def __call__(self, hr: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the LR picture in 8 bits, rounded (half up, clipped) after the last step.

        Args:
            hr: Shape (H, W, 3), uint8, sides multiples of the scale.
            rng: Where the steps draw from, in order; see `rng.stream`.

        Returns:
            Shape (H / scale, W / scale, 3).

        Raises:
            PictureError: If it is no RGB picture.
            DegradationError: If it is not uint8 or its sides are no multiples of the scale.
        """
        lr = self._run(hr, rng)
        return lr if lr.dtype == np.uint8 else round_to_uint8(lr)

    def unrounded(self, hr: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the LR picture as the last step left it, divided by 255.

        Args and errors as in a call.

        Returns:
            Shape (H / scale, W / scale, 3), float32 around [0, 1].
        """
        made: NDArray[np.float32] = self._run(hr, rng).astype(np.float32) / np.float32(255)
        return made

    def linear(self) -> Shrink | None:
        """Return the chain as a linear function of floating-point pictures, rounded nowhere.

        None where it has noise, JPEG, a step of a plug-in, or a number that is drawn per picture.
        """
        return linear_chain(self.spec, self._steps, self.scale)

    def _run(self, hr: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[Any]:
        require_picture(hr, "HR picture")
        if hr.dtype != np.uint8:
            raise DegradationError(f"The HR picture must be uint8 (0..255), got {hr.dtype}.")
        height, width = hr.shape[:2]
        if height % self.scale or width % self.scale:
            fit = f"{height // self.scale * self.scale}x{width // self.scale * self.scale}"
            raise DegradationError(
                f"HR size {height}x{width} is not a multiple of scale={self.scale}. "
                f"Crop to {fit}, see crop_to_multiple."
            )
        picture: NDArray[Any] = hr
        for step in self._steps:
            picture = step(picture, rng)
        return picture


def check_degradation(chain: object, *, scale: int) -> list[Problem]:
    """Return everything wrong with a chain; nothing means that it can be built."""
    return _build(chain, scale)[1]


def _build(chain: object, scale: int) -> tuple[list[Step], list[Problem]]:
    if isinstance(chain, str | bytes | Mapping) or not isinstance(chain, Sequence):
        rule = f"a degradation is a list of steps, got {chain!r}."
        return [], [Problem("", chain, rule, "Write [{kind: matlab_bicubic}].")]
    steps: list[Step] = []
    problems: list[Problem] = []
    for place, spec in enumerate(chain):
        try:
            steps.append(DEGRADATIONS.build(spec, scale=scale))
        except RegistryError as error:
            for problem in error.problems:
                path = f"{place}.{problem.path}" if problem.path else str(place)
                problems.append(replace(problem, path=path))
    resizes = sum(step.resizes for step in steps)
    if not problems and resizes != 1:
        rows = (f"{name}" for name in DEGRADATIONS if getattr(DEGRADATIONS[name], "resizes", 0))
        rule = f"exactly one step must resize, {resizes} do."
        problems.append(Problem("", chain, rule, f"Resizing steps: {', '.join(rows)}."))
    return steps, problems
