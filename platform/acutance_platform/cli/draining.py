"""`acutance drain`: before a node is taken away."""

import click

from acutance_platform.cli.outcome import DONE, FAILED

# Not through a verb, whose package imports torch: seconds, on a node that has few left.
from acutance_platform.sweep.places import drain as ask


@click.command()
@click.option(
    "--within",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait.",
)
def drain(within: float) -> int:
    """Ask the trials on this node to save their state and stop, and wait for them.

    For a node that is about to go (a spot notice, a preStop hook): its trials go on elsewhere from
    there. The node is known by its folder: ACUTANCE_LOCAL, else ~/.cache/acutance. Exit 1
    where some still run.

    \b
    Example:
      acutance drain --within 90
    """
    seconds, left = ask(within=within)
    if left:
        click.echo(f"{left} trials still run after {seconds:.0f} s", err=True)
        return FAILED
    click.echo(f"no trial runs on this node any more ({seconds:.1f} s)")
    return DONE
