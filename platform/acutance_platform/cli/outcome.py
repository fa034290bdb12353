"""What a command ends with: an exit code, and one clear message where something is wrong."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from acutance_models import ModelsError
from acutance_platform.recipe import RecipeErrors
from acutance_platform.sweep.errors import SweepBusy, SweepDiffers, SweepError
from acutance_storage import StorageError
from acutance_storage.errors import StoreFull

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
    except RecipeErrors as errors:
        for problem in errors.problems:
            click.echo(f"error: {problem}", err=True)
        if len(errors.problems) > 1:
            click.echo(f"{len(errors.problems)} problems.", err=True)
        return BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); say nothing, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except StoreFull as error:
        click.echo(f"error: {error}", err=True)
        return FAILED
    except (StorageError, ModelsError, SweepBusy, SweepDiffers) as error:
        click.echo(f"error: {error}", err=True)
        return BAD_INPUT
    except SweepError as error:
        click.echo(f"error: {error}", err=True)
        return FAILED
    except OSError as error:
        click.echo(
            f"error: {error.strerror or error}: {error.filename or ''}".rstrip(": "), err=True
        )
        return FAILED


def _say_usage(error: click.ClickException) -> None:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(
            f"usage: {' '.join(error.ctx.command.collect_usage_pieces(error.ctx))}", err=True
        )
    click.echo(f"error: {error.format_message()}", err=True)
