"""What a promotion is doing, on standard error: one line that changes, or plain lines."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.text import Text

from acutance_platform.verbs.promoted import STEPS, Progress

_SAID = {
    "reload": "read the weights",
    "measure": "measure in a process of its own",
    "decide": "judge by the gate's rules",
    "publish": "write the verdict",
}


@contextmanager
def gate_lines() -> Iterator[Progress]:
    """Give what is to be told of each step; on a terminal nothing of it stays at the end."""
    console = Console(stderr=True)
    if not console.is_terminal:

        def say(step: str, done: int, total: int, what: str = "") -> None:
            click.echo(_line(step, what), err=True)

        yield say
        return
    with console.status("") as status:

        def show(step: str, done: int, total: int, what: str = "") -> None:
            status.update(Text(_line(step, what)))

        yield show


def _line(step: str, what: str) -> str:
    return f"step {STEPS.index(step) + 1} of {len(STEPS)}: {what or _SAID[step]}"
