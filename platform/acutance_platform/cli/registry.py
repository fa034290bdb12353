"""`acutance promote`, `rollback`, `models` and `ledger`."""

import json
import time
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from acutance_platform.cli.gate_lines import gate_lines
from acutance_platform.cli.outcome import Failed
from acutance_platform.verbs import promotion, registry
from acutance_platform.verbs.promoted import Promotion

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
_ALIAS = click.option("--alias", default="champion", show_default=True, help="What is moved.")


@click.command()
@click.argument("model")
@click.option("--model", "name", required=True, metavar="NAME", help="The registered model.")
@_ALIAS
@click.option("--gate", default="default", show_default=True, help="experiments/gates/NAME.yaml.")
@click.option("--data", metavar="DATA", help="Further pictures: a folder, or NAME[@VERSION].")
@click.option("--dry-run", is_flag=True, help="Only measure and judge; nothing moves.")
@_JSON
def promote(
    model: str,
    name: str,
    alias: str,
    gate: str,
    data: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let MODEL become the champion of a registered model, if it earns it.

    It is loaded by hash and measured anew in a clean process, on pictures that it never saw, beside
    the present champion; the gate's rules decide, and the ledger keeps the verdict. Exit code 1 if
    it was refused.

    \b
    Example:
      acutance promote quickstart/best --model photos-x2
      acutance promote quickstart/best --model photos-x2 --data my-test-pictures --dry-run
    """
    asked: dict[str, Any] = {"name": name, "alias": alias, "gate": gate, "data": data}
    with gate_lines() as progress:
        found = promotion.promote(model, dry_run=dry_run, progress=progress, **asked)
    _tell(found, as_json)


@click.command()
@click.argument("name")
@_ALIAS
@_JSON
def rollback(name: str, alias: str, as_json: bool) -> None:
    """Move the alias of a registered model back to the version on which it stood before.

    \b
    Example:
      acutance rollback photos-x2
    """
    _tell(promotion.rollback(name, alias=alias), as_json)


@click.group(invoke_without_command=True)
@_JSON
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """Show registered models: versions, aliases and figures side by side.

    \b
    Example:
      acutance models
      acutance models history photos-x2
    """
    if context.invoked_subcommand is not None:
        return
    found = registry.models()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        Console().print(_versions(each))
    if not found:
        click.echo("no model was promoted yet: acutance promote MODEL --model NAME", err=True)


@models.command()
@click.argument("name")
@_JSON
def history(name: str, as_json: bool) -> None:
    """Show what happened to a registered model: who moved which alias, when, and why not.

    \b
    Example:
      acutance models history photos-x2
    """
    _entries(registry.history(name), as_json)


@models.command()
@click.argument("model")
def card(model: str) -> None:
    """Print the model card of NAME@ALIAS or NAME/VERSION, in Markdown.

    \b
    Example:
      acutance models card photos-x2@champion
    """
    click.echo(registry.model_card(model))


@models.command()
@click.argument("model")
def delete(model: str) -> None:
    """Take NAME/VERSION out of the registry; no alias may stand on it, and the ledger remembers it.

    \b
    Example:
      acutance models delete photos-x2/1
    """
    for note in registry.delete_version(model):
        click.echo(f"note: {note}", err=True)
    click.echo(f"{model} is deleted")


@click.group(invoke_without_command=True)
@_JSON
@click.pass_context
def ledger(context: click.Context, as_json: bool) -> None:
    """Show every promotion, refusal, rollback and deletion, oldest first.

    \b
    Example:
      acutance ledger
      acutance ledger verify
    """
    if context.invoked_subcommand is None:
        _entries(registry.ledger(), as_json)


@ledger.command()
@_JSON
def verify(as_json: bool) -> None:
    """Find out whether the ledger is the one that was written; exit code 1 if it is not.

    \b
    Example:
      acutance ledger verify
    """
    found = registry.verify_ledger()
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        for note in found.notes:
            click.echo(f"note: {note}", err=True)
        if not found.problems:
            click.echo(f"{found.entries} entries, each follows the one before it")
    if found.problems:
        raise Failed("the ledger is damaged:\n  " + "\n  ".join(found.problems))


def _tell(found: Promotion, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        for note in found.notes:
            click.echo(f"note: {note}", err=True)
        for line in _figures(found.figures):
            click.echo(line)
        where = f"{found.model}@{found.alias}"
        stands = f"version {found.version}" if found.version else "no version"
        before = f", before on version {found.previous}" if found.previous else ""
        said = f"{found.verdict}: {where} stands on {stands}"
        click.echo(said if found.verdict == "refused" else said + before)
    if found.verdict == "refused":
        raise Failed("\n  ".join(["the gate refuses:", *found.reasons]))


def _figures(figures: dict[str, Any]) -> list[str]:
    lines = [f"{figures['pictures']} pictures"] if "pictures" in figures else []
    for who in ("challenger", "champion", "bicubic"):
        values = figures.get(who) or {}
        if values:
            told = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            lines.append(f"{who:>10}  {told}")
    for name, each in (figures.get("compared") or {}).items():
        test = each["wilcoxon"]
        told = test if isinstance(test, str) else f"p {test:.4f}"
        lines.append(
            f"{name}: {each['mean']:+.4f} on average, lower 95 % bound {each['bound']:+.4f};"
            f" Wilcoxon: {told}"
        )
    return lines


def _versions(model: dict[str, Any]) -> Table:
    rows = model["versions"]
    names = sorted({name for row in rows for name in row["metrics"]})
    table = Table("version", "alias", "gate", "pictures", *names, "weights", title=model["model"])
    for row in rows:
        values = [f"{row['metrics'][n]:.4f}" if n in row["metrics"] else "" for n in names]
        alias = ", ".join(row["aliases"])
        table.add_row(
            str(row["version"]), alias, row["gate"], str(row["pictures"]), *values,
            row["weights"][:12],
        )  # fmt: skip
    return table


def _entries(entries: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(entries, indent=2))
        return
    for entry in entries:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(entry["time"]))
        alias = f"@{entry['alias']}" if entry.get("alias") else ""
        way = f"{entry.get('from') or '-'} -> {entry.get('to') or '-'}"
        click.echo(
            f"{entry['number']:>5}  {when}  {entry['who']}  {entry['action']}"
            f"  {entry['model']}{alias}  {way}"
        )
        for reason in entry.get("reasons", []):
            click.echo(f"       {reason}")
