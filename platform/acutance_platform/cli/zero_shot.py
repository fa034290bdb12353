"""The options of `acutance upscale --zero-shot`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

_PRESETS = ("ideal", "kernel", "real")


def zero_shot_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(
        (
            click.option("--zero-shot", is_flag=True, help="Train on each picture alone."),
            click.option("--gradual", is_flag=True, help="With --zero-shot: in steps of a half."),
            click.option(
                "--kernel",
                type=click.Path(path_type=Path),
                help="With --zero-shot: file with the kernel that made the pictures.",
            ),
            click.option(
                "--noise",
                type=click.FloatRange(0, 1),
                help="With --zero-shot: deviation of noise learned against; white is 1.",
            ),
            click.option(
                "--preset",
                type=click.Choice(_PRESETS),
                help="With --zero-shot: what is known of the pictures. [default: ideal, or kernel]",
            ),
            click.option(
                "--steps", type=click.IntRange(1), default=3000, help="With --zero-shot: at most."
            ),
            click.option("--seed", type=click.IntRange(0), default=0, help="With --zero-shot."),
        )
    ):
        command = option(command)
    return command


def asks_for_zero_shot(options: Mapping[str, Any]) -> bool:
    """Return whether --zero-shot is given, and refuse options that would do nothing.

    Raises:
        click.UsageError: If an option does not go with the others.
    """
    context = click.get_current_context()
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE
    }
    of_models = {"model", "tile", "self_ensemble", "back_project", "maps"}
    idle = of_models if options["zero_shot"] else set(options) - {"zero_shot"}
    if found := sorted(given & idle):
        named = ", ".join(f"--{name.replace('_', '-')}" for name in found)
        rule = "needs no model" if options["zero_shot"] else "is not given"
        raise click.UsageError(f"{named} would do nothing: --zero-shot {rule}.")
    scale = context.params["scale"]
    if options["zero_shot"] and scale is not None and scale > 4:
        raise click.UsageError(f"--zero-shot enlarges by 2, 3 or 4, not by {scale}.")
    return bool(options["zero_shot"])


def enlarge_zero_shot(
    pictures: Sequence[Path], scale: int, options: Mapping[str, Any], targets: Mapping[str, Any]
) -> None:
    """Enlarge with a bar on standard error, where that is a terminal."""
    from acutance_platform.verbs.zero_shot import Step, upscale_zero_shot

    chosen = {name: value for name, value in options.items() if name != "zero_shot"}
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed:.0f} of at most {task.total:.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )
    task = bar.add_task("", total=None)

    def watch(step: Step) -> None:
        height, width = step.factors
        by = f"x{height:g}" if height == width else f"x{height:g} by x{width:g}"
        label = f"{step.source.name} {by}, rate {step.lr:.0e}"
        bar.update(task, description=label, completed=step.step, total=step.limit)

    with bar:
        upscale_zero_shot(pictures, scale=scale, watch=watch, **chosen, **targets)
