"""How values of the code are written down in Markdown."""

import inspect
import re
from typing import Any

import yaml
from editor_schemas import Schema

from acutance_models import Registry


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
