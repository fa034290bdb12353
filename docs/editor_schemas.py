"""JSON schemas of recipe and sweep files, for editors: completion, hints, misspelled keys.

They are looser than `acutance validate`: nothing is required, because `base:` may supply it, and
rules between two values are not in them.
"""

from collections.abc import Mapping
from typing import Any

from acutance_models import (
    DEGRADATIONS,
    GENERATORS,
    LOSSES,
    METRICS,
    PRESETS,
    PROTOCOLS,
    TERM_HEADS,
    Registry,
)
from acutance_platform.recipe import Recipe
from acutance_platform.search import Search
from acutance_platform.search.distributions import KINDS, NAMED
from acutance_platform.search.samplers import SAMPLERS
from acutance_platform.search.schedulers import SCHEDULERS

Schema = dict[str, Any]

_WHEN = {
    "type": "string",
    "description": "PATH OP LITERAL: drawn only where this holds; OP is == != < <= > or >=.",
}


def _ends(kind: str, description: str) -> Schema:
    items = {"type": kind}
    return {
        "type": "array",
        "items": items,
        "minItems": 2,
        "maxItems": 2,
        "description": description,
    }


DISTRIBUTIONS: dict[str, Schema] = {
    "choice": {
        "choice": {
            "type": "array",
            "minItems": 1,
            "description": "One of these values; a value may be a map that holds distributions.",
        },
    },
    "int": {
        "int": _ends("integer", "Smallest and largest whole number, both included."),
        "step": {"type": "integer", "minimum": 1, "description": "Distance of neighbours."},
        "log": {"type": "boolean", "description": "Whether the logarithm is uniform."},
    },
    "uniform": {
        "uniform": _ends("number", "Smallest and largest number, both included."),
        "step": {
            "type": ["number", "null"],
            "description": "Distance of neighbours; null = the continuum.",
        },
    },
    "log_uniform": {
        "log_uniform": _ends("number", "Smallest and largest number, above 0; log is uniform."),
        "step": {
            "type": ["number", "null"],
            "description": "Distance of neighbours; null = the continuum.",
        },
    },
    "simplex": {
        "simplex": {
            "type": "array",
            "minItems": 2,
            "items": {"type": "string"},
            "description": "Names of loss terms whose weights are drawn; the path is their map.",
        },
        "total": {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "What the weights add up to; 1 unless said.",
        },
        "sparse": {
            "type": "boolean",
            "description": "Whether a subset is drawn first; the other terms are absent.",
        },
    },
    "variants": {
        "variants": {
            "type": "object",
            "minProperties": 2,
            "additionalProperties": {"type": "object"},
            "description": "Label -> recipe path -> value; the entry's key is a name of your own, "
            "and trials show the label.",
        },
    },
}
"""Distribution -> properties beside `when`."""
assert set(DISTRIBUTIONS) == {*KINDS, *NAMED}


def recipe_schema() -> Schema:
    """Return the schema of a recipe file."""
    schema = Recipe.model_json_schema()
    parts: Schema = schema["$defs"]
    _put(schema, "generator", {"anyOf": [_generator(kind) for kind in GENERATORS]})
    steps = {"type": "array", "items": {"anyOf": _specs(DEGRADATIONS)}}
    _put(parts["Data"], "degradation", steps)
    (head,) = _specs(TERM_HEADS)
    of_term = {name: value for name, value in head["properties"].items() if name != "kind"}
    terms = {"anyOf": [_with(spec, **of_term) for spec in _specs(LOSSES)]}
    _put(parts["Stage"], "loss", {"type": "object", "additionalProperties": terms})
    name = {"type": "string", "description": "What its values are told by; its kind unless said."}
    metrics = [{"enum": METRICS.names()}, *(_with(spec, name=name) for spec in _specs(METRICS))]
    several = {"type": "array", "items": {"anyOf": metrics}, "minItems": 1}
    _put(parts["Evaluation"], "metrics", several)
    _put(parts["Evaluation"], "protocol", {"enum": sorted(PROTOCOLS)})
    base = {"type": "string", "description": "A recipe file that this one is merged over."}
    schema["properties"] = {"base": base, **schema["properties"]}
    return _headed(schema, "acutance recipe")


def sweep_schema() -> Schema:
    """Return the schema of a sweep file: a recipe with a `search` section."""
    recipe, search = recipe_schema(), Search.model_json_schema()
    parts = search.pop("$defs")
    nodes = [_closed({**properties, "when": _WHEN}) for properties in DISTRIBUTIONS.values()]
    space = {"type": "object", "additionalProperties": {"anyOf": nodes}}
    _put(search, "space", space)
    _put(search, "sampler", _named(SAMPLERS))
    _put(search, "scheduler", _named(SCHEDULERS))
    recipe["properties"]["search"] = {"$ref": "#/$defs/Search"}
    recipe["$defs"] |= {**parts, "Search": search}
    return _headed(recipe, "acutance sweep")


def _generator(kind: str) -> Schema:
    names = [name for name, preset in PRESETS.items() if preset.spec["kind"] == kind]
    return _with(GENERATORS.json_schema(kind), preset={"enum": sorted(names)})


def _specs(table: Registry[Any]) -> list[Schema]:
    return [table.json_schema(name) for name in table]


def _named(table: Registry[Any]) -> Schema:
    return {"anyOf": [{"enum": table.names()}, *_specs(table)]}


def _with(schema: Schema, **properties: Schema) -> Schema:
    return {**schema, "properties": {**schema["properties"], **properties}}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _put(part: Schema, name: str, content: Schema) -> None:
    """Replace what a property may hold; its description and default stay."""
    old = part["properties"][name]
    kept = {key: old[key] for key in ("description", "default") if key in old}
    part["properties"][name] = {**content, **kept}


def _headed(schema: Schema, title: str) -> Schema:
    loose: Schema = _loosened(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **loose,
        "title": title,
    }


def _loosened(node: Any) -> Any:
    """Return the schema without `required` and without pydantic's repetition of names."""
    if isinstance(node, list):
        return [_loosened(item) for item in node]
    if not isinstance(node, dict):
        return node
    dropped = {
        key
        for key in ("required", "title", "discriminator")
        if isinstance(node.get(key), list | str | dict) and not _is_property(node, key)
    }
    return {key: _loosened(value) for key, value in node.items() if key not in dropped}


def _is_property(node: Schema, key: str) -> bool:
    """Return whether `key` is a field of a recipe and no word of JSON schema."""
    return key != "required" and isinstance(node[key], dict) and "propertyName" not in node[key]
