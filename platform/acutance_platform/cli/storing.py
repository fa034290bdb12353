"""`acutance store`: the store as a whole."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import Progress

from acutance_platform.cli.outcome import Failed
from acutance_platform.verbs import verifying
from acutance_storage import Damage, Verified

_SHOWN = 5


@click.group()
def store() -> None:
    """Look after the store as a whole.

    \b
    Example:
      acutance store verify
    """


@store.command()
@click.option("--repair", is_flag=True, help="Replace damaged blobs by sound copies.")
@click.option(
    "--from",
    "copies",
    multiple=True,
    metavar="STORE",
    help="Another store with copies; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def verify(repair: bool, copies: tuple[str, ...], as_json: bool) -> None:
    """Hash every blob, read every ref and journal, and list damage with what depends on it.

    With --repair, damaged and missing blobs come back from this machine's node cache and from the
    stores of --from, where these have sound copies. Exit code 1 where damage is left.

    \b
    Example:
      acutance store verify --repair --from s3://backup/acutance
    """
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("hashing blobs", total=None)
        found = verifying.verify_store(
            repair=repair,
            copies=copies,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        _say(found)
    if found.left:
        advice = "" if repair else " --repair mends what has a copy (--from STORE)."
        raise Failed(f"the store is damaged: {len(found.left)} finding(s).{advice}")


def _say(found: Verified) -> None:
    for name in found.torn:
        click.echo(f"torn     {name}: a crash tore its end; its next writer cuts it")
    for damage in found.damage:
        word = "repaired" if damage.repaired_from else "damaged "
        source = f", from {damage.repaired_from}" if damage.repaired_from else ""
        click.echo(f"{word} {damage.key}: {damage.problem}{source}{_needed(damage)}")
    sound = "" if found.left else ": the store is sound"
    click.echo(
        f"{found.blobs:,} blobs ({found.bytes:,} bytes) and {found.documents:,} refs and journals"
        f" read{sound}"
    )


def _needed(damage: Damage) -> str:
    if not damage.needed_by:
        return ""
    more = len(damage.needed_by) - _SHOWN
    names = ", ".join(damage.needed_by[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"; needed by {names}"
