"""Closed tables from names to constructors, whose signatures are their schemas.

What a recipe may say about a component is exactly what its constructor takes: names, types, ranges
(`Annotated[int, Field(ge=1)]`) and defaults are stated once, in the signature. There is no
decorator and no folder scan; a table is written out where it is defined.
"""

import difflib
import inspect
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar, get_type_hints

import pydantic

from acutance_models.errors import ModelsError, Problem, RegistryError

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of the components of one sort, e.g. all losses.

    Args:
        word: What one row is called in messages, e.g. "loss".
        context: Constructor arguments that come from the program and not from the spec, e.g.
            `scale`; they are left out of the schemas and handed to `build`.
        **table: Name in a spec -> constructor.

    Raises:
        RegistryError: If a constructor takes `*args`, `**kwargs`, positional-only or unannotated
            arguments, because then its signature says nothing.

    Example:
        >>> LOSSES = Registry("loss", l1=L1, charbonnier=Charbonnier)
        >>> LOSSES.resolve({"kind": "charbonnier"})
        {'kind': 'charbonnier', 'eps': 0.001}
    """

    def __init__(
        self, word: str, context: Collection[str] = (), /, **table: Callable[..., T]
    ) -> None:
        self.word = word
        self._context = frozenset(context)
        self._table: dict[str, Callable[..., T]] = {}
        self._schemas: dict[str, type[pydantic.BaseModel]] = {}
        for name, constructor in table.items():
            self.add(name, constructor)

    def __getitem__(self, name: str) -> Callable[..., T]:
        if name not in self._table:
            raise RegistryError([self._unknown("", name)])
        return self._table[name]

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._table)

    def names(self) -> list[str]:
        """Return the names of all rows, sorted."""
        return sorted(self._table)

    def add(self, name: str, constructor: Callable[..., T]) -> None:
        """Add one row, as a plug-in does.

        Raises:
            RegistryError: If the name is taken, or the signature cannot be a schema. The table is
                then unchanged.
        """
        if name in self._table:
            taken_by = f"{self._table[name].__module__}.{self._table[name].__qualname__}"
            rule = f"the {self.word} {name!r} exists already ({taken_by})."
            raise RegistryError([Problem("kind", name, rule, "Choose another name.")])
        self._schemas[name] = self._make_schema(name, constructor)
        self._table[name] = constructor

    def revision(self, name: str) -> int:
        """Return the integer that changes whenever results of this component change."""
        return int(getattr(self[name], "revision", 1))

    def schema(self, name: str) -> type[pydantic.BaseModel]:
        """Return the model that a spec of this kind must fit, without `kind` and context."""
        self[name]
        return self._schemas[name]

    def json_schema(self, name: str) -> dict[str, Any]:
        """Return the JSON schema of a complete spec of this kind, for editors and reference."""
        schema = self.schema(name).model_json_schema()
        properties = {"kind": {"const": name}, **schema.get("properties", {})}
        required = ["kind", *schema.get("required", [])]
        description = inspect.getdoc(self[name]) or ""
        return {**schema, "description": description, "properties": properties} | {
            "required": required
        }

    def validate(self, spec: object) -> list[Problem]:
        """Return everything wrong with a spec; nothing means that `build` can be called."""
        return self._check(spec)[1]

    def resolve(self, spec: object) -> dict[str, Any]:
        """Return the spec with its kind and every default filled in, as plain JSON values.

        Raises:
            RegistryError: With all problems at once.
        """
        resolved, problems = self._check(spec)
        if problems:
            raise RegistryError(problems)
        return resolved

    def build(self, spec: object, **context: Any) -> T:
        """Return the component that a spec describes.

        Args:
            spec: `{"kind": NAME, argument: value, ...}`.
            **context: Values for the context arguments; those that this constructor does not take
                are left out.

        Raises:
            RegistryError: If the spec does not fit, or the constructor refuses its values.
        """
        resolved = self.resolve(spec)
        kind = resolved.pop("kind")
        constructor = self._table[kind]
        wanted = inspect.signature(constructor).parameters
        given = {name: value for name, value in context.items() if name in wanted}
        arguments = {**_tuples(self._schemas[kind], resolved), **given}
        try:
            return constructor(**arguments)
        except RegistryError:
            raise
        except ModelsError as error:
            raise RegistryError([Problem("", kind, str(error))]) from error

    def _check(self, spec: object) -> tuple[dict[str, Any], list[Problem]]:
        if not isinstance(spec, Mapping) or "kind" not in spec:
            rule = f"a {self.word} is written {{kind: NAME, ...}}, got {spec!r}."
            known = f"Known kinds: {', '.join(self.names())}."
            return {}, [Problem("", spec, rule, known)]
        kind = spec["kind"]
        if not isinstance(kind, str) or kind not in self._table:
            return {}, [self._unknown("kind", kind)]
        arguments = {name: value for name, value in spec.items() if name != "kind"}
        schema = self._schemas[kind]
        try:
            # Strict JSON mode: "3" is no number and true is no 1, but a list may fill a tuple.
            model = schema.model_validate_json(json.dumps(arguments), strict=True)
        except pydantic.ValidationError as error:
            return {}, _problems(error, kind, schema, arguments)
        except TypeError as error:
            return {}, [Problem("", spec, f"{kind}: only plain values can be used: {error}.")]
        return {"kind": kind, **model.model_dump(mode="json")}, []

    def _unknown(self, path: str, name: object) -> Problem:
        known = f"Unknown {self.word} {name!r}; known: {', '.join(self.names())}."
        return Problem(path, name, known, _did_you_mean(name, self.names()))

    def _make_schema(self, name: str, constructor: Callable[..., T]) -> type[pydantic.BaseModel]:
        takes_hints = constructor.__init__ if inspect.isclass(constructor) else constructor
        hints = get_type_hints(takes_hints, include_extras=True)
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(constructor).parameters.values():
            if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                raise RegistryError([_no_schema(name, parameter.name, "has no fixed name")])
            if parameter.name not in hints:
                raise RegistryError([_no_schema(name, parameter.name, "has no annotation")])
            if parameter.name in self._context:
                continue
            required = parameter.default is parameter.empty
            default = ... if required else parameter.default
            fields[parameter.name] = (hints[parameter.name], default)
        config = pydantic.ConfigDict(
            extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
        )
        return pydantic.create_model(name, __config__=config, **fields)


def _no_schema(name: str, argument: str, reason: str) -> Problem:
    rule = f"the constructor of {name!r} cannot be a schema: its argument {argument!r} {reason}."
    return Problem(name, argument, rule, "Give every argument a name and a type.")


def _tuples(schema: type[pydantic.BaseModel], resolved: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments as Python values (tuples, not lists) instead of JSON ones."""
    model = schema.model_validate_json(json.dumps(resolved), strict=True)
    return {name: getattr(model, name) for name in resolved}


