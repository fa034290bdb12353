"""YAML with places: read a file and its `base`, apply `--set`, remember where each value stood."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from acutance_platform.recipe.errors import Problem, RecipeErrors, refuse

_NUMBER = re.compile(r"^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)$")
_MAX_BYTES = 1_000_000


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads 1e-4 as a number (YAML 1.2) and refuses a key given twice."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))
# No recipe holds a date: what looks like one stays text, and a wrong one is no trouble.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


@dataclass
class Document:
    """A recipe or sweep file after `base` and `--set`, with the origin of each value."""

    raw: dict[str, Any]
    """The merged content."""
    path: Path
    """The file that was asked for."""
    places: dict[str, str] = field(default_factory=dict)
    """Dotted path -> `file:line`."""

    def place(self, dotted: str) -> str:
        """Return `file:line: dotted`, from the nearest place that is known."""
        parts = dotted.split(".") if dotted else []
        for end in range(len(parts), 0, -1):
            known = self.places.get(".".join(parts[:end]))
            if known:
                return f"{known}: {dotted}"
        return f"{self.path}: {dotted}" if dotted else str(self.path)

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return the problems with the file and line of each dotted path in front."""
        return [
            Problem(self.place(problem.place), problem.value, problem.rule, problem.way_out)
            for problem in problems
        ]


def load_document(path: Path, sets: Iterable[str] = ()) -> Document:
    """Read the file at `path`, merge it over its `base`, apply `path=value` settings.

    Raises:
        RecipeErrors: If the file cannot be read, is not a YAML map, or a setting is malformed.
    """
    document = _load(path, seen=())
    problems: list[Problem] = []
    for setting in sets:
        try:
            _apply_setting(document, setting)
        except RecipeErrors as error:
            problems += error.problems
    if problems:
        raise RecipeErrors(problems)
    return document


def set_path(raw: dict[str, Any], dotted: str, value: Any) -> None:
    """Set one dotted path in a nested map, making the maps on the way.

    Raises:
        RecipeErrors: If a value on the way is not a map.
    """
    *parents, last = dotted.split(".")
    node: Any = raw
    for depth, part in enumerate(parents):
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            above = ".".join(parents[: depth + 1])
            raise refuse(dotted, node, f"{above} is not a map", f"Set {above} as a whole instead.")
    node[last] = value


def get_path(raw: Mapping[str, Any], dotted: str) -> Any:
    """Return the value at a dotted path; KeyError where there is none."""
    node: Any = raw
    for part in dotted.split("."):
        node = node[part] if isinstance(node, Mapping) else _absent(dotted)
    return node


def _absent(dotted: str) -> Any:
    raise KeyError(dotted)


def _load(path: Path, seen: tuple[Path, ...]) -> Document:
    resolved = path.resolve()
    if resolved in seen:
        chain = " -> ".join(str(p) for p in (*seen, resolved))
        raise refuse(str(path), chain, "a file may not be its own base", "Break the circle.")
    document = _parse(path)
    base = document.raw.pop("base", None)
    if base is None:
        return document
    if not isinstance(base, str):
        raise refuse(
            document.place("base"), base, "base is a file's path", "Write base: ../base/NAME.yaml."
        )
    below = _load(path.parent / base, (*seen, resolved))
    merged = _merge(below.raw, document.raw, top=True)
    return Document(merged, path, {**below.places, **document.places})


def _parse(path: Path) -> Document:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise refuse(str(path), None, "a recipe has at most 1 MB", "Is this the right file?")
        text = path.read_text(encoding="utf-8")
        _Loader(text).dispose()  # refuses control characters
    except FileNotFoundError:
        raise refuse(
            str(path), None, "there is no such file", "Check the path, or run `acutance init`."
        ) from None
    except IsADirectoryError:
        raise refuse(str(path), None, "this is a folder", "Name the YAML file in it.") from None
    except (UnicodeDecodeError, ReaderError):
        raise refuse(str(path), None, "this is not a text file", "Name a YAML file.") from None
    except OSError as error:
        raise refuse(str(path), error.strerror, "the file cannot be read", "Mend that.") from None
    try:
        node = yaml.compose(text, _Loader)
        places: dict[str, str] = {}
        problems = _walk(node, "", path, places)
        if problems:
            raise RecipeErrors(problems)
        raw = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        said = getattr(error, "problem", None) or "not readable"
        raise refuse(
            where, said, "this is not YAML", "Mend the line; tabs may not indent."
        ) from None
    except RecursionError:
        raise refuse(str(path), None, "this is nested too deeply", "Flatten it.") from None
    except (ValueError, TypeError) as error:  # `!!int five` and the like
        way_out = "Take the tag out, or write a value of its type."
        raise refuse(str(path), str(error), "a value does not fit its tag", way_out) from None
    if raw is None:
        way_out = "Copy one from experiments/, or run `acutance init`."
        raise refuse(str(path), None, "this file is empty", way_out)
    if not isinstance(raw, dict):
        rule = "a recipe is a map of keys to values"
        raise refuse(str(path), raw, rule, "Write lines of `key: value`, as in experiments/.")
    return Document(raw, path, places)


def _walk(node: yaml.Node | None, prefix: str, path: Path, places: dict[str, str]) -> list[Problem]:
    """Note each value's line; return a problem for each key that is given twice."""
    problems: list[Problem] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            dotted = f"{prefix}.{key.value}" if prefix else str(key.value)
            line = key.start_mark.line + 1
            if dotted in places:
                place = f"{path}:{line}: {dotted}"
                problems.append(
                    Problem(place, "", "this key is given twice", "Keep one of the two.")
                )
            places[dotted] = f"{path}:{line}"
            problems += _walk(value, dotted, path, places)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            dotted = f"{prefix}.{index}"
            places[dotted] = f"{path}:{value.start_mark.line + 1}"
            problems += _walk(value, dotted, path, places)
    return problems


def _merge(below: dict[str, Any], above: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    """Merge maps key by key; lists and scalars replace, and so does `stages` as a whole.

    A component of another kind replaces as well: its arguments belong to its kind.
    """
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        whole = top and key == "stages"
        if isinstance(old, dict) and isinstance(value, dict) and not whole:
            other_kind = "kind" in value and value["kind"] != old.get("kind")
            merged[key] = value if other_kind else _merge(old, value)
        else:
            merged[key] = value
    return merged


def _apply_setting(document: Document, setting: str) -> None:
    dotted, equals, text = setting.partition("=")
    dotted = dotted.strip()
    if not equals or not dotted or not all(dotted.split(".")):
        raise refuse("--set", setting, "a setting is path=value", "Write --set optimizer.lr=1e-3.")
    try:
        value = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise refuse(f"--set {dotted}", text, "the value is not YAML", "Quote it.") from None
    try:
        set_path(document.raw, dotted, value)
    except RecipeErrors as error:
        raise RecipeErrors(replace(p, place=f"--set: {p.place}") for p in error.problems) from None
    document.places = {
        known: place
        for known, place in document.places.items()
        if known != dotted and not known.startswith(dotted + ".")
    }
    document.places[dotted] = "--set"
