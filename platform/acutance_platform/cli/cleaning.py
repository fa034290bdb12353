"""`acutance gc`."""

import json

import click

from acutance_platform.verbs import cleaning

_SHORT = 12


@click.command()
@click.option("--dry-run", is_flag=True, help="List what would go, and delete nothing.")
@click.option(
    "--older-than",
    type=click.FloatRange(0),
    default=7.0,
    show_default=True,
    metavar="DAYS",
    help="Age of states that belong to no sweep or training; younger ones stay.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def gc(dry_run: bool, older_than: float, as_json: bool) -> None:
    """Delete what nothing in the store needs: blobs without a name, states without a sweep.

    Datasets, fetched files, models, and all that a sweep or training names stay, so what is shared
    between sweeps stays too. What was written within a day stays, for its writer may be at work.

    \b
    Example:
      acutance gc --dry-run
      acutance gc --older-than 30
    """
    found = cleaning.gc(dry_run=dry_run, older_than=older_than)
    if as_json:
        document = {
            "deleted": found.deleted,
            "bytes": found.bytes,
            "stages": found.stages,
            "leftovers": found.leftovers,
            "blobs": [{"sha256": blob.sha256, "bytes": blob.size} for blob in found.blobs],
        }
        click.echo(json.dumps(document, indent=2))
        return
    if dry_run:
        for key in found.stages:
            click.echo(f"stage {key[:_SHORT]}  its states belong to no sweep")
        for blob in found.blobs:
            click.echo(f"blob  {blob.sha256[:_SHORT]}  {blob.size:>14,} bytes")
    if found.leftovers:
        click.echo(f"{found.leftovers:,} leftovers of writes that never ended")
    word = "deleted" if found.deleted else "would delete"
    click.echo(
        f"{word} {len(found.blobs):,} blobs ({found.bytes:,} bytes) and {len(found.states):,}"
        f" states of {len(found.stages):,} stages"
    )
