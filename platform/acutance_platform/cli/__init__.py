"""The command line: verbs only; each reads its arguments, calls one function, prints the answer.

Exit codes: 0 done, 1 failed or refused, 2 bad input, 130 interrupted with state saved.
"""

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence

import click

__all__ = ["acutance", "main"]

# Idle OpenMP threads must sleep, not spin: on a busy machine spinning costs a factor of ten.
# Set before torch is imported, which only the verbs do.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_VERBS = {
    "init": "starting:init",
    "data": "data:data",
    "fetch": "fetching:fetch",
    "validate": "planning:validate",
    "plan": "planning:plan",
    "train": "running:train",
    "sweep": "running:sweep",
    "resume": "running:resume",
    "experiment": "experimenting:experiment",
    "stop": "steering:stop",
    "enqueue": "steering:enqueue",
    "budget": "steering:budget",
    "status": "looking:status",
    "logs": "steering:logs",
    "front": "looking:front",
    "report": "looking:report",
    "evaluate": "models:evaluate",
    "upscale": "models:upscale",
    "export": "exporting:export",
    "interpolate": "interpolating:interpolate",
    "promote": "registry:promote",
    "rollback": "registry:rollback",
    "models": "registry:models",
    "ledger": "registry:ledger",
    "systems": "systems:systems",
    "import": "systems:import_",
    "reproduce": "systems:reproduce",
    "store": "storing:store",
    "gc": "cleaning:gc",
    "dashboard": "serving:dashboard",
    "mlflow": "serving:mlflow",
    "drain": "draining:drain",
    "doctor": "starting:doctor",
}


class _Verbs(click.Group):
    """A group that imports a verb's module when the verb is used, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module, _, name = _VERBS[cmd_name].partition(":")
        found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], _VERBS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"There is no verb '{args[0]}'.{hint} See acutance --help.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(verb, _short_help(verb)) for verb in _VERBS]
        with formatter.section("Verbs"):
            formatter.write_dl(rows)


_HELP = {
    "init": "write a sweep file for a folder of pictures",
    "data": "add, list, show and verify datasets",
    "fetch": "bring published weights and parameters into the store",
    "validate": "check a recipe or sweep file, all problems at once",
    "plan": "trials, steps and hours that a file will cost",
    "train": "run one recipe",
    "sweep": "search: run many trials of a recipe",
    "resume": "go on with an interrupted sweep or training",
    "experiment": "run an experiment's folder to its answer",
    "stop": "save and end a running sweep, training or trial",
    "enqueue": "add a point to a sweep by hand",
    "budget": "raise a running sweep's limits",
    "status": "trials, states and metrics of a sweep",
    "logs": "what a sweep or trial said, and says",
    "front": "the best trials of a sweep",
    "report": "one self-contained page about a sweep",
    "evaluate": "measure a model on pictures under a named protocol",
    "upscale": "enlarge pictures with a model",
    "export": "write a model as ONNX, or as weights that other programs read",
    "interpolate": "the models between two, and their perception-distortion curve",
    "promote": "let a model become the champion, if it earns it",
    "rollback": "move an alias back to where it stood",
    "models": "registered models: versions, aliases, figures, history",
    "ledger": "every promotion, refusal, rollback and deletion",
    "systems": "the presets: parameters, multiply-adds, sources",
    "import": "turn an authors' checkpoint into a weights file",
    "reproduce": "measure weights beside the published figures",
    "store": "verify and mend the store",
    "gc": "delete what nothing in the store needs",
    "dashboard": "see sweeps, fronts, pictures and models in a browser",
    "mlflow": "open the tracking server of this machine",
    "drain": "save the trials of a node that is about to go",
    "doctor": "check that this machine can run sweeps",
}


def _short_help(verb: str) -> str:
    return _HELP[verb]


def _show_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    try:
        version = importlib.metadata.version("acutance")
    except importlib.metadata.PackageNotFoundError:
        version = "from a checkout that is not installed"
    click.echo(f"acutance {version}")
    ctx.exit()


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def acutance() -> None:
    """Search, train, compare and ship super-resolution models.

    ACUTANCE_STORE (./.acutance, or s3://BUCKET/PREFIX) holds datasets, weights and journals;
    ACUTANCE_LOCAL
    (./.acutance/local) holds caches, reports and the tracking server's database.

    \b
    Example:
      acutance init my-photos && acutance sweep my-photos/sweep.yaml
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    from acutance_platform.cli.outcome import run

    sys.exit(run(acutance, arguments))
