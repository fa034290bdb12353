"""What a command ends with: an exit code, and one clear message where something is wrong."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class Failed(click.ClickException):
    """The command's work failed or was refused; exit code 1."""

    exit_code = FAILED


class Refused(click.ClickException):
    """The command's input cannot be used; exit code 2."""

    exit_code = BAD_INPUT


def run(command: click.Command, arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code; no traceback for anything that users can cause."""
    try:
        result: Any = command.main(args=arguments, prog_name="acutance", standalone_mode=False)
        return result if isinstance(result, int) else DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        _say_usage(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); say nothing, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        lines, code = _explained(error)
        if not lines:
            raise  # a defect of ours, which its traceback shows best
        for line in lines:
            click.echo(line, err=True)
        return code


def _explained(error: Exception) -> tuple[list[str], int]:
    """Return what to say and the exit code; no lines for what no user can cause."""
    # Not at the top: these import torch, which `--help` and a mistyped verb do without.
    from acutance_models import ModelsError
    from acutance_platform.recipe import RecipeErrors
    from acutance_platform.sweep.errors import SweepBusy, SweepDiffers, SweepError
    from acutance_storage import StorageError
    from acutance_storage.errors import StoreFull

    code = FAILED
    if isinstance(error, RecipeErrors):
        many = [f"{len(error.problems)} problems."] if len(error.problems) > 1 else []
        return [*(f"error: {problem}" for problem in error.problems), *many], BAD_INPUT
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        text = f"{place}{error.strerror or error}"
    elif isinstance(error, MemoryError):
        text = "not enough memory. Choose a smaller batch, patch or --tile, or fewer trials at once"
    elif isinstance(error, StoreFull):
        text = str(error)
    elif isinstance(error, StorageError | ModelsError | SweepBusy | SweepDiffers):
        text, code = str(error), BAD_INPUT
    elif isinstance(error, SweepError):
        text = str(error)
    else:
        return [], code
    return [f"error: {text}"], code


def _say_usage(error: click.ClickException) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    click.echo(f"error: {error.format_message()}", err=True)
