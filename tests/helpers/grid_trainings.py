"""The trainings of an experiment's grid, one after the other in this process, without a cluster.

They stand under the same keys as those of `acutance sweep`, so that either takes up what the other
has computed.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from acutance_platform.recipe import Recipe, build_recipe
from acutance_platform.search.grid import grid_points
from acutance_platform.search.space import apply_to
from acutance_platform.search.table import parse_space
from acutance_platform.training import Report, Training, machine_kind
from acutance_platform.verbs.files import read_sweep
from acutance_platform.verbs.home import Home, open_home
from acutance_storage import open_store

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"


def grid_recipes(file: Path, home: Home, sets: Iterable[str] = ()) -> list[Recipe]:
    """Return the recipes of a sweep file's grid, in the order of its trials."""
    read, search = read_sweep(file, sets, home)
    base = read.recipe.model_dump(mode="json")
    points = grid_points(parse_space(search.space), base)
    return [build_recipe(apply_to(base, point.apply)) for point in points]


def train(recipe: Recipe, home: Home) -> list[Report]:
    """Train a recipe to its end, from wherever the store has it; return all its reports."""
    training = Training(
        recipe, store=home.store, local=home.local, machine=machine_kind(recipe),
        rungs=[recipe.steps], owner="grid",
    )  # fmt: skip
    while training.step < recipe.steps:
        training.advance()
    return training.reports


def campaign_home(folder: Path) -> Home:
    """Return the store of ACUTANCE_STORE, so that a broken campaign goes on, or a new one."""
    if "ACUTANCE_STORE" in os.environ:
        return open_home()
    return Home(open_store(folder / "store"), folder / "local")