def _did_you_mean(name: object, known: Collection[str]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _as_number(text: str) -> str:
    """Return how YAML wants a number written that it took for text, e.g. 1e-3."""
    try:
        number = repr(float(text))
    except ValueError:
        return ""
    mantissa, e, exponent = number.partition("e")
    with_point = mantissa if "." in mantissa or not e else f"{mantissa}.0"
    return f"Write {with_point}{e}{exponent} (YAML takes 1e-3 and '1' for text, 1.0e-3 and 1 not)."


def _problems(
    error: pydantic.ValidationError,
    kind: str,
    schema: type[pydantic.BaseModel],
    arguments: Mapping[str, Any],
) -> list[Problem]:
    """Return one problem per place; what the branches of a union say is joined by "or"."""
    by_path: dict[str, list[Problem]] = {}
    for entry in error.errors(include_url=False):
        problem = _problem(entry, kind, schema, arguments)
        by_path.setdefault(problem.path, []).append(problem)
    problems = []
    for found in by_path.values():
        rules = list(dict.fromkeys(problem.rule for problem in found))
        if len(rules) > 1:
            heads = [rule.split(", got ")[0] for rule in rules]
            rules = [" or ".join([*heads[:-1], rules[-1]])]
        problems.append(replace(found[0], rule=rules[0]))
    return problems


def _problem(
    entry: Mapping[str, Any],
    kind: str,
    schema: type[pydantic.BaseModel],
    arguments: Mapping[str, Any],
) -> Problem:
    """Return one of pydantic's findings in our words."""
    path, value = _place(entry["loc"], arguments)
    if entry["type"] == "extra_forbidden":
        known = list(schema.model_fields)
        rule = f"{kind} has no argument {path!r}; it takes: {', '.join(known) or 'none'}."
        return Problem(path, value, rule, _did_you_mean(path, known))
    if entry["type"] == "missing":
        return Problem(path, None, f"{kind} needs this argument.", f"Add {path}.")
    way_out = ""
    if entry["type"] == "literal_error":
        way_out = _did_you_mean(value, re.findall("'([^']*)'", entry["ctx"]["expected"]))
    elif isinstance(value, str):
        way_out = _as_number(value)
    rule = entry["msg"][0].lower() + entry["msg"][1:]
    return Problem(path, value, f"{rule}, got {value!r}.", way_out)


def _place(location: tuple[int | str, ...], arguments: Any) -> tuple[str, Any]:
    """Return the dotted path that exists in the spec and what stands there.

    Pydantic appends the names of union branches to a location; these are cut off.
    """
    path = [str(location[0])] if location else []
    value = arguments.get(location[0]) if location else arguments
    for part in location[1:]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        path.append(str(part))
    return ".".join(path), value
