"""Own networks, losses and metrics without a fork: modules whose `register(tables)` adds rows."""

import hashlib
import importlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from acutance_models import (
    DEGRADATIONS,
    DISCRIMINATORS,
    FEATURES,
    GENERATORS,
    LOSSES,
    METRICS,
)
from acutance_platform.recipe.errors import Problem, RecipeErrors


@dataclass(frozen=True)
class Tables:
    """The tables that a plug-in may add rows to, by `tables.generators.add(name, constructor)`."""

    generators: object = GENERATORS
    discriminators: object = DISCRIMINATORS
    features: object = FEATURES
    losses: object = LOSSES
    degradations: object = DEGRADATIONS
    metrics: object = METRICS


_registered: dict[str, str] = {}


def load_plugins(names: Iterable[str]) -> dict[str, str]:
    """Import each plug-in, let it register once, and return name -> SHA-256 of its source.

    Raises:
        RecipeErrors: If a module cannot be imported, has no `register`, or a row's name clashes.
    """
    problems = []
    for index, name in enumerate(names):
        if name in _registered:
            continue
        try:
            module = importlib.import_module(name)
            module.register(Tables())
        except Exception as error:  # a plug-in is foreign code: whatever it raises is its problem
            problems.append(_problem(index, name, error))
        else:
            _registered[name] = _source_hash(name)
    if problems:
        raise RecipeErrors(problems)
    return {name: _registered[name] for name in names}


def _problem(index: int, name: str, error: Exception) -> Problem:
    return Problem(
        f"plugins.{index}",
        repr(name),
        f"the plug-in could not be loaded: {type(error).__name__}: {error}",
        "It must be importable (on PYTHONPATH) and have a function register(tables).",
    )


def _source_hash(name: str) -> str:
    """Hash every Python file of the module or package, in a fixed order.

    A package of one file is hashed as the module of that content: nodes of a cluster are sent
    modules as packages, and keys have to be the same there.
    """
    spec = importlib.util.find_spec(name)
    digest = hashlib.sha256()
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    if not files and spec and spec.origin:
        files = [Path(spec.origin)]
    for file in files:
        alone = len(files) == 1 and file.name == "__init__.py"
        digest.update((f"{name.rpartition('.')[2]}.py" if alone else file.name).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
