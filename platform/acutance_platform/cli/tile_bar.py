"""How far the enlargement of a picture is, on standard error where that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from acutance_platform.verbs.upscaling import Part


@contextmanager
def tile_bar() -> Iterator[Callable[[Part], None]]:
    """Give what is to be called after each tile; the bar is gone at the end."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("tile {task.completed:.0f} of {task.total:.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("", total=1)

    def watch(part: Part) -> None:
        if part.tile == 1:  # another picture: its own time
            bar.reset(task, total=part.tiles)
        bar.update(task, description=part.source.name, completed=part.tile, total=part.tiles)

    with bar:
        yield watch
