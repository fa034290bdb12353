"""`acutance stop`, `enqueue` and `logs`: steer a sweep from wherever its store is seen."""

import json
import shlex
import time
from typing import Any

import click

from acutance_platform.search.fold import Record
from acutance_platform.verbs import logs as reading
from acutance_platform.verbs import open_home, steering

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
_ERROR_LINES = 5


@click.command()
@click.argument("target", metavar="SWEEP[/TRIAL]")
@_JSON
def stop(target: str, as_json: bool) -> None:
    """Ask a running sweep, training or trial to save its state and end.

    A sweep is then INTERRUPTED and can be resumed; a trial is STOPPED, and its slot goes to another
    one. Works on every machine that sees the store.

    \b
    Example:
      acutance stop quickstart/t0003
      acutance stop quickstart
    """
    _tell(steering.stop(target, home=open_home()), as_json)


@click.command()
@click.argument("sweep")
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Fix a value of the point."
)
@_JSON
def enqueue(sweep: str, sets: tuple[str, ...], as_json: bool) -> None:
    """Ask SWEEP to run a point as its next new trial; what is not set is drawn.

    The point comes on top of the budget of trials; steps and hours count as for all others.

    \b
    Example:
      acutance enqueue quickstart --set optimizer.lr=1.0e-3
    """
    _tell(steering.enqueue(sweep, sets=sets, home=open_home()), as_json)


@click.command()
@click.argument("target", metavar="SWEEP[/TRIAL]")
@click.option("-f", "--follow", is_flag=True, help="Go on until it ends.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document per line.")
def logs(target: str, follow: bool, as_json: bool) -> None:
    """Print what a sweep or trial said: reports, notes, failures, requests.

    \b
    Example:
      acutance logs quickstart/t0003 -f
    """
    for record in reading.logs(target, follow=follow, home=open_home()):
        for line in [json.dumps(record)] if as_json else lines_of(record):
            click.echo(line)


def _tell(request: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(request, indent=2))
        return
    name = shlex.quote(request["sweep"])
    target = f"{name}/{request['trial']}" if "trial" in request else name
    what = "to stop" if request["do"] == "stop" else f"for {_values(request['point'])}"
    if request["driven"]:
        click.echo(f"asked {target} {what}; see: acutance logs {target}")
    else:
        click.echo(
            f"asked {target} {what}; no driver runs, so this waits for: acutance resume {name}"
        )


def lines_of(record: Record) -> list[str]:
    """Return what a record says in plain lines; none for what only the program needs."""
    said = _SAID.get(record["do"])
    if said is None:
        return []
    when = float(record.get("time") or 0.0)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when)) if when else " " * 19
    first, *rest = said(record)
    subject = f"{record['trial']} " if record.get("trial") else ""
    lines = [f"{stamp}  {subject}{first}", *(f"{'':21}{line}" for line in rest)]
    return lines + [f"{'':21}{line}" for line in _last_lines(record.get("error"))]


def _values(values: dict[str, Any]) -> str:
    told = {name: "not finite" if v is None else v for name, v in values.items()}
    return "  ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in told.items()
    )


def _last_lines(error: str | None) -> list[str]:
    return [line for line in (error or "").splitlines() if line.strip()][-_ERROR_LINES:]


def _by(record: Record) -> str:
    return f" (asked by {record['by']})" if record.get("by") else ""


_SAID: dict[str, Any] = {
    "start": lambda r: [f"a driver starts on {r.get('host', 'an unknown host')}"],
    "finish": lambda r: [f"{r['state']} {r.get('reason', '')}".rstrip()],
    "ask": lambda r: [f"new  {_values(r.get('recipe', {}))}".rstrip()],
    "leg": lambda r: ["a leg starts"],
    "wait": lambda r: [f"waits for {r.get('owner', 'another one')}, which computes the same stage"],
    "report": lambda r: [f"step {r['step']}  {_values(r['metrics'])}", *r.get("notes", ())],
    "promote": lambda r: [f"goes on past step {r['rung']}"],
    "failure": lambda r: [f"failed at step {r['step']}:"],
    "end": lambda r: [f"{r['state']} at step {r['step']}"],
    "result": lambda r: [f"weights {str(r['weights'])[:12]} of step {r['step']}"],
    "stop": lambda r: [f"is to stop{_by(r)}"],
    "enqueue": lambda r: [f"a point is added: {_values(r['point'])}{_by(r)}"],
    "declined": lambda r: [f"declined to {r.get('asked', 'do this')}: {r['why']}{_by(r)}"],
    "refused": lambda r: [f"a draw is refused: {', '.join(r['rules'])}"],
    "warm": lambda r: [f"begins with {len(r['told'])} trials of {r['sweep']}"],
    "shrink": lambda r: [r["note"]],
    "budget": lambda r: [f"budget {_values(r['budget'])}{_by(r)}"],
}
