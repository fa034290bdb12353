"""What a recipe with a `zero_shot` section must and may not say elsewhere."""

import numpy as np

from acutance_models import DegradationError
from acutance_models.zero_shot import fitted_kernel
from acutance_platform.recipe.errors import Problem
from acutance_platform.recipe.schema import Data, Recipe, ZeroShot

_PIXEL_LOSSES = ("charbonnier", "l1", "mse")
_POINTS = 5
"""Errors that the slope rule needs at least."""


def zero_shot_problems(recipe: Recipe) -> list[Problem]:
    """Return everything that does not go together with training one network per picture."""
    if recipe.zero_shot is None:
        return []
    return [
        *_network_problems(recipe),
        *_stage_problems(recipe),
        *_loss_problems(recipe),
        *_idle_problems(recipe),
        *_own_problems(recipe.zero_shot, recipe.scale),
    ]


def _network_problems(recipe: Recipe) -> list[Problem]:
    generator = recipe.generator
    if generator["kind"] != "zssr":
        rule = "zero_shot trains the generator kind zssr, which works on an enlarged picture"
        way_out = "Write {kind: zssr}, or leave out zero_shot."
        return [Problem("generator.kind", str(generator["kind"]), rule, way_out)]
    if generator["colour"] != "rgb":
        rule = "zero_shot learns from RGB pictures"
        return [Problem("generator.colour", str(generator["colour"]), rule, "Write rgb.")]
    return []


def _stage_problems(recipe: Recipe) -> list[Problem]:
    """Return what a picture's one short training has no use for."""
    problems = []
    if len(recipe.stages) > 1:
        rule, names = "zero_shot trains in one stage", ", ".join(recipe.stages)
        problems.append(Problem("stages", names, rule, "Keep one."))
    for stage, content in recipe.stages.items():
        given = content.model_dump(exclude_defaults=True, exclude={"after", "steps", "loss"})
        problems += [
            Problem(f"stages.{stage}.{name}", str(value), "zero_shot does not use it", "Remove it.")
            for name, value in given.items()
        ]
        for term, spec in content.loss.items():
            problems += [
                Problem(
                    f"stages.{stage}.loss.{term}.{name}",
                    str(spec[name]),
                    "terms of zero_shot count throughout, as they are",
                    "Remove it.",
                )
                for name in ("from_step", "until_step", "ramp", "normalize")
                if spec.get(name)
            ]
    return problems


def _loss_problems(recipe: Recipe) -> list[Problem]:
    return [
        Problem(
            f"stages.{stage}.loss.{term}.kind",
            str(spec["kind"]),
            "zero_shot learns by pixel losses only",
            f"Write one of: {', '.join(_PIXEL_LOSSES)}.",
        )
        for stage, content in recipe.stages.items()
        for term, spec in content.loss.items()
        if spec["kind"] not in _PIXEL_LOSSES
    ]


def _idle_problems(recipe: Recipe) -> list[Problem]:
    """Return settings that would do nothing."""
    problems = []
    for name, reason in (
        ("patch", "crops are zero_shot.crop"),
        ("batch", "each step sees one father of each picture"),
        ("augment", "fathers are drawn as zero_shot says"),
    ):
        value = getattr(recipe.data, name)
        if value != Data.model_fields[name].default:
            rule = f"zero_shot does not use it: {reason}"
            problems.append(Problem(f"data.{name}", str(value), rule, "Leave it out."))
    if recipe.data.lr_from == "crop":
        rule = "zero_shot has one LR picture, not one per crop"
        problems.append(Problem("data.lr_from", "crop", rule, "Write picture or stored."))
    if recipe.schedule.kind != "constant" or recipe.schedule.warmup:
        rule = "zero_shot sets the learning rate by its slope rule"
        problems.append(Problem("schedule", recipe.schedule.kind, rule, "Leave it out."))
    if recipe.evaluation.costs:
        rule = "zero_shot trains a network per picture, which no such cost describes"
        shown = ", ".join(recipe.evaluation.costs)
        problems.append(Problem("evaluation.costs", shown, rule, "Leave it out."))
    if recipe.ema is not None:
        rule = "zero_shot keeps no average of the weights"
        problems.append(Problem("ema", str(recipe.ema), rule, "Write null."))
    return problems


def _own_problems(section: ZeroShot, scale: int) -> list[Problem]:
    problems = []
    if section.as_is + section.exact > 1:
        rule = f"as_is and exact are shares of one whole; they are {section.as_is + section.exact}"
        problems.append(Problem("zero_shot.exact", str(section.exact), rule, "Lower one."))
    if section.window < _POINTS * section.test_every:
        rule = f"the window holds {_POINTS} errors, one every {section.test_every} steps"
        way_out = f"Write {_POINTS * section.test_every} or more, or lower test_every."
        problems.append(Problem("zero_shot.window", str(section.window), rule, way_out))
    if section.kernel is not None:
        problems += _kernel_problems(section.kernel, scale)
    return problems


def _kernel_problems(kernel: list[list[float]], scale: int) -> list[Problem]:
    if len({len(row) for row in kernel}) != 1 or not kernel[0]:
        rule = "a kernel has equally long rows"
        return [Problem("zero_shot.kernel", f"{len(kernel)} rows", rule, "Pad it with zeros.")]
    try:
        fitted_kernel(np.array(kernel, dtype=np.float64), scale)
    except DegradationError as error:
        rule = str(error).rstrip(".")
        return [Problem("zero_shot.kernel", "", rule, "Give another kernel.")]
    return []
