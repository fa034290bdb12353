"""Write docs/reference from the code, and the tables of docs/systems and of the README.

Run:  make docs      (or: python docs/generate.py; with --check it only names stale files)
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import system_pages
from editor_schemas import DISTRIBUTIONS, Schema, recipe_schema, sweep_schema
from markup import component, first_paragraph, flow, joined, shown_value, table, type_text

import acutance_models as models
from acutance_models import GENERATORS, PRESETS, PROTOCOLS, Registry
from acutance_platform.cli import acutance
from acutance_platform.recipe import Recipe
from acutance_platform.registry.gates import Gate
from acutance_platform.registry.suites import SuiteFile
from acutance_platform.search import Search
from acutance_platform.search.samplers import SAMPLERS
from acutance_platform.search.schedulers import SCHEDULERS
from acutance_platform.verbs.experiment_files import Experiment

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"
NOTE = "<!-- Written by docs/generate.py (make docs); change the code, not this page. -->"


def pages() -> dict[Path, str]:
    """Return file -> content of docs/reference, and of the pages that hold written tables."""
    return {
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "recipe.md": recipe_page(),
        REFERENCE / "components.md": components_page(),
        REFERENCE / "gates.md": gates_page(),
        REFERENCE / "experiments.md": experiments_page(),
        REFERENCE / "recipe.schema.json": json.dumps(recipe_schema(), indent=1) + "\n",
        REFERENCE / "sweep.schema.json": json.dumps(sweep_schema(), indent=1) + "\n",
        REFERENCE / "gate.schema.json": json.dumps(Gate.model_json_schema(), indent=1) + "\n",
        REFERENCE / "experiment.schema.json": json.dumps(Experiment.model_json_schema(), indent=1)
        + "\n",
        REFERENCE / "suite.schema.json": json.dumps(SuiteFile.model_json_schema(), indent=1) + "\n",
        **system_pages.pages(),
    }


def cli_page() -> str:
    """Return the help of every command."""
    parts = [
        NOTE,
        "# Commands",
        "Exit codes: 0 done (also: a budget is reached), 1 failed or refused, 2 bad input,"
        " 130 interrupted with the state saved.",
    ]
    for path, command in commands(acutance, "acutance"):
        context = click.Context(command, info_name=path, terminal_width=80, max_content_width=80)
        parts += [f"## {path}", f"```text\n{command.get_help(context)}\n```"]
    return joined(parts)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and everything below it, with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, f"{path} {name}")


def recipe_page() -> str:
    """Return every field of a recipe and of a sweep's `search` section."""
    recipe, search = Recipe.model_json_schema(), Search.model_json_schema()
    parts = recipe["$defs"] | search["$defs"]
    shown = [
        ("Recipe", "", recipe),
        ("data", "data.", parts["Data"]),
        ("optimizer", "optimizer.", parts["Adam"]),
        ("schedule: constant", "schedule.", parts["Constant"]),
        ("schedule: multistep", "schedule.", parts["Multistep"]),
        ("schedule: cosine", "schedule.", parts["Cosine"]),
        ("resources", "resources.", parts["Resources"]),
        ("stages", "stages.NAME.", parts["Stage"]),
        ("evaluation", "evaluation.", parts["Evaluation"]),
        ("checkpoint", "checkpoint.", parts["Checkpoint"]),
        ("search", "search.", search),
        ("search.budget", "search.budget.", parts["Budget"]),
    ]
    page = [
        NOTE,
        "# Recipe and sweep files",
        "`base: FILE` merges this file over another one: maps key by key; lists, scalars and"
        " `stages` as a whole; a component of another `kind` replaces its arguments as well."
        " `--set PATH=VALUE` sets one dotted path. Components are listed in"
        " [components.md](components.md). [recipe.schema.json](recipe.schema.json) and"
        " [sweep.schema.json](sweep.schema.json) serve editors: write"
        " `# yaml-language-server: $schema=PATH` on a file's first line.",
    ]
    for title, prefix, schema in shown:
        page += [f"## {title}", first_paragraph(schema["description"]), fields(schema, prefix)]
    page += ["## search.space: distributions", distributions()]
    return joined(page)


def gates_page() -> str:
    """Return every field of a gate and of a suite."""
    gate, suite = Gate.model_json_schema(), SuiteFile.model_json_schema()
    shown = [
        ("Gate", "", gate),
        ("latency_ms, peak_memory_mb", "latency_ms.", gate["$defs"]["Ceiling"]),
        ("seam", "seam.", gate["$defs"]["Seam"]),
        ("Suite", "", suite),
        ("datasets", "datasets.N.", suite["$defs"]["Pictures"]),
    ]
    page = [
        NOTE,
        "# Gates and suites",
        "`experiments/gates/NAME.yaml` and `experiments/suites/NAME.yaml`; how they are used:"
        " [../how-to/promotion.md](../how-to/promotion.md). `base: FILE` merges over another file."
        " [gate.schema.json](gate.schema.json) and [suite.schema.json](suite.schema.json) serve"
        " editors.",
    ]
    for title, prefix, schema in shown:
        page += [f"## {title}", first_paragraph(schema["description"]), fields(schema, prefix)]
    return joined(page)


