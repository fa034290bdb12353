"""Recipes: what a training is, read from YAML, checked as a whole."""

from acutance_platform.recipe.build import build_recipe, registry_problems
from acutance_platform.recipe.document import Document, get_path, load_document, set_path
from acutance_platform.recipe.errors import Problem, RecipeErrors, refuse
from acutance_platform.recipe.plugins import load_plugins
from acutance_platform.recipe.schema import Optimizer, Part, Recipe, Schedule, Spec, Stage, ZeroShot
from acutance_platform.recipe.translate import problems_of, unknown_key

__all__ = [
    "Document",
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
    "get_path",
    "load_document",
    "load_plugins",
    "problems_of",
    "refuse",
    "registry_problems",
    "set_path",
    "unknown_key",
]
