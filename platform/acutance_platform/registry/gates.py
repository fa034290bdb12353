"""Gates: what a challenger has to show, as `experiments/gates/NAME.yaml`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from acutance_models import METRICS
from acutance_platform.recipe import (
    Document,
    Problem,
    RecipeErrors,
    load_document,
    problems_of,
    refuse,
)
from acutance_platform.recipe.schema import Part
from acutance_platform.recipe.translate import unknown
from acutance_platform.search.constraints import constraint_problems

FOLDER = Path("experiments/gates")
"""Where gates lie, below the working folder."""
DEFAULT = "default"
"""The gate that is taken unless another is named; known also where no such file lies."""


class Ceiling(Part):
    """A cost that a model may have at most, where a machine was named."""

    at_most: float = Field(gt=0)
    """The ceiling, in the unit of its name."""
    machine: str = Field(min_length=1)
    """Name of the processor or GPU that it holds for; `*` stands for any characters."""


class Seam(Part):
    """How near a picture made in tiles has to come to the same picture made whole."""

    tile: int = Field(default=32, ge=8)
    """Side of the tiles in LR pixels."""
    at_least: float = 50.0
    """PSNR between the two in dB, of the worst picture."""


class Gate(Part):
    """The rules of a promotion. Each is checked, and all that fail are told."""

    test_split: bool = True
    """Whether the test split of the recipe's dataset counts."""
    suites: Literal["present"] | list[str] = "present"
    """Suites by name, or every suite whose datasets are in the store."""
    compare: dict[str, Annotated[float, Field(ge=0)]] = Field(default={"psnr_y": 0.0})
    """Metric -> what it may lose on average against the champion; 0 = it has to win."""
    beats_bicubic: list[str] = Field(default=["psnr_y"])
    """Metrics whose mean has to be better than that of bicubic enlargement."""
    thresholds: dict[str, str] = Field(default={})
    """Metric -> rule for its mean over all pictures, such as '>= 28'."""
    lineage: Literal["any", "required"] = "any"
    """Whether a model that no sweep or training of this store published may be promoted."""
    validation: float | None = Field(default=None, ge=0)
    """Largest difference from the figures that the training stored, measured anew; null = none."""
    latency_ms: Ceiling | None = None
    """Milliseconds for a picture of 240 x 240 SR pixels."""
    peak_memory_mb: Ceiling | None = None
    """Megabytes that enlarging to 960 x 960 SR pixels takes beyond the network."""
    seam: Seam | None = None
    """How visible tiles may be; null = not checked."""
    onnx: float | None = Field(default=None, gt=0)
    """Largest difference of the ONNX export from torch, in [0, 1]; null = not checked."""

    @property
    def metrics(self) -> list[str]:
        """What has to be measured, and what people want to see beside it."""
        named = [*self.compare, *self.beats_bicubic, *self.thresholds, "psnr_y", "ssim_y"]
        return list(dict.fromkeys(named))


def load_gate(name: str, folder: Path = FOLDER) -> tuple[str, Gate]:
    """Return a gate's name and rules.

    Args:
        name: Of a file in `folder`, or a path that ends with .yaml.
        folder: Where gates lie.

    Raises:
        RecipeErrors: If there is none, with all that is wrong with it otherwise.
    """
    path = Path(name) if name.endswith(".yaml") else folder / f"{name}.yaml"
    if name == DEFAULT and not path.exists():
        return DEFAULT, Gate()
    if not path.exists():
        here = sorted({DEFAULT, *(file.stem for file in folder.glob("*.yaml"))})
        raise refuse("--gate", name, f"there is no {path}", f"Gates here: {', '.join(here)}.")
    document = load_document(path)
    try:
        gate = Gate.model_validate(document.raw)
    except ValidationError as error:
        raise RecipeErrors(document.placed(problems_of(error, Gate))) from None
    problems = list(_problems(gate, document))
    if problems:
        raise RecipeErrors(document.placed(problems))
    return path.stem, gate


def _problems(gate: Gate, document: Document) -> Iterator[Problem]:
    named = [
        *((f"compare.{name}", name) for name in gate.compare),
        *((f"beats_bicubic.{index}", name) for index, name in enumerate(gate.beats_bicubic)),
        *((f"thresholds.{name}", name) for name in gate.thresholds),
    ]
    for place, name in named:
        if name not in METRICS.names():
            yield unknown(place, "metric", name, METRICS.names())
    yield from constraint_problems(gate.thresholds, "thresholds")
    if not gate.test_split and gate.suites == []:
        rule = "a gate without pictures lets everything pass or nothing"
        yield Problem("suites", "[]", rule, "Set test_split: true, or name a suite.")
