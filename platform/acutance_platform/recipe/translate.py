"""Pydantic's errors in our words: place, value, rule, way out."""

import difflib
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from acutance_models.errors import Problem as ModelProblem
from acutance_platform.recipe.errors import Problem

_RULES = {
    "missing": "this is required",
    "int_parsing": "a whole number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_parsing": "a number is needed",
    "float_type": "a number is needed",
    "finite_number": "a finite number is needed",
    "string_type": "text is needed",
    "bool_parsing": "true or false is needed",
    "bool_type": "true or false is needed",
    "dict_type": "a map of keys to values is needed",
    "model_type": "a map of keys to values is needed",
    "model_attributes_type": "a map of keys to values is needed",
    "list_type": "a list is needed",
    "tuple_type": "a list is needed",
    "union_tag_not_found": "`kind` is required",
    "too_short": "at least one is needed",
    "string_too_short": "text is needed",
}


def problems_of(
    error: ValidationError, model: type[BaseModel], prefix: str = "", *, also: Iterable[str] = ()
) -> list[Problem]:
    """Return one problem per place for everything that pydantic found in `model`'s input.

    Args:
        error: What pydantic raised.
        model: Of the input.
        prefix: Dotted path of the input.
        also: Keys that a file may have beside the model's own.
    """
    seen: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        problem = _problem(detail, model, prefix, also)
        seen.setdefault(problem.place, problem)
    return list(seen.values())


def unknown_key(place: str, key: str, known: Iterable[str]) -> Problem:
    """Return the problem of a key that does not exist, with the nearest one that does."""
    return unknown(place, "key", key, known)


def unknown(place: str, what: str, name: str, known: Iterable[str]) -> Problem:
    """Return the problem of a `what` that does not exist, with the nearest one that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return Problem(
        place, repr(name), f"there is no such {what}", f"{hint}Known: {', '.join(names)}."
    )


def _problem(
    detail: ErrorDetails, model: type[BaseModel], prefix: str, also: Iterable[str]
) -> Problem:
    location = _without_tags(detail["loc"], model)
    place = ".".join([prefix, *map(str, location)] if prefix else map(str, location))
    kind = detail["type"]
    if kind == "extra_forbidden":
        owner = _model_at(model, location[:-1])
        known = {*(owner.model_fields if owner else ()), *(also if len(location) == 1 else ())}
        known.discard(str(location[-1]))
        return unknown_key(place, str(location[-1]), known)
    if kind == "union_tag_invalid":
        tags = [tag.strip("' ") for tag in detail["ctx"]["expected_tags"].split(",")]
        return unknown(f"{place}.kind", "kind", str(detail["ctx"]["tag"]), tags)
    shown = "" if kind == "missing" else _short(detail["input"])
    rule = _RULES.get(kind) or _sentence(detail)
    return Problem(place, shown, rule, _way_out(model, location, kind))


def _sentence(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _way_out(model: type[BaseModel], location: Sequence[Any], kind: str) -> str:
    """Say what the field is; its docstring carries meaning and unit."""
    owner = _model_at(model, location[:-1])
    field = owner.model_fields.get(str(location[-1])) if owner and location else None
    verb = "Add it" if kind == "missing" else "Change it"
    if field is None or not field.description:
        return f"{verb}."
    return f"{verb}: {' '.join(field.description.split())}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation admits, through unions, lists and maps."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = typing.get_args(annotation)
    if isinstance(annotation, types.UnionType) or inner:
        return [model for part in inner for model in _models_in(part)]
    return []


def _model_at(model: type[BaseModel], location: Sequence[Any]) -> type[BaseModel] | None:
    """Return the model that stands at a location of `model`, if one does."""
    current: type[BaseModel] | None = model
    for part in location:
        if current is None:
            return None
        field = current.model_fields.get(str(part))
        if field is None:
            continue  # a key of a map or an index of a list: its model is the one already found
        models = _models_in(field.annotation)
        current = models[0] if models else None
    return current


def _without_tags(location: Sequence[Any], model: type[BaseModel]) -> tuple[Any, ...]:
    """Drop the union tags that pydantic puts into a location, such as `schedule.cosine.final`."""
    kept: list[Any] = []
    current: list[type[BaseModel]] = [model]
    for part in location:
        tags = {
            value
            for candidate in current
            if len(current) > 1 and "kind" in candidate.model_fields
            for value in typing.get_args(candidate.model_fields["kind"].annotation)
        }
        if part in tags:
            current = [
                candidate
                for candidate in current
                if part in typing.get_args(candidate.model_fields["kind"].annotation)
            ]
            continue
        fields = [c.model_fields[str(part)] for c in current if str(part) in c.model_fields]
        if fields:
            current = _models_in(fields[0].annotation)
        kept.append(part)
    return tuple(kept)


def registry_problems(found: Iterable[ModelProblem], place: str) -> list[Problem]:
    """Return a table's complaints as problems below `place`."""
    return [
        Problem(
            f"{place}.{item.path}" if item.path else place,
            "" if item.value is None else repr(item.value),
            item.rule.rstrip("."),
            item.way_out or "Change it.",
        )
        for item in found
    ]
