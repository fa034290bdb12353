"""Named variants: options that each set several recipe paths, shown by their labels alone."""

import copy
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from acutance_platform.recipe import Recipe
from acutance_platform.recipe.errors import Problem
from acutance_platform.search.distributions import Choice, is_distribution
from acutance_platform.search.paths import is_below, overlap, set_path

_NAME = re.compile(r"[^\W\d][\w -]*")
_EXAMPLE = (
    "Write for example variant: {variants: {with: {generator.attention: channel}, bare: {}}}."
)


@dataclass(frozen=True)
class Variants:
    """One choice between labelled options.

    Attributes:
        name: The entry's name, which is no recipe path.
        settings: Label -> recipe path -> value, in the order of the file; what a label does not
            name stays as the recipe has it.
    """

    name: str
    settings: Mapping[str, Mapping[str, Any]]

    @property
    def labels(self) -> Choice:
        """The distribution that is drawn."""
        return Choice(tuple(self.settings))

    @property
    def paths(self) -> tuple[str, ...]:
        """Every recipe path that some label sets."""
        return tuple(dict.fromkeys(path for each in self.settings.values() for path in each))

    def apply(self, recipe: dict[str, Any], label: str, absent: Collection[str]) -> list[str]:
        """Set what a label says and return its paths; nothing is set below the absent ones."""
        settings = self.settings[label]
        paths = [path for path in settings if not any(is_below(path, gone) for gone in absent)]
        for path in paths:
            set_path(recipe, path, copy.deepcopy(settings[path]))
        return paths

    def place(self, label: str, path: str = "") -> str:
        """Return where a label, or what it says of a path, stands in the file."""
        place = f"search.space.{self.name}.variants.{label}"
        return f"{place}.{path}" if path else place

    def places(self) -> Iterator[tuple[str, str]]:
        """Yield each path that a label sets, with where the file says so."""
        for label, settings in self.settings.items():
            yield from ((path, self.place(label, path)) for path in settings)


def parse_variants(
    name: str, node: dict[str, Any], place: str, problems: list[Problem]
) -> Variants | None:
    """Read `{variants: {LABEL: {PATH: VALUE, ...}, ...}}`; problems are added, then None."""
    found = list(_problems(name, node, place))
    problems += found
    return None if found else Variants(name, node["variants"])


def unknown_fields(variants: Variants, base: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem if the name is a field of the recipe, and for each path that leads to none.

    Args:
        variants: Any.
        base: The recipe around the space.
    """
    fields = dict.fromkeys([*Recipe.model_fields, *base])
    if variants.name in fields:
        rule = "variants stand under a name of their own, but this is a field of the recipe"
        way_out = "Choose another name; it is the heading under which trials show the label."
        yield Problem(f"search.space.{variants.name}", variants.name, rule, way_out)
    for label, settings in variants.settings.items():
        for path, value in settings.items():
            if path.split(".")[0] not in fields:
                rule = "a variant sets paths of the recipe"
                way_out = f"They start with {', '.join(fields)}."
                yield Problem(variants.place(label, path), str(value), rule, way_out)


def _problems(name: str, node: dict[str, Any], place: str) -> Iterator[Problem]:
    table = node["variants"]
    if not _NAME.fullmatch(name):
        rule = "variants stand under a name without dots: letters, digits, spaces, - and _"
        way_out = "Choose a name that is no recipe path; paths belong inside."
        yield Problem(place, name, rule, way_out)
    for extra in sorted(set(node) - {"variants", "when"}, key=str):
        rule = "variants know only when beside them"
        yield Problem(f"{place}.{extra}", str(node[extra]), rule, "Remove it.")
    place = f"{place}.variants"
    if not isinstance(table, dict) or len(table) < 2:
        rule = "variants map two or more labels to what each sets"
        yield Problem(place, str(table), rule, _EXAMPLE)
        return
    for label, settings in table.items():
        yield from _label_problems(label, settings, f"{place}.{label}")
    for (first, one), (second, other) in combinations(table.items(), 2):
        # repr tells 1 from true and from 1.0, which == does not.
        if isinstance(other, dict) and repr(_sorted(one)) == repr(_sorted(other)):
            rule = f"two variants differ in what they set, but {first} sets the same"
            yield Problem(f"{place}.{second}", str(other), rule, "Change or remove one of them.")


def _label_problems(label: Any, settings: Any, place: str) -> Iterator[Problem]:
    if not isinstance(label, str) or not label.strip():
        rule = "a label is text; YAML reads on, off, yes, no and numbers as something else"
        yield Problem(place, repr(label), rule, f"Put it in quotes: '{label}'.")
    if not isinstance(settings, dict):
        rule = "a variant maps recipe paths to values"
        yield Problem(place, str(settings), rule, "Write {} for the recipe as it is.")
        return
    paths = [path for path in settings if isinstance(path, str) and all(path.split("."))]
    for path in (path for path in settings if path not in paths):
        rule = "a path is names joined by single dots"
        yield Problem(f"{place}.{path}", str(path), rule, "Write for example generator.blocks.")
    for path in (path for path in paths if _draws(settings[path])):
        rule = "a variant sets values, it draws none"
        way_out = "Give it an entry of its own; `when: NAME == LABEL` draws it for this variant."
        yield Problem(f"{place}.{path}", str(settings[path]), rule, way_out)
    for first, second in combinations(paths, 2):
        if overlap(first, second):
            rule = f"a variant sets each path once, but {first} sets it too"
            way_out = "Write both as one map."
            yield Problem(f"{place}.{second}", str(settings[second]), rule, way_out)


def _draws(value: Any) -> bool:
    """Say whether a value holds a distribution."""
    if is_distribution(value):
        return True
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_draws, inside))


def _sorted(settings: Any) -> Any:
    return sorted(settings.items(), key=str) if isinstance(settings, dict) else settings
