"""Recipe and sweep files: read, checked as a whole, their dataset pinned."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acutance_platform.recipe import (
    Document,
    Problem,
    Recipe,
    RecipeErrors,
    build_recipe,
    load_document,
    refuse,
    with_shares,
)
from acutance_platform.search.paths import is_below
from acutance_platform.search.schema import COSTS, STRUCTURE, Search, parse_search
from acutance_platform.search.space import Space
from acutance_platform.training import (
    dataset_problems,
    feature_problems,
    resolve_auto,
    room_problems,
)
from acutance_platform.verbs.constrained import initial_cost_problems
from acutance_platform.verbs.datasets import pin_dataset
from acutance_platform.verbs.draws import draw_problems
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.inits import pin_features, pin_init
from acutance_storage import ImageDataset, open_dataset

_FIXED = ("resources", "data.dataset", "evaluation", "checkpoint", "plugins", "scale", "seed")
"""Recipe paths that are one for a whole sweep: they decide where it runs and what is compared."""

_ASKED = tuple(cost for cost in COSTS if cost not in STRUCTURE)
"""Costs that reports tell where they are asked for."""


@dataclass(frozen=True)
class File:
    """A recipe or sweep file, complete."""

    path: Path
    """Where it was read from."""
    name: str
    """Name of the sweep or training unless another is given."""
    recipe: Recipe
    """With the dataset pinned and `auto` fields resolved for this machine."""
    search: Search | None
    """The search section; None in a recipe file."""
    question: str = ""
    """What the head comment of the file asks."""


def read_file(path: Path, sets: Iterable[str], home: Home) -> File:
    """Read a recipe or sweep file with all its problems reported at once.

    Raises:
        RecipeErrors: With every problem; places carry file and line.
    """
    document = load_document(path, sets)
    raw = dict(document.raw)
    section = raw.pop("search", None)
    problems: list[Problem] = []
    recipe = _recipe(raw, document, problems)
    search = None
    if "search" in document.raw:
        search = _search(section, raw if recipe is None else recipe.model_dump(), problems)
        recipe = _priced(recipe, search)
    if recipe is None or problems:
        raise RecipeErrors(document.placed(problems))
    recipe = pin_init(pin_dataset(recipe, document, home), document, home)
    asked = recipe.resources
    recipe = resolve_auto(pin_features(recipe, document, home), home.facts)
    recipe = with_shares(recipe, asked, sweep=search is not None)
    problems += room_problems(recipe, home.facts)
    dataset = open_dataset(home.store, recipe.data.dataset)
    lacking = dataset_problems(dataset, recipe)
    problems += lacking
    if search is None:
        problems += feature_problems(recipe, home.store)
    elif not lacking:  # each draw would only repeat it
        space = search.build_space()
        problems += draw_problems(space, recipe, lambda drawn: _missing(drawn, dataset, home))
        problems += initial_cost_problems(search, space, recipe)
    if problems:
        raise RecipeErrors(document.placed(problems))
    return File(path, _name(path, search), recipe, search, _question(path))


def _missing(recipe: Recipe, dataset: ImageDataset, home: Home) -> list[Problem]:
    """Return what the dataset or the store lacks for a recipe."""
    return [*dataset_problems(dataset, recipe), *feature_problems(recipe, home.store)]


def read_recipe(path: Path, sets: Iterable[str], home: Home) -> File:
    """Read a file that describes one training.

    Raises:
        RecipeErrors: Also if it is a sweep file.
    """
    file = read_file(path, sets, home)
    if file.search is not None:
        raise refuse(str(path), "search", "this is a sweep file", "Run `acutance sweep` with it.")
    return file


def read_sweep(path: Path, sets: Iterable[str], home: Home) -> tuple[File, Search]:
    """Read a file that describes a sweep.

    Raises:
        RecipeErrors: Also if it has no search section.
    """
    file = read_file(path, sets, home)
    if file.search is None:
        way_out = "Add one, or run `acutance train` with it."
        raise refuse(str(path), None, "a sweep file has a `search:` section", way_out)
    return file, file.search


def _recipe(raw: dict[str, Any], document: Document, problems: list[Problem]) -> Recipe | None:
    try:
        return build_recipe(raw)
    except RecipeErrors as error:
        problems += error.problems
        return None


def _search(section: Any, base: dict[str, Any], problems: list[Problem]) -> Search | None:
    try:
        search = parse_search(section, base)
        problems += _fixed_problems(search.build_space())
    except RecipeErrors as error:
        problems += error.problems
        return None
    return search


def _priced(recipe: Recipe | None, search: Search | None) -> Recipe | None:
    """Return the recipe with its reports telling every cost that the search names."""
    if recipe is None or search is None:
        return recipe
    named = {*search.objectives, *search.constraints}
    costs = [cost for cost in _ASKED if cost in named or cost in recipe.evaluation.costs]
    evaluation = recipe.evaluation.model_copy(update={"costs": costs})
    return recipe.model_copy(update={"evaluation": evaluation})


def _fixed_problems(space: Space) -> list[Problem]:
    return [
        Problem(
            leaf.place,
            leaf.path,
            "this is one for the whole sweep: it decides where trials run or what is compared",
            "Set it in the recipe.",
        )
        for leaf in space.written()
        if any(is_below(leaf.path, fixed) for fixed in _FIXED)
    ]


def _name(path: Path, search: Search | None) -> str:
    """Return the experiment folder's name for a sweep.yaml, else the file's own name."""
    return sweep_name(path) if search is not None else path.stem


def sweep_name(path: Path) -> str:
    """Return what a sweep is called whose file lies at `path`: its experiment folder's name."""
    return path.resolve().parent.name


def _question(path: Path) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        head, _, rest = line.removeprefix("#").strip().partition(":")
        if head == "Question":
            return rest.strip()
    return ""
