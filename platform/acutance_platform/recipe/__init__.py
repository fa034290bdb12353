"""Recipes: what a training is, read from YAML, checked as a whole.

What looks at networks imports torch, which takes a second: those names come at their first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from acutance_platform.recipe.chain import Link, chain
from acutance_platform.recipe.document import Document, get_path, load_document, set_path
from acutance_platform.recipe.errors import Problem, RecipeErrors, refuse
from acutance_platform.recipe.ranks import rank_count, rank_threads
from acutance_platform.recipe.schema import (
    Group,
    Optimizer,
    Part,
    Recipe,
    Schedule,
    Spec,
    Stage,
    ZeroShot,
)
from acutance_platform.recipe.shares import with_shares
from acutance_platform.recipe.translate import problems_of, registry_problems, unknown_key

if TYPE_CHECKING:
    from acutance_platform.recipe.build import build_recipe
    from acutance_platform.recipe.metrics import resolve_metrics
    from acutance_platform.recipe.micro_batch import micro_batch_path
    from acutance_platform.recipe.plugins import load_plugins

_LATER = {
    "build_recipe": "build",
    "load_plugins": "plugins",
    "micro_batch_path": "micro_batch",
    "resolve_metrics": "metrics",
}
"""Name -> the module that has it."""

__all__ = [
    "Document",
    "Group",
    "Link",
    "Optimizer",
    "Part",
    "Problem",
    "Recipe",
    "RecipeErrors",
    "Schedule",
    "Spec",
    "Stage",
    "ZeroShot",
    "build_recipe",
    "chain",
    "get_path",
    "load_document",
    "load_plugins",
    "micro_batch_path",
    "problems_of",
    "rank_count",
    "rank_threads",
    "refuse",
    "registry_problems",
    "resolve_metrics",
    "set_path",
    "unknown_key",
    "with_shares",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
