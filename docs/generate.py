"""Write docs/reference from the code: commands, recipe fields, components, editor schemas.

Run:  make docs      (or: python docs/generate.py; with --check it only names stale files)
"""

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml
from editor_schemas import DISTRIBUTIONS, Schema, recipe_schema, sweep_schema

from acutance_models import DEGRADATIONS, GENERATORS, LOSSES, METRICS, PRESETS, PROTOCOLS, Registry
from acutance_platform.cli import acutance
from acutance_platform.recipe import Recipe
from acutance_platform.search import Search
from acutance_platform.search.samplers import SAMPLERS
from acutance_platform.search.schedulers import SCHEDULERS

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py (make docs); change the code, not this page. -->"


def pages() -> dict[str, str]:
    """Return file name -> content of everything in docs/reference."""
    return {
        "cli.md": cli_page(),
        "recipe.md": recipe_page(),
        "components.md": components_page(),
        "recipe.schema.json": json.dumps(recipe_schema(), indent=1) + "\n",
        "sweep.schema.json": json.dumps(sweep_schema(), indent=1) + "\n",
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
        " has no value. Two entries may not set one path. Each distribution may have"
        ' `when: "PATH OP LITERAL"` with OP one of `== != < <= > >=`; where it does not hold, the'
        " path keeps what the recipe says."
    )
    return text + "\n\n" + table(("distribution", "key", "type", "meaning"), rows)


def components_page() -> str:
    """Return every table of components with arguments and docstrings."""
    kinds: list[tuple[str, str, Registry[Any]]] = [
        ("Generators", "`generator: {kind: NAME, ...}`", GENERATORS),
        ("Degradation steps", "`data.degradation: [{kind: NAME, ...}, ...]`", DEGRADATIONS),
        ("Losses", "`stages.NAME.loss.TERM: {kind: NAME, weight: W, ...}`", LOSSES),
        ("Metrics", "`evaluation.metrics: [NAME, ...]`", METRICS),
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


def component(rows: Registry[Any], name: str) -> list[str]:
    """Return the text and the table of arguments of one component."""
    text, arguments, source = docstring(rows[name])
    schema = rows.schema(name).model_json_schema()
    needed = schema.get("required", [])
    lines = [
        (
            f"`{argument}`",
            type_text(field),
            "needed" if argument in needed else shown_value(field.get("default")),
            arguments.get(argument, ""),
        )
        for argument, field in schema.get("properties", {}).items()
    ]
    parts = [text]
    if lines:
        parts.append(table(("argument", "type", "default", "meaning"), lines))
    if source:
        parts.append(f"Source: {source}")
    return parts


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


def docstring(thing: object) -> tuple[str, dict[str, str], str]:
    """Return a Google docstring's text, its arguments and its source, each as one paragraph."""
    text = inspect.getdoc(thing) or ""
    head, *blocks = re.split(r"^(Args|Source|Raises|Returns|Example):\n", text, flags=re.M)
    sections = dict(zip(blocks[::2], map(inspect.cleandoc, blocks[1::2]), strict=True))
    entries = re.split(r"^(\w+): ", sections.get("Args", ""), flags=re.M)[1:]
    arguments = dict(zip(entries[::2], map(one_line, entries[1::2]), strict=True))
    return paragraphs(head), arguments, one_line(sections.get("Source", ""))


def type_text(schema: Schema) -> str:
    """Return a JSON schema's type in words; empty for a section with a table of its own."""
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{value}`" for value in values)
    if "anyOf" in schema:
        return " or ".join(filter(None, (type_text(branch) for branch in schema["anyOf"])))
    if "prefixItems" in schema:
        return f"[{', '.join(type_text(item) for item in schema['prefixItems'])}]"
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        inner = type_text(schema.get("items", {}))
        return f"list of {inner}" if inner else "list"
    return {"object": "map", "string": "text"}.get(kind, kind) + bounds(schema)


def bounds(schema: Schema) -> str:
    """Return a number's limits."""
    words = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    found = [f"{sign} {schema[key]}" for key, sign in words.items() if key in schema]
    return f" {' and '.join(found)}" if found else ""


def shown_value(value: Any) -> str:
    """Return a default as it would stand in a file."""
    return f"`{flow(value)}`"


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    return text.strip().removesuffix("...").strip()


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(c.replace('|', '/') for c in line)} |" for line in lines)


def first_paragraph(text: str) -> str:
    """Return a docstring's first paragraph on one line."""
    return one_line(text.partition("\n\n")[0])


def paragraphs(text: str) -> str:
    """Return a docstring's paragraphs, each on one line."""
    return "\n\n".join(one_line(part) for part in text.strip().split("\n\n"))


def one_line(text: str) -> str:
    """Return text without line breaks."""
    return " ".join(text.split())


def joined(parts: list[str]) -> str:
    """Return a page from its blocks."""
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the pages, or name those that are not as the code would write them."""
    parser = argparse.ArgumentParser(description="Write docs/reference from the code.")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if a file is stale")
    check = parser.parse_args().check
    fresh = pages()
    known = {path.name: path.read_text() for path in REFERENCE.glob("*")}
    stale = sorted(name for name in fresh | known if fresh.get(name) != known.get(name))
    for name in stale:
        sys.stdout.write(f"{'stale' if check else 'wrote'} docs/reference/{name}\n")
        if not check and name in fresh:
            (REFERENCE / name).write_text(fresh[name])
        elif not check:
            (REFERENCE / name).unlink()
    sys.exit("run `make docs`" if check and stale else 0)


if __name__ == "__main__":
    main()