def experiments_page() -> str:
    """Return every field of an experiment's file."""
    whole = Experiment.model_json_schema()
    shown = [
        ("Experiment", "", whole),
        ("tables", "tables.NAME.", whole["$defs"]["Table"]),
        ("figures", "figures.NAME.", whole["$defs"]["Figure"]),
    ]
    page = [
        NOTE,
        "# Experiments",
        "`experiments/NAME/experiment.yaml`; how it is used:"
        " [../how-to/experiments.md](../how-to/experiments.md). Metrics are those that the sweep"
        " reports, `NAME/METRIC` of what `measure` names, and `parameters`, `macs_per_pixel`,"
        " `steps`, `executed`, `cpu_seconds`."
        " [experiment.schema.json](experiment.schema.json) serves editors.",
    ]
    for title, prefix, schema in shown:
        page += [f"## {title}", first_paragraph(schema["description"]), fields(schema, prefix)]
    return joined(page)


def fields(schema: Schema, prefix: str) -> str:
    """Return a section's fields as a table; those of nested sections have tables of their own."""
    needed = schema.get("required", [])
    rows = []
    for name, field in schema["properties"].items():
        default = "needed" if name in needed else shown_value(field.get("default"))
        kind = type_text(field) or "section"
        rows.append((f"`{prefix}{name}`", kind, default, field.get("description", "")))
    return table(("path", "type", "default", "meaning"), rows)


def distributions() -> str:
    """Return what may stand in `search.space`."""
    rows = [
        (f"`{kind}`", f"`{name}`", type_text(field), field["description"])
        for kind, properties in DISTRIBUTIONS.items()
        for name, field in properties.items()
    ]
    text = (
        "An entry maps a dotted recipe path to one distribution, for example"
        " `optimizer.lr: {log_uniform: [1.0e-4, 1.0e-3]}`. A branch of a choice that is not taken"
        " has no value. `variants` stand under a name of your own instead of a path. No two entries"
        " may set one path. Each distribution may have"
        ' `when: "PATH OP LITERAL"` with OP one of `== != < <= > >=`; where it does not hold, the'
        " path keeps what the recipe says."
    )
    return text + "\n\n" + table(("distribution", "key", "type", "meaning"), rows)


def components_page() -> str:
    """Return every table of components with arguments and docstrings."""
    kinds: list[tuple[str, str, Registry[Any]]] = [
        ("Generators", "`generator: {kind: NAME, ...}`", GENERATORS),
        ("Degradation steps", "`data.degradation: [{kind: NAME, ...}, ...]`", models.DEGRADATIONS),
        ("Losses", "`stages.NAME.loss.TERM: {kind: NAME, weight: W, ...}`", models.LOSSES),
        ("Feature networks", "`features: NAME` or `features: {kind: NAME, ...}`", models.FEATURES),
        ("Discriminators", "`discriminator: {kind: NAME, ...}`", models.DISCRIMINATORS),
        ("Metrics", "`evaluation.metrics: [NAME, {kind: NAME, ...}, ...]`", models.METRICS),
        ("Samplers", "`search.sampler: {kind: NAME, ...}`", SAMPLERS),
        ("Schedulers", "`search.scheduler: {kind: NAME, ...}`", SCHEDULERS),
    ]
    page = [NOTE, "# Components"]
    for title, written, rows in kinds:
        page += [f"## {title}", f"Written {written}."]
        for name in rows:
            page += [f"### {name}", *component(rows, name)]
        if rows is GENERATORS:
            page += ["### Presets", presets()]
    return joined([*page, "## Protocols", protocols()])


def presets() -> str:
    """Return the named variants of the generators."""
    rows = [
        (
            f"`{name}`",
            f"`{flow(dict(preset.spec))}`",
            ", ".join(f"x{scale} {count:,}" for scale, count in preset.parameters.items()),
            preset.source,
        )
        for name, preset in PRESETS.items()
    ]
    text = "Written `generator: {preset: NAME}`; arguments beside the name replace the preset's."
    return text + "\n\n" + table(("preset", "stands for", "published parameters", "source"), rows)


def protocols() -> str:
    """Return how each protocol measures."""
    rows = [
        (
            f"`{name}`",
            f"`{flow([dict(step) for step in p.degradation])}`",
            p.lr,
            f"{p.sr_to_uint8} to 8-bit RGB",
            p.y,
            f"{p.grey}: {p.grey_source}",
            "the scale" if p.border is None else str(p.border),
            p.source,
        )
        for name, p in PROTOCOLS.items()
    ]
    heads = ("protocol", "degradation", "LR", "SR", "luma", "grey pictures", "border", "source")
    return "Written `evaluation.protocol: NAME` or `--protocol NAME`.\n\n" + table(heads, rows)


def main() -> None:
    """Write the pages, or name those that are not as the code would write them."""
    parser = argparse.ArgumentParser(description="Write what the code says into docs.")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if a file is stale")
    check = parser.parse_args().check
    fresh = pages()
    known = {path: path.read_text() for path in [*REFERENCE.glob("*"), *fresh] if path.exists()}
    stale = sorted(path for path in fresh | known if fresh.get(path) != known.get(path))
    for path in stale:
        sys.stdout.write(f"{'stale' if check else 'wrote'} {path.relative_to(DOCS.parent)}\n")
        if not check and path in fresh:
            path.write_text(fresh[path])
        elif not check:
            path.unlink()
    sys.exit("run `make docs`" if check and stale else 0)


if __name__ == "__main__":
    main()
